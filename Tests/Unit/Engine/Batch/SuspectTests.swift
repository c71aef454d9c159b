import Engine
import Fakes
import Migration
import Synchronization
import Testing

/// One text, point or row that a service can never handle, among others that it handles.
extension EngineTests {
    @Suite struct SuspectTests {
        /// A tenth of the waits: the real ones are the simulation's, which has all the time in the world.
        private func plan(_ world: World, portion: Int = 4 << 20) throws -> BatchWork.Plan {
            var policy = Suspicions.Policy()
            policy.rest = .seconds(3)
            policy.spanMin = .seconds(12)
            policy.patience = .seconds(5)
            return try world.plan(portion: portion, suspicion: policy)
        }

        private func letters(_ world: World) async throws -> [FailureSummary] {
            try await world.store.failures(
                ListIngestionFailures(job: 1, filter: .init(open: true), after: nil, limit: 100)
            ).rows
        }

        /// How often each text was paid for.
        private func payments(_ world: World) -> [UInt64: Int] {
            world.embedder.effects.reduce(into: [:]) { counts, effect in counts[effect.text, default: 0] += 1 }
        }

        @Test(arguments: Trouble.allCases)
        func `a text that never gets an answer fails alone, and nothing else is paid for twice`(trouble: Trouble)
            async throws
        {
            let world = try await World(rows: World.rows(60))
            world.embedder.update { $0.troubles = { $0.contains("Record 17 ") ? trouble : nil } }
            guard case .jobEnded(.completed) = try await world.run(workers: 2, batchSize: 20, plan: plan(world)) else {
                Issue.record("the job did not complete")
                return
            }
            let stats = try await world.stats()
            #expect(stats.processed == 59)
            #expect(stats.retries == 0)
            let letters = try await letters(world)
            #expect(letters.map(\.recordId) == [World.rows(60)[17].id])
            #expect(letters.map(\.stage) == [.embed])
            #expect(letters.map(\.code) == ["unanswered_text"])
            #expect(letters.map(\.permanent) == [false])
            #expect(!letters.contains { $0.message.contains("tells of") }, "no text of a record is in a message")
            let probe = FakeOpenAI.hash(of: BatchWork.probeText)
            #expect(payments(world).filter { $0.key != probe }.values.allSatisfy { $0 == 1 })
            #expect(try await world.verify().verdict == .failed, "a dead letter, and nothing else is wrong")
        }

        @Test(arguments: [Trouble.error500, .hang, .blocked403], [PointKind.child, .parent])
        func `a point that can never be written fails alone, and its text is paid for once`(
            trouble: Trouble,
            kind: PointKind
        ) async throws {
            let bad = World.rows(60)[17].id
            let world = try await World(
                rows: World.rows(60),
                troubles: { $0.recordID == bad && $0.kind == kind ? trouble : nil }
            )
            guard case .jobEnded(.completed) = try await world.run(workers: 2, batchSize: 20, plan: plan(world)) else {
                Issue.record("the job did not complete")
                return
            }
            #expect(try await world.stats().processed == 59)
            let letters = try await letters(world)
            #expect(letters.map(\.recordId) == [bad])
            #expect(letters.map(\.stage) == [.upsert])
            #expect(letters.map(\.code) == ["unwritten_point"])
            #expect(payments(world).values.allSatisfy { $0 == 1 })
        }

        @Test(arguments: [16, 17])
        func `a row that can never be read fails alone`(number: Int) async throws {
            let bad = World.rows(60)[number].id
            let world = try await World(rows: World.rows(60), unreadable: [bad])
            guard case .jobEnded(.completed) = try await world.run(workers: 2, batchSize: 20, plan: plan(world)) else {
                Issue.record("the job did not complete")
                return
            }
            #expect(try await world.stats().processed == 59)
            let letters = try await letters(world)
            #expect(letters.map(\.recordId) == [bad])
            #expect(letters.map(\.stage) == [.fetch])
            #expect(letters.map(\.code) == ["unreadable_row"])
            #expect(try await world.verify().right == 59, "and verify passes over it")
        }

        @Test func `several bad texts of one batch are found at the same time`() async throws {
            let world = try await World(rows: World.rows(40))
            let bad = ["Record 3 ", "Record 4 ", "Record 21 ", "Record 39 "]
            world.embedder.update { $0.troubles = { text in bad.contains { text.contains($0) } ? .error502 : nil } }
            let started = world.time.now
            try await world.run(workers: 1, batchSize: 40, plan: plan(world))
            #expect(try await world.stats().processed == 36)
            #expect(try await letters(world).map(\.recordId) == [3, 4, 21, 39].map { World.rows(40)[$0].id })
            #expect(world.time.now - started > .seconds(12))
            #expect(world.time.now - started < .seconds(60))
        }

        @Test func `a bad text of one portion does not keep the other portions waiting`() async throws {
            let world = try await World(rows: World.rows(12))
            world.embedder.update { $0.troubles = { $0.contains("Record 0 ") ? .error500 : nil } }
            // Four records per portion. The first one has the bad text; the rest is written before it is tried again.
            let started = world.time.now
            let plan = try plan(world, portion: 240)
            let done = try await withThrowingTaskGroup(of: Duration?.self) { group in
                group.addTask {
                    try await world.run(workers: 1, batchSize: 12, plan: plan)
                    return nil
                }
                group.addTask {
                    while try await world.points.count(.child, owner: World.owner) < 11 {
                        try await world.time.sleep(for: .milliseconds(200))
                    }
                    return world.time.now
                }
                return try await group.reduce(nil) { $0 ?? $1 }
            }
            #expect(try await world.stats().processed == 11)
            #expect(world.time.now - (done ?? .zero) > .seconds(9), "the bad text had its failures after the rest")
            #expect((done ?? .zero) - started < .seconds(12))
        }

        @Test func `while the embedder is out, nobody is blamed`() async throws {
            let outage = Outage(of: "openai.embed")
            let world = try await World(rows: World.rows(20), embedderFaults: outage.hook)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await world.run(workers: 2, batchSize: 5, plan: plan(world)) }
                group.addTask {
                    try await world.time.sleep(for: .seconds(100))
                    outage.end()
                }
                try await group.waitForAll()
            }
            #expect(try await world.stats().processed == 20)
            #expect(try await letters(world).isEmpty)
        }

        @Test func `a firewall that stops everything stops the job, and keeps everything`() async throws {
            let world = try await World(rows: World.rows(20))
            world.embedder.update { $0.troubles = { _ in .blocked403 } }
            guard case .fatal(.embedder, let failure) = try await world.run(workers: 2, batchSize: 5) else {
                Issue.record("it did not stop")
                return
            }
            #expect(failure.code == PortFailure.blocked)
            #expect(try await world.stats().failedRecords == 0)
        }

        @Test func `what was given up is tried again when an operator retries it, and migrated when it is well`()
            async throws
        {
            let world = try await World(rows: World.rows(10))
            world.embedder.update { $0.troubles = { $0.contains("Record 7 ") ? .closed : nil } }
            try await world.run(workers: 1, plan: plan(world))
            #expect(try await letters(world).count == 1)
            world.embedder.update { $0.troubles = { _ in nil } }
            let call = RequeueFailedRecords(
                job: 1,
                requestId: SeededEntropy(5).uuid(),
                filter: .init(),
                batchSize: 10,
                limit: 100
            )
            #expect(try await world.store.requeueRecords(call).records == 1)
            try await world.run(workers: 1, plan: plan(world))
            #expect(try await world.stats().processed == 10)
            #expect(try await letters(world).isEmpty)
        }
    }
}
