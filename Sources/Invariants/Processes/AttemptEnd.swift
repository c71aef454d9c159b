package import Migration

/// How a process is about to end an attempt, and what is known then: the part of I7 that no table shows.
///
/// A retry may be used only by a death, or by a deadline that passed without a write. A batch may be given back without
/// using a retry only for a reason. Ends by the reaper are checked by I25.
package struct AttemptEnd: Sendable {
    /// The current attempt of the batch that the call names.
    package struct Attempt: Sendable {
        package let worker: String
        package let claimID: String?
        package let records: [RecordID]
        package let claimed: Int64?
        package let leaseEnd: Int64?

        package init(worker: String, claimID: String?, records: [RecordID], claimed: Int64?, leaseEnd: Int64?) {
            self.worker = worker
            self.claimID = claimID
            self.records = records
            self.claimed = claimed
            self.leaseEnd = leaseEnd
        }
    }

    private let call: FinishBatch
    private let attempt: Attempt
    private let process: String
    private let now: Int64

    /// Whether the attempt belongs to the process that ends it.
    package var isOwn = false
    /// The process that holds the batch, if it is another one and alive.
    package var holder: String?
    /// Whether the process has to stop, or its job is cancelled.
    package var hasToStop = false
    /// Whether a brake may have paused the job.
    package var mayBrake = false
    package var batchTimeout = Duration.zero

    package init(_ call: FinishBatch, of attempt: Attempt, by process: String, at now: Int64) {
        self.call = call
        self.attempt = attempt
        self.process = process
        self.now = now
    }

    private var name: String { "batch \(call.batchNumber) attempt \(call.attempt)" }
    private var reason: String { call.error?.code ?? "no reason" }

    /// What is wrong with the end, given the deeds of the process, all claims, and when the store has answered the
    /// process.
    package func finding(_ deeds: Deeds, _ claims: ClaimHistory, _ contact: StoreContact) -> Finding? {
        switch call.outcome {
        case .failed where isOwn:
            guard let doubt = whyNotLate(deeds) else { return nil }
            return Finding(7, "\(process) uses a retry of \(name) for \(reason), but \(doubt)")
        case .failed where reason == "runner_died", .released where !isOwn:
            guard let holder else { return nil }
            return Finding(7, "\(process) ends \(name) for \(holder) (\(reason)), but that process lives")
        case .failed: return Finding(7, "\(process) uses a retry of \(name) of \(attempt.worker) for \(reason)")
        case .released:
            if hasToStop || mayBrake && reason == "braked" || hasLostItsLease(deeds, claims, contact) { return nil }
            return Finding(7, "\(process) gives \(name) back for \(reason), but has neither to stop nor another reason")
        case .deferred, .completed: return nil
        }
    }

    /// Whether the process may doubt its lease: it ends soon, no heartbeat of the last minute has extended it, or the
    /// store was silent for a time, after which a worker may end before it gets the answer to the next heartbeat.
    private func hasLostItsLease(_ deeds: Deeds, _ claims: ClaimHistory, _ contact: StoreContact) -> Bool {
        guard reason == "lease_expired", let claimed = attempt.claimed, let end = attempt.leaseEnd else {
            return false
        }
        let minute: Int64 = 60_000_000_000
        // The lease counts from when the process sent its claim, or the last heartbeat for it.
        let sent = attempt.claimID.flatMap { deeds.heartbeats[$0] ?? claims.firstSent($0) }
        return end < now + minute || sent ?? claimed < now - minute
            || !contact.wasReaching(since: claimed, at: now)
    }

    /// Why a worker's own attempt should not have been reported as failed; nil when it was right.
    private func whyNotLate(_ deeds: Deeds) -> String? {
        guard reason == "deadline" else { return "no deadline has passed" }
        guard let claimed = attempt.claimed else { return nil }
        // A worker starts nothing new in the last minute, and the claim may have been sent up to a minute before its
        // answer.
        let earliest = max(batchTimeout - .seconds(60), batchTimeout / 2) - .seconds(61)
        let age = Duration.nanoseconds(now - claimed)
        if age < earliest { return "it is only \(age) old" }
        return deeds.hasWritten(oneOf: attempt.records, since: claimed) ? "it has written points" : nil
    }
}
