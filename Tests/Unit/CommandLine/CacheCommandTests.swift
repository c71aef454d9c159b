import Foundation
import Migration
import Synchronization
import Terminal
import Testing

@testable import migrate

/// A cache with numbers that a test has given.
private final class KeptCache: CacheKeeper {
    private let state: Mutex<(vectors: Int64, asked: [DatabaseTime])>
    let findings: CacheFindings

    init(vectors: Int64 = 3, findings: CacheFindings = CacheFindings()) {
        state = Mutex((vectors, []))
        self.findings = findings
    }

    var pruned: [DatabaseTime] { state.withLock { $0.asked } }

    func stats() async throws(PortFailure) -> CacheStats {
        let vectors = state.withLock { $0.vectors }
        let space = CacheStats.Space(
            provider: "api.openai.com",
            model: "text-embedding-3-small",
            dimensions: 1_536,
            format: "float32",
            vectors: vectors,
            bytes: vectors * 6_144,
            oldest: .start,
            newest: .start
        )
        return CacheStats(spaces: [space], bytes: 65_536, freeBytes: 32_768)
    }

    func older(than time: DatabaseTime) async throws(PortFailure) -> Int64 { state.withLock { $0.vectors } }

    func prune(olderThan time: DatabaseTime) async throws(PortFailure) -> Int64 {
        state.withLock { state in
            state.asked.append(time)
            defer { state.vectors = 0 }
            return state.vectors
        }
    }

    func verify() async throws(PortFailure) -> CacheFindings { findings }
}

@Suite(.timeLimit(.minutes(1))) struct `The cache commands` {
    private static let day = DatabaseTime.start + .seconds(86_400)

    private static func session(_ cache: KeptCache, _ recorded: RecordedConsole, isJSON: Bool = false) -> CacheSession {
        CacheSession(keeper: cache, path: "/c.db", console: recorded.console, isJSON: isJSON, now: { day })
    }

    private static func json(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func `show the size of the file and of each vector`() async throws {
        let recorded = RecordedConsole()
        try await Self.session(KeptCache(), recorded).stats()
        #expect(recorded.out.hasPrefix("/c.db: 64 KiB, 3 vectors, 10,922 bytes each, 32 KiB free for further ones."))
        #expect(recorded.out.contains("api.openai.com"))
        let document = RecordedConsole()
        try await Self.session(KeptCache(), document, isJSON: true).stats()
        let stats = try Self.json(document.out)
        #expect(stats["vectors"] as? Int == 3 && stats["bytes_per_vector"] as? Int == 10_922)
        #expect((stats["spaces"] as? [[String: Any]])?.first?["dimensions"] as? Int == 1_536)
    }

    @Test func `delete nothing without an answer`() async throws {
        let cache = KeptCache()
        let age = try #require(Age(argument: "12h"))
        await #expect(throws: CommandEnd.self) {
            try await Self.session(cache, RecordedConsole()).prune(age, isSure: false)
        }
        #expect(cache.pruned.isEmpty)
        let recorded = RecordedConsole()
        try await Self.session(cache, recorded).prune(age, isSure: true)
        #expect(cache.pruned == [DatabaseTime.start + .seconds(43_200)])
        #expect(recorded.out.contains("3 vectors deleted."))
        let document = RecordedConsole()
        try await Self.session(cache, document, isJSON: true).prune(age, isSure: true)
        #expect(try Self.json(document.out)["deleted"] as? Int == 0)
    }

    @Test func `fail when something is damaged`() async throws {
        let recorded = RecordedConsole()
        var good = CacheFindings()
        good.vectors = 3
        try await Self.session(KeptCache(findings: good), recorded).verify()
        #expect(recorded.out.contains("3 vectors read, all of them whole."))
        var bad = good
        bad.damaged = 1
        let document = RecordedConsole()
        let end = await #expect(throws: CommandEnd.self) {
            try await Self.session(KeptCache(findings: bad), document, isJSON: true).verify()
        }
        #expect(end?.status == .incomplete && end?.message.contains("1 vector of 3") == true)
        #expect(try Self.json(document.out)["damaged"] as? Int == 1)
        bad.pages = ["row 3 missing from index"]
        let pages = RecordedConsole()
        await #expect(throws: CommandEnd.self) { try await Self.session(KeptCache(findings: bad), pages).verify() }
        #expect(pages.out.contains("row 3 missing"))
    }
}
