package import Migration

/// One process that works on a job: N workers, in this process or in processes of their own, and the loops that keep
/// their leases, plan, reap and report.
package struct Runner: Sendable {
    /// Settings of one runner; none of them shapes points.
    package struct Settings: Sendable {
        package var workers: Int
        /// The time between heartbeats; the lease is four times as long.
        package var heartbeatInterval: Duration
        /// The shortest wait between claims that find nothing.
        package var pollInterval: Duration
        /// The time between two reports of the counters.
        package var reportInterval: Duration
        /// The grace period: how long batches in flight may go on after the first signal.
        package var grace: Duration
        /// The name of the process in the store: host and process id.
        package var name: String
        /// Whether another runner has started this one and restarts it: that runner handles the quota's stop and the
        /// claims of dead runners.
        package var isChild: Bool
        /// How much may go wrong before the job is paused.
        package var brakes: BrakeLimits
        /// Whether the collection had no room when the job was joined: then one batch tests whether it has room again,
        /// and the others wait for that batch before they pay.
        package var lacksRoom: Bool

        package init(
            workers: Int,
            heartbeatInterval: Duration = .seconds(30),
            pollInterval: Duration = .seconds(1),
            reportInterval: Duration = .seconds(5),
            grace: Duration = .seconds(25),
            name: String,
            isChild: Bool = false,
            brakes: BrakeLimits = BrakeLimits(),
            lacksRoom: Bool = false
        ) {
            precondition(workers > 0)
            self.workers = workers
            self.heartbeatInterval = heartbeatInterval
            self.pollInterval = pollInterval
            self.reportInterval = reportInterval
            self.grace = grace
            self.name = name
            self.isChild = isChild
            self.brakes = brakes
            self.lacksRoom = lacksRoom
        }
    }

    private let ports: EnginePorts
    private let settings: Settings
    private let state: RunnerState
    private let processes: (any WorkerProcesses)?

    /// Makes a runner.
    ///
    /// - Parameters:
    ///   - ports: the ports to use.
    ///   - settings: the settings of this process.
    ///   - stop: raised from outside, by signals.
    ///   - processes: runs each worker in its own process; nil = all work in this process.
    package init(
        ports: EnginePorts,
        settings: Settings,
        stop: StopSignal,
        processes: (any WorkerProcesses)? = nil
    ) {
        self.processes = processes
        self.ports = ports
        self.settings = settings
        state = RunnerState(
            stop: stop,
            outageMin: settings.heartbeatInterval,
            probesWrites: settings.lacksRoom
        )
    }

    /// Works on the job until it is final or the runner has to stop, and returns why.
    ///
    /// When it returns, every lease of this runner is ended, unless the store could not be reached.
    package func run(_ joined: JoinedJob, configHash: String, plan: BatchWork.Plan) async -> StopReason {
        let job = JobMark(joined.job)
        let keeper = LeaseKeeper(
            ports: ports,
            state: state,
            job: job.id,
            runner: settings.name,
            interval: settings.heartbeatInterval
        )
        let brake = JobBrake(ports: ports, state: state, job: job.id, limits: settings.brakes)
        let order = Worker.Order(
            job: job,
            configHash: configHash,
            runner: settings.name,
            pollInterval: settings.pollInterval,
            claimMax: settings.heartbeatInterval * 2,
            plan: plan,
            brake: brake
        )
        let reaper = Reaper(
            ports: ports,
            state: state,
            job: job.id,
            heartbeat: settings.heartbeatInterval,
            brake: brake
        )
        let left = LeftClaims(ports: ports, state: state, job: job, configHash: configHash, brake: brake)
        let supervisor = processes.map {
            Supervisor(ports: ports, state: state, job: joined.job, left: left, processes: $0)
        }
        let monitor = Monitor(
            ports: ports,
            state: state,
            job: job.id,
            interval: settings.reportInterval,
            // A supervising runner may be about to open the job again.
            endsRunner: supervisor == nil,
            isIdle: { supervisor?.isIdle ?? keeper.isIdle }
        )
        let reporter = RunnerReporter(ports: ports, state: state, job: job.id, settings: settings) { keeper.count }
        await plan.quota.open(resumes: !settings.isChild, StoreCaller(ports: ports, state: state))
        let joined = settings.isChild ? joined : await control(joined, heirOf: left.takeOver())

        await withTaskGroup(of: Void.self) { group in
            group.addTask { await keeper.run() }
            group.addTask { await reaper.run() }
            group.addTask { await monitor.run() }
            // If the workers are processes of their own, each of them reports.
            if supervisor == nil { group.addTask { await reporter.run() } }
            group.addTask { await escalate() }
            if case .controlling(let opened, let order) = joined {
                group.addTask { await Controller(ports: ports, state: state, order: order).run(opened) }
            }
            if let supervisor {
                await supervisor.run(settings.workers)
            } else {
                await work(order, keeper)
            }
            group.cancelAll()
        }
        let reason = state.reason ?? .signalled
        if case .jobEnded = reason, let token = joined.token { await ports.journal.strike(token) }
        await ports.journal.close()
        if supervisor == nil { await reporter.leave(reason) }
        ports.report(.stopping(reason))
        return reason
    }

    /// Takes over the controller lease of a dead runner of this host: otherwise no runner could plan until it runs out.
    ///
    /// This runner's token is noted for the next one.
    private func control(_ joined: JoinedJob, heirOf tokens: [String]) async -> JoinedJob {
        guard case .controlling(var opened, var order) = joined else { return joined }
        for token in tokens where opened.role == .follower {
            var heir = order
            heir.token = token
            guard let again = await Controller(ports: ports, state: state, order: heir).reopen(opened.job.id) else {
                continue
            }
            (opened, order) = (again, heir)
        }
        await ports.journal.note(
            LeaseNote(token: order.token, attempt: nil, isControl: true),
            of: JobMark(opened.job)
        )
        return .controlling(opened, order)
    }

    private func work(_ order: Worker.Order, _ keeper: LeaseKeeper) async {
        await withTaskGroup(of: Void.self) { workers in
            for number in 0..<settings.workers {
                workers.addTask {
                    await Worker(number: number, order: order, ports: ports, state: state, keeper: keeper).run()
                }
            }
        }
    }

    /// After the first signal the batches in flight have the grace period; then everything is given back.
    private func escalate() async {
        await state.stop.wait(for: .drain)
        await ports.time.sleep(for: settings.grace, unless: state.stop, reaches: .release)
        if !Task.isCancelled { state.stop.raise(.release) }
    }
}
