/// Leave to work on a list of records: a lease in a migration, or nobody's when `verify --repair` mends a record.
package protocol WorkPermit: AnyObject, Sendable {
    /// Whether an external write may start now.
    func mayWrite(at now: Duration) -> Bool
    /// Whether new work may start now.
    func mayStart(at now: Duration) -> Bool
    /// Adds to the time spent waiting for others: quota, throttling, outages.
    func addWait(_ duration: Duration)
    /// Absolute progress.
    var counts: BatchCounts { get set }
    /// Raised to `release` when the work must stop.
    var interruption: StopSignal { get }
    /// A longer wait gives the work back.
    var waitMax: Duration { get }
}

extension HeldLease: WorkPermit {
    package var waitMax: Duration { length / 2 }
}

/// Leave to work without a lease.
package final class FreePermit: WorkPermit {
    package let interruption: StopSignal
    package let waitMax = Duration.seconds(600)

    package init(interruption: StopSignal) { self.interruption = interruption }

    package func mayWrite(at now: Duration) -> Bool { true }
    package func mayStart(at now: Duration) -> Bool { true }
    package func addWait(_ duration: Duration) {}
    package var counts: BatchCounts {
        get { BatchCounts() }
        set {}
    }
}
