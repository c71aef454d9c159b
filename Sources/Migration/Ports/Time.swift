/// Time for the engine: monotonic, injected, never the system's.
///
/// Wraps any Swift `Clock`, so that the production clock and the simulation's virtual clock have the same type.
package struct Time: Sendable {
    private let elapsed: @Sendable () -> Duration
    private let sleeping: @Sendable (Duration) async throws -> Void

    package init<C: Clock<Duration>>(_ clock: C) where C.Instant: Sendable {
        let origin = clock.now
        self.init(elapsed: { origin.duration(to: clock.now) }, sleeping: { try await clock.sleep(for: $0) })
    }

    /// - Parameters:
    ///   - elapsed: the time since this value was made.
    ///   - sleeping: suspends for a duration, and throws as soon as the task is cancelled.
    package init(
        elapsed: @escaping @Sendable () -> Duration,
        sleeping: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.elapsed = elapsed
        self.sleeping = sleeping
    }

    /// Time since this value was made; only differences have a meaning.
    package var now: Duration { elapsed() }

    /// Suspends for a duration.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    package func sleep(for duration: Duration) async throws {
        if duration > .zero { try await sleeping(duration) } else { try Task.checkCancellation() }
    }
}
