/// How the work on a list of records ended.
package enum WorkEnd: Error, Sendable {
    /// Every record is accounted for.
    case completed(BatchCounts, [FailedRecord])
    /// Others are slow: try again later, nothing was lost and no budget is used.
    case deferred(after: Duration, BatchError)
    /// There is no time left to start anything in this attempt.
    case outOfTime
    /// The leave to write has run out: stop.
    case untrusted
    /// Told to stop: signal, cancelled job, lost lease.
    case interrupted
    /// A person must act.
    case fatal(Service, PortFailure)
}
