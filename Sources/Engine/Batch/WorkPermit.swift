package import Migration

/// Permission to work on a list of records: a lease in a migration, or none when `verify --repair` repairs a record.
package protocol WorkPermit: AnyObject, Sendable {
    /// Whether an external write may start now.
    func mayWrite(at now: Duration) -> Bool
    /// Whether new work may start now.
    func mayStart(at now: Duration) -> Bool
    /// Adds to the time spent waiting for services: quota, throttling, outages, calls that fail.
    func addWait(_ duration: Duration)
    /// Notes that points were written or deleted, so that the next attempt has less to do.
    func noteProgress()
    /// Adds the cost of an answer of the embedder.
    func pay(_ paid: Paid)
    /// Absolute progress.
    var counts: BatchCounts { get set }
    /// Raised to `release` when the work must stop.
    var interruption: StopSignal { get }
    /// A longer wait gives the work back.
    var waitMax: Duration { get }
    /// Whether the work can be given back to be continued later.
    var canBeDeferred: Bool { get }
    /// The results of the requests of the work.
    var trials: RequestTrials { get set }
    /// Asked just before the points of this many deleted or blank records are deleted.
    ///
    /// - Throws: `braked` when they must not be deleted.
    func mayRemove(_ records: Int) async throws(WorkEnd)
}

extension WorkPermit {
    package var canBeDeferred: Bool { true }
    package func noteProgress() {}
    package func pay(_ paid: Paid) {}
}

extension HeldLease: WorkPermit {
    package var waitMax: Duration { length / 2 }
}

/// Permission to work without a lease.
package final class FreePermit: WorkPermit {
    package let interruption: StopSignal
    package let waitMax = Duration.seconds(600)
    package let canBeDeferred = false

    private let brake: VerifyBrake?

    package convenience init(interruption: StopSignal) { self.init(interruption: interruption, brake: nil) }

    init(interruption: StopSignal, brake: VerifyBrake?) {
        self.interruption = interruption
        self.brake = brake
    }

    package func mayWrite(at now: Duration) -> Bool { true }
    package func mayStart(at now: Duration) -> Bool { true }
    package func addWait(_ duration: Duration) {}
    package var counts: BatchCounts {
        get { BatchCounts() }
        set {}
    }
    package var trials: RequestTrials {
        get { RequestTrials() }
        set {}
    }
    package func mayRemove(_ records: Int) async throws(WorkEnd) { try brake?.mayRemove(records) }
}
