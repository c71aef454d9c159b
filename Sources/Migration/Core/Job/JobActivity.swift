/// How far a job is and who works on it, as far as its store shows it: for people who are about to end it.
package struct JobActivity: Sendable, Equatable {
    /// Batches that ended, given up or not.
    package let batchesDone: Int
    /// Batches planned so far.
    package let batches: Int
    /// Whether the plan is complete.
    package let isPlanned: Bool
    /// The workers that hold a batch under a lease, each once, ascending.
    package let workers: [String]
    /// Whether the job went on while it was looked at, although no worker was seen with a batch.
    package var isMoving = false

    /// Reads it from the store's answers.
    ///
    /// A lease that has run out still counts until the store has taken the batch away from its worker: the list of batches does
    /// not say when a lease runs out, and to take a live worker for a dead one would be the worse mistake.
    ///
    /// - Parameters:
    ///   - job: the job.
    ///   - stats: its counters.
    ///   - held: its batches in processing; others are passed over.
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

    /// Whether somebody works on the job.
    package var isLive: Bool { !workers.isEmpty || isMoving }

    /// The processes of the workers, each once, ascending: a worker is called `host:process/number`.
    package var runners: [String] {
        let names = workers.map { worker in
            worker.lastIndex(of: "/").map { String(worker[..<$0]) } ?? worker
        }
        return Set(names).sorted()
    }
}

extension Joining {
    /// Whether an unfinished job may be closed to make room for a new one.
    package enum Closing: Sendable, Equatable {
        /// It may, and a person is told.
        case close
        /// Close it only after a person has agreed.
        case ask
        /// Only `--force` closes it: nobody is there to be asked.
        case needsForce
        /// It may not: somebody works on it, and the new job would be another one.
        case refused

        /// Decides.
        ///
        /// Another job than the one at work never ends it, whatever the flags say: who wants that cancels it by its number.
        ///
        /// - Parameters:
        ///   - isLive: whether somebody works on the job.
        ///   - isOther: whether the new job has other settings.
        ///   - hasOtherCondition: whether it is about other rows, so that what the job has left is left for good.
        ///   - hasSaidNo: whether a person was asked about resuming it, and said no.
        ///   - canAsk: whether a person is there.
        ///   - isForced: whether the flags say `--force`.
        package init(
            isLive: Bool,
            isOther: Bool,
            hasOtherCondition: Bool,
            hasSaidNo: Bool,
            canAsk: Bool,
            isForced: Bool
        ) {
            if isLive, isOther {
                self = .refused
            } else if isForced || !(isLive || hasOtherCondition || hasSaidNo) {
                self = .close
            } else {
                self = canAsk ? .ask : .needsForce
            }
        }
    }
}
