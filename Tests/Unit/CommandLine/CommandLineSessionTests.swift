// Longer than 300 lines: one suite, whose tests share their world.

import Adapters
import Engine
import Fakes
import Foundation
import Migration
import Settings
import Synchronization
import Terminal
import Testing
import TextProcessing

@testable import migrate

/// Commands over the fakes, as far as they are more than parsing and printing.
@Suite(.serialized, .timeLimit(.minutes(2))) struct `Commands over the fakes` {
    private let world: DemoWorld
    private let host = FakeHost()
    private let settings: Settings
    private let time = Time(ContinuousClock())

    init() async throws {
        settings = try Settings(SettingsInput(flags: ["BATCH_SIZE": "10"]), needs: [])
        world = DemoWorld(records: 60, time: time, settings: settings) { _ in }
    }

    private func engine(
        _ flags: [String: String] = [:],
        source: FakeMySQL? = nil,
        store: FakeSupabase? = nil,
        where condition: String? = nil
    ) throws -> Engine {
        let settings = try Settings(SettingsInput(flags: flags.merging(["BATCH_SIZE": "10"]) { $1 }), needs: [])
        let ports = EnginePorts(
            source: source ?? world.ports.source,
            store: store ?? world.ports.store,
            embedder: world.ports.embedder,
            points: world.ports.points,
            journal: host.journal(),
            time: time,
            entropy: world.ports.entropy,
            report: { _ in }
        )
        return try Engine(
            ports: ports,
            limits: FakeOpenAI.requestLimits,
            pointsPerWrite: FakeQdrant.pointsPerWrite,
            tokenizer: WordTokenizer(),
            names: Engine.Names(
                table: DemoWorld.names.table,
                collection: DemoWorld.names.collection,
                idColumn: DemoWorld.names.idColumn,
                tenantColumn: DemoWorld.names.tenantColumn,
                contentColumn: DemoWorld.names.contentColumn,
                condition: condition
            ),
            target: settings.target,
            work: settings.work,
            text: settings.text,
            runner: "test:1"
        )
    }

    private func run(
        _ engine: Engine,
        _ recorded: RecordedConsole,
        choice: Joining.Choice = .ask,
        stop: StopSignal = StopSignal()
    ) async throws -> CommandEnd {
        var options = RunSession.Options()
        options.choice = choice
        let monitor = RunMonitor(console: recorded.console, isJSON: false, time: time, log: nil)
        return try await RunSession(
            engine: engine,
            options: options,
            console: recorded.console,
            stop: stop,
            monitor: monitor
        ).run()
    }

    @Test func `a job of a version that did not know sources is still the same job`() throws {
        // SHA-256 of what that version hashed, computed without this program.
        let hash = "403bdcdac19c2d68db5004c622b6e707ff909845a8a2a7bc4c2094698d8307e3"
        #expect(try engine().configuration.hash == hash)
        #expect(try engine(["SOURCE_NAME": DemoWorld.names.table]).configuration.hash == hash)
        #expect(try engine(["UNMARKED_POINTS": "foreign"]).configuration.hash == hash)
        #expect(try engine(["SOURCE_NAME": "shard-2"]).configuration.hash != hash)
        #expect(try engine().plan.owner == PointOwner(source: DemoWorld.names.table, ownsUnmarked: true))
        let named = try engine(["SOURCE_NAME": "shard-2", "UNMARKED_POINTS": "foreign"])
        #expect(named.plan.owner == PointOwner(source: "shard-2", ownsUnmarked: false))
        #expect(named.plan.shaper.profile == (try engine().plan.shaper.profile), "the source does not shape points")
    }

    /// Opens a job and leaves it unfinished.
    private func interrupted(_ engine: Engine) async throws {
        let stop = StopSignal()
        var engine = engine
        engine.ports = engine.ports.reporting { if case .jobOpened = $0 { stop.raise(.release) } }
        let end = try await run(engine, RecordedConsole(), choice: .new, stop: stop)
        #expect(end.status == .stopped)
    }

    private func ending(_ body: () async throws -> CommandEnd) async throws -> CommandEnd {
        do { return try await body() } catch let end as CommandEnd { return end }
    }

    @Test func `without a collection it says what to run`() async throws {
        let end = try await ending { try await run(try engine(), RecordedConsole()) }
        #expect(end.status == .refused)
        #expect(end.message.contains("migrate setup"))
    }

    @Test(arguments: ["profile", "source", "checksum", "summary_id", "type", "member_code"])
    func `in strict mode a missing index is named, setup adds it, and then the job runs`(field: String) async throws {
        let engine = try engine()
        _ = try await world.points.ensure(engine.schema)
        world.points.dropIndex(field)
        let end = try await ending { try await run(engine, RecordedConsole()) }
        #expect(end.status == .refused)
        #expect(end.message.contains("payload_schema.\(field)") && end.message.contains("`migrate setup`"))

        let recorded = RecordedConsole()
        let session = SetupSession(console: recorded.console, isSure: true)
        let made = try await session.collection("memos", in: world.points, schema: engine.schema)
        #expect(!made.isNew && made.differences.isEmpty)
        #expect(recorded.out.contains("WRONG: payload_schema.\(field)"))
        #expect(try await run(engine, RecordedConsole()).status == .complete)
    }

    @Test func `without strict mode a missing index only costs speed`() async throws {
        let engine = try engine()
        _ = try await world.points.ensure(engine.schema)
        world.points.restrict(["enabled": false])
        world.points.dropIndex("profile")
        #expect(try await run(engine, RecordedConsole()).status == .complete)
        let differences = try await world.points.inspect(engine.schema).differences
        #expect(differences.map(\.name) == ["payload_schema.profile"] && !differences.contains { $0.isFatal })
    }

    @Test func `an empty table is a sentence`() async throws {
        let engine = try engine(source: FakeMySQL())
        _ = try await world.points.ensure(engine.schema)
        let end = try await ending { try await run(engine, RecordedConsole()) }
        #expect(end.status == .incomplete)
        #expect(end.message.contains("demo.ip_summary has no rows"))
    }

    @Test func `an unfinished job is resumed without a terminal, and said`() async throws {
        let engine = try engine()
        _ = try await world.points.ensure(engine.schema)
        try await interrupted(engine)
        let recorded = RecordedConsole()
        let end = try await run(engine, recorded)
        #expect(end.status == .complete)
        #expect(recorded.out.contains("Resuming job 1"))
        #expect(recorded.out.contains("60 planned, 60 processed"))
        let verify = VerifySession(engine: engine, console: recorded.console, stop: StopSignal())
        let job = try await JobLookup(target: nil).find(nil, in: world.ports.store).job
        #expect(try await verify.run(job, repairs: false, isJSON: false).status == .complete)
        #expect(recorded.out.contains("nothing is missing"))
    }

    @Test func `no to the question closes the job and plans a new one`() async throws {
        let engine = try engine()
        _ = try await world.points.ensure(engine.schema)
        try await interrupted(engine)
        let recorded = RecordedConsole(answers: ["n", "y", "y"])
        #expect(try await run(engine, recorded).status == .complete)
        #expect(recorded.unused.isEmpty)
        let jobs = try await world.ports.store.jobs(ListIngestionJobs(job: nil, filter: .init(), after: nil, limit: 10))
            .rows
        #expect(jobs.map(\.status) == [.completed, .cancelled])
        #expect(jobs.last?.reason == "replaced by a new job")
    }

    @Test func `resume without an unfinished job is said`() async throws {
        let engine = try engine()
        _ = try await world.points.ensure(engine.schema)
        let end = try await ending { try await run(engine, RecordedConsole(), choice: .resume) }
        #expect(end.status == .incomplete)
        #expect(end.message.contains("no unfinished job"))
    }

    @Test(arguments: [false, true])
    func `a job that ends while it is about to be resumed is not planned once more`(isAnswerLost: Bool) async throws {
        let finished = Mutex<FakeSupabase?>(nil)
        let hasLoss = Mutex(isAnswerLost)
        let before: FaultHook.Step = { (call) async throws(PortFailure) in
            guard call == JoinIngestionJob.function, let store = finished.withLock(\.self) else { return }
            _ = try await store.control(ControlIngestionJob(job: 1, action: .cancel, reason: nil))
        }
        let after: FaultHook.Step = { (call) async throws(PortFailure) in
            guard call == JoinIngestionJob.function, finished.withLock({ $0 != nil }) else { return }
            let isLost = hasLoss.withLock { hasLoss in
                defer { hasLoss = false }
                return hasLoss
            }
            if isLost { throw PortFailure(.outcomeUnknown, "the answer was lost") }
        }
        let faults = FaultHook(before: before, after: after)
        let store = FakeSupabase(time: time, entropy: Wiring.entropy, faults: faults)
        let engine = try engine(store: store)
        _ = try await world.points.ensure(engine.schema)
        try await interrupted(engine)
        finished.withLock { $0 = store }
        let end = try await ending { try await run(engine, RecordedConsole(), choice: .resume) }
        #expect(end.status == .incomplete)
        #expect(end.message.contains("job 1 has ended meanwhile"))
        let jobs = try await store.jobs(ListIngestionJobs(job: nil, filter: .init(), after: nil, limit: 10)).rows
        #expect(jobs.allSatisfy { $0.status == .cancelled && $0.id < 3 }, "nothing is left open: \(jobs)")
    }

    @Test func `other settings than the job's are refused with each difference`() async throws {
        let first = try engine()
        _ = try await world.points.ensure(first.schema)
        try await interrupted(first)
        let end = try await ending { try await run(try engine(["CHUNK_SIZE": "256"]), RecordedConsole()) }
        #expect(end.status == .badSettings)
        #expect(end.message.contains("chunk_size: the job has 512, the settings say 256"))
    }

    @Test(arguments: [nil, "id > 9"])
    func `another condition than the job's is refused with the difference`(condition: String?) async throws {
        let first = try engine(where: "id > 5")
        _ = try await world.points.ensure(first.schema)
        try await interrupted(first)
        let end = try await ending { try await run(try engine(where: condition), RecordedConsole()) }
        #expect(end.status == .badSettings)
        #expect(end.message.contains("where: the job has id > 5, the settings say \(condition ?? "nothing")"))
    }

    @Test func `another list of stop words is a difference of the job`() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "words-\(UInt64.random(in: 0...(.max)))")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("the\nand\n".utf8).write(to: file)
        let first = try engine(["SPARSE_STOP_WORDS": file.path()])
        _ = try await world.points.ensure(first.schema)
        try await interrupted(first)
        for (content, digest) in [("the\n", "1 word, "), ("and\nTHE", nil)] {
            try Data(content.utf8).write(to: file)
            let again = try engine(["SPARSE_STOP_WORDS": file.path()])
            let end = try await ending { try await run(again, RecordedConsole()) }
            if let digest {
                #expect(end.status == .badSettings)
                #expect(end.message.contains("sparse_stop_words: the job has 2 words, "))
                #expect(end.message.contains("the settings say \(digest)"))
            } else {
                #expect(end.status == .complete)
            }
        }
    }

    @Test func `retry says when there is nothing to try again`() async throws {
        let engine = try engine()
        _ = try await world.points.ensure(engine.schema)
        _ = try await run(engine, RecordedConsole())
        let report = try await requeue(
            try await JobLookup(target: nil).find(1, in: world.ports.store).job,
            RequeueFilter(),
            isolate: false,
            in: world.ports.store,
            entropy: Wiring.entropy
        )
        #expect(report.text == "Job 1 has no such failures to try again.")
    }

    @Test func `setup makes the collection once, and then only shows it`() async throws {
        let recorded = RecordedConsole()
        let session = SetupSession(console: recorded.console, isSure: true)
        let schema = CollectionSchema(dimensions: 1_536)
        let made = try await session.collection("memos", in: world.points, schema: schema)
        #expect(made.isNew && made.name == "memos")
        #expect(recorded.out.contains("Collection memos is ready"))
        let again = RecordedConsole()
        let found = try await SetupSession(console: again.console.aside, isSure: false)
            .collection("memos", in: world.points, schema: schema)
        #expect(!found.isNew && found.points == 0 && found.differences.isEmpty)
        #expect(again.out.isEmpty && again.error.contains("Collection memos exists: 0 points"))
    }

    /// An older program must not put its functions over newer ones.
    @Test(arguments: [1, 0])
    func `setup leaves newer tracking SQL as it is`(versionsTooNew: Int) async throws {
        let ours = SchemaInstaller.version
        let refusal = versionsTooNew > 0 ? "too new for this program (\(ours))" : nil
        let recorded = RecordedConsole()
        let session = SetupSession(console: recorded.console, isSure: true)
        let newer = SchemaVersion.Answer(version: ours + 1, minClient: ours + versionsTooNew)
        var end: CommandEnd?
        do {
            try await session.sql(version: ours, at: "here") {
                newer
            } apply: { () async throws(PortFailure) in
                Issue.record("it was replaced")
                return newer
            }
        } catch let thrown as CommandEnd { end = thrown }
        #expect(end?.status == (refusal == nil ? nil : .refused))
        #expect(refusal.map { end?.message.contains($0) == true } ?? recorded.out.contains("left as it is"))
    }

    @Test func `setup asks for a flag where nobody can answer`() async throws {
        let session = SetupSession(console: RecordedConsole().console, isSure: false)
        await #expect(throws: CommandEnd.self) {
            _ = try await session.collection("memos", in: world.points, schema: CollectionSchema(dimensions: 1_536))
        }
        #expect(try await !world.points.inspect(CollectionSchema(dimensions: 1_536)).exists)
    }

    @Test func `setup refuses a collection of another vector size and names it`() async throws {
        _ = try await world.points.ensure(CollectionSchema(dimensions: 8))
        let recorded = RecordedConsole()
        let session = SetupSession(console: recorded.console, isSure: true)
        let end = try await ending {
            _ = try await session.collection("memos", in: world.points, schema: CollectionSchema(dimensions: 1_536))
            return CommandEnd(.complete)
        }
        #expect(end.status == .refused)
        #expect(recorded.out.contains("1536") && recorded.out.contains("WRONG"))
    }

    @Test func `a plan scales its sample up`() async throws {
        let engine = try engine()
        let estimator = PlanEstimator(
            source: world.ports.source,
            shaper: engine.plan.shaper,
            sparseEncoder: engine.sparseEncoder
        )
        let (records, sample) = try #require(try await estimator.measure(limit: nil))
        #expect(records == 60)
        #expect(sample.records == 60)
        #expect(sample.tokens > 60 && sample.chunks >= 60)
        #expect(try await estimator.measure(limit: 7)?.records == 7)
        let empty = PlanEstimator(source: FakeMySQL(), shaper: engine.plan.shaper, sparseEncoder: engine.sparseEncoder)
        #expect(try await empty.measure(limit: nil) == nil)
    }

    @Test func `check gives each dependency a line and tells what is wrong`() async {
        let session = CheckSession(dependencies: [
            .init(name: "MySQL") { Inspection(product: "MariaDB 11", facts: ["3 rows"]) },
            .init(name: "Qdrant") { throw PortFailure(.unavailable, "connection refused") },
            .init(name: "Tracking") {
                Inspection(product: "PostgreSQL 17", facts: [], problems: ["run `migrate setup`"])
            },
        ])
        let report = await session.run()
        #expect(!report.isUsable)
        #expect(
            report.text == """
                ok    MySQL     MariaDB 11, 3 rows
                FAIL  Qdrant    connection refused
                FAIL  Tracking  PostgreSQL 17
                      Tracking  run `migrate setup`
                """
        )
    }

    @Test func `sample texts are the same every time, and many ids are above 2^53`() {
        #expect(SampleTexts.rows(300) == SampleTexts.rows(300))
        #expect(SampleTexts.rows(300).allSatisfy { $0.id > 1 << 53 })
        #expect(SampleTexts.rows(100).contains { $0.content == .null })
    }
}

@Suite struct `The tokenizer's vocabulary` {
    @Test func `a named file is the only one that counts`() {
        let lookup = VocabularyLookup(named: "/a", environment: ["HOME": "/home/x"])
        #expect(lookup.candidates == ["/a"])
    }

    @Test func `tiktoken's caches come first, then the program's own`() {
        let lookup = VocabularyLookup(
            named: nil,
            environment: ["HOME": "/h", "XDG_CACHE_HOME": "", "TIKTOKEN_CACHE_DIR": "/t", "DATA_GYM_CACHE_DIR": "/d"]
        )
        let name = VocabularyLookup.tiktokenName
        #expect(lookup.candidates == ["/t/\(name)", "/d/\(name)", "/h/.cache/migrate/cl100k_base.tiktoken"])
        #expect(VocabularyLookup(named: nil, environment: [:]).candidates.isEmpty)
    }

    @Test func `what runners hold is noted in the folder for a user's state`() {
        #expect(StateFolder(named: "/n", environment: ["XDG_STATE_HOME": "/x"]).path == "/n")
        #expect(StateFolder(named: nil, environment: ["XDG_STATE_HOME": "/x", "HOME": "/h"]).path == "/x/migrate")
        let home = StateFolder(named: nil, environment: ["XDG_STATE_HOME": "", "HOME": "/h"])
        #expect(home.path == "/h/.local/state/migrate")
        #expect(StateFolder(named: nil, environment: [:]).path == nil)
    }

    @Test func `another file is refused and not kept`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "vocabulary-\(UInt64.random(in: 0...(.max)))"
        )
        defer { try? FileManager.default.removeItem(at: folder) }
        let lookup = VocabularyLookup(named: nil, environment: ["XDG_CACHE_HOME": folder.path()])
        #expect(throws: CommandEnd.self) { try Vocabulary.store(Data("x".utf8), from: "x", lookup: lookup) }
        #expect(try Vocabulary.tokenizer(lookup) == nil)
    }
}
