package import Migration
import Synchronization

/// A lease of this runner: shared by the worker that works under it and the keeper that extends it.
package final class HeldLease: Sendable {
    /// What the store last said about it.
    package enum Verdict: Sendable, Equatable {
        /// The lease belongs to this runner.
        case ours
        /// It still belongs to this runner, but the work must stop and end it: the job was cancelled or the deadline
        /// passed.
        case cancel(reason: String)
        /// It no longer belongs to this runner: stop and report nothing.
        case lost
    }

    private struct State {
        var trust: LeaseTrust
        var verdict = Verdict.ours
        var counts = BatchCounts()
        var waited = Duration.zero
        var trials = RequestTrials()
        var removals = 0
        var hasProgressed = false
        var paid = Paid.nothing
    }

    package let batch: ClaimedBatch
    /// The claim id.
    package let claimID: String
    /// Length of the lease as the store stated it.
    package let length: Duration
    /// When the claim was sent, on this runner's clock.
    package let started: Duration
    /// Raised when the work under the lease must stop.
    package let interruption = StopSignal()
    /// Asked before points are deleted; nil = deletions are not checked.
    let brake: JobBrake?
    private let state: Mutex<State>

    package init(batch: ClaimedBatch, claimID: String, sent: Duration, brake: JobBrake? = nil) {
        self.brake = brake
        self.batch = batch
        self.claimID = claimID
        started = sent
        length = .milliseconds(batch.leaseMs)
        state = Mutex(State(trust: LeaseTrust(sent: sent, lease: length, deadline: .milliseconds(batch.deadlineMs))))
    }

    /// What the store last said.
    package var verdict: Verdict { state.withLock { $0.verdict } }

    /// Whether an external write may start now.
    package func mayWrite(at now: Duration) -> Bool {
        state.withLock { $0.verdict == .ours && $0.trust.mayWrite(at: now) }
    }

    /// Whether new work may start now.
    package func mayStart(at now: Duration) -> Bool { state.withLock { $0.trust.mayStart(at: now) } }

    /// Absolute progress, sent with the next heartbeat.
    package var counts: BatchCounts {
        get { state.withLock { $0.counts } }
        set { state.withLock { $0.counts = newValue } }
    }

    /// Whether this attempt has written or deleted points: then it leaves less work to the next one.
    package var hasProgressed: Bool { state.withLock { $0.hasProgressed } }

    /// Notes that points were written or deleted.
    package func noteProgress() { state.withLock { $0.hasProgressed = true } }

    /// What this attempt has paid so far.
    package var paid: Paid { state.withLock { $0.paid } }

    /// Adds to what this attempt has paid.
    package func pay(_ paid: Paid) { state.withLock { $0.paid += paid } }

    /// Time that this attempt has spent waiting for services: quota, throttling, outages, calls that fail.
    package var waited: Duration { state.withLock { $0.waited } }

    /// Adds to the time spent waiting for services.
    package func addWait(_ duration: Duration) { state.withLock { $0.waited += duration } }

    /// The results of the requests of this attempt.
    package var trials: RequestTrials {
        get { state.withLock { $0.trials } }
        set { state.withLock { $0.trials = newValue } }
    }

    /// Asked just before the points of this many deleted or blank records are deleted.
    package func mayRemove(_ records: Int) async throws(WorkEnd) {
        state.withLock { $0.removals += records }
        try await brake?.mayRemove(records)
    }

    /// Records whose removal this attempt has asked for.
    var removals: Int { state.withLock { $0.removals } }

    /// Applies the answer to a heartbeat.
    package func apply(_ answer: BumpBatchProgress.Item, sent: Duration) {
        let verdict = state.withLock { state -> Verdict in
            switch answer.result {
            case .ok:
                state.trust.extend(sent: sent, lease: .milliseconds(answer.leaseMs))
            case .cancel:
                if state.verdict == .ours { state.verdict = .cancel(reason: answer.reason ?? "cancelled") }
            case .lost:
                state.verdict = .lost
            }
            return state.verdict
        }
        if verdict != .ours { interruption.raise(.release) }
    }
}
