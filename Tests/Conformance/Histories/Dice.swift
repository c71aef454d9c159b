import Migration
import Synchronization

/// Repeatable random numbers; a test that uses them prints the seed when it fails.
package final class Dice: Entropy, RandomNumberGenerator {
    private let numbers: Mutex<SplitMix64>

    package init(_ seed: UInt64) { numbers = Mutex(SplitMix64(seed: seed)) }

    package func next() -> UInt64 { numbers.withLock { $0.next() } }

    package func below(_ count: Int) -> Int { Int(next() % UInt64(count)) }

    package func number(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

    /// True in one of so many cases.
    package func oneIn(_ count: Int) -> Bool { below(count) == 0 }

    package func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[below(elements.count)]
    }
}
