import TextProcessing

/// Chance, injected: a seeded generator in tests and simulation, the system's in production.
package protocol Entropy: Sendable {
    /// The next 64 random bits.
    func next() -> UInt64
}

extension Entropy {
    /// A number in 0..<1.
    package func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A duration spread evenly over `duration` ± `share` of it.
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
