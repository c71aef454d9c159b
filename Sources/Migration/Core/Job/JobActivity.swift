/// The progress and the workers of a job, as its store shows them: for a person who is about to end it.
package struct JobActivity: Sendable, Equatable {
    /// Ended batches, including those that were given up.
    package let batchesDone: Int
    /// Batches planned so far.
    package let batches: Int
    /// Whether the plan is complete.
    package let isPlanned: Bool
    /// The workers that hold a batch under a lease, each once, ascending.
    package let workers: [String]
    /// Whether the job made progress while it was watched, although no worker was seen with a batch.
    package var isMoving = false

    /// Reads it from the store's answers.
    ///
    /// A lease that has run out still counts until the store has taken the batch away from its worker: the list of
    /// batches does not show when a lease runs out, and taking a live worker for dead would be the worse mistake.
    ///
    /// - Parameters:
    ///   - job: the job.
    ///   - stats: its counters.
    ///   - held: its batches in processing; others are ignored.
    ///   - isDead: whether the process that holds the batch is known to have died.
    package init(
        _ job: JobSummary,
        _ stats: JobStats,
        held: [BatchSummary],
        isDead: (BatchSummary) -> Bool = { _ in false }
    ) {
        batchesDone = stats.completed + stats.failed
        batches = stats.job?.totalBatches ?? job.totalBatches
        isPlanned = stats.job?.sealed ?? job.sealed
        let alive = held.filter { $0.status == .processing && !isDead($0) }
        workers = Set(alive.map { $0.workerId ?? "unknown" }).sorted()
    }

    /// Whether a runner works on the job.
    package var isLive: Bool { !workers.isEmpty || isMoving }

    /// The processes of the workers, each once, ascending: a worker has the name `host:process/number`.
    package var runners: [String] {
        let names = workers.map { worker in
            worker.lastIndex(of: "/").map { String(worker[..<$0]) } ?? worker
        }
        return Set(names).sorted()
    }
}
