package import Migration

/// Calls the job store until it answers, as the tracking protocol requires: with the same identity, through outages of
/// minutes.
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
    ///   - limit: gives up after this time; nil = gives up only at a stop.
    ///   - level: gives up as soon as the stop signal reaches this level.
    ///   - grace: continues for this long after that.
    ///   - call: identifies it among the calls of this runner, also if one is given up and started again.
    ///   - operation: one call, with the same identity each time.
    /// - Returns: the answer, or nil when the call was given up. A refusal ends the runner.
    package func answer<Value: Sendable>(
        within limit: Duration? = nil,
        until level: StopSignal.Level,
        grace: Duration = .zero,
        call: String = #function,
        _ operation: (any JobStore) async throws(PortFailure) -> Value
    ) async -> Value? {
        let caller = StoreCall(
            ports: ports,
            state: state,
            rules: CallTries.Rules(.policy(policy)),
            name: ServiceCall(.store, call),
            patience: Patience(start: ports.time.now, limit: limit, level: level, grace: grace)
        )
        do throws(StoreCall.End) {
            return try await caller.answer { () async throws(PortFailure) in try await operation(ports.store) }
        } catch {
            if case .refused(let failure) = error { state.end(.fatal(.store, failure), level: .release) }
            return nil
        }
    }
}

/// How long to wait for the store.
private struct Patience: Sendable {
    enum Way { case untilStopped, anyway, notAtAll }

    let start: Duration
    let limit: Duration?
    let level: StopSignal.Level
    let grace: Duration
    private var graceEnd: Duration?

    init(start: Duration, limit: Duration?, level: StopSignal.Level, grace: Duration) {
        self.start = start
        self.limit = limit
        self.level = level
        self.grace = grace
    }

    func admits(_ wait: Duration, at now: Duration) -> Bool { limit.map { now - start + wait <= $0 } ?? true }

    /// How to spend a wait, depending on how urgently the runner has to stop.
    mutating func way(of wait: Duration, at now: Duration, _ urgency: StopSignal.Level) -> Way {
        if urgency < level { return .untilStopped }
        let end = graceEnd ?? now + grace
        graceEnd = end
        return now + wait > end ? .notAtAll : .anyway
    }
}

/// One call to the store for a runner, whose other loops need to know the state of the store.
private struct StoreCall: PortCaller {
    enum End: Error {
        case givenUp
        case refused(PortFailure)
    }

    let ports: EnginePorts
    let state: RunnerState
    let rules: CallTries.Rules
    let name: ServiceCall
    var patience: Patience

    var time: Time { ports.time }

    func jitter() -> Double { ports.entropy.unit() }

    func answered(after took: Duration) {
        state.storeAnswered(true, at: time.now)
        state.withWaits { $0.answered(.store, at: time.now) }
        state.answered(name)
    }

    func failed(_ failure: PortFailure, after took: Duration) async throws(End) -> PortFailure? {
        if let end = state.verdict(on: failure, of: name, at: time.now) { throw .refused(end) }
        return failure
    }

    mutating func pause(
        _ wait: Duration,
        isAsked: Bool,
        after failure: PortFailure,
        tries: Int
    ) async throws(End) {
        let now = time.now
        // A store that asks to wait is not down.
        if !isAsked { state.storeAnswered(false, at: now) }
        state.withWaits { $0.failed(.store, failure, at: now, nextTry: now + wait) }
        guard patience.admits(wait, at: now) else { throw .givenUp }
        if tries > 2 { ports.report(.retrying(.store, failure, after: wait)) }
        if Task.isCancelled { throw .givenUp }
        switch patience.way(of: wait, at: now, state.stop.level) {
        case .untilStopped: await time.sleep(for: wait, unless: state.stop, reaches: patience.level)
        case .anyway: try? await time.sleep(for: wait)
        case .notAtAll: throw .givenUp
        }
    }

    func end(_ end: CallTries.End, after failure: PortFailure) -> End {
        switch end {
        case .giveBack: .refused(failure)
        case .failed(let failure): .refused(failure)
        case .cancelled: .givenUp
        }
    }
}
