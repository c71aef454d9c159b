package import Migration

/// When each claim was sent.
package struct ClaimHistory: Sendable {
    /// Shorter than the time for which a process repeats the same claim (two heartbeat intervals).
    private static let patience: Int64 = 40_000_000_000

    private var sent: [String: (first: Int64, last: Int64)] = [:]

    package init() {}

    package mutating func wasSent(_ claimID: String, at now: Int64) {
        sent[claimID] = (sent[claimID]?.first ?? now, now)
    }

    package func firstSent(_ claimID: String) -> Int64? { sent[claimID]?.first }

    /// I25: a process that lives and reaches the store is not reaped; this process lives.
    ///
    /// Its claim was answered at `claimed`; `calls` are the calls that the store received.
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

    /// Whether a claim arrived after its original had been answered, or in parallel to one that got no batch, or after
    /// its sender had given up; or whether its sender has repeated it for so long without an answer that it gave up.
    ///
    /// Such a claim takes a batch that no process knows of. Only a faulty network or an outage causes this, and the
    /// reaper repairs it.
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
