package import Migration

/// When each claim was sent.
package struct ClaimHistory: Sendable {
    /// Shorter than a process asks again with the same claim (two heartbeat intervals).
    private static let patience: Int64 = 40_000_000_000

    private var sent: [String: (first: Int64, last: Int64)] = [:]

    package init() {}

    package mutating func wasSent(_ claimID: String, at now: Int64) {
        sent[claimID] = (sent[claimID]?.first ?? now, now)
    }

    package func firstSent(_ claimID: String) -> Int64? { sent[claimID]?.first }

    /// I25: no process is reaped that lives and reaches the store; this one lives.
    ///
    /// Its claim was answered at `claimed`; `calls` are what the store was asked.
    package func breach(
        by reap: EventSummary,
        of process: String,
        claimed: Int64,
        _ contact: StoreContact,
        _ calls: [ObservedCall],
        at now: Int64
    ) -> Finding? {
        guard reap.detail["code"] == "lease_expired", let claimID = reap.claimId,
            contact.wasReaching(since: claimed, at: now), !wasOverdue(claimID, claimed, calls)
        else { return nil }
        return Finding(
            25,
            "batch \(reap.batchNumber ?? 0) of \(process) was reaped, but it lives and reaches the store"
        )
    }

    /// Whether a claim arrived when its original was answered, beside one that got nothing, or when its sender had given it up;
    /// or whether its sender has asked for so long without an answer that it gave up.
    ///
    /// It takes a batch that nobody knows of. Only a network or an outage does that, and the reaper is there for it.
    private func wasOverdue(_ claimID: String, _ claimed: Int64, _ calls: [ObservedCall]) -> Bool {
        guard let (first, last) = sent[claimID] else { return true }
        if last - first > Self.patience || claimed - first > Self.patience { return true }
        return calls.contains { observed in
            guard observed.calls(ClaimNextBatch.self), let call = observed.sent(ClaimNextBatch.self),
                call.claimId == claimID, let at = observed.at
            else {
                return false
            }
            if observed.given(ClaimNextBatch.self)?.batches.isEmpty == true { return true }
            return at.sinceStart < claimed
        }
    }
}
