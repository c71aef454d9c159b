import Synchronization

/// What the loops of one runner share: pauses that all workers keep, and the reason to stop.
package final class RunnerState: Sendable {
    private struct State {
        var embedderPausedUntil = Duration.zero
        var embedderRefusal: PortFailure?
        var reason: StopReason?
        var storeFailingSince: Duration?
        var storeBackAt: Duration?
        var writes = WriteBreaker()
    }

    private let state = Mutex(State())
    private let outageMin: Duration
    /// Raised when this runner must stop.
    package let stop: StopSignal

    /// Makes the state of a runner.
    ///
    /// - Parameters:
    ///   - stop: raised from outside by signals, and by `end`.
    ///   - outageMin: the store is out when it has answered nothing for this long: an interval of the heartbeat, because
    ///     nobody's lease runs out for less.
    package init(stop: StopSignal, outageMin: Duration = .seconds(30)) {
        self.stop = stop
        self.outageMin = outageMin
    }

    /// Why the runner stops; nil while it runs.
    package var reason: StopReason? { state.withLock { $0.reason } }

    /// Ends the runner; the first reason stays.
    package func end(_ reason: StopReason, level: StopSignal.Level) {
        state.withLock { $0.reason = $0.reason ?? reason }
        stop.raise(level)
    }

    /// Keeps every worker of this runner from calling the embedder until then.
    package func pauseEmbedder(until time: Duration) {
        state.withLock { $0.embedderPausedUntil = max($0.embedderPausedUntil, time) }
    }

    /// Keeps every worker of this runner from calling the embedder for good: a person must act.
    package func stopEmbedder(_ refusal: PortFailure) { state.withLock { $0.embedderRefusal = refusal } }

    /// Why the embedder may not be called any more; nil while it may.
    package var embedderRefusal: PortFailure? { state.withLock { $0.embedderRefusal } }

    /// When the embedder may be called again.
    package var embedderPausedUntil: Duration { state.withLock { $0.embedderPausedUntil } }

    /// What keeps workers from paying for vectors that cannot be written.
    package var writes: WriteBreaker { state.withLock { $0.writes } }

    /// Lets the breaker know, or asks it.
    func withWrites<Answer>(_ body: (inout WriteBreaker) -> Answer) -> Answer {
        state.withLock { body(&$0.writes) }
    }

    /// Notes whether the store answered, so that nobody reaps just after an outage.
    package func storeAnswered(_ answered: Bool, at now: Duration) {
        state.withLock { state in
            if !answered {
                state.storeFailingSince = state.storeFailingSince ?? now
            } else if let since = state.storeFailingSince {
                if now - since >= outageMin { state.storeBackAt = now }
                state.storeFailingSince = nil
            }
        }
    }

    /// When the store came back from its last outage; nil without one.
    package var storeBackAt: Duration? { state.withLock { $0.storeBackAt } }
}
