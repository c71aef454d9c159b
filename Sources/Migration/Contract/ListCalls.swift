/// Lists jobs, newest first.
package struct ListIngestionJobs: TrackingCall {
    package static let function = "list_ingestion_jobs"

    /// One job, or nil for all.
    @ExplicitNull package var job: JobID?
    /// Which rows; every given condition must hold.
    package var filter: Filter
    /// Go on below this job id.
    @ExplicitNull package var after: JobID?
    /// 1…1000 rows a page.
    package var limit: Int

    /// All fields, in order.
    package init(job: JobID?, filter: Filter, after: JobID?, limit: Int) {
        self.job = job
        self.filter = filter
        self.after = after
        self.limit = limit
    }

    /// One page.
    package struct Answer: Codable, Sendable, Equatable {
        /// At most `limit` rows, ordered by the key.
        package var rows: [JobSummary]
        /// The key to go on after; nil at the end.
        package var next: JobID?

        /// All fields, in order.
        package init(rows: [JobSummary], next: JobID?) {
            self.rows = rows
            self.next = next
        }
    }

    /// Which rows.
    package struct Filter: Codable, Sendable, Equatable {
        /// Only jobs of this target.
        package var targetKey: String?
        /// Only open jobs, or only ended ones.
        package var open: Bool?
        /// Only jobs into this collection, whatever their table: those whose configuration has it as `collection`.
        package var collection: String?

        /// All fields, in order.
        package init(targetKey: String? = nil, open: Bool? = nil, collection: String? = nil) {
            self.targetKey = targetKey
            self.open = open
            self.collection = collection
        }
    }
}

/// Lists a job's batches by number.
package struct ListIngestionBatches: TrackingCall {
    package static let function = "list_ingestion_batches"

    /// The job.
    package var job: JobID
    /// Which rows; every given condition must hold.
    package var filter: Filter
    /// Go on above this batch number.
    @ExplicitNull package var after: Int?
    /// 1…1000 rows a page.
    package var limit: Int

    /// All fields, in order.
    package init(job: JobID, filter: Filter, after: Int?, limit: Int) {
        self.job = job
        self.filter = filter
        self.after = after
        self.limit = limit
    }

    /// One page.
    package struct Answer: Codable, Sendable, Equatable {
        /// At most `limit` rows, ordered by the key.
        package var rows: [BatchSummary]
        /// The key to go on after; nil at the end.
        package var next: Int?

        /// All fields, in order.
        package init(rows: [BatchSummary], next: Int?) {
            self.rows = rows
            self.next = next
        }
    }

    /// Which rows.
    package struct Filter: Codable, Sendable, Equatable {
        /// Only batches in this status.
        package var status: BatchStatus?
        /// Only these batches.
        package var batchNumbers: [Int]?
        /// Only batches that a requeue has made, or only those planned from the source.
        package var requeued: Bool?

        /// All fields, in order.
        package init(status: BatchStatus? = nil, batchNumbers: [Int]? = nil, requeued: Bool? = nil) {
            self.status = status
            self.batchNumbers = batchNumbers
            self.requeued = requeued
        }
    }
}

/// Lists a job's dead letters by record id.
package struct ListIngestionFailures: TrackingCall {
    package static let function = "list_ingestion_failures"

    /// The job.
    package var job: JobID
    /// Which rows; every given condition must hold.
    package var filter: Filter
    /// Go on above this record id.
    @ExplicitNull package var after: RecordID?
    /// 1…1000 rows a page.
    package var limit: Int

    /// All fields, in order.
    package init(job: JobID, filter: Filter, after: RecordID?, limit: Int) {
        self.job = job
        self.filter = filter
        self.after = after
        self.limit = limit
    }

    /// One page.
    package struct Answer: Codable, Sendable, Equatable {
        /// At most `limit` rows, ordered by the key.
        package var rows: [FailureSummary]
        /// The key to go on after; nil at the end.
        package var next: RecordID?

        /// All fields, in order.
        package init(rows: [FailureSummary], next: RecordID?) {
            self.rows = rows
            self.next = next
        }
    }

    /// Which rows.
    package struct Filter: Codable, Sendable, Equatable {
        /// Only open ones, or only resolved ones.
        package var open: Bool?
        /// Only this stage.
        package var stage: FailureStage?
        /// Only this code.
        package var code: String?
        /// Only these batches.
        package var batchNumbers: [Int]?

        /// All fields, in order.
        package init(open: Bool? = nil, stage: FailureStage? = nil, code: String? = nil, batchNumbers: [Int]? = nil) {
            self.open = open
            self.stage = stage
            self.code = code
            self.batchNumbers = batchNumbers
        }
    }
}

/// Lists a job's history, where it is recorded.
package struct ListIngestionEvents: TrackingCall {
    package static let function = "list_ingestion_events"

    /// The job.
    package var job: JobID
    /// Which rows; every given condition must hold.
    package var filter: Filter
    /// Go on above this event id; below it where the newest come first.
    @ExplicitNull package var after: Int64?
    /// 1…1000 rows a page.
    package var limit: Int

    /// All fields, in order.
    package init(job: JobID, filter: Filter, after: Int64?, limit: Int) {
        self.job = job
        self.filter = filter
        self.after = after
        self.limit = limit
    }

    /// One page.
    package struct Answer: Codable, Sendable, Equatable {
        /// At most `limit` rows, ordered by the key.
        package var rows: [EventSummary]
        /// The key to go on after; nil at the end.
        package var next: Int64?

        /// All fields, in order.
        package init(rows: [EventSummary], next: Int64?) {
            self.rows = rows
            self.next = next
        }
    }

    /// Which rows.
    package struct Filter: Codable, Sendable, Equatable {
        /// Only these batches.
        package var batchNumbers: [Int]?
        /// Only this kind.
        package var kind: String?
        /// Whether the newest come first.
        package var newest: Bool?

        /// All fields, in order.
        package init(batchNumbers: [Int]? = nil, kind: String? = nil, newest: Bool? = nil) {
            self.batchNumbers = batchNumbers
            self.kind = kind
            self.newest = newest
        }
    }
}
