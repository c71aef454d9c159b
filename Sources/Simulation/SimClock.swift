/// The clock of one node: virtual time, with that node's error.
package struct SimClock: Clock {
    /// A moment as its node sees it.
    package struct Instant: InstantProtocol {
        /// Nanoseconds on the node's own clock.
        package let nanoseconds: Int64

        /// Rounded up: a sleep that is shorter than the clock can show must not end at the instant at which it began.
        package func advanced(by duration: Duration) -> Self {
            let whole = duration.nanoseconds
            return Self(nanoseconds: nanoseconds + whole + (.nanoseconds(whole) == duration ? 0 : 1))
        }
        package func duration(to other: Self) -> Duration { .nanoseconds(other.nanoseconds - nanoseconds) }
        package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
    }

    let node: SimNode

    package var now: Instant { Instant(nanoseconds: node.error.local(node.simulation.now)) }
    package var minimumResolution: Duration { .nanoseconds(1) }

    package func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try await node.simulation.sleep(until: node.error.global(deadline.nanoseconds), on: node)
    }
}

/// How wrong the clock of a node is.
package struct ClockError: Sendable {
    /// Added to the true time.
    package var skew: Duration
    /// Parts per million by which it runs too fast; below zero too slow.
    package var drift: Int64

    package static let none = Self(skew: .zero, drift: 0)

    package init(skew: Duration, drift: Int64) {
        self.skew = skew
        self.drift = drift
    }

    func local(_ global: Int64) -> Int64 { global + skew.nanoseconds + global / 1_000_000 * drift }

    /// The first true moment at which the clock shows at least this time.
    func global(_ local: Int64) -> Int64 {
        var guess = Int64(Double(local - skew.nanoseconds) / (1 + Double(drift) * 1e-6))
        while self.local(guess) < local { guess += max(1, local - self.local(guess)) }
        return guess
    }
}

extension Duration {
    /// Whole nanoseconds; 292 years fit.
    package var nanoseconds: Int64 { Int64(attoseconds / 1_000_000_000) }
}
