import Engine
import Fakes
import Migration
import Testing
import TextProcessing

extension EngineTests {
    @Suite struct VerifierTests {
        func finding(_ report: VerificationReport) -> [String] {
            report.findings.map { "\($0.kind.rawValue) \($0.points)" }
        }

        @Test func `what is missing, stale and unexpected is named, and a repair mends it`() async throws {
            let world = try await World(rows: World.rows(20))
            try await world.run()
            let ids = World.rows(20).map(\.id)
            // One point vanishes, one row changes, one row is deleted.
            let stored = try await world.points.points(of: [ids[3]], owner: World.owner)
            try await world.points.delete([stored[0]])
            world.source.put(SourceRecord(id: ids[5], memberCode: "member-2", content: .text("A new text.")))
            world.source.delete(ids[7])

            let report = try await world.verify()
            #expect(!report.isRight)
            #expect(finding(report) == ["missing 1", "stale 2", "unexpected 2"])
            #expect(report.findings.map(\.record) == [ids[3], ids[5], ids[7]])

            let repaired = try await world.verify(repairs: true)
            #expect(repaired.isRight)
            let again = try await world.verify()
            #expect(again.findings.isEmpty)
            #expect(again.isRight)
            #expect(again.vanished == 1)
        }

        @Test func `points of nobody's plan are only counted`() async throws {
            let world = try await World(rows: World.rows(20))
            try await world.run(limit: 10)
            let report = try await world.verify()
            #expect(report.isRight)
            _ = try await world.run()
            #expect(try await world.verify(1).strangers == 20)
        }

        @Test func `a record that shrinks leaves no old point behind, and keeps what somebody set`() async throws {
            let limits = try ChunkLimits(parentMaxTokens: 64, parentChunkSize: 64, chunkSize: 32, chunkOverlap: 4)
            let id: RecordID = 77
            let long = (0..<300).map { "word\($0)" }.joined(separator: " ")
            let world = try await World(rows: [SourceRecord(id: id, memberCode: "m", content: .text(long))])
            try await world.run(plan: world.plan(limits: limits))
            let before = try await world.points.points(of: [id], owner: World.owner)
            #expect(before.count > 8)
            world.source.put(SourceRecord(id: id, memberCode: "m", content: .text("short now")))
            try await world.run(plan: world.plan(limits: limits))
            #expect(try await world.points.points(of: [id], owner: World.owner).count == 2)
        }
    }
}
