/// How long a service has given nothing but failures with unknown codes.
///
/// Clusters, proxies and poolers return codes of their own while they fail over. Such a failure is repeated like an
/// outage, but not for ever: one that does not pass within two minutes counts as a refusal, which ends the run.
package struct UnclassifiedStreak: Sendable, Equatable {
    /// Longer than a failover takes: RDS promises 60 to 120 s for Multi-AZ instances, and about 30 s for Aurora.
    package static let limit = Duration.seconds(120)

    /// Fewer failures may be moments of one or two failovers, however far apart: a job that waits for its backoffs
    /// makes few calls.
    package static let leastFailures = 5

    private var since: Duration?
    private var failures = 0

    package init() {}

    package mutating func answered() { self = Self() }

    /// Counts a failure.
    ///
    /// - Parameters:
    ///   - failure: the failure of a call. Another kind ends the streak: an outage has its own rules.
    ///   - now: the time.
    /// - Returns: the failure that ends the work; nil as long as the call may be repeated, or if another kind decides.
    package mutating func verdict(on failure: PortFailure, at now: Duration) -> PortFailure? {
        guard failure.kind == .unclassified else {
            self = Self()
            return nil
        }
        let start = since ?? now
        since = start
        failures += 1
        guard failures >= Self.leastFailures, now - start >= Self.limit else { return nil }
        return PortFailure(
            .unclassified,
            "\(failure.detail); this has not passed within two minutes, and this program does not know the code",
            code: failure.code
        )
    }
}
