import Foundation
import Glibc
import Invariants
import Migration
import Synchronization
import Testing

@testable import SQLite

/// A folder that several processes know, with a tracking file and their notes.
struct SharedFolder: Sendable {
    let path: String

    /// Makes it anew, with a planned job if there are to be batches.
    static func make(_ name: String, batches: Int = 0) async throws -> Self {
        let folder = Self(path: SQLiteWorker.folder(name, of: getpid()))
        try? FileManager.default.removeItem(atPath: folder.path)
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: false)
        let store = try await SQLiteJobStore.open(folder.file)
        if batches > 0 { _ = try await SQLiteScene.planned(store, batches: batches, maxRetries: 100) }
        return folder
    }

    func remove() throws { try FileManager.default.removeItem(atPath: path) }

    var file: String { path + "/tracking.db" }

    /// The rows and events keep the invariants, and whatever a process was answered is there.
    func judge(_ lives: [SQLiteLife]) async throws -> TrackingEvidence {
        let store = try await SQLiteJobStore.open(file)
        #expect(try await store.run("PRAGMA integrity_check") == [["ok"]])
        #expect(try await store.run("PRAGMA foreign_key_check") == [])
        let evidence = try await TrackingEvidence(reading: store, calls: [], slack: .seconds(3600))
        #expect(evidence.violations() == [])
        for job in evidence.jobs {
            let stats = try await store.exactStats(GetIngestionJobStatsExact(job: job.summary.id))
            #expect(stats.equal == true, "the counters of job \(job.summary.id) equal a recount")
        }
        var rows: [SQLiteNotes.Attempt: BatchSummary] = [:]
        for job in evidence.jobs {
            for row in job.batches {
                rows[.init(job: job.summary.id, number: row.batchNumber, attempt: row.attempt)] = row
            }
        }
        let (took, done, stale) = (noted(.took, lives), noted(.done, lives), noted(.stale, lives))
        #expect(Set(took).count == took.count, "no attempt was given twice")
        #expect(Set(done).count == done.count, "no end was applied twice")
        #expect(done.allSatisfy { rows[$0]?.status == .completed }, "what was answered is there")
        #expect(stale.allSatisfy { rows[$0]?.status != .completed }, "what was refused has changed nothing")
        return evidence
    }

    private func noted(_ word: SQLiteNotes.Word, _ lives: [SQLiteLife]) -> [SQLiteNotes.Attempt] {
        lives.flatMap { $0.attempts[word] ?? [] }
    }
}

@Suite(.heavy, .serialized) struct `Several processes on one tracking file` {
    @Test func `share the work, and each batch is done once`() async throws {
        let folder = try await SharedFolder.make("shared", batches: 400)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    await #expect(processExitsWith: .success) {
                        let folder = SQLiteWorker.folder("shared", of: getppid())
                        let workers = try await SQLiteWorker.all(2, in: folder)
                        try await SQLiteWorker.wait(for: 5, in: folder)
                        try await withThrowingTaskGroup(of: Void.self) { group in
                            for worker in workers {
                                group.addTask {
                                    // A batch is held for a moment, as work on it would; meanwhile the others take theirs.
                                    let time = Duration.milliseconds(20)
                                    while try await !worker.batch(of: 1, holding: time).batches.isEmpty {}
                                }
                            }
                            try await group.waitForAll()
                        }
                    }
                }
            }
        }
        let job = try await folder.judge(try SQLiteNotes.lives(in: folder.path)).jobs[0]
        #expect(job.stats.completed == 400)
        #expect(job.stats.claims == 400)
        let turns = job.events.filter { $0.kind == "claimed" }.compactMap { $0.workerId?.split(separator: "/").first }
        let changes = zip(turns, turns.dropFirst()).count { $0 != $1 }
        print("5 processes on one tracking file: \(changes) of \(turns.count) claims followed one of another process")
        #expect(Set(turns).count == 5, "every process had a part of the work")
        #expect(changes >= 10, "the processes took turns")
        try folder.remove()
    }

    /// The entropy of a backoff is asked for between the statements of one transaction.
    private final class DeadlyEntropy: Entropy {
        private let calls = Mutex(0)

        func next() -> UInt64 {
            let call = calls.withLock { calls in
                calls += 1
                return calls
            }
            if call == 2 { kill(getpid(), SIGKILL) }
            return 0
        }
    }

    @Test func `leave nothing of a transaction in whose middle they were killed`() async throws {
        let folder = try await SharedFolder.make("half", batches: 3)
        let before = try await folder.judge([]).jobs[0]
        await #expect(processExitsWith: .signal(SIGKILL)) {
            // Three attempts are reaped by one call, which dies after the first.
            let machine = MachineClock(boot: SQLiteClock.system.bootID, wall: SQLiteClock.system.wall())
            machine.advance(by: .microseconds(SQLiteClock.system.sinceBoot()))
            let file = SQLiteWorker.folder("half", of: getppid()) + "/tracking.db"
            let store = try await SQLiteJobStore.open(file, clock: machine.clock, entropy: DeadlyEntropy())
            let scene = SQLiteScene(store: store, job: 1, epoch: 1, token: "")
            for _ in 0..<3 { _ = try await scene.claim() }
            machine.advance(by: .seconds(151))
            _ = try await scene.reap()
        }
        let after = try await folder.judge([]).jobs[0]
        #expect(before.stats.claims == 0)
        #expect(after.stats.claims == 3)
        #expect(after.stats.processing == 3)
        #expect(after.stats.reaps == 0)
        #expect(after.events.count { $0.kind == "reaped" } == 0)
        try folder.remove()
    }
}
