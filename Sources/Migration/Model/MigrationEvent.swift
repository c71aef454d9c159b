/// Something that happened in a runner.
///
/// Core and Engine do not log: one place outside turns these values into log lines, metrics and the progress line; tests
/// read them. They carry ids, never record text. Codable, because a worker process reports them to the process that
/// started it.
package enum MigrationEvent: Sendable, Codable {
    /// The job was opened or joined.
    case jobOpened(JobSummary, isNew: Bool)
    /// This runner got the controller lease, or lost it to another runner.
    case controlling(Bool, epoch: Int)
    /// A page of the plan was stored.
    case planned(batches: Int, records: Int64)
    /// The rows of the source could not be counted when the plan was complete, and why: the report lacks this number.
    case uncounted(PortFailure)
    /// The plan is complete.
    case sealed(batches: Int, records: Int64)
    case claimed(worker: Int, batch: Int, attempt: Int, records: Int)
    /// A batch ended, and the store has accepted its end.
    case finished(
        worker: Int,
        batch: Int,
        attempt: Int,
        outcome: BatchOutcome,
        counts: BatchCounts,
        reason: BatchError?
    )
    /// A lease was lost: its work is dropped and not reported.
    case leaseLost(worker: Int, batch: Int, attempt: Int)
    /// A record was given up; it becomes a dead letter when its batch completes.
    case recordFailed(batch: Int, FailedRecord)
    /// More rows of a batch are missing than are usually deleted: the source may be a replica that lags.
    case manyMissing(batch: Int, missing: Int, records: Int)
    /// Points of records without a text, blank or gone, were deleted.
    case pointsRemoved(records: Int, points: Int)
    /// A request has its vectors: so many chunks were embedded and paid for, the vectors of others this runner had
    /// already (`shared`), and those of the rest came from the cache (`recalled`).
    case embedded(chunks: Int, tokens: Int, shared: Int = 0, recalled: Int = 0)
    /// The cache of vectors is not used any more by this runner, and why.
    case cacheGivenUp(String)
    /// The cache of vectors has damaged entries: they are embedded again and replaced.
    case cacheDamaged(vectors: Int)
    /// The embedder asked all callers to wait.
    case throttled(Duration)
    /// A service asked for a longer wait than is granted: it is asked again after `wait`.
    case waitCut(Service, asked: Duration, wait: Duration)
    /// The embedder has stated lower limits than those in force; these are in force now.
    case limitsLearned(EmbedderLimits)
    /// A call failed and will be repeated.
    case retrying(Service, PortFailure, after: Duration)
    /// The reaper ended attempts whose lease had run out.
    case reaped(reset: Int, failed: Int)
    /// A batch has used up its retries on runners that died: each of its records is now in a batch of its own.
    case isolated(batch: Int, records: Int)
    /// A worker process ended before the job did, and how; it is started again after a wait.
    case workerEnded(worker: Int, how: String, again: Duration)
    /// The job is paused: nothing is claimed until it is resumed.
    case paused
    /// Other runners hold the remaining batches under leases; if such a runner is dead, its batches come back within
    /// this time.
    ///
    /// Nothing else is left to claim.
    case waitingForLeases(batches: Int, atMost: Duration)
    /// The counters, every few seconds.
    case progress(JobStats)
    /// The runner stops, and why.
    case stopping(StopReason)
}

extension MigrationEvent {
    /// The same event with the number of its worker among the processes of a runner.
    package func renumbered(_ worker: Int) -> MigrationEvent {
        switch self {
        case .claimed(_, let batch, let attempt, let records):
            .claimed(worker: worker, batch: batch, attempt: attempt, records: records)
        case .finished(_, let batch, let attempt, let outcome, let counts, let reason):
            .finished(
                worker: worker,
                batch: batch,
                attempt: attempt,
                outcome: outcome,
                counts: counts,
                reason: reason
            )
        case .leaseLost(_, let batch, let attempt): .leaseLost(worker: worker, batch: batch, attempt: attempt)
        default: self
        }
    }
}

/// The services behind the ports, by name.
package enum Service: String, Sendable, Codable, CaseIterable {
    case source, store, embedder, points
}

/// Why a runner ended.
package enum StopReason: Sendable, Codable {
    /// The job is final.
    case jobEnded(JobStatus)
    /// A signal; work is left.
    case signalled
    /// A person must act: no credit, a wrong key, a missing table. Everything is kept.
    case fatal(Service, PortFailure)
    /// The open job has another configuration.
    case configMismatch
    /// This runner, or a process that it started, has paused the job; everything is kept.
    case braked(Brake)
}
