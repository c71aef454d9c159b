import Fakes
package import Invariants
import Migration
package import Scenarios
import Synchronization

/// Overlapping clients on the fake, where a seed decides which of them goes on at each pause of each call.
package enum OverlappingHistory {
    /// Lets the clients of a seed do their work.
    ///
    /// - Returns: what they left behind.
    package static func run(seed: UInt64, planted: PlantedBug? = nil) async -> TrackingEvidence {
        let (dice, clock, turns) = (Dice(seed), SteppedClock(), Turns())
        let pause: @Sendable () async -> Void = { await turns.pause() }
        let fake = FakeSupabase(
            time: Time(clock),
            entropy: dice,
            interleaving: pause,
            policy: TrackingPolicy(planted: planted)
        )
        let recorder = CallRecorder { (DatabaseTime.start + clock.now.offset, fake.lastEventID) }
        let clients = OverlappingClients(dice, fake, recorder, pause: pause).all
        await play(clients, turns, dice, clock) { if dice.oneIn(3000) { fake.restart() } }
        return fake.evidence(calls: recorder.calls)
    }

    /// The same clients, but each call is one step: what they called and were answered, for another store to replay.
    package static func log(seed: UInt64) async -> [RecordedStep] {
        let (dice, clock, turns) = (Dice(seed), SteppedClock(), Turns())
        let log = Mutex<[RecordedStep]>([])
        let fake = FakeSupabase(
            time: Time(clock),
            entropy: dice,
            log: StepLog { step in log.withLock { $0.append(step) } }
        )
        let clients = OverlappingClients(dice, fake, CallRecorder()) { await turns.pause() }.all
        await play(clients, turns, dice, clock) {}
        return log.withLock { $0 }
    }

    private static func play(
        _ clients: [@Sendable () async -> Void],
        _ turns: Turns,
        _ dice: Dice,
        _ clock: SteppedClock,
        disturb: @escaping @Sendable () -> Void
    ) async {
        turns.expect(clients.count)
        await withTaskGroup { group in
            for (number, client) in clients.enumerated() {
                group.addTask { await turns.play(number, client) }
            }
            var goesOn = true
            while goesOn {
                goesOn = await turns.giveOne { count in
                    clock.advance(by: passed(dice))
                    disturb()
                    return dice.below(count)
                }
            }
        }
    }

    /// Between two turns mostly no time passes; sometimes a lease, or a controller's lease.
    private static func passed(_ dice: Dice) -> Duration {
        switch dice.below(400) {
        case 0..<8: .seconds(dice.number(2...13))
        case 8: .seconds(31)
        case 9..<100: .milliseconds(dice.below(20))
        default: .zero
        }
    }
}

/// How often the clients of overlapping histories really met.
package struct Meetings: Sendable, CustomStringConvertible {
    /// A repeated claim waited for its original, and got the same batches.
    package var repeatAndOriginal = 0
    /// Two calls that end attempts were under way at the same time.
    package var ends = 0
    package var finalized = 0
    /// Calls that a restart of the server ended.
    package var interrupted = 0

    package init() {}

    package mutating func count(in evidence: TrackingEvidence) {
        finalized += evidence.jobs.flatMap(\.events).count { $0.kind == "finalized" }
        let calls = evidence.calls
        interrupted += calls.count { $0.answer == .failed("57P01") }
        for (index, one) in calls.enumerated() {
            for other in calls[(index + 1)...].prefix(30) where other.began < one.ended ?? .max {
                if let first = one.sent(ClaimNextBatch.self), first == other.sent(ClaimNextBatch.self) {
                    repeatAndOriginal += !one.claimed.isEmpty && one.claimed == other.claimed ? 1 : 0
                }
                let isEnd = (one.calls(FinishBatch.self), other.calls(FinishBatch.self))
                let isReset = (one.calls(ResetStuckBatches.self), other.calls(ResetStuckBatches.self))
                if isEnd.0 && (isEnd.1 || isReset.1) || isReset.0 && isEnd.1 { ends += 1 }
            }
        }
    }

    package var description: String {
        "repeated claim met its original \(repeatAndOriginal), ends met \(ends), finalized \(finalized), "
            + "ended by a restart \(interrupted)"
    }
}

extension ObservedCall {
    /// Which attempts a claim was given.
    fileprivate var claimed: [[Int]] {
        guard let answer = answer?.value(ClaimNextBatch.Answer.self) else { return [] }
        return answer.batches.map { [$0.batchNumber, $0.attempt] }
    }
}
