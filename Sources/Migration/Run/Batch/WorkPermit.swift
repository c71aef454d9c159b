/// Leave to work on a list of records: a lease in a migration, or nobody's when `verify --repair` mends a record.
package protocol WorkPermit: AnyObject, Sendable {
    /// Whether an external write may start now.
    func mayWrite(at now: Duration) -> Bool
    /// Whether new work may start now.
    func mayStart(at now: Duration) -> Bool
    /// Adds to the time spent waiting for others: quota, throttling, outages, calls that fail.
    func addWait(_ duration: Duration)
    /// Notes that points were written or deleted, which the next attempt will find so.
    func noteProgress()
    /// Notes what an answer of the embedder has cost.
    func pay(_ paid: Paid)
    /// Absolute progress.
    var counts: BatchCounts { get set }
    /// Raised to `release` when the work must stop.
    var interruption: StopSignal { get }
    /// A longer wait gives the work back.
    var waitMax: Duration { get }
    /// Whether the work can be given back and goes on later.
    var canBeDeferred: Bool { get }
    /// What became of the requests of the work.
    var trials: RequestTrials { get set }
    /// Asked just before the points of so many records are deleted, which are gone or blank.
    ///
    /// - Throws: `braked` when they must not be.
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

/// Leave to work without a lease.
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
