import Conformance
import Fakes
import Migration
import Synchronization
import Testing

@Suite struct `The fake source` {
    @Test(arguments: RecordSourceConformance.Rule.allCases)
    func `keeps the record-source rules`(rule: RecordSourceConformance.Rule) async throws {
        try await RecordSourceConformance { rows in
            FakeMySQL(
                rows: rows.map { row in
                    SourceRecord(
                        id: row.id,
                        memberCode: row.memberCode,
                        content: row.content.map { .text($0) } ?? .null
                    )
                },
                bytesMax: RecordSourceConformance.bytesMax
            )
        }.check(rule)
    }

    @Test func `changes while it is read`() async throws {
        let source = FakeMySQL(rows: [.sample(3), .sample(1)])
        source.put(.sample(2))
        source.put(.sample(1, "changed"))
        source.delete(3)
        source.delete(99)
        #expect(try await source.ids(after: nil, through: .max, limit: 9) == [1, 2])
        #expect(try await source.records([1]).first?.content == .text("changed"))
        #expect(source.snapshot.map(\.id) == [1, 2])
    }

    @Test func `plans only what the condition admits, but reads any row by its id`() async throws {
        let source = FakeMySQL(rows: (1...6).map { .sample($0) }) { $0.id % 2 == 0 }
        #expect(try await source.ids(after: nil, through: 5, limit: 9) == [2, 4])
        #expect(try await source.highestID() == 6)
        #expect(try await source.count(through: 5) == 2)
        #expect(try await source.records([1, 2]).map(\.id) == [1, 2])
    }

    @Test func `asks its hook before and after every call`() async throws {
        let calls = Mutex<[String]>([])
        let faults = FaultHook(
            before: { call in calls.withLock { $0.append("before \(call)") } },
            after: { call in calls.withLock { $0.append("after \(call)") } }
        )
        let source = FakeMySQL(rows: [.sample(1)], faults: faults)
        _ = try await source.highestID()
        _ = try await source.count(through: 1)
        _ = try await source.ids(after: nil, through: 1, limit: 1)
        _ = try await source.records([1])
        let names = ["mysql.highest_id", "mysql.count", "mysql.ids", "mysql.records"]
        #expect(calls.withLock { $0 } == names.flatMap { ["before \($0)", "after \($0)"] })
    }
}

extension SourceRecord {
    fileprivate static func sample(_ id: RecordID, _ text: String = "text") -> Self {
        Self(id: id, memberCode: "m", content: .text(text))
    }
}
