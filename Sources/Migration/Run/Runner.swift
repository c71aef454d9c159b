/// One process at work on a job: N workers, in it or as processes of their own, and the loops that keep their leases, plan,
/// reap and report.
package struct Runner: Sendable {
    /// Settings of one runner; none of them shapes points.
    package struct Settings: Sendable {
        package var workers: Int
        /// Between heartbeats; the lease is four times as long.
        package var heartbeatInterval: Duration
        /// Least wait between claims that found nothing.
        package var pollInterval: Duration
        /// Between two reports of the counters.
        package var reportInterval: Duration
        /// After the first signal, batches in flight may go on for this long.
        package var grace: Duration
        /// Names the process in the store: host and process id.
        package var name: String
        /// Whether another runner has started this one and starts it again: the quota's stop, and what the dead have left, are
        /// that one's business.
        package var isChild: Bool

        package init(
            workers: Int,
            heartbeatInterval: Duration = .seconds(30),
            pollInterval: Duration = .seconds(1),
            reportInterval: Duration = .seconds(5),
            grace: Duration = .seconds(25),
            name: String,
            isChild: Bool = false
        ) {
            precondition(workers > 0)
            self.workers = workers
            self.heartbeatInterval = heartbeatInterval
            self.pollInterval = pollInterval
            self.reportInterval = reportInterval
            self.grace = grace
            self.name = name
            self.isChild = isChild
        }
    }

    /// The job as this runner joined it.
    package enum Joining: Sendable {
        /// May plan: the answer to opening the job, and what to plan.
        case controlling(OpenIngestionJob.Answer, Controller.Order)
        /// Only works.
        case working(JobSummary)

        var job: JobSummary {
            switch self {
            case .controlling(let answer, _): answer.job
            case .working(let job): job
            }
        }

        /// Of the controller; nil for one that only works.
        var token: String? {
            if case .controlling(_, let order) = self { order.open.token } else { nil }
        }
    }

    private let ports: EnginePorts
    private let settings: Settings
    private let state: RunnerState
    private let processes: (any WorkerProcesses)?

    /// Makes a runner.
    ///
    /// - Parameters:
    ///   - ports: the world.
    ///   - settings: of this process.
    ///   - stop: raised from outside by signals.
    ///   - processes: makes each worker a process of its own; nil = all work in this process.
    package init(
        ports: EnginePorts,
        settings: Settings,
        stop: StopSignal,
        processes: (any WorkerProcesses)? = nil
    ) {
        self.processes = processes
        self.ports = ports
        self.settings = settings
        state = RunnerState(stop: stop, outageMin: settings.heartbeatInterval)
    }

    /// Works on the job until it is final or the runner has to stop, and returns why.
    ///
    /// When it returns, every lease of this runner is ended as far as the store could be reached.
    package func run(_ joining: Joining, configHash: String, plan: BatchWork.Plan) async -> StopReason {
        let job = JobMark(joining.job)
        let keeper = LeaseKeeper(
            ports: ports,
            state: state,
            job: job.id,
            runner: settings.name,
            interval: settings.heartbeatInterval
        )
        let order = Worker.Order(
            job: job,
            configHash: configHash,
            runner: settings.name,
            pollInterval: settings.pollInterval,
            claimMax: settings.heartbeatInterval * 2,
            plan: plan
        )
        let reaper = Reaper(ports: ports, state: state, job: job.id, heartbeat: settings.heartbeatInterval)
        let left = LeftClaims(ports: ports, state: state, job: job, configHash: configHash)
        let supervisor = processes.map {
            Supervisor(ports: ports, state: state, job: joining.job, left: left, processes: $0)
        }
        let monitor = Monitor(
            ports: ports,
            state: state,
            job: job.id,
            interval: settings.reportInterval,
            // Who supervises may be about to open the job again.
            endsRunner: supervisor == nil,
            isIdle: { supervisor?.isIdle ?? keeper.isIdle }
        )
        await plan.quota.open(resumes: !settings.isChild, StoreCaller(ports: ports, state: state))
        let joining = settings.isChild ? joining : await control(joining, heirOf: left.takeOver())

        await withTaskGroup(of: Void.self) { group in
            group.addTask { await keeper.run() }
            group.addTask { await reaper.run() }
            group.addTask { await monitor.run() }
            group.addTask { await escalate() }
            if case .controlling(let opened, let order) = joining {
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
        if case .jobEnded = reason, let token = joining.token { await ports.journal.strike(token) }
        await ports.journal.close()
        ports.report(.stopping(reason))
        return reason
    }

    /// Goes on with the controller lease of a runner of this host that is gone: otherwise nobody could plan until it runs out.
    ///
    /// Our own token is noted for the next one.
    private func control(_ joining: Joining, heirOf tokens: [String]) async -> Joining {
        guard case .controlling(var opened, var order) = joining else { return joining }
        for token in tokens where opened.role == .follower {
            let heir = Controller.Order(open: order.open.with(token: token), batchSize: order.batchSize)
            guard let again = await Controller(ports: ports, state: state, order: heir).reopen(opened.job.id) else {
                continue
            }
            (opened, order) = (again, heir)
        }
        await ports.journal.note(
            LeaseNote(token: order.open.token, attempt: nil, isControl: true),
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

    /// After the first signal the batches in flight have the grace; then everything is given back.
    private func escalate() async {
        await state.stop.wait(for: .drain)
        await ports.time.sleep(for: settings.grace, unless: state.stop, reaches: .release)
        if !Task.isCancelled { state.stop.raise(.release) }
    }
}

extension OpenIngestionJob {
    fileprivate func with(token: String) -> OpenIngestionJob {
        var call = self
        call.token = token
        return call
    }
}
