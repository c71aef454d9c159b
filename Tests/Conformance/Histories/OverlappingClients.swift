package import Invariants
package import Migration
import Synchronization

/// Clients of one tracking store: planners that die, late workers, requests that arrive twice, a reaper, an operator.
///
/// They do what chance says, with what they were answered. No model can say what that must be when they call at the same
/// time; the invariants are checked.
package final class OverlappingClients: Sendable {
    private struct Held {
        let batch: ClaimedBatch
        let claim: String
    }

    private struct World {
        var job: JobID = 1
        var held: [Held] = []
        /// Requests that may arrive once more.
        var sent: [any TrackingCall] = []
        var floor: ClaimFloor?
    }

    private static let lastRecord: RecordID = 10
    private let dice: Dice
    private let store: any JobStore
    private let recorder: CallRecorder
    private let pause: @Sendable () async -> Void
    private let world = Mutex(World())

    /// - Parameters:
    ///   - dice: what they do.
    ///   - store: empty.
    ///   - recorder: takes notes of all calls.
    ///   - pause: what they do between two calls.
    package init(
        _ dice: Dice,
        _ store: any JobStore,
        _ recorder: CallRecorder,
        pause: @escaping @Sendable () async -> Void
    ) {
        self.dice = dice
        self.store = store
        self.recorder = recorder
        self.pause = pause
    }

    /// All of them, to be run at the same time.
    package var all: [@Sendable () async -> Void] {
        [
            { await self.plan() }, { await self.plan() },
            { await self.work() }, { await self.work() }, { await self.work() }, { await self.work() },
            { await self.echo() }, { await self.echo() },
            { await self.reap() }, { await self.operate() }, { await self.finalize() },
        ]
    }

    @discardableResult
    private func send<Call: TrackingCall>(_ call: Call) async -> Call.Answer? {
        world.withLock { $0.sent.append(call) }
        return await recorder.perform(call, on: store)
    }
}

// MARK: Clients

extension OverlappingClients {
    private func plan() async {
        var token = dice.uuid()
        for _ in 0..<14 {
            guard let opened = await begin(token), opened.role == .controller else {
                await pause()
                continue
            }
            world.withLock { $0.job = opened.job.id }
            var cursor = opened.job.planCursor
            while (cursor ?? 0) < Self.lastRecord, !dice.oneIn(5) {
                let page = page(after: cursor ?? 0)
                let call = AppendIngestionBatches(
                    job: opened.job.id,
                    epoch: opened.epoch,
                    token: token,
                    expectedCursor: cursor,
                    batches: page
                )
                guard let answer = await send(call), answer.result != .lost else { break }
                cursor = answer.cursor
                await pause()
            }
            if (cursor ?? 0) >= Self.lastRecord {
                let call = SealIngestionPlan(
                    job: opened.job.id,
                    epoch: opened.epoch,
                    token: token,
                    expectedCursor: cursor,
                    upper: cursor,
                    sourceCount: nil
                )
                await send(call)
            }
            // It died; the next client is a different one.
            if dice.oneIn(2) { token = dice.uuid() }
        }
    }

    /// Opens a job, or joins one that it was told of and that may have ended since.
    private func begin(_ token: String) async -> OpenIngestionJob.Answer? {
        if dice.oneIn(2) {
            let job = world.withLock { $0.job }
            let call = JoinIngestionJob(job: job, configHash: "hash", controllerId: "joiner", token: token)
            if let joined = await send(call), joined.result == .resumed, let job = joined.job {
                return OpenIngestionJob.Answer(result: .resumed, role: joined.role, epoch: joined.epoch, job: job)
            }
        }
        return await send(open(token))
    }

    private func open(_ token: String) -> OpenIngestionJob {
        OpenIngestionJob(
            targetKey: "target",
            configHash: "hash",
            config: [:],
            settings: JobSettings(
                maxRetries: 1,
                leaseSeconds: 10,
                batchTimeoutSeconds: 40,
                backoffBaseSeconds: 1,
                backoffCapSeconds: 5
            ),
            controllerId: "controller",
            token: token,
            start: true
        )
    }

    private func page(after cursor: RecordID) -> [[RecordID]] {
        var last = cursor
        return (0..<dice.number(2...4)).map { _ in
            (0..<dice.number(1...2)).map { _ in
                last += RecordID(dice.number(1...2))
                return last
            }
        }
    }

    private func work() async {
        for _ in 0..<30 {
            switch dice.below(10) {
            case 0..<4: await claim()
            case 4: await heartbeat()
            default: await finish()
            }
            await pause()
        }
    }

    private func claim() async {
        let (job, floor) = world.withLock { ($0.job, $0.floor) }
        let call = ClaimNextBatch(
            job: job,
            worker: "worker",
            claimId: dice.uuid(),
            limit: dice.number(1...2),
            configHash: "hash",
            floor: dice.oneIn(2) ? floor : nil
        )
        guard let answer = await send(call) else { return }
        world.withLock { world in
            world.floor = answer.floor
            world.held += answer.batches.map { Held(batch: $0, claim: call.claimId) }
        }
    }

    private func heartbeat() async {
        let (job, held) = world.withLock { ($0.job, Array($0.held.suffix(8))) }
        guard let one = dice.pick(held) else { return }
        let item = HeartbeatItem(
            batchNumber: one.batch.batchNumber,
            attempt: one.batch.attempt,
            claimId: one.claim,
            counts: BatchCounts(processed: dice.below(2))
        )
        await send(BumpBatchProgress(job: job, worker: "worker", items: [item]))
    }

    /// Ends something that is held, or that was held long ago.
    private func finish() async {
        let (job, held) = world.withLock { ($0.job, dice.oneIn(4) ? $0.held : Array($0.held.suffix(8))) }
        guard let one = dice.pick(held) else { return }
        let outcome = dice.pick([BatchOutcome.completed, .completed, .failed, .released, .deferred]) ?? .completed
        let ids = one.batch.recordIds
        let failed = dice.oneIn(3) ? ids.count : 0
        let ends = outcome == .completed || outcome == .failed
        let call = FinishBatch(
            job: job,
            batchNumber: one.batch.batchNumber,
            attempt: one.batch.attempt,
            claimId: one.claim,
            outcome: outcome,
            counts: ends ? BatchCounts(processed: ids.count - failed, failed: failed) : nil,
            failedRecords: [],
            retryAfterMs: dice.oneIn(2) ? 0 : nil,
            error: nil
        )
        await send(call)
    }

    /// A request of another client arrives once more, perhaps while the first is still in progress.
    private func echo() async {
        for _ in 0..<40 {
            if let call = dice.pick(world.withLock { Array($0.sent.suffix(5)) }) {
                await recorder.perform(call, on: store)
            }
            await pause()
        }
    }

    private func reap() async {
        for _ in 0..<40 {
            let job = world.withLock { $0.job }
            await recorder.perform(ResetStuckBatches(job: job, limit: 10, full: true), on: store)
            await pause()
        }
    }

    private func operate() async {
        for _ in 0..<25 {
            let job = world.withLock { $0.job }
            let call: any TrackingCall =
                switch dice.below(5) {
                case 0: ControlIngestionJob(job: job, action: .pause, reason: nil)
                case 1, 2: ControlIngestionJob(job: job, action: .resume, reason: nil)
                case 3: requeueBatches(job)
                default: requeueRecords(job)
                }
            await send(call)
            await pause()
        }
    }

    private func finalize() async {
        for _ in 0..<60 {
            let job = world.withLock { $0.job }
            await recorder.perform(FinalizeIngestionJob(job: job), on: store)
            await pause()
        }
    }

    private func requeueBatches(_ job: JobID) -> RequeueFailedBatches {
        let isolate = dice.oneIn(2)
        return RequeueFailedBatches(job: job, requestId: dice.uuid(), filter: .init(), isolate: isolate, limit: 3)
    }

    private func requeueRecords(_ job: JobID) -> RequeueFailedRecords {
        RequeueFailedRecords(job: job, requestId: dice.uuid(), filter: .init(), batchSize: 2, limit: 4)
    }
}
