/// Lists jobs, newest first.
package struct ListIngestionJobs: TrackingCall {
    package static let function = "list_ingestion_jobs"

    /// One job, or nil for all.
    @ExplicitNull package var job: JobID?
    package var filter: Filter
    /// Continue below this job id.
    @ExplicitNull package var after: JobID?
    /// 1…1000 rows per page.
    package var limit: Int

    package init(job: JobID?, filter: Filter, after: JobID?, limit: Int) {
        self.job = job
        self.filter = filter
        self.after = after
        self.limit = limit
    }

    package var namedJob: JobID? { job }

    package typealias Answer = ListPage<JobSummary, JobID>

    /// Every given condition must hold.
    package struct Filter: Codable, Sendable, Equatable {
        package var targetKey: String?
        /// Only open jobs, or only ended ones.
        package var open: Bool?
        /// Only jobs into this collection, whatever their table: those with this `collection` in their configuration.
        package var collection: String?

        package init(targetKey: String? = nil, open: Bool? = nil, collection: String? = nil) {
            self.targetKey = targetKey
            self.open = open
            self.collection = collection
        }
    }
}

/// Lists a job's batches by number.
package struct ListIngestionBatches: JobCall {
    package static let function = "list_ingestion_batches"

    package var job: JobID
    package var filter: Filter
    /// Continue above this batch number.
    @ExplicitNull package var after: Int?
    /// 1…1000 rows per page.
    package var limit: Int

    package init(job: JobID, filter: Filter, after: Int?, limit: Int) {
        self.job = job
        self.filter = filter
        self.after = after
        self.limit = limit
    }

    package typealias Answer = ListPage<BatchSummary, Int>

    /// Every given condition must hold.
    package struct Filter: Codable, Sendable, Equatable {
        package var status: BatchStatus?
        package var batchNumbers: [Int]?
        /// Only batches that a requeue has made, or only those planned from the source.
        package var requeued: Bool?

        package init(status: BatchStatus? = nil, batchNumbers: [Int]? = nil, requeued: Bool? = nil) {
            self.status = status
            self.batchNumbers = batchNumbers
            self.requeued = requeued
        }
    }
}

/// Lists a job's dead letters by record id.
package struct ListIngestionFailures: JobCall {
    package static let function = "list_ingestion_failures"

    package var job: JobID
    package var filter: Filter
    /// Continue above this record id.
    @ExplicitNull package var after: RecordID?
    /// 1…1000 rows per page.
    package var limit: Int

    package init(job: JobID, filter: Filter, after: RecordID?, limit: Int) {
        self.job = job
        self.filter = filter
        self.after = after
        self.limit = limit
    }

    package typealias Answer = ListPage<FailureSummary, RecordID>

    /// Every given condition must hold.
    package struct Filter: Codable, Sendable, Equatable {
        /// Only open ones, or only resolved ones.
        package var open: Bool?
        package var stage: FailureStage?
        package var code: String?
        package var batchNumbers: [Int]?

        package init(open: Bool? = nil, stage: FailureStage? = nil, code: String? = nil, batchNumbers: [Int]? = nil) {
            self.open = open
            self.stage = stage
            self.code = code
            self.batchNumbers = batchNumbers
        }
    }
}

/// Lists a job's events, if they are recorded.
package struct ListIngestionEvents: JobCall {
    package static let function = "list_ingestion_events"

    package var job: JobID
    package var filter: Filter
    /// Continue above this event id, or below it if the newest come first.
    @ExplicitNull package var after: Int64?
    /// 1…1000 rows per page.
    package var limit: Int

    package init(job: JobID, filter: Filter, after: Int64?, limit: Int) {
        self.job = job
        self.filter = filter
        self.after = after
        self.limit = limit
    }

    package typealias Answer = ListPage<EventSummary, Int64>

    /// Every given condition must hold.
    package struct Filter: Codable, Sendable, Equatable {
        package var batchNumbers: [Int]?
        package var kind: String?
        /// Whether the newest come first.
        package var newest: Bool?

        package init(batchNumbers: [Int]? = nil, kind: String? = nil, newest: Bool? = nil) {
            self.batchNumbers = batchNumbers
            self.kind = kind
            self.newest = newest
        }
    }
}
