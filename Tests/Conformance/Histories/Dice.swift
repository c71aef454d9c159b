import Migration
import Synchronization

/// SplitMix64: repeatable chance; whoever uses it prints the seed when something is wrong.
package final class Dice: Entropy, RandomNumberGenerator {
    private let state: Mutex<UInt64>

    package init(_ seed: UInt64) { state = Mutex(seed) }

    package func next() -> UInt64 {
        state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
    }

    package func below(_ count: Int) -> Int { Int(next() % UInt64(count)) }

    package func number(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

    /// True in one of so many cases.
    package func oneIn(_ count: Int) -> Bool { below(count) == 0 }

    package func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[below(elements.count)]
    }
}
