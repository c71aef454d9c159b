import Foundation
import Glibc
import Invariants
import Migration
import Synchronization
import Testing

@testable import SQLite

@Suite struct `A tracking file with a damaged page` {
    /// Overwrites everything but the first page, while no process has the file open.
    private func damage(_ file: String) throws {
        let handle = try FileHandle(forUpdating: URL(filePath: file))
        defer { try? handle.close() }
        let size = try handle.seekToEnd()
        try #require(size > 3 * 4096)
        try handle.seek(toOffset: 4096)
        try handle.write(contentsOf: Data(repeating: 0xA5, count: Int(size) - 4096))
    }

    @Test func `is told in a sentence, and nothing is written`() async throws {
        let folder = try TrackingFolder()
        defer { withExtendedLifetime(folder) {} }
        do {
            let store = try await SQLiteJobStore.open(folder.file)
            _ = try await SQLiteScene.planned(store, batches: 100)
            #expect(try await store.inspection().problems == [])
        }
        try damage(folder.file)
        let before = try Data(contentsOf: URL(filePath: folder.file))
        let failure = await storeFailure {
            let store = try await SQLiteJobStore.open(folder.file)
            _ = try await store.stats(GetIngestionJobStats(job: 1))
        }
        #expect(failure?.kind == .rejected)
        #expect(failure?.code == "SQLITE_CORRUPT")
        #expect(failure?.detail.contains("is damaged") == true)
        #expect(failure?.detail.contains(".recover") == true)
        #expect(try Data(contentsOf: URL(filePath: folder.file)) == before)
    }

    @Test func `is found by an inspection`() async throws {
        let folder = try TrackingFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = try await SQLiteJobStore.open(folder.file)
        _ = try await SQLiteScene.planned(store, batches: 2000)
        let inspection = try await store.inspection()
        let (version, journal) = try await (store.version, store.journalMode)
        #expect(inspection.product == "SQLite \(version), \(journal) journal")
        #expect(inspection.facts.contains("file \(folder.file)"))
        #expect(inspection.facts.contains("1 job"))
        // Some page in the middle of a copy, which opening it does not read.
        let copy = folder.path + "/copy.db"
        _ = try await store.run("VACUUM INTO '\(copy)'")
        let handle = try FileHandle(forUpdating: URL(filePath: copy))
        let pages = try handle.seekToEnd() / 4096
        try handle.seek(toOffset: pages / 2 * 4096)
        try handle.write(contentsOf: Data(repeating: 0xA5, count: 4096))
        try handle.close()
        let damaged = try await SQLiteJobStore.open(copy)
        let problems = try await damaged.inspection().problems
        #expect(problems.count == 1)
        #expect(problems.first?.contains("is damaged") == true)
    }
}

@Suite struct `A tracking file on a full disk` {
    /// Plans until there is no room; what was answered stays, and the same call works when there is room again.
    private func fill(_ scene: SQLiteScene, _ makeRoom: () async throws -> SQLiteScene) async throws {
        var first: RecordID = 1
        var failure: PortFailure?
        var page: [[RecordID]] = []
        for _ in 0..<1000 where failure == nil {
            page = (0..<10).map { batch in (0..<100).map { first + RecordID(batch * 100 + $0) } }
            do throws(PortFailure) {
                _ = try await scene.append(page)
                first += 1000
            } catch { failure = error }
        }
        #expect(failure?.kind == .full)
        #expect(failure?.code == "SQLITE_FULL")
        #expect(failure?.detail.contains("is full: make room there") == true)
        // Nothing of the call that failed remains, and what only reads goes on.
        let stats = try await scene.exactStats()
        #expect(stats.equal == true)
        #expect(stats.job?.totalRecords == first - 1)
        #expect(stats.job?.planCursor == (first == 1 ? nil : first - 1))
        let roomy = try await makeRoom()
        #expect(try await roomy.append(page).result == .appended)
        let after = try await roomy.exactStats()
        #expect(after.equal == true)
        #expect(after.job?.totalRecords == first + 999)
        let claim = UUID().uuidString
        let batch = try #require(try await roomy.claim(claim).batches.first)
        #expect(try await roomy.finish(batch, claim).result == .applied)
    }

    private func opened(_ store: any JobStore) async throws -> SQLiteScene {
        let token = UUID().uuidString
        let opened = try await store.openJob(
            OpenIngestionJob(
                targetKey: "target",
                configHash: "hash",
                config: [:],
                settings: JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600),
                controllerId: "controller",
                token: token,
                start: true
            )
        )
        return SQLiteScene(store: store, job: opened.job.id, epoch: opened.epoch, token: token)
    }

    @Test func `stops with "full", and goes on where there is room`() async throws {
        let folder = try TrackingFolder()
        defer { withExtendedLifetime(folder) {} }
        var options = SQLiteOptions()
        options.pagesMax = 80
        let scene = try await opened(try await SQLiteJobStore.open(folder.file, options: options))
        try await fill(scene) { scene.over(try await SQLiteJobStore.open(folder.file)) }
    }

    /// As above, but it is the file system that has no room: only root can make one so small.
    @Test(arguments: [SQLiteJournal.truncate, .wal]) func `says so when the file system is full`(
        journal: SQLiteJournal
    ) async throws {
        let folder = try TrackingFolder()
        defer { withExtendedLifetime(folder) {} }
        let place = folder.path + "/small"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
        guard let mount = try Mount(place, options: "size=700k") else {
            return print("NOT RUN: a full file system: this user may not mount one")
        }
        defer { mount.remove() }
        var options = SQLiteOptions()
        options.journal = journal
        let scene = try await opened(try await SQLiteJobStore.open(place + "/tracking.db", options: options))
        try await fill(scene) {
            try mount.change("remount,size=10m")
            return scene
        }
    }
}
