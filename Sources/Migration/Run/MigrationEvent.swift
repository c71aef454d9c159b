/// Something that happened in a runner.
///
/// Core and Run are silent: one place outside turns these values into log lines, metrics and the progress line; tests read
/// them. They carry ids, never record text.
package enum MigrationEvent: Sendable {
    /// The job was opened or joined.
    case jobOpened(JobSummary, isNew: Bool)
    /// We hold the controller lease, or lost it to another runner.
    case controlling(Bool, epoch: Int)
    /// A page of the plan was stored.
    case planned(batches: Int, records: Int64)
    /// The plan is complete.
    case sealed(batches: Int, records: Int64)
    /// A batch was claimed.
    case claimed(worker: Int, batch: Int, attempt: Int, records: Int)
    /// A batch ended, as the store applied it.
    case finished(
        worker: Int,
        batch: Int,
        attempt: Int,
        outcome: BatchOutcome,
        counts: BatchCounts,
        reason: BatchError?
    )
    /// A lease was lost: its work is dropped and nothing is reported.
    case leaseLost(worker: Int, batch: Int, attempt: Int)
    /// A record was given up; becomes a dead letter when its batch completes.
    case recordFailed(batch: Int, FailedRecord)
    /// An embedding request was answered.
    case embedded(chunks: Int, tokens: Int)
    /// The embedder asked everybody to wait.
    case throttled(Duration)
    /// A call failed and will be repeated.
    case retrying(Service, PortFailure, after: Duration)
    /// The reaper ended attempts whose lease had run out.
    case reaped(reset: Int, failed: Int)
    /// The job is paused: nothing is claimed until somebody resumes it.
    case paused
    /// Batches are still under the lease of another runner; if it is dead, they come back within this time.
    ///
    /// Nothing else is left to claim.
    case waitingForLeases(batches: Int, atMost: Duration)
    /// The counters, every few seconds.
    case progress(JobStats)
    /// The runner stops, and why.
    case stopping(StopReason)
}

/// The services behind the ports, by name.
package enum Service: String, Sendable, CaseIterable {
    case source, store, embedder, points
}

/// Why a runner ended.
package enum StopReason: Sendable {
    /// The job is final.
    case jobEnded(JobStatus)
    /// A signal; work is left.
    case signalled
    /// A person must act: no money, a wrong key, a missing table. Everything is kept.
    case fatal(Service, PortFailure)
    /// The open job has another configuration.
    case configMismatch
}
