import Engine
import Migration
import Settings
import Terminal

/// `migrate run` with any ports: finds or opens the job, works on it until its end, and reports.
struct RunSession: Sendable {
    struct Options: Sendable {
        var choice = Joining.Choice.ask
        /// The highest number of records to plan; only for a new job.
        var limit: Int?
        /// Whether servers that an unfinished job has never used are its own under a new name.
        var serversMoved = false
        /// Whether a flag answers yes to every question.
        var isSure = false
        var isJSON = false
        /// Whether an unfinished job is closed without a question, also while other runners work on it.
        var isForced = false
        /// Whether the report ends with the next step for a person.
        var saysNext = true
        /// Runs each worker in its own process; nil = all work in this process.
        var processes: WorkerPool?
        /// Whether another runner has started this one.
        var isChild = false
        /// Whether any number of records may lose their points.
        var allowsRemovals = false
    }

    let engine: Engine
    let options: Options
    let console: Console
    let stop: StopSignal
    let monitor: RunMonitor

    /// Runs the job and prints the report.
    ///
    /// - Returns: the exit status and, unless it has been printed, the reason.
    /// - Throws: `CommandEnd` when the job cannot be started.
    func run() async throws -> CommandEnd {
        try await work { joining throws(Joining.End) in try await joining.run() }
    }

    /// `migrate worker`: works on a job that another runner plans, and reports.
    func work(on job: JobSummary) async throws -> CommandEnd {
        try await work { joining throws(Joining.End) in try await joining.work(on: job) }
    }

    private typealias Join = (Joining) async throws(Joining.End) -> Joining.Joined

    private func work(_ join: Join) async throws -> CommandEnd {
        let words = JoiningWords(names: engine.names)
        let joining = Joining(
            ports: engine.ports,
            order: joiningOrder,
            stop: stop,
            ask: { await reply(to: $0, words) },
            tell: { say(words.sentence($0)) }
        )
        let joined: Joining.Joined
        do throws(Joining.End) { joined = try await join(joining) } catch { throw words.end(error) }
        if joined.lacksRoom {
            say("The collection has no room for more points: one batch checks this before others are paid for.")
        }
        var plan = engine.plan
        plan.owner = joined.owner
        let start = engine.ports.time.now
        let runner = Runner(
            ports: engine.ports,
            settings: runnerSettings(for: joined),
            stop: stop,
            processes: options.processes?.processes(joined.owner.ownsUnmarked ? .ours : .foreign)
        )
        let reason = await runner.run(joined.job, configHash: engine.configuration.hash, plan: plan)
        return try await finish(joined.job.job.id, reason, took: engine.ports.time.now - start)
    }

    private func reply(to question: Joining.Question, _ words: JoiningWords) async -> Joining.Reply {
        do throws(CommandEnd) {
            let isYes = try await console.ask(words.sentence(question), default: words.isYesByDefault(question))
            return isYes ? .yes : .no
        } catch {
            return .left
        }
    }

    private var joiningOrder: Joining.Order {
        Joining.Order(
            target: engine.names.targetKey,
            collection: engine.names.collection,
            source: engine.names.source,
            identity: engine.identity,
            unmarkedPoints: engine.unmarkedPoints,
            configuration: engine.configuration,
            schema: engine.schema,
            settings: engine.jobSettings,
            servers: engine.servers,
            serversMoved: options.serversMoved,
            batchSize: engine.work.batchSize,
            limit: options.limit,
            choice: options.choice,
            canAsk: console.canAsk && !options.isSure && !options.isJSON,
            isForced: options.isForced,
            runner: engine.runner,
            isChild: options.isChild
        )
    }

    /// The job's own lease counts, not the setting of this process.
    private func runnerSettings(for joined: Joining.Joined) -> Runner.Settings {
        Runner.Settings(
            workers: options.processes?.count ?? engine.work.workersMax,
            heartbeatInterval: .seconds(Double(joined.job.job.settings.leaseSeconds) / 4),
            pollInterval: engine.work.pollInterval,
            reportInterval: monitor.interval,
            grace: engine.work.shutdownGrace,
            name: engine.runner,
            isChild: options.isChild,
            brakes: BrakeLimits(failuresMax: engine.work.failuresMax, allowsRemovals: options.allowsRemovals),
            lacksRoom: joined.lacksRoom
        )
    }

    // MARK: - After the run

    private func finish(_ job: JobID, _ reason: StopReason, took elapsed: Duration) async throws -> CommandEnd {
        monitor.finish()
        let stats = try await patiently { () async throws(PortFailure) in
            try await engine.ports.store.stats(GetIngestionJobStats(job: job))
        }
        let report = JobReport(
            stats,
            tokens: monitor.tokens,
            pricePerMillionTokens: engine.target.pricePerMillionTokens,
            elapsed: elapsed
        )
        let end = Self.end(reason, report)
        // The message of a brake says more precisely what to do next than the status.
        let saysNext = if case .braked = reason { false } else { options.saysNext }
        console.out(
            options.isJSON ? try JSONText.of(JobReportDocument(report, end.status)) : report.text(saysNext: saysNext)
        )
        return end
    }

    /// The exit code for the end of a runner.
    static func end(_ reason: StopReason, _ report: JobReport) -> CommandEnd {
        switch reason {
        case .jobEnded: CommandEnd(report.exitStatus)
        case .signalled: CommandEnd(.stopped)
        case .fatal(let service, let failure):
            CommandEnd(
                ExitStatus(failure.kind),
                "\(service.words) refused: \(failure.detail)\nEverything is kept: fix that, then `migrate run --resume` goes on."
            )
        case .braked(let brake): CommandEnd(.incomplete, brake.advice)
        case .configMismatch:
            CommandEnd(.badSettings, "the job was begun with other settings; `migrate settings` shows the present ones")
        }
    }

    /// Prints a sentence for people; with JSON on standard error.
    private func say(_ sentence: String) {
        if options.isJSON { console.live.error(sentence) } else { console.live.out(sentence) }
    }
}

extension Brake {
    /// What happened, and what to do now.
    fileprivate var advice: String {
        let next =
            switch kind {
            case .failures:
                """
                Find the cause first. Then `migrate resume`, which sets the count of failures to zero, and `migrate \
                run` goes on; `migrate retry --records` gives the records that were given up another try.
                """
            case .refusals:
                "Find the cause with the service's own tools or log. Then `migrate resume`, and `migrate run` goes on."
            case .removals:
                """
                None of these points was deleted. If the rows are meant to be gone: `migrate resume`, then `migrate run \
                --allow-removals`. If they are not, fix the settings or the table: `migrate cancel`, then `migrate run`.
                """
            }
        return "the job is paused: \(reason)\n\(next)"
    }
}
