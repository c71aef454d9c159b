/// What a runner does, or what it waits for: the same value for the store, the progress line, `status`, dashboards and
/// notices.
///
/// Times are on the runner's clock.
package enum RunnerActivity: Sendable, Equatable {
    /// It works, or is about to work.
    case running
    /// Nothing can be claimed now: other workers hold the rest, it may be claimed later, or it is not planned yet.
    case idle
    /// The minute quota has room again at that time: the account's limit slows the work down.
    case quota(until: Duration)
    /// A service has asked to wait until then.
    case throttled(Service, until: Duration)
    /// A service has answered nothing since then; `code` is its last answer, or a word if there was none.
    case serviceAway(Service, since: Duration, code: String, nextTry: Duration?)
    /// The job is paused, by a person or a brake; `by` is the given reason.
    case paused(by: String?)
    /// It was told to stop: it claims nothing more and ends its batches.
    case draining
    /// Nothing has moved since then, and no service gives a reason.
    case stalled(since: Duration, because: Stall)

    /// Why a runner is stalled.
    package enum Stall: String, Sendable, CaseIterable {
        /// Points were refused, and nothing has been written since: vectors that cannot be written are not paid for.
        case unwritable
        /// It holds batches, but no call about them has ended.
        case noAnswer = "no_answer"
    }
}

extension RunnerActivity {
    /// What a runner knows about itself.
    package struct Facts: Sendable, Equatable {
        /// Whether it was told to stop.
        package var isDraining = false
        /// Why the job is paused; nil when it is not.
        package var pause: Pause?
        /// Services whose calls fail, each once.
        package var outages: [Service: Outage] = [:]
        /// Until when a service has asked to wait.
        package var throttled: [Service: Duration] = [:]
        /// When the quota has room for the last request that was reserved.
        package var quotaUntil = Duration.zero
        /// Whether the writes of this runner are stopped.
        package var areWritesStopped = false
        /// Batches under its leases.
        package var held = 0
        /// When a claim last found nothing.
        package var nothingFoundAt: Duration?
        /// When something was last claimed, read, embedded or written.
        package var movedAt = Duration.zero

        package init() {}
    }

    /// A pause and its reason.
    package struct Pause: Sendable, Equatable {
        package var reason: String?

        package init(reason: String?) { self.reason = reason }
    }

    /// Calls of a service that fail, one after the other.
    package struct Outage: Sendable, Equatable {
        /// When the first of these calls failed.
        package var since: Duration
        /// The code of the last failure.
        package var code: String
        /// When the next call is made, if that is known.
        package var nextTry: Duration?

        package init(since: Duration, code: String, nextTry: Duration?) {
            self.since = since
            self.code = code
            self.nextTry = nextTry
        }
    }

    /// A service that fails for a shorter time is not away: every service loses a call now and then.
    package static let outageMin = Duration.seconds(3)
    /// Longer than any call that ends.
    package static let stallMin = Duration.seconds(180)
    /// Longer than a runner waits between two claims.
    static let idleMax = Duration.seconds(30)

    /// Decides: if there are several reasons, the one that a person needs to know first.
    ///
    /// A stop or a pause was intended, so it explains everything else. An outage of the store comes next, because no
    /// work is possible without it; then an outage of the collection, because vectors that cannot be written must not
    /// be paid for; then the embedder and the source. Waits that end by themselves come last.
    package init(_ facts: Facts, at now: Duration) {
        if facts.isDraining {
            self = .draining
        } else if let pause = facts.pause {
            self = .paused(by: pause.reason)
        } else if let (service, outage) = Self.outage(of: facts, at: now) {
            self = .serviceAway(service, since: outage.since, code: outage.code, nextTry: outage.nextTry)
        } else if let (service, until) = Self.throttling(facts, at: now) {
            self = .throttled(service, until: until)
        } else if facts.areWritesStopped {
            self = .stalled(since: facts.movedAt, because: .unwritable)
        } else if facts.quotaUntil > now {
            self = .quota(until: facts.quotaUntil)
        } else if facts.held > 0 {
            let isStalled = now - facts.movedAt >= Self.stallMin
            self = isStalled ? .stalled(since: facts.movedAt, because: .noAnswer) : .running
        } else {
            self = facts.nothingFoundAt.map { now - $0 < Self.idleMax } ?? false ? .idle : .running
        }
    }

    private static let order: [Service] = [.store, .points, .embedder, .source]

    private static func outage(of facts: Facts, at now: Duration) -> (Service, Outage)? {
        for service in order {
            if let outage = facts.outages[service], now - outage.since >= outageMin { return (service, outage) }
        }
        return nil
    }

    private static func throttling(_ facts: Facts, at now: Duration) -> (Service, Duration)? {
        for service in order {
            if let until = facts.throttled[service], until > now { return (service, until) }
        }
        return nil
    }
}

extension RunnerActivity {
    /// Its word in the store; a fixed vocabulary for programs.
    package var word: String {
        switch self {
        case .running: "running"
        case .idle: "idle"
        case .quota: "quota"
        case .throttled: "throttled"
        case .serviceAway: "service_away"
        case .paused: "paused"
        case .draining: "draining"
        case .stalled: "stalled"
        }
    }

    /// The word for a runner that has ended.
    package static let leftWord = "left"

    /// The service for which it waits.
    package var service: Service? {
        switch self {
        case .throttled(let service, _), .serviceAway(let service, _, _, _): service
        case .running, .idle, .quota, .paused, .draining, .stalled: nil
        }
    }

    /// A code for programs, or the words of a person.
    package var reason: String? {
        switch self {
        case .serviceAway(_, _, let code, _): code
        case .paused(let words): words
        case .stalled(_, let why): why.rawValue
        case .running, .idle, .quota, .throttled, .draining: nil
        }
    }

    /// Since when, if the value contains it.
    package var since: Duration? {
        switch self {
        case .serviceAway(_, let since, _, _), .stalled(let since, _): since
        case .running, .idle, .quota, .throttled, .paused, .draining: nil
        }
    }

    /// When the wait ends, if that is known.
    package var until: Duration? {
        switch self {
        case .quota(let until), .throttled(_, let until): until
        case .serviceAway(_, _, _, let nextTry): nextTry
        case .running, .idle, .paused, .draining, .stalled: nil
        }
    }

    /// Whether both are the same state for the same reason; the ends of waits are not compared.
    package func isSame(as other: RunnerActivity) -> Bool {
        word == other.word && service == other.service && reason == other.reason
    }
}
