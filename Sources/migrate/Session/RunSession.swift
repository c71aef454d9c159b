import Adapters
import Migration

/// `migrate run` over any ports: finds or opens the job, works on it to the end, and reports.
struct RunSession: Sendable {
    struct Options: Sendable {
        var choice = ResumeChoice.ask
        /// Records to plan at most; only for a new job.
        var limit: Int?
        /// Whether to ask nothing.
        var isSure = false
        var isJSON = false
        /// Whether the report ends with what a person would do next.
        var saysNext = true
        /// Makes each worker a process of its own; nil = all work in this process.
        var processes: WorkerPool?
        /// Whether another runner has started this one.
        var isChild = false
    }

    let engine: Engine
    let options: Options
    let console: Console
    let stop: StopSignal
    let monitor: RunMonitor

    /// Runs the job and prints the report.
    ///
    /// - Returns: the status to exit with and, unless it has been said, why.
    /// - Throws: `CommandEnd` when the job cannot be begun.
    func run() async throws -> CommandEnd {
        let (unfinished, isReplaced) = try await decide()
        try await checkCollection()
        if unfinished == nil || isReplaced { try await confirmNew() }
        // Not before it is sure that another one can be begun.
        if let unfinished, isReplaced { try await close(unfinished, "replaced by a new job") }
        let order = OpenIngestionJob(
            targetKey: engine.names.targetKey,
            configHash: engine.configuration.hash,
            config: engine.configuration.stored(limit: options.limit),
            settings: engine.jobSettings,
            controllerId: engine.runner,
            token: engine.ports.entropy.uuid(),
            start: true
        )
        let opened = try await patiently { () async throws(PortFailure) in try await engine.ports.store.openJob(order) }
        if opened.result == .configMismatch { throw mismatch(opened.job) }
        if let unfinished, !isReplaced { try await refuse(opened, inPlaceOf: unfinished) }
        engine.ports.report(.jobOpened(opened.job, isNew: opened.result == .created))
        say(opened.result == .created ? "Job \(opened.job.id) opened." : "Working on job \(opened.job.briefly).")
        if opened.job.status == .paused { try await unpause(opened.job) }

        let start = engine.ports.time.now
        let runner = Runner(
            ports: engine.ports,
            settings: runnerSettings(for: opened.job),
            stop: stop,
            processes: options.processes?.processes
        )
        let joining = Runner.Joining.controlling(
            opened,
            Controller.Order(open: order, batchSize: engine.work.batchSize)
        )
        let reason = await runner.run(joining, configHash: engine.configuration.hash, plan: engine.plan)
        return try await finish(opened.job.id, reason, took: engine.ports.time.now - start)
    }

    /// `migrate worker`: works on a job that somebody else plans, and reports.
    func work(on job: JobSummary) async throws -> CommandEnd {
        guard job.status.isOpen else {
            throw CommandEnd(.incomplete, "job \(job.id) is \(job.status.rawValue): there is nothing to work on")
        }
        if job.configHash != engine.configuration.hash { throw mismatch(job) }
        try await checkCollection()
        say("Working on job \(job.briefly).")
        let start = engine.ports.time.now
        let runner = Runner(ports: engine.ports, settings: runnerSettings(for: job), stop: stop)
        let reason = await runner.run(.working(job), configHash: engine.configuration.hash, plan: engine.plan)
        return try await finish(job.id, reason, took: engine.ports.time.now - start)
    }

    // MARK: - Before

    /// The unfinished job, nil where there is none, and whether a new one is to take its place.
    private func decide() async throws -> (unfinished: JobSummary?, isReplaced: Bool) {
        let filter = ListIngestionJobs.Filter(targetKey: engine.names.targetKey, open: true)
        let call = ListIngestionJobs(job: nil, filter: filter, after: nil, limit: 1)
        let job = try await patiently { () async throws(PortFailure) in try await engine.ports.store.jobs(call) }.rows
            .first
        let canAsk = console.canAsk && !options.isSure && !options.isJSON
        var decision = ResumeDecision(job: job, choice: options.choice, canAsk: canAsk)
        if case .ask(let question) = decision {
            decision = console.ask(question, default: true) ? .resume : .replace
        }
        switch decision {
        case .planNew: return (nil, false)
        case .resume: return (job, false)
        case .resumeSaying(let sentence):
            say(sentence)
            return (job, false)
        case .replace: return (job, true)
        case .nothingToResume:
            let target = engine.names.targetKey
            throw CommandEnd(.incomplete, "there is no unfinished job of \(target); `migrate run` plans a new one")
        case .ask: preconditionFailure("asked and answered")
        }
    }

    private func close(_ job: JobSummary, _ reason: String) async throws {
        let call = ControlIngestionJob(job: job.id, action: .cancel, reason: reason)
        _ = try await patiently { () async throws(PortFailure) in try await engine.ports.store.control(call) }
        say("Job \(job.id) is cancelled; what it has written stays and is not paid for again.")
    }

    /// The job to resume may have ended since it was found; opening then began another one, which nobody asked for.
    private func refuse(_ opened: OpenIngestionJob.Answer, inPlaceOf job: JobSummary) async throws {
        // One that is planned, or that somebody else plans, is a job like any other.
        guard opened.job.id != job.id, opened.role == .controller, opened.job.totalBatches == 0 else { return }
        try await close(opened.job, "job \(job.id), which was to be resumed, had ended")
        throw CommandEnd(.incomplete, "job \(job.id) has ended meanwhile: there is nothing to resume")
    }

    private func checkCollection() async throws {
        let state = try await patiently { () async throws(PortFailure) in
            try await engine.ports.points.inspect(engine.schema)
        }
        guard state.exists else {
            throw CommandEnd(.refused, "the collection \(engine.names.collection) does not exist: run `migrate setup`")
        }
        let fatal = state.differences.filter(\.isFatal)
        guard fatal.isEmpty else {
            let lines = fatal.map { "  \($0.name): needed \($0.expected), found \($0.found)" }
            throw CommandEnd(.refused, "the collection cannot take these points:\n" + lines.joined(separator: "\n"))
        }
    }

    private func confirmNew() async throws {
        let upper = try await patiently { () async throws(PortFailure) in try await engine.ports.source.highestID() }
        guard let upper else {
            let condition = engine.names.condition.map { " where \($0)" } ?? ""
            throw CommandEnd(.incomplete, "\(engine.names.table) has no rows\(condition): there is nothing to migrate")
        }
        // Finds columns that are missing before there is a job that rests on them.
        _ = try await patiently { () async throws(PortFailure) in try await engine.ports.source.sample(1) }
        guard console.canAsk, !options.isSure, !options.isJSON else { return }
        let count = try await patiently { () async throws(PortFailure) in
            try await engine.ports.source.count(through: upper)
        }
        let records = Format.plural(min(count, options.limit.map(Int64.init) ?? count), "record")
        let question = "Migrate \(records) of \(engine.names.table) into \(engine.names.collection)?"
        if !console.ask(question, default: true) { throw CommandEnd(.incomplete, "nothing was done") }
    }

    private func unpause(_ job: JobSummary) async throws {
        let reason = job.reason.map { " (\($0))" } ?? ""
        guard console.canAsk, !options.isJSON else {
            return say("Job \(job.id) is paused\(reason); waiting until `migrate resume`.")
        }
        if !console.ask("Job \(job.id) is paused\(reason). Let it go on?", default: true) {
            throw CommandEnd(.stopped, "job \(job.id) stays paused")
        }
        let call = ControlIngestionJob(job: job.id, action: .resume, reason: nil)
        _ = try await patiently { () async throws(PortFailure) in try await engine.ports.store.control(call) }
    }

    private func mismatch(_ job: JobSummary) -> CommandEnd {
        let differences = engine.configuration.differences(from: job.config).map { difference in
            "  \(difference.name): the job has \(difference.stored ?? "nothing"), the settings say \(difference.ours ?? "nothing")"
        }
        let head = "job \(job.id) was begun with other settings, and its points would not match:"
        let tail = "Use the job's settings, or close it and plan a new one with `migrate run --new`."
        return CommandEnd(.badSettings, ([head] + differences + [tail]).joined(separator: "\n"))
    }

    /// The job's own lease counts, not what this process was set to.
    private func runnerSettings(for job: JobSummary) -> Runner.Settings {
        Runner.Settings(
            workers: options.processes?.count ?? engine.work.workersMax,
            heartbeatInterval: .seconds(Double(job.settings.leaseSeconds) / 4),
            pollInterval: engine.work.pollInterval,
            reportInterval: monitor.interval,
            grace: engine.work.shutdownGrace,
            name: engine.runner,
            isChild: options.isChild
        )
    }

    // MARK: - After

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
        console.out(
            options.isJSON ? try JSONText.of(JobReportDocument(report)) : report.text(saysNext: options.saysNext)
        )
        return Self.end(reason, report)
    }

    /// What the end of a runner means for the exit code.
    static func end(_ reason: StopReason, _ report: JobReport) -> CommandEnd {
        switch reason {
        case .jobEnded: CommandEnd(report.exitStatus)
        case .signalled: CommandEnd(.stopped)
        case .fatal(let service, let failure):
            CommandEnd(
                ExitStatus(failure.kind),
                "\(service.words) refused: \(failure.detail)\nEverything is kept: mend it, then `migrate run` goes on."
            )
        case .configMismatch:
            CommandEnd(.badSettings, "the job was begun with other settings; `migrate settings` shows ours")
        }
    }

    /// People's text; JSON keeps standard output for itself.
    private func say(_ sentence: String) {
        if options.isJSON { console.error(sentence) } else { console.out(sentence) }
    }
}
