import Migration
import Synchronization

/// Keeps the worker processes of a runner at work: a process that ends before the job is started again, and its batch
/// is continued at once.
final class Supervisor: Sendable {
    private struct Process {
        /// When it claimed the batch that it holds.
        var busySince: Duration?
        /// How often it has ended since it last completed a batch.
        var endsInVain = 0
    }

    private let ports: EnginePorts
    private let state: RunnerState
    private let job: JobID
    private let busyMax: Duration
    private let left: LeftClaims
    private let processes: any WorkerProcesses
    private let known = Mutex<[Int: Process]>([:])

    init(
        ports: EnginePorts,
        state: RunnerState,
        job: JobSummary,
        left: LeftClaims,
        processes: any WorkerProcesses
    ) {
        self.ports = ports
        self.state = state
        self.job = job.id
        // A worker that still runs has given up its batch before the deadline.
        busyMax = .seconds(job.settings.batchTimeoutSeconds + 60)
        self.left = left
        self.processes = processes
    }

    /// Whether no process holds a batch.
    var isIdle: Bool { known.withLock { $0.values.allSatisfy { $0.busySince == nil } } }

    /// Keeps this many processes at work until the job is final or the runner stops.
    ///
    /// Ends are handled one after the other: there is only one take-over at a time.
    func run(_ count: Int) async {
        await withTaskGroup(of: (number: Int, end: WorkerProcessEnd)?.self) { group in
            for number in 1...count { group.addTask { await self.process(number, after: .zero) } }
            for await ended in group {
                guard let ended, let wait = await restart(ended.number, ended.end) else { continue }
                group.addTask { await self.process(ended.number, after: wait) }
            }
        }
    }

    /// Returns nil if it was not started, because the runner stops.
    private func process(_ number: Int, after wait: Duration) async -> (Int, WorkerProcessEnd)? {
        await ports.time.sleep(for: wait, unless: state.stop, reaches: .drain)
        guard state.stop.level == .run else { return nil }
        let stop = StopSignal()
        return await withTaskGroup(of: WorkerProcessEnd?.self) { group in
            group.addTask { await self.processes.run(self.job, until: stop) { self.hear($0, from: number) } }
            group.addTask { await self.pass(to: stop) }
            group.addTask { await self.watch(number, stop) }
            for await case let end? in group {
                group.cancelAll()
                return (number, end)
            }
            return nil
        }
    }

    private func pass(to stop: StopSignal) async -> WorkerProcessEnd? {
        for level in [StopSignal.Level.drain, .release] {
            await state.stop.wait(for: level)
            if !Task.isCancelled { stop.raise(level) }
        }
        return nil
    }

    /// Ends a hanging process: it holds a batch for longer than any worker may.
    private func watch(_ number: Int, _ stop: StopSignal) async -> WorkerProcessEnd? {
        while !Task.isCancelled, stop.level == .run {
            await ports.time.sleep(for: .seconds(15), unless: stop, reaches: .drain)
            let since = known.withLock { $0[number]?.busySince }
            if let since, ports.time.now - since > busyMax { stop.raise(.release) }
        }
        return nil
    }

    private func hear(_ event: MigrationEvent, from number: Int) {
        known.withLock { known in
            switch event {
            case .claimed: known[number, default: Process()].busySince = ports.time.now
            case .finished(_, _, _, let outcome, _, _):
                known[number, default: Process()].busySince = nil
                if outcome == .completed { known[number]?.endsInVain = 0 }
            case .leaseLost: known[number, default: Process()].busySince = nil
            default: break
            }
        }
        ports.report(event.renumbered(number))
    }

    /// Handles the end of a process.
    ///
    /// - Returns: the wait before it is started again; nil = never.
    private func restart(_ number: Int, _ end: WorkerProcessEnd) async -> Duration? {
        let tries = known.withLock { known in
            known[number, default: Process()].busySince = nil
            known[number]?.endsInVain += 1
            return known[number]?.endsInVain ?? 1
        }
        let how: String
        switch end {
        case .left(.fatal(let service, let failure)):
            state.end(.fatal(service, failure), level: .release)
            return nil
        case .left(.braked(let brake)):
            state.end(.braked(brake), level: brake.kind == .removals ? .drain : .release)
            return nil
        case .left(.configMismatch):
            state.end(.configMismatch, level: .drain)
            return nil
        case .left(.jobEnded), .left(.signalled): how = "left"
        case .died(let words): how = words
        }
        await left.takeOver()
        if let status = await finalStatus() {
            state.end(.jobEnded(status), level: .drain)
            return nil
        }
        guard state.stop.level == .run else { return nil }
        guard
            case .retry(let wait) = RetryPolicy.restart.decide(.unavailable, tries: tries, jitter: ports.entropy.unit())
        else { return nil }
        ports.report(.workerEnded(worker: number, how: how, again: wait))
        return wait
    }

    /// Nil while the job is open, or if its status is unknown.
    private func finalStatus() async -> JobStatus? {
        let call = GetIngestionJobStats(job: job)
        let store = StoreCaller(ports: ports, state: state)
        let stats = await store.answer(until: .drain) { store throws(PortFailure) in try await store.stats(call) }
        return stats?.job.flatMap { $0.status.isOpen ? nil : $0.status }
    }
}
