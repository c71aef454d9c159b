/// What to do after a call through a port has failed.
package struct RetryPolicy: Sendable, Equatable {
    /// What to do next.
    package enum Decision: Sendable, Equatable {
        /// Wait, then call again with the same identity.
        case retry(after: Duration)
        /// The service asks all callers to wait; the repeat does not count as a try.
        case wait(Duration)
        /// The tries did not help: give the work back for later.
        case giveBack
        /// The input of the call is at fault: isolate it.
        case isolate
        /// A person must act: stop the whole job and keep everything.
        case stop
        /// The caller was told to stop.
        case cancelled
    }

    /// The wait after the first failure.
    package let base: Duration
    /// The longest wait.
    package let cap: Duration
    /// The number of tries after which the work is given back; nil = never.
    package let triesMax: Int?

    package init(base: Duration, cap: Duration, triesMax: Int?) {
        precondition(base > .zero && cap >= base)
        self.base = base
        self.cap = cap
        self.triesMax = triesMax
    }

    /// The shortest wait after a throttle: some servers state a wait of zero, and then throttle again.
    private static let throttleMin = Duration.milliseconds(100)

    /// The longest wait that is granted to a service that asks for one.
    ///
    /// Servers ask for a day if a daily limit is reached, and for more by mistake. Asking again every ten minutes costs
    /// nothing, and shows when a person has raised the limit.
    package static let statedMax = Duration.seconds(600)

    /// For a provider's calls within a batch: 0.5 s doubling to 8 s, as in the providers' own clients; after six tries
    /// the batch is deferred.
    package static let provider = RetryPolicy(base: .milliseconds(500), cap: .seconds(8), triesMax: 6)
    /// For worker processes that end too early: one that dies at once must not keep a core busy with restarts.
    package static let restart = RetryPolicy(base: .milliseconds(500), cap: .seconds(30), triesMax: nil)
    /// For the job store: it survives outages of minutes, so there is no last try; a signal ends the wait.
    package static let store = RetryPolicy(base: .milliseconds(200), cap: .seconds(10), triesMax: nil)

    /// For the calls before there is a job: a person may be waiting at a terminal, so the waits stay short.
    package static let joining = RetryPolicy(base: .seconds(1), cap: .seconds(2), triesMax: nil)

    /// Decides after a failure.
    ///
    /// - Parameters:
    ///   - kind: how the call failed.
    ///   - tries: calls made so far that failed, at least 1.
    ///   - jitter: a random number in 0..<1; the wait is between half and all of the exponential step.
    /// - Returns: what to do.
    package func decide(_ kind: PortFailure.Kind, tries: Int, jitter: Double) -> Decision {
        switch kind {
        case .throttled(let retryAfter):
            let stated = retryAfter.map { min(max($0, Self.throttleMin), Self.statedMax) }
            return .wait(stated ?? step(tries) * (0.5 + jitter / 2))
        // One failure does not decide for how long: see `UnclassifiedStreak`.
        case .unavailable, .outcomeUnknown, .unclassified:
            if let triesMax, tries >= triesMax { return .giveBack }
            return .retry(after: step(tries) * (0.5 + jitter / 2))
        case .rejected: return .isolate
        case .unauthorised, .outOfMoney, .full: return .stop
        case .cancelled: return .cancelled
        }
    }

    private func step(_ tries: Int) -> Duration { min(base * (1 << min(max(tries, 1) - 1, 20)), cap) }
}
