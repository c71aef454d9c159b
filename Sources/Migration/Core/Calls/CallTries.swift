/// How long one call of a port is repeated: told of each failure, it says what comes next.
///
/// It waits for nothing and asks nobody; `PortCaller` does what it says.
package struct CallTries: Sendable {
    /// What differs from caller to caller.
    package struct Rules: Sendable {
        package enum Waits: Sendable {
            /// By what kind of failure it was.
            case policy(RetryPolicy)
            /// Before each repeat, whatever the failure: for what is not there yet and is known to come.
            case fixed([Duration])
        }

        package let waits: Waits
        /// The last failure, whatever its kind; nil = only the waits end it.
        package var triesMax: Int?
        /// No wait is longer, whatever the service asks for.
        package var waitMax: Duration?
        /// Whether being asked to wait is one of the tries.
        package var countsThrottles = true
        /// Whether unclassified failures of this one call end it; a runner counts them for all its calls together.
        package var endsUnclassified = false

        package init(_ waits: Waits) { self.waits = waits }
    }

    /// What comes after a failure.
    package enum Next: Sendable {
        /// Call again with the same identity after this; `isAsked`: because the service asks for it.
        case again(after: Duration, isAsked: Bool)
        case end(End)
    }

    package enum End: Sendable {
        /// Later it may go well.
        case giveBack
        /// Repeating is of no use.
        case failed(PortFailure)
        /// We were told to stop.
        case cancelled
    }

    private let rules: Rules
    private var failures = 0
    private var throttles = 0
    private var streak = UnclassifiedStreak()

    package init(_ rules: Rules) { self.rules = rules }

    /// Calls that have failed, those counted that the rules count.
    package var count: Int { failures }

    /// Decides after a failure.
    ///
    /// - Parameters:
    ///   - failure: how the call failed.
    ///   - now: the time.
    ///   - jitter: a random number in 0..<1, which is asked for only where a wait may follow.
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
