import Foundation
import Glibc
import Migration
import Testing

@testable import SQLite

/// What a tracking file costs: one line for each journal and number of processes.
///
/// On the disk of the temporary folder, and in the build of these tests: an optimised one is faster. No speed is demanded,
/// because it is the disk's.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["MIGRATE_TEST_SQLITE_BENCH"] != nil,
        "scripts/bench-sqlite runs it"
    ),
    .serialized
)
struct `The speed of a tracking file` {
    private static let batches = 10_000
    private static let seconds = 20

    /// What one process has measured.
    private struct Measurement: Codable {
        var pairs = 0
        /// Moments of the machine's clock, in microseconds.
        var began: Int64 = 0
        var ended: Int64 = 0
        var longest: Int64 = 0

        /// Claims and finishes batches until none is left or the time is over.
        static func make(in folder: String) async throws -> Self {
            var options = SQLiteOptions()
            options.patience = .seconds(60)
            options.journal = SQLiteJournal(rawValue: try String(contentsOfFile: folder + "/journal", encoding: .utf8))
            let store = try await SQLiteJobStore.open(folder + "/tracking.db", options: options)
            let processes = try String(contentsOfFile: folder + "/processes", encoding: .utf8)
            withExtendedLifetime(try SQLiteNotes(in: folder)) {}
            try await SQLiteWorker.wait(for: Int(processes) ?? 1, in: folder)
            let scene = SQLiteScene(store: store, job: 1, epoch: 1, token: "")
            let now = SQLiteClock.system.sinceBoot
            var made = Self(began: now())
            made.ended = made.began
            while made.ended - made.began < Int64(seconds) * 1_000_000 {
                let start = made.ended
                let claim = UUID().uuidString
                guard let batch = try await scene.claim(claim).batches.first else { break }
                let end = try await scene.finish(batch, claim)
                try #require(end.result == .applied)
                made.pairs += 1
                made.ended = now()
                made.longest = max(made.longest, made.ended - start)
            }
            return made
        }
    }

    @Test(arguments: [SQLiteJournal.truncate, .wal], [1, 5, 8])
    func `is measured in claims and ends per second`(journal: SQLiteJournal, processes: Int) async throws {
        let path = SQLiteWorker.folder("bench", of: getpid())
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try journal.rawValue.write(toFile: path + "/journal", atomically: true, encoding: .utf8)
        try "\(processes)".write(toFile: path + "/processes", atomically: true, encoding: .utf8)
        var options = SQLiteOptions()
        options.journal = journal
        let store = try await SQLiteJobStore.open(path + "/tracking.db", options: options)
        _ = try await SQLiteScene.planned(store, batches: Self.batches)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<processes {
                group.addTask {
                    await #expect(processExitsWith: .success) {
                        let folder = SQLiteWorker.folder("bench", of: getppid())
                        let made = try await Measurement.make(in: folder)
                        try JSONEncoder().encode(made).write(to: URL(filePath: folder + "/measured-\(getpid())"))
                    }
                }
            }
        }
        let all = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasPrefix("measured-") }.map {
            try JSONDecoder().decode(Measurement.self, from: Data(contentsOf: URL(filePath: path + "/" + $0)))
        }
        try #require(all.count == processes)
        let pairs = all.reduce(0) { $0 + $1.pairs }
        #expect(try await store.stats(GetIngestionJobStats(job: 1)).completed == pairs)
        let time = (all.map(\.ended).max() ?? 0) - (all.map(\.began).min() ?? 0)
        let rate = Double(pairs) * 1e6 / Double(max(1, time))
        let (version, mode) = try await (store.version, store.journalMode)
        let allowed = SQLiteJournal.allowed(by: version) == journal ? "" : " (not used with this version)"
        print(
            "| SQLite \(version), \(mode)\(allowed) | \(processes) | \(Int(rate)) "
                + "| \((all.map(\.longest).max() ?? 0) / 1000) ms |"
        )
        try FileManager.default.removeItem(atPath: path)
    }
}
