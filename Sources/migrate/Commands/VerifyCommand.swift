import ArgumentParser
import Migration
import Settings
import Terminal

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Proves that nothing is missing: compares MySQL, the job and Qdrant, record by record.",
        discussion: """
            Compares ids, checksum, profile, member_code, source, type and place of the points of every planned record, \
            with --deep also parent_id and the stored texts, and names what is missing, stale, unexpected or changed. \
            Recorded failures are listed; points of others, and points without a source, are only counted. Rows that are \
            not in MySQL are asked for twice; one that has vanished and has no points is no loss: it is counted, and no \
            error. --repair embeds and writes what is missing or not as it must be, and deletes what is unexpected; it \
            needs OPENAI_API_KEY, and does not begin with servers that the job has never used. A service that goes away \
            in between is waited for; Ctrl-C and SIGTERM end the comparison, and --resume goes on from there.

            EXIT CODES
              0   the plan is finished, nothing failed, nothing is missing or wrong
              1   something is wrong (and not repaired), or records have failed
              75  not finished planning, or batches are not worked on yet
            Something wrong comes before 75, and 75 before failed records. Others as in every command: 69 unavailable, \
            77 refused, 78 other settings than the job's. --json has the code as exit_code, and its reason as verdict.

            EXAMPLES
              migrate verify
              migrate verify --job 7 --json
              migrate verify --deep --repair
              migrate verify --resume
            """
    )

    @OptionGroup var which: JobOption

    @Flag(name: .long, help: "Read the stored texts, too, and compare them: some 3 kB more for each point.")
    var deep = false

    @Flag(name: .long, help: "Fix what is wrong.")
    var repair = false

    @Flag(name: .long, help: "Delete the points of gone or blank records however many they are; with --repair.")
    var allowRemovals = false

    @Flag(name: .long, help: "Go on from where the last comparison of this job was stopped on this host.")
    var resume = false

    @OptionGroup var moved: ServersMovedFlag
    @OptionGroup var settings: AllSettings

    func run() async throws {
        let console = Console.standard
        let json = settings.common.json
        let needs: Setting.Need = repair ? .everything : [.mysql, .tracking, .qdrant]
        let wiring = try settings.wiring(needs)
        let job = try await wiring.lookup.find(which.job, in: wiring.store()).announced(on: console, isJSON: json).job
        let monitor = wiring.monitor(console, isJSON: json)
        let engine = try wiring.engine(where: job.config[JobConfiguration.conditionKey], report: { monitor.report($0) })
        let stop = StopSignal()
        let session = VerifySession(
            engine: engine,
            console: console,
            stop: stop,
            allowsRemovals: allowRemovals,
            serversMoved: moved.serversMoved,
            folder: wiring.stateFolder,
            resumes: resume
        )
        let end = try await withSignals(
            raising: stop,
            announces: { _ in "Stopping." },
            console: console,
            running: { [deep, repair] in
                try await session.run(job, isDeep: deep, repairs: repair, isJSON: json)
            }
        )
        if end.status != .complete { throw end }
    }
}
