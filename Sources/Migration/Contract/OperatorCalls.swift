/// Reads a job's counters; cheap at any size.
package struct GetIngestionJobStats: JobCall {
    package static let function = "get_ingestion_job_stats"

    package var job: JobID

    package init(job: JobID) { self.job = job }

    package typealias Answer = JobStats
}

/// Recounts a job's tables in one statement; for tests and `verify`.
package struct GetIngestionJobStatsExact: JobCall {
    package static let function = "get_ingestion_job_stats_exact"

    package var job: JobID

    package init(job: JobID) { self.job = job }

    package typealias Answer = JobStats
}

/// Pauses, resumes or cancels a job.
///
/// When pause or cancel has returned, no claim is committed any more.
package struct ControlIngestionJob: JobCall {
    package static let function = "control_ingestion_job"

    package var job: JobID
    package var action: Action
    /// The reason in the operator's words; stored.
    @ExplicitNull package var reason: String?

    package init(job: JobID, action: Action, reason: String?) {
        self.job = job
        self.action = action
        self.reason = reason
    }

    package struct Answer: Codable, Sendable, Equatable {
        package var result: Result
        /// The present status; nil when not found.
        package var status: JobStatus?

        package init(result: Result, status: JobStatus?) {
            self.result = result
            self.status = status
        }
    }

    /// What an operator may do.
    package enum Action: String, Codable, Sendable, CaseIterable {
        /// Hands out no more batches.
        case pause
        /// Hands them out again.
        case resume
        /// Ends the job; its points stay.
        case cancel
    }

    package enum Result: String, Codable, Sendable, CaseIterable {
        case applied
        /// The job had this status already.
        case unchanged
        /// Not allowed in this status.
        case refused
        case notFound = "not_found"
    }
}

/// Ends a job whose plan is complete and whose batches have all ended.
///
/// Every runner may call it.
package struct FinalizeIngestionJob: JobCall {
    package static let function = "finalize_ingestion_job"

    package var job: JobID

    package init(job: JobID) { self.job = job }

    package struct Answer: Codable, Sendable, Equatable {
        package var result: Result
        /// The present status; nil when not found.
        package var status: JobStatus?

        package init(result: Result, status: JobStatus?) {
            self.result = result
            self.status = status
        }
    }

    package enum Result: String, Codable, Sendable, CaseIterable {
        case finalized
        /// The job was final already.
        case already
        /// The plan is not complete, or batches are open.
        case notReady = "not_ready"
        case notFound = "not_found"
    }
}

/// Selects failures to requeue; every given condition must hold.
package struct RequeueFilter: Codable, Sendable, Equatable {
    package var batchNumbers: [Int]?
    package var recordIds: [RecordID]?
    package var stage: FailureStage?
    package var code: String?
    /// Only entries after this one: a batch number if batches are requeued, a record if records are.
    package var after: Int64?

    package init(
        batchNumbers: [Int]? = nil,
        recordIds: [RecordID]? = nil,
        stage: FailureStage? = nil,
        code: String? = nil,
        after: Int64? = nil
    ) {
        self.batchNumbers = batchNumbers
        self.recordIds = recordIds
        self.stage = stage
        self.code = code
        self.after = after
    }
}

/// The result of a requeue.
package struct RequeueAnswer: Codable, Sendable, Equatable {
    package var result: Result
    /// Batches that were opened again or made.
    package var batches: Int
    /// Records in them.
    package var records: Int
    /// Whether the limit was reached: call again with a new request id.
    package var more: Bool
    /// Where the next page begins, as `RequeueFilter.after`; nil if there is none, and from SQL before version 4.
    package var next: Int64?

    package init(result: Result, batches: Int, records: Int, more: Bool, next: Int64? = nil) {
        self.result = result
        self.batches = batches
        self.records = records
        self.more = more
        self.next = next
    }

    package enum Result: String, Codable, Sendable, CaseIterable {
        case applied
        /// This request id was applied before; its answer is repeated.
        case duplicate
        /// The job is cancelled.
        case refused
        /// The target has another open job.
        case conflict
        case notFound = "not_found"
    }
}

/// Opens failed batches again, whole or as single-record batches.
package struct RequeueFailedBatches: JobCall {
    package static let function = "requeue_failed_batches"

    package var job: JobID
    /// A UUID that makes a repeat harmless.
    package var requestId: String
    package var filter: RequeueFilter
    /// Whether each record becomes a batch of the next round.
    package var isolate: Bool
    /// 1…1000 batches per call.
    package var limit: Int

    package init(job: JobID, requestId: String, filter: RequeueFilter, isolate: Bool, limit: Int) {
        self.job = job
        self.requestId = requestId
        self.filter = filter
        self.isolate = isolate
        self.limit = limit
    }

    package typealias Answer = RequeueAnswer
}

/// Turns open dead letters of completed batches into batches of the next round.
package struct RequeueFailedRecords: JobCall {
    package static let function = "requeue_failed_records"

    package var job: JobID
    /// A UUID that makes a repeat harmless.
    package var requestId: String
    package var filter: RequeueFilter
    /// Records per new batch, 1…1000.
    package var batchSize: Int
    /// 1…10000 records per call.
    package var limit: Int

    package init(job: JobID, requestId: String, filter: RequeueFilter, batchSize: Int, limit: Int) {
        self.job = job
        self.requestId = requestId
        self.filter = filter
        self.batchSize = batchSize
        self.limit = limit
    }

    package typealias Answer = RequeueAnswer
}
