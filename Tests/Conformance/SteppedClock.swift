import Synchronization

/// A clock that moves only by hand; nothing may sleep on it.
package final class SteppedClock: Clock {
    package typealias Duration = Swift.Duration

    package struct Instant: InstantProtocol {
        package var offset: Duration

        package func advanced(by duration: Duration) -> Self { Self(offset: offset + duration) }
        package func duration(to other: Self) -> Duration { other.offset - offset }
        package static func < (left: Self, right: Self) -> Bool { left.offset < right.offset }
    }

    private let offset = Mutex(Duration.zero)

    package init() {}

    package var now: Instant { Instant(offset: offset.withLock { $0 }) }
    package let minimumResolution = Duration.zero

    package func advance(by duration: Duration) { offset.withLock { $0 += duration } }

    package func sleep(until deadline: Instant, tolerance: Swift.Duration?) async throws {
        preconditionFailure("nothing sleeps on a clock that moves only by hand")
    }
}
