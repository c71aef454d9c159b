import Fakes
import Invariants
import Migration
import Simulation

/// What a run has met, according to its calls and events: the counters that say whether a seed was worth running.
struct Observations {
    private let evidence: TrackingEvidence
    private let world: SimulatedWorld

    init(_ evidence: TrackingEvidence, _ world: SimulatedWorld) {
        self.evidence = evidence
        self.world = world
    }

    func count() {
        world.coverage.add(.claimSkippedLockedRow, world.store.skippedRows)
        for job in evidence.jobs {
            countEvents(of: job)
            countCalls(of: job)
        }
    }

    private func countEvents(of job: TrackingEvidence.Job) {
        var deferred: Set<Int> = []
        var controllers = 0
        for event in job.events {
            switch event.kind {
            case "defer": deferred.insert(event.batchNumber ?? -1)
            case "completed" where deferred.contains(event.batchNumber ?? -1):
                world.coverage.add(.deferredTextNotPaidTwice)
            case "failed" where event.detail["status"] == "failed", "reaped" where event.detail["status"] == "failed":
                world.coverage.add(.budgetUsedUp)
                if let batch = job.batches.first(where: { $0.batchNumber == event.batchNumber }), batch.round > 0,
                    batch.recordIds.count == 1
                {
                    world.coverage.add(.killerIsolated)
                }
            case "failed" where event.detail["code"] == "runner_died": world.coverage.add(.leftClaimsTakenOver)
            case "reaped" where event.detail["code"] == "deadline_exceeded": world.coverage.add(.deadlineHit)
            case "sealed": controllers += 1
            default: break
            }
        }
    }

    private func isCounted(_ observed: ObservedCall, for job: JobID) -> Bool {
        guard observed.namedJob == job else { return false }
        return observed.calls(FinishBatch.self) || observed.calls(ClaimNextBatch.self)
            || observed.calls(BumpBatchProgress.self) || observed.calls(AppendIngestionBatches.self)
    }

    private func countCalls(of job: TrackingEvidence.Job) {
        var claims: [String: Int] = [:]
        var running: [String: Int] = [:]
        var leaseEnds: [AttemptName: DatabaseTime] = [:]
        let lease = Duration.seconds(job.summary.settings.leaseSeconds)
        // The type of the call is compared first: most calls are of another type, and their arguments need not be read. By
        // its place, because most calls need not be copied either.
        for place in evidence.calls.indices where isCounted(evidence.calls[place], for: job.summary.id) {
            let observed = evidence.calls[place]
            if observed.calls(FinishBatch.self), let (call, answer) = observed.answered(FinishBatch.self),
                answer.result == .lost
            {
                let claimed = job.events.last {
                    $0.kind == "claimed" && $0.batchNumber == call.batchNumber && $0.id <= observed.eventBefore ?? 0
                }
                if let claimed, claimed.attempt != call.attempt { world.coverage.add(.staleFinishMetNewOwner) }
                // A few seconds decide whether the worker or the reaper comes first.
                let reaped = job.events.last { $0.kind == "reaped" && $0.claimId == call.claimId }
                if let reaped, let at = observed.at, at - .seconds(10) < reaped.time {
                    world.coverage.add(.reaperRacedFinish)
                }
            } else if observed.calls(ClaimNextBatch.self), let (call, answer) = observed.answered(ClaimNextBatch.self) {
                if claims[call.claimId] != nil, !answer.batches.isEmpty {
                    world.coverage.add(.repeatedClaimAnsweredAlike)
                }
                if let end = running[call.claimId], end > observed.began {
                    world.coverage.add(.repeatedClaimMetOriginal)
                }
                for batch in answer.batches {
                    let attempt = AttemptName(job: call.job, batch: batch.batchNumber, attempt: batch.attempt)
                    if let at = observed.at { leaseEnds[attempt] = at + lease }
                }
                claims[call.claimId] = answer.batches.count
                running[call.claimId] = observed.ended
            } else if observed.calls(BumpBatchProgress.self),
                let (call, answer) = observed.answered(BumpBatchProgress.self)
            {
                for (item, asked) in zip(answer.items, call.items) {
                    if item.result == .cancel, item.reason == "deadline" { world.coverage.add(.deadlineHit) }
                    guard item.result == .ok, let at = observed.at else { continue }
                    let attempt = AttemptName(job: call.job, batch: asked.batchNumber, attempt: asked.attempt)
                    if let end = leaseEnds[attempt], end < at { world.coverage.add(.leaseRevived) }
                    leaseEnds[attempt] = at + lease
                }
            } else if observed.calls(AppendIngestionBatches.self),
                observed.given(AppendIngestionBatches.self)?.result == .lost
            {
                world.coverage.add(.oldEpochRefused)
            }
        }
        let epochs = Set(
            evidence.calls.compactMap { observed -> Int? in
                guard observed.calls(AppendIngestionBatches.self),
                    let (call, answer) = observed.answered(AppendIngestionBatches.self), answer.result == .appended,
                    call.job == job.summary.id
                else { return nil }
                return call.epoch
            }
        )
        if epochs.count > 1 { world.coverage.add(.controllerReplacedWhilePlanning, epochs.count - 1) }
    }
}
