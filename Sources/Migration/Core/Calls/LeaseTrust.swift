/// How long a worker may trust its lease, on its own monotonic clock.
///
/// The database clock decides which worker holds a batch; this is only used to stop early. The lease is trusted for its
/// length minus `margin`, counted from when the last accepted claim or heartbeat was *sent*: the answer may have
/// travelled for long.
package struct LeaseTrust: Sendable, Equatable {
    /// Reserved at the end for a write in transit; a quarter of a lease that is shorter than four times this.
    package static let margin = Duration.seconds(5)
    /// Within this time before the deadline nothing new is started.
    package static let deadlineMargin = Duration.seconds(60)

    private let margin: Duration
    private var until: Duration
    private let startNothingAfter: Duration

    /// Makes the trust after a claim.
    ///
    /// - Parameters:
    ///   - sent: when the accepted claim was sent.
    ///   - lease: length of the lease as the store stated it.
    ///   - deadline: time to the deadline as the store stated it.
    package init(sent: Duration, lease: Duration, deadline: Duration) {
        margin = min(Self.margin, lease / 4)
        until = sent + lease - margin
        // A deadline shorter than two margins leaves at least half of its time for work.
        startNothingAfter = sent + max(deadline - Self.deadlineMargin, deadline / 2)
    }

    /// Extends the trust after an accepted heartbeat; an answer that arrives out of order changes nothing.
    package mutating func extend(sent: Duration, lease: Duration) { until = max(until, sent + lease - margin) }

    /// Whether an external write may start.
    package func mayWrite(at now: Duration) -> Bool { now < until }

    /// Whether new work may start within this attempt.
    package func mayStart(at now: Duration) -> Bool { now < startNothingAfter }
}
