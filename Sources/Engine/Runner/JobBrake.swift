package import Migration
import Synchronization

/// Pauses the job when failures are not caused by the records, or when too many points would be deleted; one brake for
/// all workers of a runner.
///
/// It reads the job's counters since the job was last resumed or requeued; these include the counts of other runners.
/// The runner that pauses the job ends; other runners see a paused job.
package final class JobBrake: Sendable {
    /// How often the counters are read before the removals of several batches together pause the job.
    private static let looksMax = 2
    /// The time between two reads: an answer of the store takes less, unless it is repeated.
    private static let lookGap = Duration.seconds(2)

    private let ports: EnginePorts
    private let state: RunnerState
    private let job: JobID
    private let limits: BrakeLimits
    /// Removals that this runner may make and has not reported yet: the job's counter does not include them.
    private let underWay = Mutex<Int64>(0)

    package init(ports: EnginePorts, state: RunnerState, job: JobID, limits: BrakeLimits) {
        self.ports = ports
        self.state = state
        self.job = job
        self.limits = limits
    }

    /// Asked before a batch whose requests were refused is completed.
    func judge(_ lease: HeldLease, _ failures: [FailedRecord]) -> RefusalStreak.Verdict {
        guard limits.judgesServices else { return .records }
        let batch = lease.batch
        let failed = failures.count(where: \.isServiceFailure)
        return state.withRefusals {
            $0.judge(batch: batch.batchNumber, lease.trials, failed: failed, of: batch.recordIds.count)
        }
    }

    /// Called after an end was stored that gave up records for reasons outside their content.
    func checkFailures() async {
        guard limits.judgesServices, let brake = await stats()?.failureBrake(limits) else { return }
        await pull(brake) { $0.failureBrake(limits) != nil }
    }

    /// Pauses the job because a service refuses everything.
    func pull(_ brake: Brake) async { await pull(brake) { _ in true } }

    /// Asked just before the points of some deleted or blank records are deleted.
    ///
    /// It does not see what other runners have begun to delete and not reported: at most one batch per worker.
    ///
    /// - Throws: `braked` when they must not be deleted; the job is paused then.
    func mayRemove(_ records: Int) async throws(WorkEnd) {
        if limits.allowsRemovals { return }
        underWay.withLock { $0 += Int64(records) }
        var looks = 0
        while true {
            // Read first: a batch that ends between the two reads is counted twice rather than not at all.
            let all = underWay.withLock(\.self)
            // Without the counters nothing can be judged: this runner is being stopped.
            guard let stats = await stats() else { throw .interrupted }
            guard let brake = stats.removalBrake(limits, removing: all) else { return }
            looks += 1
            // A batch is also counted twice if its end is stored and its worker has not got the answer yet.
            if all > records, looks < Self.looksMax {
                await ports.time.sleep(for: Self.lookGap, unless: state.stop, reaches: .release)
                continue
            }
            await pull(brake) { $0.removalBrake(limits, removing: all) != nil }
            throw .braked(brake)
        }
    }

    /// A batch that was permitted these removals has ended.
    package func removed(_ records: Int) { underWay.withLock { $0 -= Int64(records) } }

    /// Pauses the job and ends this runner.
    ///
    /// The job may have been resumed between the read of the counters and the pause: then the counters are judged
    /// again, and an unjustified pause is taken back. A pause for another reason is not touched.
    private func pull(_ brake: Brake, isDue: (JobStats) -> Bool) async {
        let pause = ControlIngestionJob(job: job, action: .pause, reason: brake.reason)
        let store = StoreCaller(ports: ports, state: state)
        let answer = await store.answer(until: .release) { store throws(PortFailure) in try await store.control(pause) }
        guard let answer, answer.status == .paused, let now = await stats(), let paused = now.job else { return }
        // Paused by a person or another runner for another reason, or resumed since.
        guard paused.status == .paused, paused.reason == brake.reason else { return }
        if answer.result == .applied, !isDue(now) {
            let resume = ControlIngestionJob(job: job, action: .resume, reason: nil)
            _ = await store.answer(until: .release) { store throws(PortFailure) in try await store.control(resume) }
            return
        }
        // After failures, batches at work would only add more; after removals they may complete.
        state.end(.braked(brake), level: brake.kind == .removals ? .drain : .release)
    }

    private func stats() async -> JobStats? {
        let call = GetIngestionJobStats(job: job)
        let store = StoreCaller(ports: ports, state: state)
        return await store.answer(until: .release) { store throws(PortFailure) in try await store.stats(call) }
    }
}

/// The brake of a verification, which has no job counters: it does its own counting.
final class VerifyBrake: Sendable {
    private let limits: BrakeLimits
    private let counts = Mutex<(compared: Int64, removed: Int64)>((0, 0))

    init(_ limits: BrakeLimits) { self.limits = limits }

    func compared(_ records: Int) { counts.withLock { $0.compared += Int64(records) } }

    func mayRemove(_ records: Int) throws(WorkEnd) {
        let brake = counts.withLock { counts in
            counts.removed += Int64(records)
            return limits.judge(removals: counts.removed, done: counts.compared)
        }
        if let brake { throw .braked(brake) }
    }
}
