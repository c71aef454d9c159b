import Dispatch
import Foundation
import Glibc
import Migration
import Synchronization
import Testing

@testable import SQLite

/// A cache file of its own, and a clock of the wall that is moved by hand.
private final class CacheStage: Sendable {
    let folder: TrackingFolder
    private let wall = Mutex(DatabaseTime.start)

    init() throws { folder = try TrackingFolder() }

    var file: String { folder.path + "/cache.db" }
    var now: DatabaseTime { wall.withLock { $0 } }

    func advance(by duration: Duration) { wall.withLock { $0 = $0 + duration } }

    static let space = EmbeddingSpace(
        provider: "api.openai.com",
        model: "text-embedding-3-small",
        dimensions: 8,
        format: .float32
    )

    func cache(
        _ space: EmbeddingSpace = CacheStage.space,
        _ options: SQLiteOptions = SQLiteOptions()
    ) -> SQLiteEmbeddingCache {
        SQLiteEmbeddingCache(file, space: space, wall: { self.now }, options: options)
    }

    var keeper: SQLiteCacheFile { SQLiteCacheFile(file) }

    static func vector(_ seed: Int) -> [Float] { (0..<8).map { Float(sin(Double(seed * 8 + $0))) } }

    /// Changes bytes of the closed file.
    func damage(at offset: Int, _ bytes: [UInt8]) throws {
        let handle = try FileHandle(forUpdating: URL(filePath: file))
        defer { try? handle.close() }
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: Data(bytes))
    }

    /// Where these bytes are in the file.
    func place(of bytes: [UInt8]) throws -> Int {
        let data = try Data(contentsOf: URL(filePath: file))
        return try #require(data.range(of: Data(bytes))?.lowerBound)
    }
}

@Suite struct `A cache file` {
    private let stage: CacheStage

    init() throws { stage = try CacheStage() }

    @Test func `gives vectors back bit by bit, also to another process`() async throws {
        let cache = stage.cache()
        let vectors = [CacheStage.vector(1), [.leastNonzeroMagnitude, -0.0, 1, 0.1, -1, 3, 4, 5]]
        try await cache.keep(vectors, of: ["one", "two"])
        for cache in [cache, stage.cache()] {
            let found = try await cache.vectors(of: ["two", "three", "one"])
            #expect(found.damaged == 0)
            #expect(
                found.vectors.map { $0?.map(\.bitPattern) }
                    == [vectors[1], nil, vectors[0]].map { $0?.map(\.bitPattern) }
            )
        }
    }

    @Test func `is read by its user alone, and holds no text`() async throws {
        try await stage.cache().keep([CacheStage.vector(1)], of: ["a text that must not be found"])
        var status = stat()
        #expect(unsafe stat(stage.file, &status) == 0 && status.st_mode & 0o777 == 0o600)
        let data = try Data(contentsOf: URL(filePath: stage.file))
        #expect(data.range(of: Data("must not be found".utf8)) == nil)
        // 32 KiB, in bytes 16 and 17 of the header.
        #expect(data[16] == 0x80 && data[17] == 0)
    }

    @Test func `does not mix providers, models, dimensions and formats`() async throws {
        try await stage.cache().keep([CacheStage.vector(1)], of: ["one"])
        for space in [
            EmbeddingSpace(provider: "localhost", model: "text-embedding-3-small", dimensions: 8, format: .float32),
            EmbeddingSpace(provider: "api.openai.com", model: "other", dimensions: 8, format: .float32),
            EmbeddingSpace(
                provider: "api.openai.com",
                model: "text-embedding-3-small",
                dimensions: 9,
                format: .float32
            ),
            EmbeddingSpace(
                provider: "api.openai.com",
                model: "text-embedding-3-small",
                dimensions: 8,
                format: .float16
            ),
        ] {
            #expect(try await stage.cache(space).vectors(of: ["one"]).vectors == [nil])
        }
        // Each part is framed by its length: what moves from one part to the next makes another key.
        let (left, right) = (
            EmbeddingSpace(provider: "ab", model: "c", dimensions: 8, format: .float32),
            EmbeddingSpace(provider: "a", model: "bc", dimensions: 8, format: .float32)
        )
        #expect(left.key(of: "t") != right.key(of: "t") && left.key(of: "t") == left.key(of: "t"))
    }

    @Test func `halves the size in float16, and loses only precision`() async throws {
        let space = EmbeddingSpace(provider: "h", model: "m", dimensions: 8, format: .float16)
        let cache = stage.cache(space)
        try await cache.keep([CacheStage.vector(1)], of: ["one"])
        let found = try #require(try await cache.vectors(of: ["one"]).vectors[0])
        #expect(found == CacheStage.vector(1).map { Float(Float16($0)) })
        #expect(try await stage.keeper.stats().spaces.map(\.bytes) == [16])
    }

    @Test func `has its probe compared once a day`() async throws {
        let cache = stage.cache()
        #expect(try await cache.probe() == CacheProbe(vector: nil, isDue: true))
        try await cache.noteProbe(CacheStage.vector(5))
        #expect(try await stage.cache().probe() == CacheProbe(vector: CacheStage.vector(5), isDue: false))
        stage.advance(by: .seconds(86_400))
        #expect(try await cache.probe().isDue)
        try await cache.noteProbe(nil)
        #expect(try await cache.probe() == CacheProbe(vector: CacheStage.vector(5), isDue: false))
        // The clock was wrong, and is corrected.
        stage.advance(by: .seconds(-7_200))
        #expect(try await cache.probe().isDue)
    }

    @Test func `never gives a damaged vector`() async throws {
        try await stage.cache().keep([CacheStage.vector(1), CacheStage.vector(2)], of: ["one", "two"])
        let bytes = VectorFormat.float32.bytes(of: CacheStage.vector(1))
        try stage.damage(at: stage.place(of: bytes) + 3, [0x7F])
        let cache = stage.cache()
        let found = try await cache.vectors(of: ["one", "two"])
        #expect(found == RecalledVectors(vectors: [nil, CacheStage.vector(2)], damaged: 1))
        var expected = CacheFindings()
        (expected.vectors, expected.damaged) = (2, 1)
        #expect(try await stage.keeper.verify() == expected)
        try await cache.keep([CacheStage.vector(1)], of: ["one"])
        #expect(try await cache.vectors(of: ["one"]).vectors == [CacheStage.vector(1)])
        #expect(try await stage.keeper.verify().isGood)
    }

    @Test func `is counted, pruned by age, and gives its room back`() async throws {
        let cache = stage.cache()
        for part in 0..<3 {
            let numbers = part * 2_000..<(part + 1) * 2_000
            try await cache.keep(numbers.map(CacheStage.vector), of: numbers.map { "text \($0)" })
            stage.advance(by: .seconds(3_600))
        }
        let keeper = stage.keeper
        let before = try await keeper.stats()
        #expect(before.vectors == 6_000 && before.spaces.map(\.bytes) == [6_000 * 32])
        #expect(before.spaces[0].oldest == .start && before.spaces[0].newest == .start + .seconds(7_200))
        let time = DatabaseTime.start + .seconds(3_600)
        #expect(try await keeper.older(than: time) == 2_000)
        #expect(try await keeper.prune(olderThan: time) == 2_000)
        #expect(try await keeper.prune(olderThan: time) == 0)
        let after = try await keeper.stats()
        #expect(after.vectors == 4_000 && after.bytes < before.bytes)
        #expect(try await cache.vectors(of: ["text 0", "text 5999"]).vectors == [nil, CacheStage.vector(5_999)])
        #expect(try await keeper.verify().vectors == 4_000)
    }

    @Test func `is shared by processes that keep and ask at once`() async throws {
        let caches = (0..<4).map { _ in stage.cache() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, cache) in caches.enumerated() {
                group.addTask {
                    for round in 0..<20 {
                        let numbers = (0..<10).map { number * 1_000 + round * 10 + $0 }
                        try await cache.keep(numbers.map(CacheStage.vector), of: numbers.map { "text \($0)" })
                        let found = try await cache.vectors(of: numbers.map { "text \($0)" }).vectors
                        #expect(found == numbers.map(CacheStage.vector))
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await stage.keeper.stats().vectors == 800)
    }

    // MARK: - What cannot be used

    private func failure(_ options: SQLiteOptions = SQLiteOptions()) async -> PortFailure? {
        await storeFailure { _ = try await stage.cache(CacheStage.space, options).probe() }
    }

    @Test func `of a newer version is refused`() async throws {
        _ = try await stage.cache().probe()
        // The field of `user_version` in the header.
        try stage.damage(at: 60, [0, 0, 0, 2])
        let found = await failure()
        #expect(found?.kind == .rejected)
        #expect(found?.detail.contains("newer version of this program (tables 2, known are 1)") == true)
    }

    @Test func `of another program is refused and left as it is`() async throws {
        _ = try await SQLiteJobStore.open(stage.file)
        let before = try Data(contentsOf: URL(filePath: stage.file))
        let found = await failure()
        #expect(found?.kind == .rejected)
        #expect(found?.detail.contains("is not an embedding cache of this program") == true)
        #expect(try Data(contentsOf: URL(filePath: stage.file)) == before)
        try String(repeating: "plain text\n", count: 500).write(toFile: stage.file, atomically: false, encoding: .utf8)
        #expect(await failure()?.detail.contains("is not an embedding cache") == true)
    }

    @Test func `with a damaged page is refused, and found by the check`() async throws {
        let numbers = 0..<4_000
        try await stage.cache().keep(numbers.map(CacheStage.vector), of: numbers.map { "text \($0)" })
        let size = try Data(contentsOf: URL(filePath: stage.file)).count
        try stage.damage(at: 5 * 32_768, [UInt8](repeating: 0xA5, count: size - 5 * 32_768))
        let found = await storeFailure { _ = try await stage.cache().vectors(of: numbers.map { "text \($0)" }) }
        #expect(found?.kind == .rejected && found?.detail.contains("is damaged") == true)
        let findings = try await stage.keeper.verify()
        #expect(!findings.isGood && !findings.pages.isEmpty)
    }

    @Test func `on a full disk says so, and keeps what it has`() async throws {
        try await stage.cache().keep([CacheStage.vector(1)], of: ["one"])
        var options = SQLiteOptions()
        options.pagesMax = 8
        let cache = stage.cache(CacheStage.space, options)
        let numbers = 0..<8_000
        let found = await storeFailure {
            try await cache.keep(numbers.map(CacheStage.vector), of: numbers.map { "text \($0)" })
        }
        #expect(found?.kind == .full && found?.detail.contains("migrate cache prune") == true)
        // All or nothing.
        #expect(try await cache.vectors(of: ["one", "text 0"]).vectors == [CacheStage.vector(1), nil])
    }

    @Test func `in a folder that cannot be written is refused`() async throws {
        let path = stage.folder.path + "/locked"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try Data().write(to: URL(filePath: path + "/plain"))
        let cache = SQLiteEmbeddingCache(path + "/plain/cache.db", space: CacheStage.space)
        let found = await storeFailure { _ = try await cache.probe() }
        #expect(found?.kind == .unauthorised || found?.kind == .rejected)
        #expect(found?.detail.contains("EMBEDDING_CACHE") == true)
    }

    @Test func `that is not there is made by a run, and by nothing else`() async throws {
        let found = await storeFailure { _ = try await stage.keeper.stats() }
        #expect(found?.kind == .rejected && found?.detail.contains("there is no file") == true)
        #expect(!FileManager.default.fileExists(atPath: stage.file))
    }

    @Test func `on a file system of the network is refused`() async throws {
        var options = SQLiteOptions()
        options.fileSystem = { _ in FileSystem(type: "nfs4") }
        let found = await failure(options)
        #expect(found?.kind == .rejected && found?.detail.contains("EMBEDDING_CACHE") == true)
    }

    @Test func `held by another process does not answer, which may pass`() async throws {
        let cache = stage.cache()
        _ = try await cache.probe()
        var options = SQLiteOptions()
        options.patience = .milliseconds(50)
        let other = stage.cache(CacheStage.space, options)
        _ = try await other.probe()
        let holder = CacheConnection(stage.file, creates: false, options: SQLiteOptions())
        let release = DispatchSemaphore(value: 0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            await withCheckedContinuation { (begun: CheckedContinuation<Void, Never>) in
                group.addTask {
                    try await holder.write { _ in
                        begun.resume()
                        release.wait()
                    }
                }
            }
            let found = await storeFailure { try await other.keep([CacheStage.vector(1)], of: ["one"]) }
            #expect(found?.kind == .unavailable)
            release.signal()
            try await group.waitForAll()
        }
        try await other.keep([CacheStage.vector(1)], of: ["one"])
    }
}
