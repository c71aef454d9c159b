import Fakes
import Migration
import Simulation

/// Mistakes in what a process reports about its batches, and in how long it waits.
extension Link {
    private var bug: PortBug? { world.portBug }

    /// Before a batch is claimed.
    func waitBeforeClaim() async {
        guard bug == .claimsOnceAMinute, let last = process.givenAt else { return }
        let left = last + Duration.seconds(60).nanoseconds - world.simulation.now
        // Only the end of the process wakes it early.
        if left > 0 { try? await process.node.clock.sleep(for: .nanoseconds(left)) }
    }

    /// Before texts are embedded.
    func waitBeforeEmbedding() async {
        if bug == .dawdlesUnderItsLease { try? await process.node.clock.sleep(for: .seconds(150)) }
    }

    /// A batch was claimed, or none.
    func wasGiven(_ batches: [ClaimedBatch]) {
        if !batches.isEmpty { process.givenAt = world.simulation.now }
    }

    /// What a process with its mistake reports at the end of an attempt.
    func told(_ call: FinishBatch) -> FinishBatch {
        var told = call
        switch (bug, call.error?.code) {
        case (.releasesAtTheDeadline, "deadline"):
            told.outcome = .released
            told.counts = call.counts.map { BatchCounts(paid: $0.paid) }
            told.retryAfterMs = nil
            told.error = BatchError(code: "interrupted", message: "as if a person had interrupted it")
        case (.interruptionsCostARetry, "interrupted"):
            let records = world.store.read { tables in
                tables.index(of: call.job).map { tables.jobs[$0].batches[call.batchNumber].recordIDs.count } ?? 0
            }
            told.outcome = .failed
            told.counts = BatchCounts(failed: records, paid: call.counts?.paid ?? .nothing)
        case (.defersForHalfAnHour, let code?) where call.outcome == .deferred && code.hasSuffix("_unavailable"):
            told.retryAfterMs = 1_800_000
        case (.doubtsItsLease, nil) where call.outcome == .completed:
            told.outcome = .released
            told.counts = nil
            told.failedRecords = []
            told.error = BatchError(code: "lease_expired", message: "as if no heartbeat had been accepted")
        default: break
        }
        return told
    }

    /// The store's answer to the end of an attempt, as a process with its mistake understands it.
    func believed(_ answer: FinishBatch.Answer, of call: FinishBatch) -> FinishBatch.Answer {
        guard bug == .isolatesAtTheFirstDeath, call.error?.code == "runner_died", answer.result == .applied else {
            return answer
        }
        return FinishBatch.Answer(result: .applied, status: .failed, outcome: answer.outcome)
    }

    /// The store's answer to a join, as a process with its mistake understands it.
    func believed(_ answer: JoinIngestionJob.Answer) -> JoinIngestionJob.Answer {
        var answer = answer
        switch bug {
        case .forgetsTheLimit: answer.job?.config[JobConfiguration.limitKey] = nil
        case .takesItsOwnLimit: answer.job?.config[JobConfiguration.limitKey] = process.settings.limit.map(String.init)
        default: break
        }
        return answer
    }

    /// Waits as long as the embedder asked last, although it asked for a longer wait before.
    ///
    /// - Returns: whether this process has that mistake and has waited; then the request is sent again.
    func waitsForTheLatest(_ wait: Duration) async -> Bool {
        let end = world.simulation.now + wait.nanoseconds
        guard bug == .takesTheLatestWait, end < process.pausedUntil else {
            process.pausedUntil = max(process.pausedUntil, end)
            return false
        }
        try? await process.node.clock.sleep(for: wait)
        return !Task.isCancelled
    }
}

extension PortBug {
    /// How long batches in flight may go on after a signal.
    var grace: Duration { self == .neverEndsTheGrace ? .seconds(86_400) : .seconds(25) }
}
