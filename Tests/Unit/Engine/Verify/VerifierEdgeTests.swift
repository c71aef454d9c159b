import Engine
import Fakes
import Migration
import Synchronization
import Testing
import TextProcessing

/// Rarer turns of a verification: repairs, late rows, counts, outages.
extension EngineTests {
    @Suite struct VerifierEdgeTests {
        @Test func `a changed record that also lost a point is mended once`() async throws {
            let world = try await World(rows: World.rows(3))
            try await world.run()
            let row = World.rows(3)[1]
            world.source.put(SourceRecord(id: row.id, memberCode: row.memberCode, content: .text("A new text.")))
            try await world.points.delete([
                try #require(try await world.points.points(of: [row.id], owner: World.owner).first)
            ])
            #expect(try await world.verify().findings.map(\.kind) == [.missing, .stale])
            #expect(try await world.verify(repairs: true).isRight)
            #expect(try await world.verify().right == 3)
        }

        @Test func `a row that has become unfit stays a finding and does not keep others from being mended`()
            async throws
        {
            let world = try await World(rows: World.rows(3))
            try await world.run()
            let rows = World.rows(3)
            world.source.put(SourceRecord(id: rows[0].id, memberCode: nil, content: rows[0].content))
            world.source.put(SourceRecord(id: rows[1].id, memberCode: "member-1", content: .text("A new text.")))
            let report = try await world.verify(repairs: true)
            #expect(report.findings.map(\.record) == [rows[0].id, rows[1].id])
            #expect(report.findings.map(\.isRepaired) == [false, true])
            #expect(!report.isRight)
        }

        @Test func `points of a dead letter, and points that a repair wrote, are nobody else's`() async throws {
            let world = try await World(rows: World.rows(10))
            try await world.run()
            let row = World.rows(10)[4]
            world.source.put(SourceRecord(id: row.id, memberCode: "member-1", content: .text("refuse me")))
            world.embedder.update { $0.refusesText = { $0.contains("refuse") } }
            try await world.run()
            #expect(try await world.stats(2).failedRecords == 1)
            // It keeps the points of its older text, which are not right any more.
            #expect(try await world.verify(2).findings.map(\.kind) == [.stale])
            #expect(try await world.verify(2).strangers == 0)

            try await world.points.delete(try await world.points.points(of: [World.rows(10)[0].id], owner: World.owner))
            let repaired = try await world.verify(2, repairs: true)
            #expect(repaired.findings.map(\.isRepaired) == [true, false])
            #expect(repaired.strangers == 0)
        }

        @Test func `strangers are seen beside a repair and a row that is gone`() async throws {
            let rows = World.rows(10)
            let world = try await World(rows: rows)
            try await world.run()
            let points = try await world.points.points(of: [rows[0].id], owner: World.owner)
            try await world.points.delete([try #require(points.first)])
            world.source.delete(rows[1].id)
            try await world.points.upsert([stranger(rows[9].id + 1)])
            let report = try await world.verify(repairs: true)
            #expect(report.findings.map(\.kind) == [.missing, .unexpected])
            #expect(report.strangers == 1)
        }

        /// A point of a record that was not planned.
        private func stranger(_ record: RecordID) -> Point {
            Point(
                id: PointID(high: 9, low: 9),
                recordID: record,
                memberCode: "m",
                collectionIDs: [],
                checksum: "c",
                profile: "p",
                source: World.owner.source,
                parentIndex: 0,
                body: .parent(text: "t")
            )
        }

        @Test func `a dead letter may have points, but only right ones`() async throws {
            let world = try await World(rows: World.rows(10))
            let id = World.rows(10)[4].id
            world.embedder.update { $0.refusesText = { $0.contains("Record 4 ") } }
            try await world.run()
            let verified = try await world.verify()
            #expect(verified.failures.map(\.recordId) == [id])
            #expect(verified.findings.isEmpty, "it has none, and that is accounted for")
            #expect(verified.verdict == .failed)

            let point = Point(
                id: try #require(try await world.points.points(of: [World.rows(10)[5].id], owner: World.owner).first)
                    .id,
                recordID: id,
                memberCode: "member-0",
                collectionIDs: [],
                checksum: "older",
                profile: "older",
                source: World.owner.source,
                parentIndex: 0,
                body: .parent(text: "older")
            )
            try await world.points.upsert([point])
            let found = try await world.verify().findings.filter { $0.record == id }
            #expect(found.map(\.kind) == [.unexpected])
        }

        @Test func `a late row is seen although a planned one was deleted meanwhile`() async throws {
            let world = try await World(rows: World.rows(10))
            try await world.run()
            let rows = World.rows(10)
            world.source.delete(rows[2].id)
            world.source.put(SourceRecord(id: rows[2].id + 1, memberCode: "m", content: .text("late")))
            #expect(try await world.verify().late == 1)
        }

        @Test func `late rows are those that nobody planned, whatever became of the planned ones`() async throws {
            // The condition of --where: a row may cease to meet it, and is still found by its id.
            let world = try await World(rows: World.rows(10), admits: { $0.memberCode != "elsewhere" })
            let rows = World.rows(10)
            world.embedder.update { $0.refusesText = { $0.contains("Record 4 ") } }
            try await world.run()
            for number in [1, 2] {
                world.source.put(
                    SourceRecord(id: rows[number].id, memberCode: "elsewhere", content: rows[number].content)
                )
            }
            // A dead letter whose row is gone.
            world.source.delete(rows[4].id)
            for number in [0, 3, 8] {
                let id = rows[number].id + 1
                world.source.put(SourceRecord(id: id, memberCode: "member-0", content: .text("late \(id)")))
            }
            #expect(try await world.verify().late == 3)
        }

        @Test func `texts are compared in portions, so that memory is bounded`() async throws {
            let reads = Mutex(0)
            let hook = FaultHook(before: { call throws(PortFailure) in
                if call == "mysql.records" { reads.withLock { $0 += 1 } }
            })
            let long = String(repeating: "A line of a very long text.\n", count: 50)
            let rows = (1...8).map { SourceRecord(id: $0, memberCode: "m", content: .text("\($0) \(long)")) }
            let world = try await World(rows: rows, sourceFaults: hook)
            let plan = try world.plan(portion: 4300)
            try await world.run(workers: 1, plan: plan)
            reads.withLock { $0 = 0 }
            let verifier = Verifier(ports: world.ports, stop: StopSignal(), plan: plan, repairs: false)
            #expect(try await verifier.run(1) { _ in }.right == 8)
            #expect(reads.withLock { $0 } == 3)

            reads.withLock { $0 = 0 }
            let paging = PlanPaging(batchSize: 10, limit: nil)
            let dryRun = DryRun(ports: world.ports, stop: StopSignal(), plan: plan, paging: paging)
            #expect(try await dryRun.run { _ in }.unchanged == 8)
            #expect(reads.withLock { $0 } == 3)
        }

        @Test func `an outage is blamed on the service that was out`() async throws {
            let isDown = Mutex(false)
            let hook = FaultHook(before: { _ throws(PortFailure) in
                if isDown.withLock(\.self) { throw PortFailure(.unavailable, "connection refused") }
            })
            let world = try await World(rows: World.rows(1), pointFaults: hook)
            try await world.run()
            isDown.withLock { $0 = true }
            let failure = await #expect(throws: ServiceFailure.self) { try await world.verify() }
            #expect(failure?.service == .points)
        }
    }
}
