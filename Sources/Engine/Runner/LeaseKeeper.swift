package import Migration
import Synchronization

/// Sends the heartbeat for everything that a runner holds: every quarter of the lease ± 10 %.
package final class LeaseKeeper: Sendable {
    private let ports: EnginePorts
    private let state: RunnerState
    private let job: JobID
    private let runner: String
    private let interval: Duration
    private let leases = Mutex<[HeldLease]>([])

    package init(ports: EnginePorts, state: RunnerState, job: JobID, runner: String, interval: Duration) {
        self.ports = ports
        self.state = state
        self.job = job
        self.runner = runner
        self.interval = interval
    }

    /// Begins to extend a lease.
    package func add(_ lease: HeldLease) { leases.withLock { $0.append(lease) } }

    /// Stops extending a lease.
    package func remove(_ lease: HeldLease) { leases.withLock { $0.removeAll { $0 === lease } } }

    /// How many leases this runner holds.
    package var count: Int { leases.withLock { $0.count } }

    /// Whether this runner holds nothing.
    package var isIdle: Bool { leases.withLock { $0.isEmpty } }

    /// Keeps the leases until the task is cancelled.
    ///
    /// It continues after a signal: work in flight still needs its lease.
    package func run() async {
        while !Task.isCancelled {
            try? await ports.time.sleep(for: ports.entropy.jittered(interval, by: 0.1))
            if Task.isCancelled { return }
            await beat()
        }
    }

    /// Sends one heartbeat for all leases, with a few quick repeats if the store does not answer.
    package func beat() async {
        let held = leases.withLock { $0 }
        guard !held.isEmpty else { return }
        let items = held.map {
            HeartbeatItem(
                batchNumber: $0.batch.batchNumber,
                attempt: $0.batch.attempt,
                claimId: $0.claimID,
                counts: $0.counts
            )
        }
        let caller = StoreCaller(ports: ports, state: state)
        let sent = Mutex(ports.time.now)
        let answer = await caller.answer(within: interval, until: .release) { store throws(PortFailure) in
            let now = ports.time.now
            sent.withLock { $0 = now }
            return try await store.heartbeat(BumpBatchProgress(job: job, worker: runner, items: items))
        }
        guard let answer else { return }
        for (lease, item) in zip(held, answer.items) { lease.apply(item, sent: sent.withLock { $0 }) }
    }
}
