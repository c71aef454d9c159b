import ArgumentParser
import Fakes
import Foundation
import Migration
import Settings
import TextProcessing

struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the whole migration in one process: no server, no key, nothing is written to disk.",
        discussion: """
            The engine is the real one; MySQL, the tracking store, OpenAI and Qdrant are stand-ins in memory. Ends with a report \
            and one hybrid search over the result. `make demo` does it with real databases.

            EXAMPLES
              migrate demo
              migrate demo --records 200 --json
            """
    )

    @Option(name: .long, help: "Rows of sample text, in seven languages.")
    var records = 2_000

    @Flag(name: .long, help: "Print JSON for programs instead of text for people.")
    var json = false

    func validate() throws {
        guard (1...100_000).contains(records) else { throw ValidationError("--records must be from 1 to 100000") }
    }

    func run() async throws {
        let console = Console.standard
        let settings = try Settings(SettingsInput(), needs: [], checks: Wiring.checks)
        let time = Time(ContinuousClock())
        let monitor = RunMonitor(console: console, isJSON: json, time: time, log: nil)
        let world = DemoWorld(records: records, time: time, settings: settings) { monitor.report($0) }
        let tokenizer = tokenizer(console)
        let engine = try Engine(
            ports: world.ports,
            tokenizer: tokenizer,
            names: DemoWorld.names,
            target: settings.target,
            work: settings.work,
            text: settings.text,
            runner: Wiring.processName
        )
        _ = try await world.points.ensure(engine.schema)
        let stop = StopSignal()
        let end = try await withSignals(raising: stop, grace: engine.work.shutdownGrace, console: console) { [json] in
            var options = RunSession.Options()
            options.choice = .new
            options.isSure = true
            options.isJSON = json
            options.saysNext = false
            return try await RunSession(
                engine: engine,
                options: options,
                console: console,
                stop: stop,
                monitor: monitor
            ).run()
        }
        // Rows that cannot be migrated are part of the show.
        guard end.status == .complete || end.status == .incomplete else { throw end }
        if !json { console.out("\nComparing every record, as `migrate verify` does:") }
        let job = try await JobOption.find(nil, in: world.ports.store)
        let verify = VerifySession(engine: engine, console: console, stop: StopSignal())
        let verified = try await verify.run(job, repairs: false, isJSON: json)
        try await search(engine, console)
        if verified.status != .complete { throw verified }
    }

    private func search(_ engine: Engine, _ console: Console) async throws {
        let question = "cranes resting on the meadow before sunrise"
        let search = HybridSearch(
            embedder: engine.ports.embedder,
            points: engine.ports.points,
            encoder: engine.sparseEncoder
        )
        let report = SearchReport(try await search.ask(question, member: nil, limit: 3))
        if json { return console.out(try JSONText.of(report)) }
        console.out("\nAsking the collection: \"\(question)\"\n\(report.text)")
    }

    private func tokenizer(_ console: Console) -> any TokenCounting {
        let lookup = VocabularyLookup(named: nil, environment: ProcessInfo.processInfo.environment)
        if let tokenizer = try? Vocabulary.tokenizer(lookup) { return tokenizer }
        console.error(
            "NOTE: without the tokenizer's vocabulary the demonstration counts words, not tokens; a real run does not "
                + "begin without it (`migrate setup tokenizer`)."
        )
        return WordTokenizer()
    }
}
