import Fakes
import Migration
import Simulation

/// Whether processes work when they could, and leave in time when they have to.
///
/// Looked at every few seconds, from outside: what the store holds, and what the process was told.
extension SimulatedWorld {
    /// Longer than a worker waits between two claims, twice where a claim may have passed over rows that were held.
    private var idleMax: Duration { plan.has(.interleaving) ? .seconds(90) : .seconds(40) }
    /// No pause of before the end of all faults lasts longer.
    private static let settledAfter = Duration.seconds(130)
    /// The grace, and as long as the last calls may take: each of them ends after a minute at most.
    private static let stopMax = Duration.seconds(100)

    /// I23: once everything is mended, a process that could work on a batch holds one.
    ///
    /// It could when there is one to claim, when nobody has told it to wait, when it has given no batch back for later, and when
    /// what it wrote last went well, or failed so long ago that it must have tried again. So the job goes on as fast as its batches take.
    func checkPace(_ job: JobRow?) {
        let now = simulation.now
        if let job { checkAttempts(of: job, now) }
        for process in processes where process.isAlive {
            guard let job, canWork(process, on: job, now) else {
                process.deeds.idleSince = nil
                continue
            }
            let since = process.deeds.idleSince ?? now
            process.deeds.idleSince = since
            guard now - since > idleMax.nanoseconds else { continue }
            simulation.fail(
                "I23 \(process.name) has done nothing for \(Duration.nanoseconds(now - since)), with batches to claim"
            )
        }
    }

    /// Attempts that have begun when all waits of before were over take as long as their requests, and some time for the rest.
    ///
    /// A text that is refused is found by halves; what has to wait for a quota, for suspects or for locks is left out.
    private func checkAttempts(of job: JobRow, _ now: Int64) {
        guard plan.classes.isDisjoint(with: [.quota, .suspects, .interleaving]), now > healedAt else { return }
        let begin = healedAt + Self.settledAfter.nanoseconds
        for batch in job.batches.atWork {
            guard let claimed = batch.claimedAt?.simulated, claimed > begin,
                batch.workerID.flatMap({ process(named: $0) })?.isAlive ?? false
            else { continue }
            let most = plan.latency * (2 * batch.recordIDs.count + 1) + .seconds(60)
            let age = Duration.nanoseconds(now - claimed)
            if age > most {
                simulation.fail(
                    "I23 \(batch.workerID ?? "") works on batch \(batch.number) for \(age), \(most) would do"
                )
            }
        }
    }

    /// The longest rest of a process that cannot write, and the probe after it.
    private static let restMax = Duration.seconds(150)

    private func mayWrite(_ process: SimulatedProcess, _ now: Int64) -> Bool {
        process.deeds.writeFailedAt.map { now > max($0, healedAt) + Self.restMax.nanoseconds } ?? true
    }

    private func canWork(_ process: SimulatedProcess, on job: JobRow, _ now: Int64) -> Bool {
        guard job.status == .running, process.deeds.job == job.id, process.kind != .stranger else { return false }
        guard process.stop.level == .run, process.node.isRunning, mayWrite(process, now),
            process.deeds.restsUntil <= now, process.throttledUntil <= now
        else { return false }
        if job.batches.atWork.contains(where: { $0.workerID.map(process.owns) ?? false }) { return false }
        return !job.batches.claimable(from: nil, at: .start + .nanoseconds(now)).isEmpty
    }

    /// I24: a process that has to stop leaves when its grace and its last calls are over.
    ///
    /// - Parameter interval: between two looks; one that is stopped by others meanwhile does not get its time counted.
    func checkStops(every interval: Duration) {
        for process in processes where process.isAlive && process.stop.level > .run && process.node.isRunning {
            process.deeds.looksAfterStop += 1
            let time = interval * process.deeds.looksAfterStop
            if time > Self.stopMax {
                simulation.fail("I24 \(process.name) had to stop, and is still there after \(time)")
            }
        }
    }
}
