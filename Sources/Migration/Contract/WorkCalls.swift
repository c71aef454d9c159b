/// Takes batches under a lease.
///
/// Repeated with the same claim id, it returns the same batches.
package struct ClaimNextBatch: JobCall {
    package static let function = "claim_next_batch"

    package var job: JobID
    /// The caller's host, process and worker, for people.
    package var worker: String
    /// A UUID that was chosen for this claim.
    package var claimId: String
    /// 1…16: only as many as can start now.
    package var limit: Int
    /// The caller's configuration: batches of another one are never handed out.
    package var configHash: String
    /// The hint of the last answer.
    @ExplicitNull package var floor: ClaimFloor?

    package init(job: JobID, worker: String, claimId: String, limit: Int, configHash: String, floor: ClaimFloor?) {
        self.job = job
        self.worker = worker
        self.claimId = claimId
        self.limit = limit
        self.configHash = configHash
        self.floor = floor
    }

    /// The batches, or how long to wait.
    package struct Answer: Codable, Sendable, Equatable {
        package var result: Result
        /// The job's status; nil when not found.
        package var jobStatus: JobStatus?
        /// Whether the plan is complete.
        package var sealed: Bool
        /// 0…limit batches.
        package var batches: [ClaimedBatch]
        /// A hint for the next claim.
        package var floor: ClaimFloor?
        /// Milliseconds to wait if there were none: 1,000…15,000.
        package var waitMs: Int

        package init(
            result: Result,
            jobStatus: JobStatus?,
            sealed: Bool,
            batches: [ClaimedBatch],
            floor: ClaimFloor?,
            waitMs: Int
        ) {
            self.result = result
            self.jobStatus = jobStatus
            self.sealed = sealed
            self.batches = batches
            self.floor = floor
            self.waitMs = waitMs
        }
    }

    package enum Result: String, Codable, Sendable, CaseIterable {
        /// The claim was carried out, though there may be no batch.
        case ok
        case configMismatch = "config_mismatch"
        case notFound = "not_found"
    }
}

/// One batch that the caller holds, with the absolute progress of this attempt.
package struct HeartbeatItem: Codable, Sendable, Equatable {
    package var batchNumber: Int
    package var attempt: Int
    package var claimId: String
    /// Absolute counts of this attempt so far.
    package var counts: BatchCounts

    package init(batchNumber: Int, attempt: Int, claimId: String, counts: BatchCounts) {
        self.batchNumber = batchNumber
        self.attempt = attempt
        self.claimId = claimId
        self.counts = counts
    }
}

/// The heartbeat: extends the leases of everything that a runner holds, and reports absolute progress.
package struct BumpBatchProgress: JobCall {
    package static let function = "bump_batch_progress"

    package var job: JobID
    /// The caller's host and process, for people.
    package var worker: String
    /// Everything that the runner holds.
    package var items: [HeartbeatItem]

    package init(job: JobID, worker: String, items: [HeartbeatItem]) {
        self.job = job
        self.worker = worker
        self.items = items
    }

    /// One answer per item, in the same order.
    package struct Answer: Codable, Sendable, Equatable {
        /// The job's status; nil when not found.
        package var jobStatus: JobStatus?
        package var items: [Item]

        package init(jobStatus: JobStatus?, items: [Item]) {
            self.jobStatus = jobStatus
            self.items = items
        }
    }

    /// The answer for one lease.
    package struct Item: Codable, Sendable, Equatable {
        package var batchNumber: Int
        package var attempt: Int
        package var result: Result
        /// The reason, unless `ok`: `cancelled`, `deadline`, `reaped`, `new_owner`, `ended`, `not_found`.
        package var reason: String?
        /// Milliseconds until the lease runs out; 0 unless `ok`.
        package var leaseMs: Int

        package init(batchNumber: Int, attempt: Int, result: Result, reason: String?, leaseMs: Int) {
            self.batchNumber = batchNumber
            self.attempt = attempt
            self.result = result
            self.reason = reason
            self.leaseMs = leaseMs
        }
    }

    package enum Result: String, Codable, Sendable, CaseIterable {
        /// The lease is extended.
        case ok
        /// It no longer belongs to the caller: stop and report nothing.
        case lost
        /// It still belongs to the caller: stop and end it.
        case cancel
    }
}

/// Ends an attempt.
///
/// Repeating it is harmless.
package struct FinishBatch: JobCall {
    package static let function = "finish_batch"

    package var job: JobID
    package var batchNumber: Int
    package var attempt: Int
    package var claimId: String
    package var outcome: BatchOutcome
    /// Absolute counts for `completed` and `failed`, which add up to the number of records; for `release` and `defer`
    /// nil, or only what was paid.
    @ExplicitNull package var counts: BatchCounts?
    /// Exactly the failed records; an empty list with failed = number of records means all of them, with the batch's
    /// error.
    package var failedRecords: [FailedRecord]
    /// Milliseconds that replace the backoff; for `defer` the length of the wait.
    @ExplicitNull package var retryAfterMs: Int?
    /// The reason, for `failed`, `release` and `defer`.
    @ExplicitNull package var error: BatchError?

    package init(
        job: JobID,
        batchNumber: Int,
        attempt: Int,
        claimId: String,
        outcome: BatchOutcome,
        counts: BatchCounts?,
        failedRecords: [FailedRecord],
        retryAfterMs: Int?,
        error: BatchError?
    ) {
        self.job = job
        self.batchNumber = batchNumber
        self.attempt = attempt
        self.claimId = claimId
        self.outcome = outcome
        self.counts = counts
        self.failedRecords = failedRecords
        self.retryAfterMs = retryAfterMs
        self.error = error
    }

    package struct Answer: Codable, Sendable, Equatable {
        package var result: Result
        /// The batch's present status; nil when lost.
        package var status: BatchStatus?
        /// The stored outcome, with `duplicate`.
        package var outcome: String?

        package init(result: Result, status: BatchStatus?, outcome: String?) {
            self.result = result
            self.status = status
            self.outcome = outcome
        }
    }

    package enum Result: String, Codable, Sendable, CaseIterable {
        case applied
        /// The end was stored before: the first answer was lost.
        case duplicate
        /// The attempt no longer belongs to the caller; nothing changed.
        case lost
    }
}

/// The reaper: ends attempts whose lease has run out.
package struct ResetStuckBatches: JobCall {
    package static let function = "reset_stuck_batches"

    package var job: JobID
    /// 1…1000 batches per call.
    package var limit: Int
    /// Whether to read every batch in processing, not only those claimed within timeout + 1 min.
    package var full: Bool

    package init(job: JobID, limit: Int, full: Bool) {
        self.job = job
        self.limit = limit
        self.full = full
    }

    package struct Answer: Codable, Sendable, Equatable {
        /// Batches that may be claimed again.
        package var reset: Int
        /// Batches that had no retry left.
        package var failed: Int
        /// Whether to call again at once.
        package var more: Bool

        package init(reset: Int, failed: Int, more: Bool) {
            self.reset = reset
            self.failed = failed
            self.more = more
        }
    }
}
