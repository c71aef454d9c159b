package import Migration

/// A way in which a service always fails for one certain text or point, and only for that.
///
/// Callers of the port see the same as in an outage; over HTTP the server really answers this way.
package enum Trouble: String, Sendable, CaseIterable {
    case error500 = "500"
    case error502 = "502"
    /// The page of a firewall.
    case blocked403 = "403"
    case hang
    case closed
    /// 200 and no body.
    case empty
    /// 200 and the beginning of an answer.
    case truncated

    /// The failure that an adapter makes of it.
    package var failure: PortFailure {
        switch self {
        case .error500: PortFailure(.unavailable, "the service could not answer", code: "500")
        case .error502: PortFailure(.unavailable, "the service could not answer", code: "502")
        case .blocked403: PortFailure(.unauthorised, "a firewall refused the request", code: PortFailure.blocked)
        case .hang: PortFailure(.outcomeUnknown, "no answer in time", code: "curl 28")
        case .closed: PortFailure(.outcomeUnknown, "the connection broke before the answer", code: "curl 52")
        case .empty: PortFailure(.outcomeUnknown, "the answer is not the JSON expected", code: "empty_answer")
        case .truncated: PortFailure(.outcomeUnknown, "the answer is not the JSON expected", code: "unreadable_answer")
        }
    }

    /// Fails as the case says; a hanging one waits as long as the caller does.
    func strike(within limit: Duration?, _ time: Time) async throws(PortFailure) -> Never {
        if self == .hang {
            do {
                try await time.sleep(for: limit ?? .seconds(60))
            } catch {
                throw PortFailure(.cancelled, "the request was given up")
            }
        }
        throw failure
    }
}
