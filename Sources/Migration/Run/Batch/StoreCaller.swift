/// Calls the job store until it answers, as the tracking protocol asks: with the same identity, through outages of minutes.
package struct StoreCaller: Sendable {
    private let ports: EnginePorts
    private let state: RunnerState
    private let policy: RetryPolicy

    package init(ports: EnginePorts, state: RunnerState, policy: RetryPolicy = .store) {
        self.ports = ports
        self.state = state
        self.policy = policy
    }

    /// Repeats a call until there is an answer.
    ///
    /// - Parameters:
    ///   - limit: gives up after this time; nil = only a stop gives up.
    ///   - level: gives up as soon as the stop signal reaches this level.
    ///   - grace: goes on for this long after that.
    ///   - call: names it among the calls of this runner, also where they are given up and made anew.
    ///   - operation: one call, with the same identity each time.
    /// - Returns: the answer, or nil when it was given up. A refusal ends the runner.
    package func answer<Value: Sendable>(
        within limit: Duration? = nil,
        until level: StopSignal.Level,
        grace: Duration = .zero,
        call: String = #function,
        _ operation: (any JobStore) async throws(PortFailure) -> Value
    ) async -> Value? {
        let start = ports.time.now
        var tries = 0
        var graceEnd: Duration?
        while true {
            let wait: Duration
            do {
                let value = try await operation(ports.store)
                state.storeAnswered(true, at: ports.time.now)
                state.withWaits { $0.answered(.store, at: ports.time.now) }
                state.answered(ServiceCall(.store, call))
                return value
            } catch {
                tries += 1
                if let end = state.verdict(on: error, of: ServiceCall(.store, call), at: ports.time.now) {
                    state.end(.fatal(.store, end), level: .release)
                    return nil
                }
                switch policy.decide(error.kind, tries: tries, jitter: ports.entropy.unit()) {
                case .retry(let after):
                    state.storeAnswered(false, at: ports.time.now)
                    wait = after
                    note(error, wait)
                case .wait(let after):
                    wait = after
                    note(error, wait)
                case .cancelled: return nil
                case .giveBack, .isolate, .stop:
                    state.end(.fatal(.store, error), level: .release)
                    return nil
                }
                if let limit, ports.time.now - start + wait > limit { return nil }
                if tries > 2 { ports.report(.retrying(.store, error, after: wait)) }
            }
            if Task.isCancelled { return nil }
            if state.stop.level < level {
                await ports.time.sleep(for: wait, unless: state.stop, reaches: level)
                continue
            }
            let end = graceEnd ?? ports.time.now + grace
            graceEnd = end
            if ports.time.now + wait > end { return nil }
            try? await ports.time.sleep(for: wait)
        }
    }

    private func note(_ failure: PortFailure, _ wait: Duration) {
        let now = ports.time.now
        state.withWaits { $0.failed(.store, failure, at: now, nextTry: now + wait) }
    }
}
