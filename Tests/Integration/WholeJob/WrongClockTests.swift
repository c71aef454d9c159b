import Fakes
import Foundation
import Migration
import Subprocess
import Testing

/// Only the database's clock decides: a worker whose own is wrong by an hour neither keeps a batch for longer nor loses one.
///
/// An hour ahead; one that is behind refuses the servers' certificates, which were made a moment ago.
@Suite(.needs(.mysql, .postgres, .qdrant, .vocabulary), .serialized, .timeLimit(.minutes(5)))
struct `Workers with wrong clocks` {
    /// How far the clock of a process is ahead that loads the library.
    private static func lead(with library: String) async throws -> Double {
        let shown = try await Subprocess.run(
            .name("env"),
            arguments: ["LD_PRELOAD=\(library)", "date", "+%s"],
            output: .string(limit: 64),
            error: .discarded
        )
        let seconds = try #require(Double(shown.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)))
        return seconds - Date().timeIntervalSince1970
    }

    @Test func `share a job with others and keep their leases, and no time of theirs reaches the store`() async throws {
        // Leases of four seconds, which each batch outlives.
        let settings = ["BATCH_SIZE": "5", "WORKER_HEARTBEAT_INTERVAL": "1", "MAX_WORKERS": "1"]
        try await Stage.use(.libpq, records: 20, settings) { stage in
            let library = try await Preload.skewedClock(in: stage.program.folder)
            #expect(try await Self.lead(with: library) > 3590, "the clock is wrong at all")
            stage.embedder.update { $0.latency = .seconds(5) }
            try await stage.migrate("setup", "--yes")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await stage.migrate("run", "--yes", with: ["LD_PRELOAD": library]) }
                try await stage.wait { try await stage.stats(job: 1).claims > 0 }
                group.addTask { try await stage.migrate("worker", "--job", "1") }
                try await group.waitForAll()
            }
            let stats = try await stage.stats(job: 1)
            #expect(stats.processed == 20 && stats.equal == true)
            #expect(stats.claims == 4 && stats.reaps == 0 && stats.retries == 0, "no worker lost a lease")
            let history = try await stage.history(job: 1)
            let runners = Set(
                history.filter { $0.kind == "completed" }.compactMap { $0.workerId?.split(separator: "/").first }
            )
            #expect(runners.count == 2, "both took part: \(runners.sorted())")
            let moments = history.compactMap(\.moment)
            #expect(moments.count == history.count && moments.allSatisfy { $0.timeIntervalSinceNow < 60 })
            try await stage.migrate("verify")
        }
    }
}
