/// A job's counters, or the recount of its tables.
package struct JobStats: Codable, Sendable, Equatable {
    /// Whether there is such a job.
    package var result: Result
    /// The job; nil when not found.
    package var job: JobSummary?
    /// Batches waiting.
    package var pending: Int
    /// Batches under a lease.
    package var processing: Int
    /// Batches done.
    package var completed: Int
    /// Batches given up.
    package var failed: Int
    /// Records processed, of ended batches.
    package var processed: Int64
    /// Records skipped, of ended batches.
    package var skipped: Int64
    /// Records failed, of ended batches.
    package var failedRecords: Int64
    /// Records missing, of ended batches.
    package var missing: Int64
    /// Claims ever.
    package var claims: Int64
    /// Budgeted retries ever.
    package var retries: Int64
    /// Attempts ended by the reaper.
    package var reaps: Int64
    /// Attempts released.
    package var releases: Int64
    /// Attempts deferred.
    package var defers: Int64
    /// Records ever given up for a reason that is not in their content; a requeue does not lower it.
    package var serviceFailures: Int64
    /// `serviceFailures` when the job was last resumed or requeued.
    package var serviceFailuresBaseline: Int64
    /// Records whose points were ever deleted because the record is gone or blank.
    package var removed: Int64
    /// `removed` when the job was last resumed or requeued.
    package var removedBaseline: Int64
    /// Tokens that the ends of attempts have reported as billed; what dead workers paid is unknown and not among them.
    package var billedTokens: Int64
    /// Their price when they were billed, in billionths of a dollar.
    package var billedNanodollars: Int64
    /// Only from the recount: whether the counters equal it.
    package var equal: Bool?

    /// All fields, in order.
    package init(
        result: Result,
        job: JobSummary?,
        pending: Int,
        processing: Int,
        completed: Int,
        failed: Int,
        processed: Int64,
        skipped: Int64,
        failedRecords: Int64,
        missing: Int64,
        claims: Int64,
        retries: Int64,
        reaps: Int64,
        releases: Int64,
        defers: Int64,
        serviceFailures: Int64 = 0,
        serviceFailuresBaseline: Int64 = 0,
        removed: Int64 = 0,
        removedBaseline: Int64 = 0,
        billedTokens: Int64 = 0,
        billedNanodollars: Int64 = 0,
        equal: Bool?
    ) {
        self.result = result
        self.job = job
        self.pending = pending
        self.processing = processing
        self.completed = completed
        self.failed = failed
        self.processed = processed
        self.skipped = skipped
        self.failedRecords = failedRecords
        self.missing = missing
        self.claims = claims
        self.retries = retries
        self.reaps = reaps
        self.releases = releases
        self.defers = defers
        self.serviceFailures = serviceFailures
        self.serviceFailuresBaseline = serviceFailuresBaseline
        self.removed = removed
        self.removedBaseline = removedBaseline
        self.billedTokens = billedTokens
        self.billedNanodollars = billedNanodollars
        self.equal = equal
    }

    /// Whether there is such a job.
    package enum Result: String, Codable, Sendable, CaseIterable {
        /// There is.
        case ok
        /// There is not.
        case notFound = "not_found"
    }
}

/// Reads a job's counters; cheap at any size.
package struct GetIngestionJobStats: TrackingCall {
    package static let function = "get_ingestion_job_stats"

    /// The job.
    package var job: JobID

    /// All fields, in order.
    package init(job: JobID) {
        self.job = job
    }

    package typealias Answer = JobStats
}

/// Recounts a job's tables in one statement; for tests and `verify`.
package struct GetIngestionJobStatsExact: TrackingCall {
    package static let function = "get_ingestion_job_stats_exact"

    /// The job.
    package var job: JobID

    /// All fields, in order.
    package init(job: JobID) {
        self.job = job
    }

    package typealias Answer = JobStats
}

/// Pauses, resumes or cancels a job.
///
/// Once pause or cancel has returned, no claim commits.
package struct ControlIngestionJob: TrackingCall {
    package static let function = "control_ingestion_job"

    /// The job.
    package var job: JobID
    /// What to do.
    package var action: Action
    /// Why, in the operator's words; kept.
    @ExplicitNull package var reason: String?

    /// All fields, in order.
    package init(job: JobID, action: Action, reason: String?) {
        self.job = job
        self.action = action
        self.reason = reason
    }

    /// What became of it.
    package struct Answer: Codable, Sendable, Equatable {
        /// Whether it was applied.
        package var result: Result
        /// The status now; nil when not found.
        package var status: JobStatus?

        /// All fields, in order.
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

    /// What became of an operator's wish.
    package enum Result: String, Codable, Sendable, CaseIterable {
        /// Done.
        case applied
        /// It was so already.
        case unchanged
        /// Not from this status.
        case refused
        /// There is no such job.
        case notFound = "not_found"
    }
}

/// Ends a job that is sealed and drained.
///
/// Anyone may call it.
package struct FinalizeIngestionJob: TrackingCall {
    package static let function = "finalize_ingestion_job"

    /// The job.
    package var job: JobID

    /// All fields, in order.
    package init(job: JobID) {
        self.job = job
    }

    /// What became of it.
    package struct Answer: Codable, Sendable, Equatable {
        /// Whether the job is final.
        package var result: Result
        /// The status now; nil when not found.
        package var status: JobStatus?

        /// All fields, in order.
        package init(result: Result, status: JobStatus?) {
            self.result = result
            self.status = status
        }
    }

    /// What became of finalising.
    package enum Result: String, Codable, Sendable, CaseIterable {
        /// Done now.
        case finalized
        /// It was final.
        case already
        /// Not sealed, or batches are open.
        case notReady = "not_ready"
        /// There is no such job.
        case notFound = "not_found"
    }
}

/// Which failures to requeue; every given condition must hold.
package struct RequeueFilter: Codable, Sendable, Equatable {
    /// Only these batches.
    package var batchNumbers: [Int]?
    /// Only these records.
    package var recordIds: [RecordID]?
    /// Only failures of this stage.
    package var stage: FailureStage?
    /// Only failures with this code.
    package var code: String?
    /// Only what comes after this one: a batch number where batches are requeued, a record where records are.
    package var after: Int64?

    /// All fields, in order.
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
    /// Whether it was applied.
    package var result: Result
    /// Batches opened again or made.
    package var batches: Int
    /// Records in them.
    package var records: Int
    /// Whether the limit cut it short: call again with a new request id.
    package var more: Bool
    /// Where the next page goes on, as `RequeueFilter.after`; nil where there is none, and from SQL of before version 4.
    package var next: Int64?

    /// All fields, in order.
    package init(result: Result, batches: Int, records: Int, more: Bool, next: Int64? = nil) {
        self.result = result
        self.batches = batches
        self.records = records
        self.more = more
        self.next = next
    }

    /// What became of a requeue.
    package enum Result: String, Codable, Sendable, CaseIterable {
        /// Done.
        case applied
        /// This request id was applied already; its answer again.
        case duplicate
        /// The job is cancelled.
        case refused
        /// The target has another open job.
        case conflict
        /// There is no such job.
        case notFound = "not_found"
    }
}

/// Opens failed batches again, whole or as single-record batches.
package struct RequeueFailedBatches: TrackingCall {
    package static let function = "requeue_failed_batches"

    /// The job.
    package var job: JobID
    /// A UUID: makes a repeat harmless.
    package var requestId: String
    /// Which batches.
    package var filter: RequeueFilter
    /// Each record becomes a batch of the next round.
    package var isolate: Bool
    /// 1…1000 batches a call.
    package var limit: Int

    /// All fields, in order.
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
package struct RequeueFailedRecords: TrackingCall {
    package static let function = "requeue_failed_records"

    /// The job.
    package var job: JobID
    /// A UUID: makes a repeat harmless.
    package var requestId: String
    /// Which records.
    package var filter: RequeueFilter
    /// Records a new batch, 1…1000.
    package var batchSize: Int
    /// 1…10000 records a call.
    package var limit: Int

    /// All fields, in order.
    package init(job: JobID, requestId: String, filter: RequeueFilter, batchSize: Int, limit: Int) {
        self.job = job
        self.requestId = requestId
        self.filter = filter
        self.batchSize = batchSize
        self.limit = limit
    }

    package typealias Answer = RequeueAnswer
}
