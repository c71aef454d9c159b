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
/// Once pause or cancel has returned, no claim commits.
package struct ControlIngestionJob: JobCall {
    package static let function = "control_ingestion_job"

    package var job: JobID
    package var action: Action
    /// Why, in the operator's words; kept.
    @ExplicitNull package var reason: String?

    package init(job: JobID, action: Action, reason: String?) {
        self.job = job
        self.action = action
        self.reason = reason
    }

    package struct Answer: Codable, Sendable, Equatable {
        package var result: Result
        /// The status now; nil when not found.
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
        /// It was so already.
        case unchanged
        /// Not from this status.
        case refused
        case notFound = "not_found"
    }
}

/// Ends a job that is sealed and drained.
///
/// Anyone may call it.
package struct FinalizeIngestionJob: JobCall {
    package static let function = "finalize_ingestion_job"

    package var job: JobID

    package init(job: JobID) { self.job = job }

    package struct Answer: Codable, Sendable, Equatable {
        package var result: Result
        /// The status now; nil when not found.
        package var status: JobStatus?

        package init(result: Result, status: JobStatus?) {
            self.result = result
            self.status = status
        }
    }

    package enum Result: String, Codable, Sendable, CaseIterable {
        case finalized
        /// It was final.
        case already
        /// Not sealed, or batches are open.
        case notReady = "not_ready"
        case notFound = "not_found"
    }
}

/// Which failures to requeue; every given condition must hold.
package struct RequeueFilter: Codable, Sendable, Equatable {
    package var batchNumbers: [Int]?
    package var recordIds: [RecordID]?
    package var stage: FailureStage?
    package var code: String?
    /// Only what comes after this one: a batch number where batches are requeued, a record where records are.
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

/// What a requeue did.
package struct RequeueAnswer: Codable, Sendable, Equatable {
    package var result: Result
    /// Batches opened again or made.
    package var batches: Int
    /// Records in them.
    package var records: Int
    /// Whether the limit cut it short: call again with a new request id.
    package var more: Bool
    /// Where the next page goes on, as `RequeueFilter.after`; nil where there is none, and from SQL of before version 4.
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
        /// This request id was applied already; its answer again.
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
    /// A UUID: makes a repeat harmless.
    package var requestId: String
    package var filter: RequeueFilter
    /// Each record becomes a batch of the next round.
    package var isolate: Bool
    /// 1…1000 batches a call.
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
    /// A UUID: makes a repeat harmless.
    package var requestId: String
    package var filter: RequeueFilter
    /// Records a new batch, 1…1000.
    package var batchSize: Int
    /// 1…10000 records a call.
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
