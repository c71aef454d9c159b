import Fakes
import Foundation
import Migration
import Testing

@testable import Adapters

/// The program with EMBEDDING_CACHE: a collection that is filled again costs nothing but the probe.
@Suite(.needs(.mysql, .postgres, .qdrant, .vocabulary), .serialized, .timeLimit(.minutes(10)))
struct `A reload with a warm cache` {
    private static let records = 60

    private static func folder() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: "migrate-cache-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder.path()
    }

    /// Empties the collection, as a new one is empty.
    private static func empty(_ stage: Stage) async throws {
        let points = try stage.points()
        let found = try await points.sample(of: stage.owner.source, 10_000)
        try await points.delete(found)
        #expect(try await points.count(nil, owner: stage.owner) == 0)
    }

    @Test(arguments: ["float32", "float16"]) func `asks the embedder for nothing`(format: String) async throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let settings = ["EMBEDDING_CACHE": folder + "/cache.db", "EMBEDDING_CACHE_FORMAT": format, "BATCH_SIZE": "20"]
        try await Stage.use(.libpq, records: Self.records, settings) { stage in
            try await stage.migrate("setup", "--yes")
            try await stage.migrate("check", saying: ["is made by the next run"])
            try await stage.migrate("run", "--yes", saying: ["\(Self.records) processed"])
            let paid = stage.embedder.totals
            try await Self.empty(stage)
            // The probe was compared a moment ago, and is due tomorrow.
            try await stage.migrate("run", "--new", "--yes", saying: ["\(Self.records) processed"])
            #expect(stage.embedder.totals.requests == paid.requests)
            #expect(try await stage.stats(job: 2).billedTokens == 0)
            try await stage.migrate("verify", saying: ["nothing is missing"])
            try await stage.migrate("check", saying: [format])
            try await stage.migrate("cache", "stats", saying: [format, "BYTES OF EACH"])
            try await stage.migrate("cache", "verify", saying: ["all of them whole"])
            try await stage.migrate("cache", "prune", "--older-than", "0s", exit: 64)
            try await stage.migrate("cache", "prune", "--older-than", "0s", "--yes", saying: ["vectors deleted"])
            try await stage.migrate("cache", "stats", saying: ["0 vectors"])
        }
    }

    @Test func `goes on without a cache that is damaged, and says so once`() async throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try String(repeating: "not a database\n", count: 999).write(
            toFile: folder + "/cache.db",
            atomically: false,
            encoding: .utf8
        )
        let settings = ["EMBEDDING_CACHE": folder + "/cache.db", "BATCH_SIZE": "20"]
        try await Stage.use(.libpq, records: Self.records, settings) { stage in
            try await stage.migrate("setup", "--yes")
            let run = try await stage.migrate("run", "--yes", saying: ["\(Self.records) processed"])
            let told =
                (run.out + run.error).components(separatedBy: "The embedding cache is not used any more").count - 1
            #expect(told == 1, "\(run.out + run.error)")
            try await stage.migrate("cache", "verify", exit: 77, saying: ["is not an embedding cache of this program"])
        }
    }
}
