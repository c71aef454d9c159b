import Fakes
package import Invariants
package import Migration
import Scenarios
import Synchronization

/// Histories of one job at odd microseconds, with any chance: every lease, wait and backoff has to be rounded.
///
/// Two stores agree on them only where they calculate in the same order and round in the same direction. A claim's floor
/// tells the time from which its batch could be had, exact to the microsecond.
package struct RoundedTimes: Sendable {
    private let dice: Dice
    private let clock = SteppedClock()
    private let fake: FakeSupabase

    /// The calls of a seed.
    ///
    /// - Parameters:
    ///   - seed: chooses the job's settings and every call.
    ///   - steps: about so many calls.
    /// - Returns: the calls with a fake's answers.
    /// - Throws: what the fake throws.
    package static func log(seed: UInt64, steps: Int) async throws(PortFailure) -> [RecordedStep] {
        let log = Mutex<[RecordedStep]>([])
        let history = Self(seed) { step in log.withLock { $0.append(step) } }
        let job = try await history.open()
        while log.withLock({ $0.count }) < steps { try await history.work(on: job) }
        return log.withLock { $0 }
    }

    private init(_ seed: UInt64, log: @escaping @Sendable (RecordedStep) -> Void) {
        dice = Dice(seed)
        fake = FakeSupabase(time: Time(clock), entropy: dice, log: StepLog(log))
    }

    /// Mostly less than a second, in microseconds.
    private func pass() {
        let seconds = dice.oneIn(8) ? dice.below(dice.oneIn(8) ? 4000 : 20) : 0
        clock.advance(by: .seconds(seconds) + .microseconds(dice.below(dice.oneIn(2) ? 5000 : 1_000_000)))
    }
}

extension RoundedTimes {
    private func open() async throws(PortFailure) -> JobID {
        let token = dice.uuid()
        let settings = JobSettings(
            maxRetries: 1000,
            leaseSeconds: dice.number(1...200),
            batchTimeoutSeconds: dice.number(1...900),
            backoffBaseSeconds: dice.below(50),
            backoffCapSeconds: dice.below(dice.oneIn(2) ? 3000 : 86_400)
        )
        let opened = try await fake.openJob(
            OpenIngestionJob(
                targetKey: "target",
                configHash: "hash",
                config: [:],
                settings: settings,
                controllerId: "controller",
                token: token,
                start: true
            )
        )
        let job = opened.job.id
        let page = AppendIngestionBatches(
            job: job,
            epoch: opened.epoch,
            token: token,
            expectedCursor: nil,
            batches: [[1], [2]]
        )
        _ = try await fake.appendBatches(page)
        _ = try await fake.sealPlan(
            SealIngestionPlan(job: job, epoch: opened.epoch, token: token, expectedCursor: 2, upper: 2, sourceCount: 2)
        )
        return job
    }

    /// A claim, which names the exact time from which its batches could be had, and what becomes of them.
    private func work(on job: JobID) async throws(PortFailure) {
        pass()
        let claim = dice.uuid()
        let answer = try await fake.claim(
            ClaimNextBatch(job: job, worker: "worker", claimId: claim, limit: 1, configHash: "hash", floor: nil)
        )
        guard let batch = answer.batches.first else {
            clock.advance(by: .milliseconds(answer.waitMs))
            if dice.oneIn(4) { _ = try await fake.resetStuck(ResetStuckBatches(job: job, limit: 10, full: true)) }
            return
        }
        pass()
        if dice.oneIn(3) { try await heartbeat(job, batch, claim) }
        // The batch is left to the reaper.
        if dice.oneIn(6) { return }
        let isFailure = dice.oneIn(2)
        _ = try await fake.finish(
            FinishBatch(
                job: job,
                batchNumber: batch.batchNumber,
                attempt: batch.attempt,
                claimId: claim,
                outcome: isFailure ? .failed : .deferred,
                counts: isFailure ? BatchCounts(failed: 1) : nil,
                failedRecords: [],
                retryAfterMs: dice.oneIn(2) ? dice.below(dice.oneIn(20) ? 1_000_000_000 : 20_000) : nil,
                error: nil
            )
        )
        let read = ListIngestionBatches(job: job, filter: .init(), after: nil, limit: 10)
        if dice.oneIn(2) { _ = try await fake.batches(read) }
    }

    private func heartbeat(_ job: JobID, _ batch: ClaimedBatch, _ claim: String) async throws(PortFailure) {
        let item = HeartbeatItem(
            batchNumber: batch.batchNumber,
            attempt: batch.attempt,
            claimId: claim,
            counts: BatchCounts()
        )
        _ = try await fake.heartbeat(BumpBatchProgress(job: job, worker: "worker", items: [item]))
        pass()
    }
}
