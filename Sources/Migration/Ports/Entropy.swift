import TextProcessing

/// Random numbers, injected: a seeded generator in tests and simulation, the system's in production.
package protocol Entropy: Sendable {
    /// The next 64 random bits.
    func next() -> UInt64
}

extension Entropy {
    /// A number in 0..<1.
    package func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A duration, uniformly distributed over `duration` ± `share` of it.
    package func jittered(_ duration: Duration, by share: Double) -> Duration {
        duration * (1 + share * (2 * unit() - 1))
    }

    /// A random UUID (version 4) in lower case.
    package func uuid() -> String {
        let high = next() & ~0xF000 | 0x4000
        let low = next() & ~(0xC000 << 48) | (0x8000 << 48)
        return PointID(high: high, low: low).description
    }
}

/// Repeatable random numbers: the same ones for the same seed, on every machine.
///
/// Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, 2014.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
