import Migration

/// What a runner waits for, as noted by its workers, and what it has done; all workers together.
struct RunnerWaits: Sendable {
    /// The facts for the report of the runner's activity.
    private(set) var facts = RunnerActivity.Facts()
    /// Batches that this runner has completed, and their records.
    private(set) var done = (batches: Int64(0), records: Int64(0))

    /// A call of a service has failed; the next one is made at `nextTry`.
    mutating func failed(_ service: Service, _ failure: PortFailure, at now: Duration, nextTry: Duration?) {
        if case .throttled = failure.kind {
            facts.throttled[service] = max(facts.throttled[service] ?? .zero, nextTry ?? now)
            return
        }
        let since = facts.outages[service]?.since ?? now
        facts.outages[service] = .init(since: since, code: failure.code ?? failure.kind.word, nextTry: nextTry)
    }

    /// A service has done what it was asked for.
    mutating func answered(_ service: Service, at now: Duration) {
        facts.outages[service] = nil
        if service != .store { facts.movedAt = now }
    }

    mutating func claimed(at now: Duration) { facts.movedAt = now }

    /// The quota has room again at that time.
    mutating func paced(until time: Duration) { facts.quotaUntil = max(facts.quotaUntil, time) }

    mutating func completed(records: Int) {
        done.batches += 1
        done.records += Int64(records)
    }

    mutating func saw(_ status: JobStatus, reason: String?) {
        facts.pause = status == .paused ? .init(reason: reason) : nil
    }
}

extension RunnerState {
    /// Batches that this runner has completed, and their records.
    var done: (batches: Int64, records: Int64) { withWaits { $0.done } }
}

extension PortFailure.Kind {
    /// A word in place of a code, if the service gave none.
    fileprivate var word: String {
        switch self {
        case .unavailable: "unavailable"
        case .throttled: "throttled"
        case .outcomeUnknown: "no_answer"
        case .rejected: "rejected"
        case .unauthorised: "unauthorised"
        case .outOfMoney: "out_of_money"
        case .full: "full"
        case .cancelled: "cancelled"
        case .unclassified: "unclassified"
        }
    }
}
