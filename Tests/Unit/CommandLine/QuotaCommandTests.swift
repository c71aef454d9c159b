import Adapters
import Fakes
import Foundation
import Migration
import Terminal
import Testing

@testable import migrate

@Suite(.timeLimit(.minutes(1))) struct `The quota command` {
    private let store = FakeSupabase(time: Time(ContinuousClock()), entropy: SystemEntropy())

    private func tell(_ quota: String, _ report: QuotaReport) async throws {
        _ = try await store.reportQuota(ReportQuota(quota: quota, report: report))
    }

    private func list(_ recorded: RecordedConsole, isJSON: Bool = false) -> QuotaSession {
        QuotaSession(store: store, console: recorded.console, isJSON: isJSON)
    }

    private var names: [String] {
        get async throws { try await store.quotas(.init(after: nil, limit: 1000)).rows.map(\.quota) }
    }

    @Test func `says that there is none`() async throws {
        let recorded = RecordedConsole()
        try await list(recorded).show()
        #expect(recorded.out.hasPrefix("No quota is known"))
        let json = RecordedConsole()
        try await list(json, isJSON: true).show()
        #expect(json.out.isEmpty)
    }

    @Test func `shows limits, waits and why nobody may send`() async throws {
        try await tell("b/m/-/1", QuotaReport(tokensPerMinute: 1_000_000, throttledMs: 86_400_000))
        try await tell("a/m/-/2", QuotaReport(requestsPerMinute: 3, stopReason: "out of money: add credit"))
        let recorded = RecordedConsole()
        try await list(recorded).show()
        let lines = recorded.out.split(separator: "\n").map(String.init)
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("QUOTA"))
        #expect(lines[1].hasPrefix("a/m/-/2"))
        #expect(lines[1].hasSuffix("out of money: add credit"))
        #expect(lines[2].contains("1,000,000") && lines[2].contains("10 min 0 s") || lines[2].contains("9 min 59 s"))
    }

    @Test func `shows JSON, an object per line`() async throws {
        try await tell("a", QuotaReport(tokensPerMinute: 60))
        try await tell("b", QuotaReport(tokensPerMinute: 60))
        let recorded = RecordedConsole()
        try await list(recorded, isJSON: true).show()
        let rows = try recorded.out.split(separator: "\n").map {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        #expect(rows.map { $0?["quota"] as? String } == ["a", "b"])
        #expect(rows.first??["tokens_per_minute"] as? Int == 60)
    }

    @Test func `forgets the one there is after a yes, and nothing after a no or without an answer`() async throws {
        try await tell("a", QuotaReport(tokensPerMinute: 1))
        for answers in [["n"], [""], [nil]] as [[String?]] {
            let recorded = RecordedConsole(isTerminal: true, answers: answers)
            await #expect(throws: CommandEnd.self) { try await list(recorded).reset(nil, isSure: false) }
            #expect(try await names == ["a"])
        }
        let nobody = await #expect(throws: CommandEnd.self) {
            try await list(RecordedConsole()).reset(nil, isSure: false)
        }
        #expect(nobody?.status == .usage)
        let recorded = RecordedConsole(isTerminal: true, answers: ["y"])
        try await list(recorded).reset(nil, isSure: false)
        #expect(try await names == [])
        #expect(recorded.out.contains("The quota a is forgotten."))
    }

    @Test(arguments: [
        ("x.example/m/-/1f", "x.example/m/-/1f"), ("x.example/m/-/1", "x.example/m/-/1"), ("y", "y.example/m/-/2"),
        ("x.example/n", "x.example/n/-/1"),
    ])
    func `takes a name or its beginning`(name: String, quota: String) async throws {
        let all = ["x.example/m/-/1", "x.example/m/-/1f", "x.example/n/-/1", "y.example/m/-/2"]
        for name in all { try await tell(name, QuotaReport(tokensPerMinute: 1)) }
        try await list(RecordedConsole()).reset(name, isSure: true)
        #expect(try await names == all.filter { $0 != quota })
    }

    @Test(arguments: [("x", 64), (nil, 64), ("z", 1)] as [(String?, Int32)])
    func `guesses nothing`(name: String?, status: Int32) async throws {
        for name in ["x.example/1", "x.example/2"] { try await tell(name, QuotaReport(tokensPerMinute: 1)) }
        let end = await #expect(throws: CommandEnd.self) {
            try await list(RecordedConsole()).reset(name, isSure: true)
        }
        #expect(end?.status.rawValue == status)
        #expect(try await names.count == 2)
    }
}
