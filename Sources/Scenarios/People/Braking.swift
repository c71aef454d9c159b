import Fakes
import Invariants
import Migration
import Simulation

/// Services that refuse valid requests, a table that is emptied, the operator who resumes a paused job, and what the
/// brakes must prevent.
extension SimulatedWorld {
    /// After this many resumes the operator has understood, and permits that the points of blank and deleted rows are
    /// removed.
    private static let resumesMax = 3

    /// The limits with which a process starts.
    var brakes: BrakeLimits {
        var brakes = plan.brakes
        brakes.allowsRemovals = resumes >= Self.resumesMax
        return brakes
    }

    /// Points of an earlier text for most rows, which a run must delete when the rows are deleted.
    func preloadForEmptying(_ random: inout SimRandom) {
        guard plan.has(.emptied) else { return }
        let known = Set((older + unmarked).map(\.recordID))
        for row in source.snapshot where watch.expected(row.id) != nil && !known.contains(row.id) {
            if random.chance(0.8) { older += olderPoints(of: row, &random) }
        }
    }

    /// Deletes most rows, as a restore into the wrong database would.
    func emptyTheTable() {
        guard !isEmptied else { return }
        isEmptied = true
        let rows = source.snapshot.filter { _ in below(10) > 0 }
        simulation.note("\(rows.count) rows are deleted")
        for row in rows {
            source.delete(row.id)
            watch.rowHasChanged(row.id, to: nil)
        }
    }

    /// An operator sees that the job is paused, and resumes it.
    func resumeIfPaused() async {
        guard let job = store.read({ $0.jobs.last }), job.status == .paused else { return }
        simulation.note("resume: \(job.reason ?? "")")
        await asked(ControlIngestionJob(job: job.id, action: .resume, reason: nil))
    }

    // MARK: - Checks

    /// What the brakes had counted before a resume; nil for other calls.
    func beginOfResume(_ call: some TrackingCall) -> (job: JobID, counted: BrakeCounts)? {
        guard let call = call as? ControlIngestionJob, call.action == .resume else { return nil }
        return store.read { tables in
            tables.index(of: call.job).map { index in
                let counters = tables.jobs[index].counters
                return (
                    call.job, BrakeCounts(serviceFailures: counters.serviceFailures, removed: counters.removed)
                )
            }
        }
    }

    /// I31: after a resume the brakes count from zero.
    func checkResume(_ answer: RecordedAnswer, _ before: (job: JobID, counted: BrakeCounts)) {
        guard let answer = answer.value(ControlIngestionJob.Answer.self), answer.result == .applied else { return }
        resumes += 1
        let job = store.read { tables in tables.index(of: before.job).map { tables.jobs[$0] } }
        guard let job else { return }
        let baselines = BrakeCounts(serviceFailures: job.serviceFailuresBaseline, removed: job.removedBaseline)
        simulation.report(before.counted.breach(byResuming: job.id, to: baselines))
    }

    /// I30: the brakes' limit, and what the other workers may have had at work.
    ///
    /// Each worker reads the counters before it begins another batch; a process that was replaced counts twice.
    func checkBrakes(of job: JobID) {
        guard plan.has(.refusals) || plan.has(.emptied), let row = store.read({ $0.index(of: job).map($0.row) }) else {
            return
        }
        let counters = row.counters
        let workers = processes.map(\.settings.workers).max() ?? 0
        let records = processes.map(\.settings.batchSize).max() ?? 0
        var look = BrakeLook(of: job, plan.brakes, atHand: Int64(2 * plan.hosts * workers * records))
        look.done = counters.processed + counters.skipped + counters.failed + counters.missing
        look.failures = counters.serviceFailures - row.serviceFailuresBaseline
        look.removed = resumes < Self.resumesMax ? counters.removed - row.removedBaseline : nil
        simulation.report(look.finding)
    }
}

extension TrackingTables {
    fileprivate func row(_ index: Int) -> JobRow { jobs[index] }
}
