package import Migration

/// The result of the work on a list of records: every one of them is accounted for.
package struct WorkDone: Sendable {
    package let counts: BatchCounts
    package let failures: [FailedRecord]
}

/// Why the work on a list of records ended before every one of them was accounted for.
package enum WorkEnd: Error, Sendable {
    /// A service is slow or down: try again later; nothing is lost and no retry is used.
    case deferred(after: Duration, by: Service, BatchError)
    /// Everything except suspects is done, and these may not be tried yet: try again later. The worker need not wait
    /// for it.
    case suspects(after: Duration, by: Service, BatchError)
    /// Too little time is left to start anything in this attempt.
    case outOfTime
    /// The permission to write has ended: stop.
    case untrusted
    /// Told to stop by a signal, a cancelled job or a lost lease.
    case interrupted
    /// A brake keeps the work from going on: the job is paused.
    case braked(Brake)
    /// A person must act.
    case fatal(Service, PortFailure)
}
