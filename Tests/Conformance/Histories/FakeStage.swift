package import Fakes
package import Invariants
package import Migration
package import Scenarios
import Synchronization

/// A fake store whose clock and chance are what each step says.
package struct FakeStage: HistoryStage {
    /// The chance of the present step.
    private final class StepEntropy: Entropy {
        private let word = Mutex<UInt64>(0)

        func set(_ chance: Double) { word.withLock { $0 = UInt64(chance * 0x1p53) << 11 } }
        func next() -> UInt64 { word.withLock { $0 } }
    }

    private let clock = SteppedClock()
    private let entropy = StepEntropy()
    package let fake: FakeSupabase

    package init(planted: PlantedBug? = nil) {
        fake = FakeSupabase(time: Time(clock), entropy: entropy, policy: TrackingPolicy(planted: planted))
    }

    package var store: any JobStore { fake }

    package func prepare(_ step: RecordedStep) -> Int64 {
        clock.advance(by: .microseconds(step.at) - clock.now.offset)
        entropy.set(step.chance)
        return fake.lastEventID
    }
}
