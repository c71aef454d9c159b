import Fakes
import Migration
import Synchronization
import Testing
import TextProcessing

@testable import Engine

/// Whose the points of a collection are, when a process joins or begins a job.
extension `Joining a job` {
    /// Points that carry no source, as the version before and the existing application write them.
    func writeUnmarked(_ ids: [RecordID], namespace: String = "old") async throws {
        for point in ids.map({ Self.point(of: $0, namespace: namespace) }) {
            let payload: [String: JSONValue] = [
                "type": "parent", "summary_id": .integer(point.recordID), "member_code": .string(point.memberCode),
                "parent_idx": 0,
            ]
            try points.engine.write(point.id, payload: payload, into: points.collection)
        }
    }

    private func other(_ namespace: String = "test", from first: Int = 0) async throws {
        try await points.upsert(
            World.rows(40).dropFirst(first).map {
                Self.point(of: $0.id, source: "app.other", namespace: namespace)
            }
        )
    }

    @Test func `two sources with one namespace are refused, and each with its own may share a collection`() async throws
    {
        try await other()
        #expect(await refusal(joining()) == .sameNamespace("app.other"))
        #expect(try await jobs().isEmpty, "nothing was changed")
        #expect(await refusal(joining(namespace: "mine")) == nil)
    }

    @Test func `a source whose job has written nothing yet counts, too, while the job is open`() async throws {
        #expect(await refusal(joining(table: "app.other")) == nil)
        #expect(await refusal(joining()) == .sameNamespace("app.other"))
        let first = try #require(try await jobs().first)
        _ = try await store.control(ControlIngestionJob(job: first.id, action: .cancel, reason: nil))
        #expect(await refusal(joining()) == nil)
    }

    @Test func `unmarked points of a collection without another source are ours`() async throws {
        try await writeUnmarked(World.rows(40).map(\.id))
        let joined = try await joining().run()
        #expect(joined.owner == PointOwner(source: Self.source, ownsUnmarked: true))
        #expect(joined.job.job.config[UnmarkedPoints.configKey] == "ours")
    }

    @Test func `beside another source somebody must say whose the unmarked points are`() async throws {
        try await other("theirs")
        try await writeUnmarked(World.rows(40).map(\.id))
        guard case .undecidedPoints(let situation) = await refusal(joining()) else {
            Issue.record("joined")
            return
        }
        #expect(situation.count == 40 && situation.others == ["app.other"])
        #expect(try await jobs().isEmpty, "nothing was changed")
        let joined = try await joining(reply: .no).run()
        #expect(!joined.owner.ownsUnmarked)
        // It is asked once: the job and its successors know.
        #expect(try await !joining(choice: .resume).run().owner.ownsUnmarked)
        _ = try await store.control(ControlIngestionJob(job: joined.job.job.id, action: .cancel, reason: nil))
        #expect(try await !joining().run().owner.ownsUnmarked)
    }

    @Test func `a setting decides, and an open job keeps to what was decided`() async throws {
        try await other("theirs")
        try await writeUnmarked(World.rows(40).map(\.id))
        #expect(try await joining(unmarked: .ours).run().owner.ownsUnmarked)
        #expect(try await joining().run().owner.ownsUnmarked)
        guard case .otherSettings(_, let differences) = await refusal(joining(unmarked: .foreign)) else {
            Issue.record("joined")
            return
        }
        #expect(differences.map(\.name) == [UnmarkedPoints.configKey])
    }

    @Test func `unmarked points belong to one source only`() async throws {
        try await writeUnmarked(World.rows(40).map(\.id))
        _ = try await joining(table: "app.other", namespace: "theirs", unmarked: .ours).run()
        #expect(await refusal(joining(unmarked: .ours)) == .pointsTaken(by: "app.other"))
        #expect(try await !joining().run().owner.ownsUnmarked)
    }

    @Test func `unmarked points of other records than our table's are doubted`() async throws {
        try await writeUnmarked((1...40).map { RecordID($0) })
        guard case .undecidedPoints(let situation) = await refusal(joining()) else {
            Issue.record("joined")
            return
        }
        #expect(situation.fitsOurTable == false)
    }
}

final class Hooks: Sendable {
    let before = Mutex<FaultHook.Step?>(nil)
    let after = Mutex<FaultHook.Step?>(nil)
    let notices = Mutex<[Joining.Notice]>([])
}
