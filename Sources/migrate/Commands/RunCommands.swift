import ArgumentParser
import Engine
import Migration
import Settings
import Terminal

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Migrates: plans a job, or goes on with an unfinished one.",
        discussion: """
            Kill it whenever you like: what is done is recorded, and the next run goes on from there. The first Ctrl-C \
            lets batches in flight end, the second gives them back at once. Further processes can join with `migrate \
            worker`.

            An unfinished job of the same table and collection is resumed: after a question on a terminal, without one \
            in a script. --new closes it and plans a new one; what it has written stays and is not paid for again. \
            While other runners work on the job, --new asks on a terminal and needs --force in a script; a job with \
            other settings, such as another --where, never closes it. Ctrl-C at a question means no, and changes \
            nothing.

            With --processes each worker is a process of its own. One that dies is started again; a batch whose \
            workers keep dying is divided into its records, until the record that kills them is alone. After a stop \
            signal each process has 10 s.

            EXAMPLES
              migrate run
              migrate run --resume                      in scripts
              migrate run --dry-run --limit 1000        what it would do
              migrate run --processes 4                 a crash ends only one of them
              migrate run --where "created_at >= '2026-01-01'" --workers 8
            """
    )

    @Flag(name: .long, help: "Go on with the unfinished job; an error when there is none.")
    var resume = false

    @Flag(name: .long, help: "Close an unfinished job and plan a new one.")
    var new = false

    @Flag(name: .long, help: "With --new: close the unfinished job without asking, also while others work on it.")
    var force = false

    @Option(name: .long, help: "Plan at most this many records, the lowest ids.")
    var limit: Int?

    @Option(name: .long, help: "SQL condition that limits the job to some rows; part of its identity.")
    var `where`: String?

    @Flag(name: .long, help: "Do everything but embed and write, and report what a run would do.")
    var dryRun = false

    @Flag(name: .shortAndLong, help: "Answer yes to every question.")
    var yes = false

    @Flag(name: .long, help: "Delete the points of deleted or blank records, however many there are.")
    var allowRemovals = false

    @Option(name: .long, help: "Run this many workers, each in a process of its own.")
    var processes: Int?

    @OptionGroup var moved: ServersMovedFlag
    @OptionGroup var workers: SettingFlags<WorkersGroup>
    @OptionGroup var settings: AllSettings

    func validate() throws {
        if let processes, !(1...64).contains(processes) { throw ValidationError("--processes must be from 1 to 64") }
        if processes != nil, workers.given.values.contains(where: { $0 != nil }) {
            throw ValidationError("--processes sets the number of workers: leave out --workers")
        }
        if resume, new { throw ValidationError("--resume and --new exclude each other") }
        if force, !new { throw ValidationError("--force needs --new") }
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
        if let condition = `where`, condition.allSatisfy(\.isWhitespace) {
            throw ValidationError("--where must not be blank")
        }
    }

    func run() async throws {
        let console = Console.standard
        let needs: Setting.Need = dryRun ? [.mysql, .tracking, .qdrant] : .everything
        let wiring = try settings.wiring(needs, workers)
        if let sentence = wiring.storeSentence { console.error(sentence) }
        let monitor = wiring.monitor(console, isJSON: settings.common.json)
        let engine = try await wiring.engine(where: `where`, report: { monitor.report($0) })
        let stop = StopSignal()
        let json = settings.common.json
        let end = try await withSignals(raising: stop, grace: engine.work.shutdownGrace, console: console) { [self] in
            if dryRun {
                return try await DryRunSession(engine: engine, console: console, stop: stop).run(
                    limit: limit,
                    isJSON: json
                )
            }
            var options = RunSession.Options()
            options.choice = resume ? .resume : new ? .new : .ask
            options.limit = limit
            options.serversMoved = moved.serversMoved
            options.isSure = yes
            options.isForced = force
            options.isJSON = json
            options.allowsRemovals = allowRemovals
            options.processes = processes.map {
                WorkerPool(count: $0) { unmarked in
                    wiring.workerProcesses(allowsRemovals: allowRemovals, unmarked: unmarked)
                }
            }
            return try await RunSession(
                engine: engine,
                options: options,
                console: console,
                stop: stop,
                monitor: monitor
            ).run()
        }
        if end.status != .complete { throw end }
    }
}

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Joins a job from another process or host.",
        discussion: """
            Any number of workers may share a job: each batch is worked on by exactly one of them at a time. The \
            settings must produce the same points as the job's. Ends when the job does.

            EXAMPLES
              migrate worker --job 7
              migrate worker --job 7 --workers 2 --json
            """
    )

    @Option(name: .long, help: "The job's number, as `migrate jobs` shows it.")
    var job: JobID

    @Flag(name: .long, help: "Delete the points of deleted or blank records, however many there are.")
    var allowRemovals = false

    @Flag(name: .customLong("child"), help: .hidden)
    var isChild = false

    @OptionGroup var moved: ServersMovedFlag
    @OptionGroup var workers: SettingFlags<WorkersGroup>
    @OptionGroup var settings: AllSettings

    func run() async throws {
        let console = isChild ? .silent : Console.standard
        let wiring = try settings.wiring(.everything, workers, givesHints: !isChild)
        if let sentence = wiring.storeSentence { console.error(sentence) }
        let monitor = wiring.monitor(console, isJSON: settings.common.json)
        let job = try await JobLookup(target: nil).find(job, in: wiring.store()).job
        let condition = job.config[JobConfiguration.conditionKey]
        let parent = isChild ? ParentProcess() : nil
        let engine = try await wiring.engine(where: condition) { event in
            if let parent { parent.tell(event) } else { monitor.report(event) }
        }
        let stop = StopSignal()
        parent?.watch(raising: stop)
        var options = RunSession.Options()
        options.isJSON = settings.common.json
        options.isChild = isChild
        options.serversMoved = moved.serversMoved
        options.allowsRemovals = allowRemovals
        let session = RunSession(engine: engine, options: options, console: console, stop: stop, monitor: monitor)
        let end = try await withSignals(raising: stop, grace: engine.work.shutdownGrace, console: console) {
            try await session.work(on: job)
        }
        // The parent process has reported the reason.
        if end.status != .complete { throw isChild ? CommandEnd(end.status) : end }
    }
}
