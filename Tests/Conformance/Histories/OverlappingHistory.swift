package import Fakes
import Migration
import Synchronization

/// Clients that call the fake at the same time: planners that die, late workers, requests that arrive twice, an operator.
///
/// A seed decides who goes on at each pause of each call. No model can say what they must be answered; the invariants are
/// checked.
package final class OverlappingHistory: Sendable {
    private struct Held {
        let batch: ClaimedBatch
        let claim: String
    }

    private struct World {
        var job: JobID = 1
        var held: [Held] = []
        /// Requests that may arrive once more.
        var sent: [RecordedCall] = []
        var floor: ClaimFloor?
    }

    private static let lastRecord: RecordID = 10
    private let dice: Dice
    private let clock = SteppedClock()
    private let turns: Turns
    private let fake: FakeSupabase
    private let recorder: CallRecorder
    private let world = Mutex(World())

    private init(seed: UInt64, planted: PlantedBug?) {
        dice = Dice(seed)
        turns = Turns(clients: Self.clients.count)
        fake = FakeSupabase(
            time: Time(clock),
            entropy: dice,
            interleaving: { [turns] in await turns.pause() },
            planted: planted
        )
        recorder = CallRecorder { [fake, clock] in (DatabaseTime.start + clock.now.offset, fake.lastEventID) }
    }

    /// Lets the clients of a seed do their work.
    ///
    /// - Returns: what they left behind.
    package static func run(seed: UInt64, planted: PlantedBug? = nil) async -> TrackingEvidence {
        let history = Self(seed: seed, planted: planted)
        await withTaskGroup { group in
            for (number, client) in clients.enumerated() {
                group.addTask { await history.turns.play(number) { await client(history) } }
            }
            while await history.turns.giveOne({ history.pick($0) }) {}
        }
        return history.fake.evidence(calls: history.recorder.calls)
    }

    private static let clients: [@Sendable (OverlappingHistory) async -> Void] = [
        { await $0.plan() }, { await $0.plan() },
        { await $0.work() }, { await $0.work() }, { await $0.work() }, { await $0.work() },
        { await $0.echo() }, { await $0.echo() },
        { await $0.reap() }, { await $0.operate() }, { await $0.finalize() },
    ]

    /// Who of so many is next.
    ///
    /// Before its turn mostly no time passes; sometimes a lease, or a controller's lease.
    private func pick(_ count: Int) -> Int {
        switch dice.below(400) {
        case 0..<8: clock.advance(by: .seconds(dice.number(2...13)))
        case 8: clock.advance(by: .seconds(31))
        case 9..<100: clock.advance(by: .milliseconds(dice.below(20)))
        default: break
        }
        return dice.below(count)
    }

    private func send(_ call: RecordedCall) async -> RecordedAnswer {
        world.withLock { $0.sent.append(call) }
        return await recorder.perform(call, on: fake)
    }
}

// MARK: Clients

extension OverlappingHistory {
    private func plan() async {
        var token = dice.uuid()
        for _ in 0..<14 {
            guard case .open(let opened) = await send(open(token)), opened.role == .controller else {
                await turns.pause()
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
                guard case .append(let answer) = await send(.append(call)), answer.result != .lost else { break }
                cursor = answer.cursor
                await turns.pause()
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
                _ = await send(.seal(call))
            }
            // It died; whoever comes next is somebody else.
            if dice.oneIn(2) { token = dice.uuid() }
        }
    }

    private func open(_ token: String) -> RecordedCall {
        .open(
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
            await turns.pause()
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
        guard case .claim(let answer) = await send(.claim(call)) else { return }
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
        _ = await send(.heartbeat(BumpBatchProgress(job: job, worker: "worker", items: [item])))
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
        _ = await send(.finish(call))
    }

    /// A request of somebody else arrives once more, perhaps while the first is still at work.
    private func echo() async {
        for _ in 0..<40 {
            if let call = dice.pick(world.withLock { Array($0.sent.suffix(5)) }) {
                _ = await recorder.perform(call, on: fake)
            }
            await turns.pause()
        }
    }

    private func reap() async {
        for _ in 0..<40 {
            let job = world.withLock { $0.job }
            _ = await recorder.perform(.reset(ResetStuckBatches(job: job, limit: 10, full: true)), on: fake)
            await turns.pause()
        }
    }

    private func operate() async {
        for _ in 0..<25 {
            let job = world.withLock { $0.job }
            let call: RecordedCall =
                switch dice.below(5) {
                case 0: .control(ControlIngestionJob(job: job, action: .pause, reason: nil))
                case 1, 2: .control(ControlIngestionJob(job: job, action: .resume, reason: nil))
                case 3: requeueBatches(job)
                default: requeueRecords(job)
                }
            _ = await send(call)
            await turns.pause()
        }
    }

    private func finalize() async {
        for _ in 0..<60 {
            let job = world.withLock { $0.job }
            _ = await recorder.perform(.finalize(FinalizeIngestionJob(job: job)), on: fake)
            await turns.pause()
        }
    }

    private func requeueBatches(_ job: JobID) -> RecordedCall {
        let isolate = dice.oneIn(2)
        return .requeueBatches(
            RequeueFailedBatches(job: job, requestId: dice.uuid(), filter: .init(), isolate: isolate, limit: 3)
        )
    }

    private func requeueRecords(_ job: JobID) -> RecordedCall {
        .requeueRecords(
            RequeueFailedRecords(job: job, requestId: dice.uuid(), filter: .init(), batchSize: 2, limit: 4)
        )
    }
}

/// How often the clients of overlapping histories really met.
package struct Meetings: Sendable, CustomStringConvertible {
    /// A repeated claim waited for its original, and got the same batches.
    package var repeatAndOriginal = 0
    /// Two calls that end attempts were under way at the same time.
    package var ends = 0
    package var finalized = 0

    package init() {}

    package mutating func count(in evidence: TrackingEvidence) {
        finalized += evidence.jobs.flatMap(\.events).count { $0.kind == "finalized" }
        let calls = evidence.calls
        for (index, one) in calls.enumerated() {
            for other in calls[(index + 1)...].prefix(30) where other.began < one.ended ?? .max {
                switch (one.call, other.call) {
                case (.claim(let first), .claim(let second)) where first == second:
                    repeatAndOriginal += !one.claimed.isEmpty && one.claimed == other.claimed ? 1 : 0
                case (.finish, .reset), (.reset, .finish), (.finish, .finish): ends += 1
                default: break
                }
            }
        }
    }

    package var description: String {
        "repeated claim met its original \(repeatAndOriginal), ends met \(ends), finalized \(finalized)"
    }
}

extension ObservedCall {
    /// Which attempts a claim was given.
    fileprivate var claimed: [[Int]] {
        guard case .claim(let answer) = answer else { return [] }
        return answer.batches.map { [$0.batchNumber, $0.attempt] }
    }
}
