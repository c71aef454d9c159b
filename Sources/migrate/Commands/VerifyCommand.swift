import ArgumentParser
import Migration
import Settings
import Terminal

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Proves that nothing is missing: compares MySQL, the job and Qdrant, record by record.",
        discussion: """
            Compares ids, checksum, profile, member_code, source, type and place of the points of every planned \
            record, with --deep also parent_id and the stored texts, and names what is missing, stale, unexpected or \
            changed. Recorded failures are listed; points of other sources, and points without a source, are only \
            counted. Rows that are not in MySQL are read twice; a row that was deleted and has no points is counted, \
            and is no error. --repair embeds and writes points that are missing or wrong, and deletes unexpected ones; \
            it needs OPENAI_API_KEY, and refuses servers that the job has never used. If a service fails in between, \
            the comparison waits for it; Ctrl-C and SIGTERM end it, and --resume continues from there.

            EXIT CODES
              0   the plan is finished, nothing failed, nothing is missing or wrong
              1   something is wrong (and not repaired), or records have failed
              75  the plan is not finished, or batches are not worked on yet
            If several apply, something wrong comes first, then 75, then failed records. Other codes as in every \
            command: 69 unavailable, 77 refused, 78 settings that differ from the job's. --json has the code as \
            exit_code, and its reason as verdict.

            EXAMPLES
              migrate verify
              migrate verify --job 7 --json
              migrate verify --deep --repair
              migrate verify --resume
            """
    )

    @OptionGroup var which: JobOption

    @Flag(name: .long, help: "Read the stored texts, too, and compare them: about 3 kB more per point.")
    var deep = false

    @Flag(name: .long, help: "Fix what is wrong.")
    var repair = false

    @Flag(name: .long, help: "Delete the points of deleted or blank records, however many there are; with --repair.")
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
        let engine = try await wiring.engine(
            where: job.config[JobConfiguration.conditionKey],
            report: { monitor.report($0) }
        )
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
