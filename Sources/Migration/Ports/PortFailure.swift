/// Why a call through a port gave no answer, classified by what to do next.
///
/// It is about a call; a *failure* is about a record. `detail` is a sentence for people that the adapter has cleaned of
/// secrets and of record text.
package struct PortFailure: Error, Sendable, Codable, CustomStringConvertible {
    /// What to do next.
    package enum Kind: Sendable, Codable, Equatable {
        /// Not reached, or the service is down or busy: wait and try again. Nothing was done.
        case unavailable
        /// The service asks to wait; this costs no record and no retry.
        case throttled(retryAfter: Duration?)
        /// Sent, but no answer: it may or may not have been done. Repeat with the same identity.
        case outcomeUnknown
        /// The service understood the call and refused it: repeating the same call is useless.
        case rejected
        /// The service refused with a code that is not classified: nothing was done, and it may pass.
        ///
        /// Wait and try again, for as long as `UnclassifiedStreak` allows; then it ends the run. So a code that only a
        /// certain cluster or proxy knows does not end a run during a failover.
        case unclassified
        /// Key, grants or TLS: a person must act. Stops the whole job and keeps everything.
        case unauthorised
        /// The account has no credit left. Stops the whole job and keeps everything.
        case outOfMoney
        /// The service has no room for any further data: a person must make room. Stops the whole job and keeps
        /// everything.
        case full
        /// The caller gave up the call itself.
        case cancelled
    }

    package let kind: Kind
    /// The code of a refusal by something in front of the service, such as a firewall or a proxy, not by the service
    /// itself.
    package static let blocked = "blocked"

    /// What happened, and what a person can do about it; one sentence.
    package let detail: String
    /// The service's own short code, if it has one: an SQLSTATE, a MySQL error number, an API error code.
    package let code: String?

    package init(_ kind: Kind, _ detail: String, code: String? = nil) {
        self.kind = kind
        self.detail = detail
        self.code = code
    }

    package var description: String { detail }
}
