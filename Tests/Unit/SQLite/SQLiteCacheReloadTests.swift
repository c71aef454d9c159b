import Fakes
import Foundation
import Migration
import Synchronization
import Testing

@testable import SQLite

/// The engine with a cache file: what it saves, and what it writes.
@Suite(.heavy) struct `A reload from a cache file` {
    private let folder: TrackingFolder

    init() throws { folder = try TrackingFolder() }

    private func cache(_ format: VectorFormat = .float32, _ options: SQLiteOptions = SQLiteOptions())
        -> SQLiteEmbeddingCache
    {
        let space = EmbeddingSpace(
            provider: "h",
            model: "fake",
            dimensions: World.schema.dimensions,
            format: format
        )
        return SQLiteEmbeddingCache(folder.path + "/cache.db", space: space, options: options)
    }

    /// The vectors that upserts send, by text: the collection itself brings them to length 1.
    private final class Sent: Sendable {
        private let bits = Mutex<[String: [UInt32]]>([:])

        var vectors: [String: [UInt32]] { bits.withLock { $0 } }

        func look(at point: Point) -> Trouble? {
            if case .child(_, _, let text, let vectors) = point.body {
                bits.withLock { $0[text] = vectors.dense.map(\.bitPattern) }
            }
            return nil
        }
    }

    @Test(arguments: VectorFormat.allCases)
    func `sends no request, and writes the cached vectors bit by bit`(format: VectorFormat) async throws {
        let (once, again) = (Sent(), Sent())
        let first = try await World(rows: World.rows(200), troubles: once.look, cache: cache(format))
        _ = try await first.run(batchSize: 20)
        #expect(first.embedder.effects.count == 201)
        // Another process: nothing but the file is left.
        let second = try await World(rows: World.rows(200), troubles: again.look, cache: cache(format))
        _ = try await second.run(batchSize: 20)
        #expect(second.embedder.totals.requests == 0)
        #expect(try await second.stats().processed == 200)
        let written = again.vectors
        let texts = written.keys.sorted()
        let kept = try await cache(format).vectors(of: texts).vectors
        #expect(kept.count == 200)
        #expect(texts.map { written[$0] } == kept.map { $0?.map(\.bitPattern) })
        if format == .float32 { #expect(once.vectors == written) }
    }

    @Test func `goes on when the disk is full in the middle of a job, and says so once`() async throws {
        var options = SQLiteOptions()
        options.pagesMax = 6
        let world = try await World(rows: World.rows(1_000), cache: cache(.float32, options))
        _ = try await world.run(batchSize: 50)
        #expect(try await world.stats().processed == 1_000)
        let told = world.events.compactMap { if case .cacheGivenUp(let reason) = $0 { reason } else { nil } }
        #expect(told.count == 1 && told.first?.contains("is full") == true)
        let kept = try await SQLiteCacheFile(folder.path + "/cache.db").stats().vectors
        #expect(kept > 0 && kept < 1_000)
    }
}
