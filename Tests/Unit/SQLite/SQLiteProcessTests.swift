import Conformance
import Foundation
import Glibc
import Invariants
import Migration
import Synchronization
import Testing

@testable import SQLite

/// Works on the batches of a tracking file until none is left, and notes each end that was answered.
private enum SQLiteWorkers {
    /// The file and the notes of a test, by a number; a child process knows the number of its parent.
    static func folder(_ name: String, of process: Int32) -> String { "/tmp/migrate-sqlite-\(name)-\(process)" }

    /// Works with some workers, and begins when `together` processes are there: on a busy machine the first would do
    /// everything.
    static func work(in folder: String, workers: Int, together: Int = 1) async throws {
        let store = try await SQLiteJobStore.open(folder + "/tracking.db")
        _ = FileManager.default.createFile(atPath: folder + "/here-\(getpid())", contents: nil)
        for _ in 0..<6_000 {
            let files = try FileManager.default.contentsOfDirectory(atPath: folder)
            if files.count(where: { $0.hasPrefix("here-") }) >= together { break }
            usleep(10_000)
        }
        let notes = folder + "/notes-\(getpid())"
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<workers {
                group.addTask {
                    var hasWork = true
                    while hasWork { hasWork = try await batch(of: store, "\(getpid())/\(worker)", notes) }
                }
            }
            try await group.waitForAll()
        }
    }

    /// One batch; the note is written after the answer, so that whatever is noted must be there.
    private static func batch(of store: SQLiteJobStore, _ worker: String, _ notes: String) async throws -> Bool {
        let scene = SQLiteScene(store: store, job: 1, epoch: 1, token: "")
        let claim = UUID().uuidString
        guard let batch = try await scene.claim(claim, worker: worker).batches.first else { return false }
        _ = try await scene.heartbeat(batch, claim)
        let answer = try await scene.finish(batch, claim)
        guard answer.result == .applied else { return true }
        let file = unsafe open(notes, O_WRONLY | O_APPEND | O_CREAT, 0o600)
        let line = Array("\(batch.batchNumber)\n".utf8)
        _ = unsafe line.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
        close(file)
        return true
    }

    /// The batches that processes have noted as completed.
    static func noted(in folder: String) throws -> [Int] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("notes-") }.flatMap { name in
            try String(contentsOfFile: folder + "/" + name, encoding: .utf8).split(separator: "\n").compactMap {
                Int($0)
            }
        }
    }
}

@Suite(.heavy, .serialized) struct `Several processes on one tracking file` {
    private static func prepared(_ name: String, batches: Int) async throws -> String {
        let folder = SQLiteWorkers.folder(name, of: getpid())
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        let store = try await SQLiteJobStore.open(folder + "/tracking.db")
        _ = try await SQLiteScene.planned(store, batches: batches, maxRetries: 100)
        return folder
    }

    /// The rows and events keep the invariants, and whatever a process was answered is there.
    private static func judge(_ folder: String) async throws -> TrackingEvidence {
        let store = try await SQLiteJobStore.open(folder + "/tracking.db")
        #expect(try await store.run("PRAGMA integrity_check") == [["ok"]])
        let evidence = try await TrackingEvidence(reading: store, calls: [], slack: .seconds(3600))
        #expect(evidence.violations() == [])
        let completed = Set(evidence.jobs[0].batches.filter { $0.status == .completed }.map(\.batchNumber))
        let noted = try SQLiteWorkers.noted(in: folder)
        #expect(Set(noted).isSubset(of: completed), "what was answered is there")
        #expect(Set(noted).count == noted.count, "no end was applied twice")
        return evidence
    }

    @Test func `share the work, and each batch is done once`() async throws {
        let folder = try await Self.prepared("shared", batches: 400)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    await #expect(processExitsWith: .success) {
                        let folder = SQLiteWorkers.folder("shared", of: getppid())
                        try await SQLiteWorkers.work(in: folder, workers: 2, together: 5)
                    }
                }
            }
        }
        let evidence = try await Self.judge(folder)
        #expect(evidence.jobs[0].stats.completed == 400)
        #expect(evidence.jobs[0].stats.claims == 400)
        let processes = Set(evidence.jobs[0].events.compactMap { $0.workerId?.split(separator: "/").first })
        #expect(processes.count > 1, "the work was shared")
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test func `may be killed at any moment`() async throws {
        let folder = try await Self.prepared("killed", batches: 1200)
        var completed = 0
        for _ in 0..<historyCount(reduced: 12) {
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        await #expect(processExitsWith: .signal(SIGKILL)) {
                            OwnThreadForTests.run {
                                usleep(.random(in: 50_000...400_000))
                                kill(getpid(), SIGKILL)
                            }
                            try await SQLiteWorkers.work(in: SQLiteWorkers.folder("killed", of: getppid()), workers: 3)
                            pause()
                        }
                    }
                }
            }
            completed = try await Self.judge(folder).jobs[0].stats.completed
        }
        #expect(completed > 0, "they were killed at work")
        // What they held comes back, and is finished.
        let store = try await SQLiteJobStore.open(folder + "/tracking.db")
        let release = ReleaseIngestionBatches(job: 1, filter: .init(olderThanMs: 0), limit: 1000, dryRun: false)
        #expect(try await store.release(release).released > 0, "some died with a batch in hand")
        try await SQLiteWorkers.work(in: folder, workers: 2)
        #expect(try await Self.judge(folder).jobs[0].stats.completed == 1200)
        try FileManager.default.removeItem(atPath: folder)
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
        let folder = try await Self.prepared("half", batches: 3)
        let before = try await Self.judge(folder).jobs[0]
        await #expect(processExitsWith: .signal(SIGKILL)) {
            // Three attempts are reaped by one call, which dies after the first.
            let machine = MachineClock(boot: SQLiteClock.system.bootID, wall: SQLiteClock.system.wall())
            machine.advance(by: .microseconds(SQLiteClock.system.sinceBoot()))
            let file = SQLiteWorkers.folder("half", of: getppid()) + "/tracking.db"
            let store = try await SQLiteJobStore.open(file, clock: machine.clock, entropy: DeadlyEntropy())
            let scene = SQLiteScene(store: store, job: 1, epoch: 1, token: "")
            for _ in 0..<3 { _ = try await scene.claim() }
            machine.advance(by: .seconds(151))
            _ = try await scene.reap()
        }
        let after = try await Self.judge(folder).jobs[0]
        #expect(before.stats.claims == 0)
        #expect(after.stats.claims == 3)
        #expect(after.stats.processing == 3)
        #expect(after.stats.reaps == 0)
        #expect(after.events.count { $0.kind == "reaped" } == 0)
        try FileManager.default.removeItem(atPath: folder)
    }
}
