package import Migration

/// I22: what the services have told one process about when it may send texts to the embedder.
package struct SendingTerms: Sendable {
    /// The embedder has told it to wait until then.
    package private(set) var waitsUntil: Int64 = 0
    /// The embedder has told it that the account has no credit left.
    private var isOutOfMoney = false
    /// It was told that the collection is full.
    private var isFull = false

    package init() {}

    /// The embedder has refused a request.
    package mutating func wasRefused(_ failure: PortFailure, at now: Int64) {
        switch failure.kind {
        case .throttled(let wait):
            // The later of the two: another worker of the process may have been told to wait for longer.
            waitsUntil = max(waitsUntil, now + (wait ?? .zero).nanoseconds)
        case .outOfMoney: isOutOfMoney = true
        default: break
        }
    }

    /// A write has found that the collection is full.
    package mutating func foundFull() { isFull = true }

    /// Why the process must not send now; nil when it may.
    package func breach(bySendingAt now: Int64, _ process: String) -> Finding? {
        // A clock that is 200 parts per million too slow waits longer than it must; one that is too fast waits at most
        // this much less.
        let slack: Int64 = 20_000_000
        if now + slack < waitsUntil {
            return Finding(22, "\(process) sends \(Duration.nanoseconds(waitsUntil - now)) before it may")
        }
        if isFull { return Finding(22, "\(process) pays although the collection is full") }
        return isOutOfMoney ? Finding(22, "\(process) sends after the account ran out of money") : nil
    }
}

/// I22: all processes together stay within the limit in any minute; the last request in it may reach over its end.
///
/// Not judged while a request may count that had no reservation, because the store had not answered in time.
package struct TokenMinute: Sendable {
    private static let minute: Int64 = 60_000_000_000

    private let limit: Int
    /// Tokens sent, with their times.
    private var sent: [(at: Int64, tokens: Int)] = []
    /// When a reservation last got no answer: the request is then sent without one.
    private var unreservedAt: Int64?

    /// - Parameter limit: the tokens per minute that the settings state.
    package init(limit: Int) { self.limit = limit }

    package mutating func reservationFailed(at now: Int64) { unreservedAt = now }

    /// A request is sent.
    package mutating func send(_ tokens: Int, at now: Int64) -> Finding? {
        sent.removeAll { $0.at <= now - Self.minute }
        let sum = sent.reduce(0) { $0 + $1.tokens }
        sent.append((now, tokens))
        if let unreservedAt, now < unreservedAt + 2 * Self.minute { return nil }
        return sum > limit ? Finding(22, "\(sum) tokens were sent within a minute, \(limit) are allowed") : nil
    }
}
