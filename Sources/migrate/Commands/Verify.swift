import Adapters
import ArgumentParser
import Migration

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Proves that nothing is missing: compares MySQL, the job and Qdrant, record by record.",
        discussion: """
            Names what is missing, stale or unexpected for the records that were planned, and lists recorded failures; points \
            of others are only counted. Exit code 1 when anything is wrong. --repair embeds and writes what is missing or \
            stale, and deletes what is unexpected; it needs OPENAI_API_KEY.

            EXAMPLES
              migrate verify
              migrate verify --job 7 --json
              migrate verify --repair
            """
    )

    @OptionGroup var which: JobOption

    @Flag(name: .long, help: "Mend what is wrong.")
    var repair = false

    @OptionGroup var settings: AllSettings

    func run() async throws {
        let console = Console.standard
        let json = settings.common.json
        let needs: Setting.Need = repair ? .everything : [.mysql, .tracking, .qdrant]
        let wiring = try settings.wiring(needs)
        let job = try await which.find(in: wiring.store())
        let monitor = wiring.monitor(console, isJSON: json)
        let engine = try wiring.engine(where: job.config[Shaping.conditionKey], report: { monitor.report($0) })
        let stop = StopSignal()
        let end = try await withSignals(raising: stop, grace: .zero, console: console) { [repair] in
            let session = VerifySession(engine: engine, console: console, stop: stop)
            return try await session.run(job, repairs: repair, isJSON: json)
        }
        if end.status != .complete { throw end }
    }
}
