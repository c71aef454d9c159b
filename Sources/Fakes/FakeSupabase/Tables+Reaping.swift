import Migration

extension TrackingTables {
    /// `reset_stuck_batches`: the reaper.
    mutating func reset(
        _ call: ResetStuckBatches,
        _ transaction: Transaction
    ) throws(PortFailure) -> ResetStuckBatches.Answer {
        try require((1...1000).contains(call.limit), "p_limit must be 1…1000")
        guard let index = index(of: call.job) else { return .init(reset: 0, failed: 0, more: false) }
        let isBlind = !policy.reaperLooksAgain
        let stuck = (isBlind ? transaction.seen : nil) ?? stuckBatches(call, transaction.now).filter(transaction.holds)
        var answer = ResetStuckBatches.Answer(reset: 0, failed: 0, more: stuck.count >= call.limit)
        for number in stuck.prefix(call.limit) {
            let batch = jobs[index].batches[number]
            let isLate = batch.deadlineAt.map { $0 <= transaction.now } ?? false
            let error = BatchError(
                code: isLate ? "deadline_exceeded" : "lease_expired",
                message: isLate ? "the worker did not finish before the deadline" : "the worker sent no heartbeat"
            )
            let end = FailedEnd(
                outcome: "reaped",
                error: error,
                counts: BatchCounts(failed: batch.recordIDs.count),
                letters: Self.letters(for: batch.recordIDs, error),
                retryAfter: nil
            )
            if fail(number, of: index, end, transaction) { answer.failed += 1 } else { answer.reset += 1 }
        }
        return answer
    }

    /// Batches whose lease, plus a quarter of it as grace, has run out: oldest claim first.
    func stuckBatches(_ call: ResetStuckBatches, _ now: DatabaseTime) -> [Int] {
        guard let index = index(of: call.job) else { return [] }
        let batches = jobs[index].batches
        let grace = jobs[index].lease / 4
        let oldest = now - (grace + jobs[index].batchTimeout + .seconds(60))
        var keys: [(DatabaseTime, Int)] = []
        for number in batches.working {
            guard let leaseEnd = batches[number].leaseExpiresAt, let claimedAt = batches[number].claimedAt,
                leaseEnd + grace < now, call.full || claimedAt > oldest
            else { continue }
            keys.append((claimedAt, number))
        }
        return keys.sorted { $0 < $1 }.map(\.1)
    }
}
