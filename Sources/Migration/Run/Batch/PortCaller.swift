/// Somebody who calls a port until it answers.
///
/// The loop is here, once; `CallTries` decides. What differs is what is asked before each try, what is noted of a failure, how
/// the wait is spent, and what an end means to the caller.
package protocol PortCaller {
    associatedtype End: Error

    var rules: CallTries.Rules { get }
    var time: Time { get }
    /// Chance for the waits.
    func jitter() -> Double

    /// Asked before each try.
    mutating func willTry() async throws(End)
    mutating func answered(after took: Duration)
    /// Told of each failure.
    ///
    /// - Returns: the failure that is decided about; nil = it was dealt with, and the call is made again at once.
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

    /// Makes one call, with the same identity each time, until there is an answer or an end.
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

/// A call outside of work on a batch: it is repeated until it is answered, stopped, or refused in a way that no repeat can change.
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
    ///   - rules: how long it is repeated.
    ///   - isRepeated: whether a failure is one that the rules are about; others end it.
    ///   - time: to wait by.
    ///   - entropy: shortens the waits; nil = they are waited in full.
    ///   - stop: ends it at `drain`, before a try too; nil = only a cancelled task ends a wait.
    ///   - willWait: told of each wait.
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
