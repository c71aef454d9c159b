import Migration
import Synchronization

/// Repeatable chance for tests; the failing seed is printed by the test that uses it.
final class SeededEntropy: Entropy {
    private let numbers: Mutex<SplitMix64>

    init(_ seed: UInt64) { numbers = Mutex(SplitMix64(seed: seed)) }

    func next() -> UInt64 { numbers.withLock { $0.next() } }
}
