/// Decides how long one call of a port is repeated: after each failure it says what to do next.
///
/// It neither waits nor calls anything; `PortCaller` does what it says.
package struct CallTries: Sendable {
    /// The rules that differ between callers.
    package struct Rules: Sendable {
        package enum Waits: Sendable {
            /// Depending on the kind of failure.
            case policy(RetryPolicy)
            /// A fixed wait before each repeat, whatever the failure: for something that does not exist yet but will.
            case fixed([Duration])
        }

        package let waits: Waits
        /// The maximum number of failures of any kind; nil = only the waits end it.
        package var triesMax: Int?
        /// The longest wait, whatever the service asks for.
        package var waitMax: Duration?
        /// Whether a request to wait counts as a try.
        package var countsThrottles = true
        /// Whether unclassified failures of this one call end it; a runner counts them over all its calls.
        package var endsUnclassified = false

        package init(_ waits: Waits) { self.waits = waits }
    }

    /// The next step after a failure.
    package enum Next: Sendable {
        /// Call again with the same identity after this time; `isAsked` if the service asks for the wait.
        case again(after: Duration, isAsked: Bool)
        case end(End)
    }

    package enum End: Sendable {
        /// It may succeed later.
        case giveBack
        /// A repeat is useless.
        case failed(PortFailure)
        /// The caller was told to stop.
        case cancelled
    }

    private let rules: Rules
    private var failures = 0
    private var throttles = 0
    private var streak = UnclassifiedStreak()

    package init(_ rules: Rules) { self.rules = rules }

    /// The number of failed calls that count.
    package var count: Int { failures }

    /// Decides after a failure.
    ///
    /// - Parameters:
    ///   - failure: how the call failed.
    ///   - now: the time.
    ///   - jitter: a random number in 0..<1; it is read only if a wait may follow.
    /// - Returns: what to do.
    package mutating func failed(
        _ failure: PortFailure,
        at now: Duration,
        jitter: @autoclosure () -> Double
    ) -> Next {
        let tries = count(failure)
        if let triesMax = rules.triesMax, tries >= triesMax { return .end(.failed(failure)) }
        if rules.endsUnclassified, let end = streak.verdict(on: failure, at: now) { return .end(.failed(end)) }
        switch rules.waits {
        case .fixed(let waits):
            return tries <= waits.count ? again(waits[tries - 1], isAsked: false) : .end(.failed(failure))
        case .policy(let policy):
            switch policy.decide(failure.kind, tries: tries, jitter: jitter()) {
            case .retry(let after): return again(after, isAsked: false)
            case .wait(let after): return again(after, isAsked: true)
            case .giveBack: return .end(.giveBack)
            case .isolate, .stop: return .end(.failed(failure))
            case .cancelled: return .end(.cancelled)
            }
        }
    }

    private mutating func count(_ failure: PortFailure) -> Int {
        if !rules.countsThrottles, case .throttled = failure.kind {
            throttles += 1
            return throttles
        }
        failures += 1
        return failures
    }

    private func again(_ wait: Duration, isAsked: Bool) -> Next {
        .again(after: rules.waitMax.map { min(wait, $0) } ?? wait, isAsked: isAsked)
    }
}
