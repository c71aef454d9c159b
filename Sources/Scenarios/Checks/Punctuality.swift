import Fakes
import Invariants
import Migration
import Simulation

/// Whether processes work when they could, and leave in time when they have to.
///
/// Checked every few seconds from outside: from what the store holds and what the process was told.
extension SimulatedWorld {
    /// I23: once everything is repaired, a process that could work on a batch holds one.
    ///
    /// It could when there is a batch to claim and it has no reason to wait. So the job goes on as fast as its batches
    /// allow.
    func checkPace(_ job: JobRow?) {
        let now = simulation.now
        let callsOverlap = plan.has(.interleaving)
        if let job { checkAttempts(of: job, now) }
        for process in processes where process.isAlive {
            let canWork = job.map { self.canWork(process, on: $0, now) } ?? false
            simulation.report(
                process.deeds.wasSeen(canWork: canWork, at: now, callsOverlap: callsOverlap, process.name)
            )
        }
    }

    /// I23: attempts take no longer than they need; runs with waits for a quota, for suspects or for locks are left
    /// out.
    private func checkAttempts(of job: JobRow, _ now: Int64) {
        guard plan.classes.isDisjoint(with: [.quota, .suspects, .interleaving]) else { return }
        for batch in job.batches.atWork {
            guard let claimed = batch.claimedAt?.sinceStart, let worker = batch.workerID,
                process(named: worker)?.isAlive ?? false
            else { continue }
            let look = AttemptLook(
                batch: batch.number,
                worker: worker,
                records: batch.recordIDs.count,
                claimed: claimed
            )
            // A request may wait twice for another worker that embeds one of its texts.
            let latency = plan.latency * (plan.repeatShare > 0 ? 3 : 1)
            simulation.report(look.finding(at: now, healedAt: healedAt, latency: latency))
        }
    }

    private func canWork(_ process: SimulatedProcess, on job: JobRow, _ now: Int64) -> Bool {
        guard job.status == .running, process.deeds.job == job.id, process.kind != .stranger else { return false }
        guard process.stop.level == .run, process.node.isRunning,
            process.deeds.isFree(at: now, process.terms, healedAt: healedAt)
        else { return false }
        if job.batches.atWork.contains(where: { $0.workerID.map(process.owns) ?? false }) { return false }
        return !job.batches.claimable(from: nil, at: .start + .nanoseconds(now)).isEmpty
    }

    /// I24: a process that has to stop leaves when its grace period and its last calls are over.
    ///
    /// - Parameter interval: the time between two checks; the time of a frozen process does not count.
    func checkStops(every interval: Duration) {
        for process in processes where process.isAlive && process.stop.level > .run && process.node.isRunning {
            simulation.report(process.deeds.wasSeenAfterStop(every: interval, process.name))
        }
    }
}
