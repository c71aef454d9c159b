import Dispatch
import Foundation
import Glibc
import Migration
import Synchronization
import Testing

@testable import SQLite

@Suite struct `A tracking file that cannot be used` {
    private let folder: TrackingFolder

    init() throws { folder = try TrackingFolder() }

    private func refusal(_ path: String? = nil, _ options: SQLiteOptions = SQLiteOptions()) async -> PortFailure? {
        await storeFailure { _ = try await SQLiteJobStore.open(path ?? folder.file, options: options) }
    }

    /// One sentence that names the file and the setting.
    private func expect(
        _ failure: PortFailure?,
        _ kind: PortFailure.Kind,
        says words: String,
        names path: String? = nil
    ) {
        #expect(failure?.kind == kind)
        let detail = failure?.detail ?? ""
        #expect(detail.contains(words), "\(detail)")
        #expect(detail.contains(path ?? folder.file), "\(detail)")
        #expect(!detail.contains("\n"))
    }

    @Test func `is of a newer version`() async throws {
        do {
            let store = try await SQLiteJobStore.open(folder.file)
            _ = try await store.run("PRAGMA user_version = 2")
        }
        expect(await refusal(), .rejected, says: "newer version of this program (tables 2, known are 1)")
    }

    @Test func `is another program's database`() async throws {
        do {
            let store = try await SQLiteJobStore.open(folder.file)
            _ = try await store.run("PRAGMA application_id = 7")
        }
        let before = try Data(contentsOf: URL(filePath: folder.file))
        expect(await refusal(), .rejected, says: "is not a tracking file of this program, and was left as it is")
        #expect(try Data(contentsOf: URL(filePath: folder.file)) == before)
    }

    @Test func `is a database without a name`() async throws {
        do {
            let store = try await SQLiteJobStore.open(folder.file)
            _ = try await store.run("PRAGMA application_id = 0")
            _ = try await store.run("PRAGMA user_version = 0")
        }
        expect(await refusal(), .rejected, says: "is not a tracking file")
    }

    @Test func `is no database`() async throws {
        let text = String(repeating: "not a database\n", count: 200)
        try text.write(toFile: folder.file, atomically: false, encoding: .utf8)
        expect(await refusal(), .rejected, says: "is not a tracking file")
        #expect(try String(contentsOfFile: folder.file, encoding: .utf8) == text)
    }

    @Test func `is a folder, or below a file`() async throws {
        expect(await refusal(folder.path), .rejected, says: "is not a file", names: folder.path)
        try "".write(toFile: folder.path + "/plain", atomically: false, encoding: .utf8)
        let failure = await refusal(folder.path + "/plain/tracking.db")
        #expect(failure?.kind == .rejected || failure?.kind == .unauthorised)
        #expect(failure?.detail.contains("TRACKING_FILE") == true)
    }

    @Test(arguments: ["", ":memory:", "file:x?mode=memory"]) func `has no path`(path: String) async throws {
        let failure = await refusal(path)
        #expect(failure?.kind == .rejected)
        #expect(failure?.detail.contains("TRACKING_FILE") == true)
    }

    @Test(arguments: ["nfs4", "cifs", "9p", "fuse.sshfs", "fuse", "virtiofs", "ceph"])
    func `is on a file system of the network`(type: String) async throws {
        var options = SQLiteOptions()
        options.fileSystem = { _ in FileSystem(type: type) }
        expect(await refusal(nil, options), .rejected, says: "is on a file system of the network (\(type))")
        #expect(unsafe access(folder.file, F_OK) != 0, "nothing is made there")
    }

    @Test(arguments: ["ext4", "xfs", "btrfs", "overlay", "tmpfs", "zfs", "fuseblk", ""])
    func `is not one on a disk of this machine`(type: String) {
        #expect(!FileSystem(type: type).isShared)
    }

    @Test func `is found among the mounts`() {
        let mounts = """
            22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
            40 22 0:40 / /home/some\\040one rw shared:2 - fuse.sshfs host:/ rw
            41 22 0:41 / /home/some rw - xfs /dev/sdb rw
            42 22 0:42 / /home/some rw master:1 - nfs4 server:/x rw

            """
        #expect(FileSystem.type(of: "/home/some one/x/", in: mounts) == "fuse.sshfs")
        #expect(FileSystem.type(of: "/home/someone", in: mounts) == "ext4")
        #expect(FileSystem.type(of: "/home/some/deep", in: mounts) == "nfs4")
        #expect(FileSystem.type(of: "/", in: mounts) == "ext4")
        #expect(FileSystem.of("/proc").type == "proc")
        // Longer than a page, and what is wanted may stand at its end.
        #expect(KernelFile.text("/proc/self/maps").contains("[stack]"))
    }

    @Test func `is in a folder or of a kind that cannot be written`() async throws {
        let place = folder.path + "/read-only"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
        // Root may write everywhere, but not on a file system that is mounted so.
        let mount = try Mount(place, options: "ro")
        if mount == nil { unsafe chmod(place, 0o555) }
        defer { unsafe chmod(place, 0o755) }
        guard mount != nil || geteuid() != 0 else {
            return print("NOT RUN: a folder that cannot be written: root may not mount here")
        }
        expect(await refusal(place + "/tracking.db"), .unauthorised, says: "cannot write", names: place)
        expect(await refusal(place + "/deep/er/tracking.db"), .unauthorised, says: "cannot be made", names: place)
        mount?.remove()
    }

    @Test func `is held by another process for too long`() async throws {
        let scene = try await SQLiteScene.planned(try await SQLiteJobStore.open(folder.file))
        // A clock that stands still holds its transaction open.
        let gate = DispatchSemaphore(value: 0)
        let entered = DispatchSemaphore(value: 0)
        let isArmed = Mutex(false)
        var clock = SQLiteClock.system
        let inner = clock.sinceBoot
        clock.sinceBoot = {
            if isArmed.withLock({ $0 }) {
                entered.signal()
                gate.wait()
            }
            return inner()
        }
        let slow = scene.over(try await SQLiteJobStore.open(folder.file, clock: clock))
        var options = SQLiteOptions()
        options.patience = .milliseconds(100)
        let hasty = scene.over(try await SQLiteJobStore.open(folder.file, options: options))
        isArmed.withLock { $0 = true }
        async let claimed = slow.claim()
        await withCheckedContinuation { continuation in
            OwnThreadForTests.run {
                entered.wait()
                continuation.resume()
            }
        }
        let failure = await storeFailure { _ = try await hasty.claim() }
        isArmed.withLock { $0 = false }
        gate.signal()
        expect(failure, .unavailable, says: "another process has held the tracking file")
        #expect(failure?.code == "SQLITE_BUSY")
        let answer = try await claimed
        #expect(answer.batches.count == 1)
        #expect(try await hasty.claim().batches.count == 1)
    }
}

@Suite struct `A new tracking file` {
    private func mode(_ path: String) throws -> UInt32 {
        var status = stat()
        let result = unsafe stat(path, &status)
        try #require(result == 0, "\(path)")
        return status.st_mode & 0o777
    }

    @Test(arguments: [SQLiteJournal.wal, .truncate]) func `can be read by its owner only`(journal: SQLiteJournal)
        async throws
    {
        let folder = try TrackingFolder(onDisk: true)
        defer { withExtendedLifetime(folder) {} }
        let file = folder.path + "/state/migrate/tracking.db"
        var options = SQLiteOptions()
        options.journal = journal
        let store = try await SQLiteJobStore.open(file, options: options)
        _ = try await SQLiteScene.planned(store)
        #expect(try mode(file) == 0o600)
        #expect(try mode(folder.path + "/state/migrate") == 0o700)
        #expect(try mode(folder.path + "/state") == 0o700)
        for beside in try FileManager.default.contentsOfDirectory(atPath: folder.path + "/state/migrate") {
            #expect(try mode(folder.path + "/state/migrate/" + beside) == 0o600, "\(beside)")
        }
        #expect(try await store.journalMode == journal.rawValue)
    }

    @Test func `keeps its rights when it is there`() async throws {
        let folder = try TrackingFolder()
        defer { withExtendedLifetime(folder) {} }
        try "".write(toFile: folder.file, atomically: false, encoding: .utf8)
        unsafe chmod(folder.file, 0o640)
        _ = try await SQLiteScene.planned(try await SQLiteJobStore.open(folder.file))
        #expect(try mode(folder.file) == 0o640)
    }

    /// The versions that may lose a commit in a write-ahead log, and those that have the fix.
    @Test(arguments: [
        ("3.40.1", SQLiteJournal.truncate), ("3.44.5", .truncate), ("3.44.6", .wal), ("3.45.0", .truncate),
        ("3.50.6", .truncate), ("3.50.7", .wal), ("3.51.2", .truncate), ("3.51.3", .wal), ("3.52.0", .wal),
        ("3.53.1", .wal), ("", .truncate), ("4.0.0", .truncate), ("3.8", .truncate),
    ])
    func `has the journal that the library allows`(version: String, journal: SQLiteJournal) {
        #expect(SQLiteJournal.allowed(by: version) == journal)
    }

    @Test func `is written to the disk with each call`() async throws {
        let folder = try TrackingFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = try await SQLiteJobStore.open(folder.file)
        #expect(try await SQLiteJournal.allowed(by: store.version).rawValue == store.journalMode)
        #expect(folder.file == store.file)
        #expect(try await store.run("PRAGMA synchronous") == [["2"]])
        #expect(try await store.run("PRAGMA foreign_keys") == [["1"]])
        #expect(try await store.run("PRAGMA user_version") == [["1"]])
        #expect(try await store.run("PRAGMA application_id") == [["\(0x6D69_6772)"]])
    }

    @Test func `is made once by several processes`() async throws {
        let folder = try TrackingFolder()
        defer { withExtendedLifetime(folder) {} }
        try await withThrowingTaskGroup(of: SQLiteJobStore.self) { group in
            for _ in 0..<8 { group.addTask { try await SQLiteJobStore.open(folder.file) } }
            for try await store in group { #expect(try await store.schemaVersion(SchemaVersion()).version == 4) }
        }
    }

    @Test func `refuses texts that SQLite would cut`() async throws {
        let folder = try TrackingFolder()
        defer { withExtendedLifetime(folder) {} }
        let scene = try await SQLiteScene.planned(try await SQLiteJobStore.open(folder.file))
        let failure = await storeFailure { _ = try await scene.claim(worker: "a\0b") }
        #expect(failure?.code == "22023")
        #expect(try await scene.exactStats().claims == 0)
    }
}
