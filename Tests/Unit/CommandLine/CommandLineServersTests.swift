import Engine
import Fakes
import Migration
import Terminal
import Testing

@testable import migrate

/// Sessions beside a collection that has no room, and beside servers that the job does not know.
@Suite(.serialized, .timeLimit(.minutes(2))) struct `Sessions beside other servers` {
    private let world: SessionWorld

    init() async throws { world = try await SessionWorld() }

    @Test func `beside a collection without room one batch is paid for, not one of each worker`() async throws {
        let engine = try world.engine()
        world.world.points.restrict(["max_points_count": 0])
        let embedder = try #require(world.world.ports.embedder as? FakeOpenAI)
        for _ in 0..<3 {
            let before = embedder.totals.texts
            let recorded = RecordedConsole()
            let end = try await world.run(engine, recorded)
            #expect(end.status == .refused, "\(end.message)")
            #expect(end.message.contains("Max points count limit of 0 reached"), "\(end.message)")
            #expect(end.message.contains("`migrate run --resume`"))
            #expect(recorded.out.contains("The collection has no room for more points"))
            // Five workers have ten records each; a sample text has three children at most.
            #expect(embedder.totals.texts - before <= 30)
        }
        world.world.points.restrict(["max_points_count": 100_000])
        let recorded = RecordedConsole()
        #expect(try await world.run(engine, recorded).status == .complete)
        #expect(!recorded.out.contains("no room"))
    }

    @Test func `a full collection is no obstacle for a run that has nothing to write`() async throws {
        let engine = try world.engine()
        #expect(try await world.run(engine, RecordedConsole()).status == .complete)
        world.world.points.restrict(["max_points_count": 1])
        let recorded = RecordedConsole()
        #expect(try await world.run(engine, recorded).status == .complete)
        #expect(recorded.out.contains("The collection has no room for more points"))
    }

    private func verify(
        _ engine: Engine,
        _ job: JobSummary,
        _ recorded: RecordedConsole,
        repairs: Bool,
        isJSON: Bool = false,
        serversMoved: Bool = false
    ) async throws -> CommandEnd {
        let session = VerifySession(
            engine: engine,
            console: recorded.console,
            stop: StopSignal(),
            serversMoved: serversMoved
        )
        do { return try await session.run(job, repairs: repairs, isJSON: isJSON) } catch let end as CommandEnd {
            return end
        }
    }

    @Test(arguments: [false, true])
    func `a repair beside servers that the job has never used is refused, and a comparison says so`(isJSON: Bool)
        async throws
    {
        let known = try world.engine(servers: JobServers(points: ["http://one:6333"]))
        #expect(try await world.run(known, RecordedConsole()).status == .complete)
        let job = try await JobLookup(target: nil).find(nil, in: world.store).job
        let other = try world.engine(servers: JobServers(points: ["http://two:6333"]))

        let recorded = RecordedConsole()
        #expect(try await verify(other, job, recorded, repairs: false, isJSON: isJSON).status == .complete)
        #expect(recorded.error.contains("Qdrant is now http://two:6333, was http://one:6333"), "\(recorded.error)")
        #expect(!recorded.out.contains("http://two:6333"))
        let refused = try await verify(other, job, RecordedConsole(), repairs: true, isJSON: isJSON)
        #expect(refused.status == .badSettings && refused.message.contains("--servers-moved"))
        let moved = try await verify(other, job, RecordedConsole(), repairs: true, isJSON: isJSON, serversMoved: true)
        #expect(moved.status == .complete)
        #expect(try await verify(known, job, RecordedConsole(), repairs: true, isJSON: isJSON).status == .complete)

        // A job of the version before knows no servers.
        var unknown = job
        unknown.servers = JobServers()
        let silent = RecordedConsole()
        #expect(try await verify(other, unknown, silent, repairs: true, isJSON: isJSON).status == .complete)
        #expect(silent.error.isEmpty)
    }
}
