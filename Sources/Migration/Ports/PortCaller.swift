/// Calls a port until it answers.
///
/// The only loop of this kind; `CallTries` decides. Callers differ in what they check before each try, what they note
/// about a failure, how they spend the wait, and what an end means to them.
package protocol PortCaller {
    associatedtype End: Error

    var rules: CallTries.Rules { get }
    var time: Time { get }
    /// A random number for the waits.
    func jitter() -> Double

    /// Called before each try.
    mutating func willTry() async throws(End)
    mutating func answered(after took: Duration)
    /// Called after each failure.
    ///
    /// - Returns: the failure to decide about; nil = it was handled, and the call is repeated at once.
    mutating func failed(_ failure: PortFailure, after took: Duration) async throws(End) -> PortFailure?
    /// Waits before the next try.
    mutating func pause(
        _ wait: Duration,
        isAsked: Bool,
        after failure: PortFailure,
        tries: Int
    ) async throws(End)
    mutating func end(_ end: CallTries.End, after failure: PortFailure) -> End
}

extension PortCaller {
    package mutating func willTry() async throws(End) {}
    package mutating func answered(after took: Duration) {}
    package mutating func failed(
        _ failure: PortFailure,
        after took: Duration
    ) async throws(End) -> PortFailure? { failure }

    /// Makes one call, with the same identity each time, until it is answered or ended.
    package consuming func answer<Value>(
        _ operation: () async throws(PortFailure) -> Value
    ) async throws(End) -> Value {
        var caller = self
        let time = caller.time
        var tries = CallTries(caller.rules)
        while true {
            try await caller.willTry()
            let start = time.now
            do throws(PortFailure) {
                let value = try await operation()
                caller.answered(after: time.now - start)
                return value
            } catch {
                guard let failure = try await caller.failed(error, after: time.now - start) else { continue }
                switch tries.failed(failure, at: time.now, jitter: caller.jitter()) {
                case .again(let wait, let isAsked):
                    try await caller.pause(wait, isAsked: isAsked, after: failure, tries: tries.count)
                case .end(let end): throw caller.end(end, after: failure)
                }
            }
        }
    }
}

/// A call outside the work on a batch: it is repeated until it is answered, stopped, or refused in a way that no repeat
/// can change.
package struct PatientCall: PortCaller {
    package enum End: Error {
        case stopped
        case failed(PortFailure)
    }

    package let rules: CallTries.Rules
    package let time: Time
    private let entropy: (any Entropy)?
    private let isRepeated: @Sendable (PortFailure) -> Bool
    private let stop: StopSignal?
    private let willWait: (@Sendable (PortFailure, Duration) -> Void)?

    /// Makes a call.
    ///
    /// - Parameters:
    ///   - rules: the rules for repeating it.
    ///   - isRepeated: whether the rules cover a failure; other failures end the call.
    ///   - time: the clock for the waits.
    ///   - entropy: shortens the waits; nil = full waits.
    ///   - stop: ends the call at `drain`, also before a try; nil = only a cancelled task ends a wait.
    ///   - willWait: called before each wait.
    package init(
        _ rules: CallTries.Rules,
        while isRepeated: @escaping @Sendable (PortFailure) -> Bool = { _ in true },
        time: Time,
        entropy: (any Entropy)? = nil,
        stop: StopSignal? = nil,
        willWait: (@Sendable (PortFailure, Duration) -> Void)? = nil
    ) {
        self.rules = rules
        self.time = time
        self.entropy = entropy
        self.isRepeated = isRepeated
        self.stop = stop
        self.willWait = willWait
    }

    package func jitter() -> Double { entropy?.unit() ?? 1 }

    package func willTry() async throws(End) {
        if let stop, stop.level != .run || Task.isCancelled { throw .stopped }
    }

    package func failed(_ failure: PortFailure, after took: Duration) async throws(End) -> PortFailure? {
        guard isRepeated(failure) else { throw .failed(failure) }
        return failure
    }

    package func pause(
        _ wait: Duration,
        isAsked: Bool,
        after failure: PortFailure,
        tries: Int
    ) async throws(End) {
        willWait?(failure, wait)
        if let stop { return await time.sleep(for: wait, unless: stop, reaches: .drain) }
        do { try await time.sleep(for: wait) } catch { throw .stopped }
    }

    package func end(_ end: CallTries.End, after failure: PortFailure) -> End {
        switch end {
        case .giveBack: .failed(failure)
        case .failed(let failure): .failed(failure)
        case .cancelled: .stopped
        }
    }
}
