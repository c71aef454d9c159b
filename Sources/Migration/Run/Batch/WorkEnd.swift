/// What the work on a list of records has come to: every one of them is accounted for.
package struct WorkDone: Sendable {
    package let counts: BatchCounts
    package let failures: [FailedRecord]
}

/// Why the work on a list of records ended before every one of them was accounted for.
package enum WorkEnd: Error, Sendable {
    /// A service is slow or out: try again later, nothing was lost and no budget is used.
    case deferred(after: Duration, by: Service, BatchError)
    /// All but suspects is done, and these may not be tried yet: try again later. The worker need not wait for it.
    case suspects(after: Duration, by: Service, BatchError)
    /// There is no time left to start anything in this attempt.
    case outOfTime
    /// The leave to write has run out: stop.
    case untrusted
    /// Told to stop: signal, cancelled job, lost lease.
    case interrupted
    /// A brake keeps the work from going on: the job is paused.
    case braked(Brake)
    /// A person must act.
    case fatal(Service, PortFailure)
}
