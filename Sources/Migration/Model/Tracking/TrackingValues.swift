/// What may happen to a job now.
package enum JobStatus: String, Codable, Sendable, CaseIterable {
    /// Opened, not started: claims are refused.
    case pending
    /// Batches are handed out.
    case running
    /// No batch is handed out until somebody resumes.
    case paused
    /// Final: no batch failed. There may still be dead letters.
    case completed
    /// Final until a requeue: at least one batch failed.
    case failed
    /// Final: an operator ended it.
    case cancelled
}

extension JobStatus {
    /// An open job: at most one exists for a target.
    package var isOpen: Bool { self == .pending || self == .running || self == .paused }
}

/// Where a batch stands.
package enum BatchStatus: String, Codable, Sendable, CaseIterable {
    /// Waiting to be claimed, now or later.
    case pending
    /// Under a lease.
    case processing
    /// Done; changes only through a requeue of its failed records.
    case completed
    /// The retry budget is used up.
    case failed
}

/// How a worker ends an attempt.
package enum BatchOutcome: String, Codable, Sendable, CaseIterable {
    /// Every record is accounted for.
    case completed
    /// The attempt failed: uses one retry of the budget.
    case failed
    /// Given back, available now; the budget is untouched.
    case released = "release"
    /// Given back, available later; the budget is untouched.
    case deferred = "defer"
}

/// The step at which a record was given up.
package enum FailureStage: String, Codable, Sendable, CaseIterable {
    case fetch
    case decode
    case chunk
    case embed
    case upsert
    case batch
}

/// What all workers of a job must agree on; stored with the job when it is opened.
package struct JobSettings: Codable, Sendable, Equatable {
    /// The retry budget of a batch.
    package var maxRetries: Int
    /// Seconds a lease lasts without a heartbeat.
    package var leaseSeconds: Int
    /// Seconds from the claim to the deadline.
    package var batchTimeoutSeconds: Int
    /// Seconds of the first backoff.
    package var backoffBaseSeconds: Int
    /// Seconds that no backoff exceeds.
    package var backoffCapSeconds: Int
    /// Whether each transition is appended to `ingestion_event`.
    package var recordEvents: Bool

    /// All fields, in order.
    package init(
        maxRetries: Int,
        leaseSeconds: Int,
        batchTimeoutSeconds: Int,
        backoffBaseSeconds: Int = 30,
        backoffCapSeconds: Int = 1800,
        recordEvents: Bool = true
    ) {
        self.maxRetries = maxRetries
        self.leaseSeconds = leaseSeconds
        self.batchTimeoutSeconds = batchTimeoutSeconds
        self.backoffBaseSeconds = backoffBaseSeconds
        self.backoffCapSeconds = backoffCapSeconds
        self.recordEvents = recordEvents
    }
}

/// What became of the records of one batch; the four sum to its record count when it ends.
package struct BatchCounts: Codable, Sendable, Equatable {
    /// Records whose points are all present, unchanged ones included.
    package var processed: Int
    /// Records with blank content.
    package var skipped: Int
    /// Records given up, each with a failure.
    package var failed: Int
    /// Records that had vanished from the source.
    package var missing: Int

    /// All fields, in order.
    package init(processed: Int = 0, skipped: Int = 0, failed: Int = 0, missing: Int = 0) {
        self.processed = processed
        self.skipped = skipped
        self.failed = failed
        self.missing = missing
    }
}

extension BatchCounts {
    /// Records accounted for.
    package var total: Int { processed + skipped + failed + missing }

    /// The counts of two lists of records together.
    package static func + (left: BatchCounts, right: BatchCounts) -> BatchCounts {
        BatchCounts(
            processed: left.processed + right.processed,
            skipped: left.skipped + right.skipped,
            failed: left.failed + right.failed,
            missing: left.missing + right.missing
        )
    }
}

/// A record that could not be migrated, and why; never its text.
package struct FailedRecord: Codable, Sendable, Equatable {
    /// The record's id.
    package var recordId: RecordID
    /// The step that failed.
    package var stage: FailureStage
    /// A short stable word for machines, for example `too_long`.
    package var code: String
    /// A sentence for people, at most 500 characters.
    package var message: String
    /// Whether a retry without a change of the record is pointless.
    package var permanent: Bool

    /// All fields, in order.
    package init(recordId: RecordID, stage: FailureStage, code: String, message: String, permanent: Bool) {
        self.recordId = recordId
        self.stage = stage
        self.code = code
        self.message = message
        self.permanent = permanent
    }
}

/// Why an attempt failed as a whole.
package struct BatchError: Codable, Sendable, Equatable {
    /// A short stable word for machines, for example `deadline`.
    package var code: String
    /// A sentence for people, at most 500 characters.
    package var message: String

    /// All fields, in order.
    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// A batch under our lease.
package struct ClaimedBatch: Codable, Sendable, Equatable {
    /// Dense from 0 within the job.
    package var batchNumber: Int
    /// The fence: +1 at each claim.
    package var attempt: Int
    /// Budgeted retries so far.
    package var retryCount: Int
    /// Exactly these records, ascending.
    package var recordIds: [RecordID]
    /// Milliseconds until the lease runs out, by the database clock.
    package var leaseMs: Int
    /// Milliseconds until the deadline, by the database clock.
    package var deadlineMs: Int

    /// All fields, in order.
    package init(batchNumber: Int, attempt: Int, retryCount: Int, recordIds: [RecordID], leaseMs: Int, deadlineMs: Int)
    {
        self.batchNumber = batchNumber
        self.attempt = attempt
        self.retryCount = retryCount
        self.recordIds = recordIds
        self.leaseMs = leaseMs
        self.deadlineMs = deadlineMs
    }
}

/// A hint for the next claim: nothing claimable sorts before it.
///
/// Opaque to clients, who only hand it back.
package struct ClaimFloor: Codable, Sendable, Equatable {
    /// A database timestamp, as text.
    package var nextRetryAt: String
    /// The batch number beside it.
    package var batchNumber: Int

    /// All fields, in order.
    package init(nextRetryAt: String, batchNumber: Int) {
        self.nextRetryAt = nextRetryAt
        self.batchNumber = batchNumber
    }
}

/// A job as the store describes it to people and to controllers.
package struct JobSummary: Codable, Sendable, Equatable {
    /// The job's id.
    package var id: JobID
    /// Names the pair of source table and collection.
    package var targetKey: String
    /// What may happen to the job now.
    package var status: JobStatus
    /// SHA-256 of what shapes the written points.
    package var configHash: String
    /// The values behind the hash, and `limit` where the job has one.
    package var config: [String: String]
    /// What all workers agree on.
    package var settings: JobSettings
    /// Last planned id; nil before the first page.
    package var planCursor: RecordID?
    /// Highest id that is planned; nil until sealed.
    package var planUpper: RecordID?
    /// Whether the plan is complete.
    package var sealed: Bool
    /// Number of the next planned batch.
    package var nextBatchNumber: Int
    /// Batches planned so far, later rounds included.
    package var totalBatches: Int
    /// Records planned so far; exact.
    package var totalRecords: Int64
    /// Rows the source counted when the plan was sealed; for the report only.
    package var sourceCount: Int64?
    /// Highest round of any requeue.
    package var currentRound: Int
    /// Who plans, or planned last.
    package var controllerId: String?
    /// ISO 8601, UTC.
    package var createdAt: String
    /// `metadata.start_time`: when it first ran.
    package var startTime: String?
    /// `metadata.end_time`: when it became final.
    package var endTime: String?
    /// Why it was paused or cancelled, in the operator's words.
    package var reason: String?

    /// All fields, in order.
    package init(
        id: JobID,
        targetKey: String,
        status: JobStatus,
        configHash: String,
        config: [String: String],
        settings: JobSettings,
        planCursor: RecordID?,
        planUpper: RecordID?,
        sealed: Bool,
        nextBatchNumber: Int,
        totalBatches: Int,
        totalRecords: Int64,
        sourceCount: Int64?,
        currentRound: Int,
        controllerId: String?,
        createdAt: String,
        startTime: String?,
        endTime: String?,
        reason: String?
    ) {
        self.id = id
        self.targetKey = targetKey
        self.status = status
        self.configHash = configHash
        self.config = config
        self.settings = settings
        self.planCursor = planCursor
        self.planUpper = planUpper
        self.sealed = sealed
        self.nextBatchNumber = nextBatchNumber
        self.totalBatches = totalBatches
        self.totalRecords = totalRecords
        self.sourceCount = sourceCount
        self.currentRound = currentRound
        self.controllerId = controllerId
        self.createdAt = createdAt
        self.startTime = startTime
        self.endTime = endTime
        self.reason = reason
    }
}

/// A batch as the store describes it to people and to `verify`.
package struct BatchSummary: Codable, Sendable, Equatable {
    /// Dense from 0 within the job.
    package var batchNumber: Int
    /// Where it stands.
    package var status: BatchStatus
    /// 0 = planned from the source, n = made by the n-th requeue.
    package var round: Int
    /// Its records, ascending.
    package var recordIds: [RecordID]
    /// Claims so far.
    package var attempt: Int
    /// Budgeted retries since the last requeue.
    package var retryCount: Int
    /// Absolute counts: of the running attempt, or final.
    package var counts: BatchCounts
    /// Records handed to a later round.
    package var moved: Int
    /// Who holds it, or held it last.
    package var workerId: String?
    /// Milliseconds until it may be claimed; 0 = now.
    package var nextRetryMs: Int
    /// How the last attempt ended, `reaped` included.
    package var lastOutcome: String?
    /// Code of the last error.
    package var errorCode: String?
    /// Sentence of the last error.
    package var errorMessage: String?

    /// All fields, in order.
    package init(
        batchNumber: Int,
        status: BatchStatus,
        round: Int,
        recordIds: [RecordID],
        attempt: Int,
        retryCount: Int,
        counts: BatchCounts,
        moved: Int,
        workerId: String?,
        nextRetryMs: Int,
        lastOutcome: String?,
        errorCode: String?,
        errorMessage: String?
    ) {
        self.batchNumber = batchNumber
        self.status = status
        self.round = round
        self.recordIds = recordIds
        self.attempt = attempt
        self.retryCount = retryCount
        self.counts = counts
        self.moved = moved
        self.workerId = workerId
        self.nextRetryMs = nextRetryMs
        self.lastOutcome = lastOutcome
        self.errorCode = errorCode
        self.errorMessage = errorMessage
    }
}

/// A dead letter: one record that was given up.
package struct FailureSummary: Codable, Sendable, Equatable {
    /// The record's id.
    package var recordId: RecordID
    /// Its batch.
    package var batchNumber: Int
    /// The attempt that gave it up.
    package var attempt: Int
    /// The step that failed.
    package var stage: FailureStage
    /// A short stable word for machines.
    package var code: String
    /// A sentence for people.
    package var message: String
    /// Whether a retry without a change of the record is pointless.
    package var permanent: Bool
    /// ISO 8601, UTC.
    package var firstAt: String
    /// ISO 8601, UTC.
    package var lastAt: String
    /// How often it was given up.
    package var times: Int
    /// Set by a requeue; open while nil.
    package var resolvedAt: String?

    /// All fields, in order.
    package init(
        recordId: RecordID,
        batchNumber: Int,
        attempt: Int,
        stage: FailureStage,
        code: String,
        message: String,
        permanent: Bool,
        firstAt: String,
        lastAt: String,
        times: Int,
        resolvedAt: String?
    ) {
        self.recordId = recordId
        self.batchNumber = batchNumber
        self.attempt = attempt
        self.stage = stage
        self.code = code
        self.message = message
        self.permanent = permanent
        self.firstAt = firstAt
        self.lastAt = lastAt
        self.times = times
        self.resolvedAt = resolvedAt
    }
}

/// One transition of a batch, in the order in which the row locks were held.
package struct EventSummary: Codable, Sendable, Equatable {
    /// Ascending, not dense.
    package var id: Int64
    /// ISO 8601, UTC.
    package var at: String
    /// The batch, or nil for an event of the job.
    package var batchNumber: Int?
    /// Its attempt.
    package var attempt: Int?
    /// The lease token.
    package var claimId: String?
    /// Who acted.
    package var workerId: String?
    /// What happened.
    ///
    /// One of `claimed`, `completed`, `failed`, `release`, `defer`, `reaped`, `requeued`, `planned`, `sealed`, `paused`, …
    package var kind: String
    /// More, by kind; never record text.
    package var detail: [String: String]

    /// All fields, in order.
    package init(
        id: Int64,
        at: String,
        batchNumber: Int?,
        attempt: Int?,
        claimId: String?,
        workerId: String?,
        kind: String,
        detail: [String: String]
    ) {
        self.id = id
        self.at = at
        self.batchNumber = batchNumber
        self.attempt = attempt
        self.claimId = claimId
        self.workerId = workerId
        self.kind = kind
        self.detail = detail
    }
}
