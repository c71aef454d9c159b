import Migration
import Simulation

/// One simulated process of `migrate run` or `migrate worker`: the production runner on a node of its own.
final class SimulatedProcess: @unchecked Sendable {  // Confined to the simulation's thread.
    enum Kind {
        /// Opens the job, and plans it when it gets the controller lease.
        case run
        /// Waits for the job and works on it.
        case worker
        /// Has other settings than the job, and must be refused.
        case stranger
    }

    let kind: Kind
    let host: Int
    let node: SimNode
    let journal: FakeLeaseJournal
    /// What an operator raises.
    let stop = StopSignal()
    private unowned let world: SimulatedWorld

    /// Why it ended by itself; nil while it runs and when it was killed.
    private(set) var reason: StopReason?
    /// Whether somebody sent it a signal.
    private(set) var wasSignalled = false
    /// It has read a page of ids that is not stored yet, as far as it knows.
    var readsPlan = false
    /// It has written points of a batch whose end it has not reported.
    var hasWritten = false
    /// The embedder has told it to wait until then.
    var throttledUntil: Int64 = 0
    /// The embedder has told it that there is no money.
    var isOutOfMoney = false
    /// Empty claims in a row, for a planted mistake.
    var emptyClaims = 0
    /// Claim ids in place of others, for a planted mistake.
    var claimIDs: [String: String] = [:]
    /// When the store last answered, and the gaps between answers that were long.
    private var reached: Int64
    private var silences: [ClosedRange<Int64>] = []

    init(_ kind: Kind, host: Int, node: SimNode, journal: FakeLeaseJournal, world: SimulatedWorld) {
        self.kind = kind
        self.host = host
        self.node = node
        self.journal = journal
        self.world = world
        reached = world.simulation.now
        started = reached
    }

    /// Whether its end was looked at.
    var isJudged = false
    private let started: Int64
    /// Writes that wait, and what was written last, for planted mistakes.
    var unwritten: [@Sendable () async -> Void] = []
    var checksums: [RecordID: String] = [:]

    var name: String { node.name }
    /// How long it has been there.
    var age: Duration { .nanoseconds(world.simulation.now - started) }
    /// Neither killed nor at its end.
    var isAlive: Bool { node.state != .crashed && reason == nil }

    /// An operator's signal.
    func signal(_ level: StopSignal.Level) {
        wasSignalled = true
        world.simulation.note("signal \(name) \(level)")
        stop.raise(level)
    }

    /// As by SIGKILL.
    func kill() {
        guard isAlive else { return }
        if hasWritten { world.coverage.add(.crashBetweenUpsertAndFinish) }
        if readsPlan { world.coverage.add(.plannerDiedBetweenReadAndAppend) }
        journal.die()
        world.simulation.crash(node)
    }

    // MARK: - Whether it could reach the store

    /// A silence that lets no lease run out is none.
    private static let silenceMin = Duration.seconds(25).nanoseconds

    func reached(at now: Int64) {
        if now - reached > Self.silenceMin { silences.append(reached...now) }
        reached = now
    }

    /// Whether it has had an answer every few seconds since then.
    func wasReaching(since moment: Int64) -> Bool {
        world.simulation.now - reached <= Self.silenceMin && !silences.contains { $0.upperBound >= moment }
    }

    // MARK: - What it does

    /// Begins its main task.
    func launch() {
        node.spawn { [self] in
            let reason = await main()
            guard node.isRunning, !world.simulation.isUnwinding else { return }
            self.reason = reason
            world.simulation.note("\(name) ends: \(reason.word)")
        }
    }

    private func main() async -> StopReason {
        let ports = world.ports(of: self)
        do throws(PortFailure) {
            guard let joining = try await join(ports) else { return .signalled }
            let settings = Runner.Settings(
                workers: world.plan.workersPerRunner,
                heartbeatInterval: .seconds(Double(world.settings.leaseSeconds) / 4),
                reportInterval: .seconds(120),
                name: name
            )
            return await Runner(ports: ports, settings: settings, stop: stop)
                .run(joining, configHash: world.configuration(of: self).hash, plan: world.work())
        } catch {
            return .fatal(.store, error)
        }
    }

    /// As `migrate run` and `migrate worker` do before their runner starts.
    ///
    /// - Returns: nil when a signal came first.
    private func join(_ ports: EnginePorts) async throws(PortFailure) -> Runner.Joining? {
        let configuration = world.configuration(of: self)
        while stop.level == .run {
            let list = ListIngestionJobs(job: nil, filter: .init(), after: nil, limit: 1)
            guard
                let jobs = try await patiently(
                    ports,
                    { () async throws(PortFailure) in try await ports.store.jobs(list) }
                )
            else { return nil }
            if let job = jobs.rows.first, !job.status.isOpen || kind == .worker { return .working(job) }
            // It may find the job, but must not begin one of its own when ours has just ended.
            if kind == .stranger { return jobs.rows.first.map { .working($0) } }
            guard kind != .worker else {
                await ports.time.sleep(for: .seconds(5), unless: stop, reaches: .drain)
                continue
            }
            let order = OpenIngestionJob(
                targetKey: SimulatedWorld.target,
                configHash: configuration.hash,
                config: configuration.stored(limit: nil),
                settings: world.settings,
                controllerId: name,
                token: ports.entropy.uuid(),
                start: true
            )
            guard
                let opened = try await patiently(
                    ports,
                    { () async throws(PortFailure) in try await ports.store.openJob(order) }
                )
            else { return nil }
            if opened.result == .configMismatch { return .working(opened.job) }
            return .controlling(
                opened,
                Controller.Order(
                    open: order,
                    batchSize: world.plan.batchSize,
                    pageSize: world.plan.batchSize * world.plan.batchesPerPage
                )
            )
        }
        return nil
    }

    private func patiently<Value: Sendable>(
        _ ports: EnginePorts,
        _ operation: () async throws(PortFailure) -> Value
    ) async throws(PortFailure) -> Value? {
        while stop.level == .run, !Task.isCancelled {
            do throws(PortFailure) { return try await operation() } catch {
                guard [.unavailable, .outcomeUnknown].contains(error.kind) else { throw error }
                await ports.time.sleep(for: .seconds(1), unless: stop, reaches: .drain)
            }
        }
        return nil
    }
}

extension StopReason {
    /// For traces.
    var word: String {
        switch self {
        case .jobEnded(let status): "job \(status.rawValue)"
        case .signalled: "signalled"
        case .fatal(let service, let failure): "fatal \(service.rawValue) \(failure.kind) \(failure.detail)"
        case .configMismatch: "config mismatch"
        }
    }
}
