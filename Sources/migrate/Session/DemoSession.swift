import Engine
import Fakes
import FoundationEssentials
import Migration
import Settings
import Terminal
import TextProcessing

/// `migrate demo`: the engine over stand-ins in memory, a comparison and a search.
struct DemoSession: Sendable {
    let console: Console
    let isJSON: Bool

    /// - Throws: `CommandEnd` for every end except failed records, which are part of the demonstration.
    func run(records: Int) async throws {
        let settings = try Settings(SettingsInput(), needs: [], checks: Wiring.checks)
        let time = Time(ContinuousClock())
        let monitor = RunMonitor(console: console, isJSON: isJSON, time: time, log: nil)
        let world = DemoWorld(records: records, time: time, settings: settings) { monitor.report($0) }
        let engine = try Engine(
            ports: world.ports,
            limits: FakeOpenAI.requestLimits,
            pointsPerWrite: FakeQdrant.pointsPerWrite,
            tokenizer: tokenizer(),
            names: DemoWorld.names,
            target: settings.target,
            work: settings.work,
            text: settings.text,
            runner: Wiring.processName
        )
        _ = try await world.points.ensure(engine.schema)
        let stop = StopSignal()
        let end = try await withSignals(raising: stop, grace: engine.work.shutdownGrace, console: console) {
            var options = RunSession.Options()
            options.choice = .new
            options.isSure = true
            options.isJSON = isJSON
            options.saysNext = false
            return try await RunSession(
                engine: engine,
                options: options,
                console: console,
                stop: stop,
                monitor: monitor
            ).run()
        }
        // Failed records are part of the demonstration.
        guard end.status == .complete || end.status == .incomplete else { throw end }
        if !isJSON { console.out("\nComparing every record, as `migrate verify` does:") }
        let job = try await JobLookup(target: nil).find(nil, in: world.ports.store).job
        let verify = VerifySession(engine: engine, console: console, stop: StopSignal())
        let verified = try await verify.run(job, repairs: false, isJSON: isJSON)
        try await search(engine)
        if verified.status != .complete { throw verified }
    }

    private func search(_ engine: Engine) async throws {
        let question = "cranes resting on the meadow before sunrise"
        let search = SearchSession(
            embedder: engine.ports.embedder,
            points: engine.ports.points,
            encoder: engine.sparseEncoder
        )
        let report = SearchReport(try await search.ask(question, member: nil, limit: 3))
        if isJSON { return console.out(try JSONText.of(report)) }
        console.out("\nAsking the collection: \"\(question)\"\n\(report.text)")
    }

    private func tokenizer() -> any TokenCounting {
        let lookup = VocabularyLookup(named: nil, environment: ProcessInfo.processInfo.environment)
        if let tokenizer = try? Vocabulary.tokenizer(lookup) { return tokenizer }
        console.error(
            "NOTE: without the tokenizer's vocabulary the demonstration counts words, not tokens; a real run does not "
                + "start without it (`migrate setup tokenizer`)."
        )
        return WordTokenizer()
    }
}
