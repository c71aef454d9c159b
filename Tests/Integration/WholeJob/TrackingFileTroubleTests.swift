import Fakes
import Foundation
import Migration
import Subprocess
import Testing

/// What a tracking file may meet, at the program: a sentence and an exit code, or the job goes on.
///
/// Nothing is lost.
@Suite(.needs(.mysql, .qdrant, .vocabulary), .serialized, .timeLimit(.minutes(10)))
struct `A tracking file in trouble` {
    @Test func `is where no file can be: bad settings, before anything is begun`() async throws {
        try await Stage.use(.file, records: 3) { stage in
            let folder = stage.program.folder
            try Data("plain".utf8).write(to: folder.appending(path: "plain"))
            let network = try await Preload.otherFiles(in: folder)
            try network.put("1 0 0:1 / / rw - nfs4 server:/ rw\n", at: "/proc/self/mountinfo")
            let cases: [(file: String, words: String, changes: [String: String])] = [
                ("/proc/nowhere/t.db", "the folder /proc/nowhere for the tracking file cannot be made", [:]),
                (folder.path(), "is not a file: set TRACKING_FILE", [:]),
                (folder.appending(path: "plain/t.db").path(), "is not a folder: set TRACKING_FILE", [:]),
                (folder.appending(path: "t.db").path(), "is on a file system of the network (nfs4)", network.variables),
            ]
            for (file, words, changes) in cases {
                let changes = changes.merging(["TRACKING_FILE": file]) { $1 }
                try await stage.migrate("run", "--yes", exit: 78, saying: [words], with: changes)
                try await stage.migrate("status", exit: 78, saying: [words], with: changes)
                // A check makes no folder, so it does not learn that the kernel refuses one even to root.
                if file.hasPrefix("/proc/") { continue }
                try await stage.migrate("check", exit: 69, saying: ["FAIL  Tracking"], with: changes)
            }
            #expect(stage.embedder.totals.texts <= 2 * cases.count, "only the sentence of a check was embedded")
        }
    }

    @Test func `is of something else, or of a newer program: left as it is`() async throws {
        try await Stage.use(.file, records: 3) { stage in
            try await stage.migrate("setup", "--yes")
            let file = URL(filePath: stage.trackingFile)
            let whole = try Data(contentsOf: file)
            let notOurs = "is not a tracking file of this program, and was left as it is"
            let cases: [(words: String, bytes: Data)] = [
                (notOurs, Data(String(repeating: "a diary\n", count: 500).utf8)),
                // The application's id and the version of the tables stand in the head of the file.
                (notOurs, whole.replacing(68, with: [0, 0, 0, 7])),
                ("was written by a newer version of this program (tables 9", whole.replacing(60, with: [0, 0, 0, 9])),
            ]
            for (words, bytes) in cases {
                try bytes.write(to: file)
                for command in ["run", "jobs"] { try await stage.migrate(command, exit: 78, saying: [words]) }
                #expect(try Data(contentsOf: file) == bytes)
            }
            try whole.write(to: file)
            try await stage.migrate("run", "--yes", saying: ["3 processed"])
        }
    }

    @Test func `has a damaged page: told with what can be done, and a new file pays for nothing twice`() async throws {
        try await Stage.use(.file, records: 100, ["BATCH_SIZE": "2"]) { stage in
            try await stage.migrate("setup", "--yes")
            try await stage.migrate("run", "--yes")
            let paid = stage.embedder.totals.texts
            let file = URL(filePath: stage.trackingFile)
            let whole = try Data(contentsOf: file)
            try #require(whole.count > 16 << 12)
            try whole.replacing(4096, with: Data(repeating: 0xA5, count: whole.count - 4096)).write(to: file)
            let damage = try Data(contentsOf: file)
            for command in ["run", "status", "verify"] {
                let ended = try await stage.program.run([command], stage.settings)
                #expect(ended.status == 77 || ended.status == 78, "\(ended.error)")
                #expect(ended.error.contains("is damaged: stop what uses it, keep a copy"), "\(ended.error)")
            }
            #expect(try Data(contentsOf: file) == damage)
            let other = ["TRACKING_FILE": stage.program.folder.appending(path: "new.db").path()]
            try await stage.migrate("run", "--yes", saying: ["100 processed"], with: other)
            #expect(stage.embedder.totals.texts <= paid + 1, "the sentence at the start of a run")
        }
    }

    /// Only root can make so small a disk.
    @Test func `is on a disk that fills in the middle of a job: it stops, keeps everything, and goes on`() async throws
    {
        try await Stage.use(.file, records: 400, ["BATCH_SIZE": "1"]) { stage in
            let folder = stage.program.folder.appending(path: "small")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
            guard geteuid() == 0, try await Self.mount("-t", "tmpfs", "-o", "size=4m", "tmpfs", folder.path()) else {
                return print("NOT RUN: a full file system: this user may not mount one")
            }
            let file = ["TRACKING_FILE": folder.appending(path: "tracking.db").path()]
            do {
                try await stage.migrate("setup", "--yes", with: file)
                stage.embedder.update { $0.latency = .milliseconds(30) }
                let ballast = folder.appending(path: "ballast")
                let settings = stage.settings.merging(file) { $1 }
                let ended = try await stage.program.run(["run", "--new", "--yes"], settings) { _ in
                    try await stage.wait { stage.embedder.totals.texts >= 20 }
                    try? Data(repeating: 0, count: 8 << 20).write(to: ballast)
                }
                #expect(ended.status == 77, "\(ended.out) \(ended.error)")
                for words in ["is full: make room there", "nothing that was noted is lost", "`migrate run --resume`"] {
                    #expect(ended.error.contains(words), "\(ended.error)")
                }
                let paid = stage.embedder.totals.texts
                #expect((20..<400).contains(paid), "in the middle of the job")
                try FileManager.default.removeItem(at: ballast)
                try await stage.migrate("run", "--resume", "--yes", saying: ["400 processed"], with: file)
                #expect(stage.embedder.totals.texts <= 400 + 20, "nothing that was written is paid for again")
                try await stage.migrate("verify", with: file)
            } catch {
                Issue.record(error)
            }
            _ = try await Subprocess.run(
                .name("umount"),
                arguments: ["-l", folder.path()],
                output: .discarded,
                error: .discarded
            )
        }
    }

    private static func mount(_ arguments: String...) async throws -> Bool {
        try await Subprocess.run(
            .name("mount"),
            arguments: Arguments(arguments),
            output: .discarded,
            error: .discarded
        ).terminationStatus.isSuccess
    }

    @Test func `is used by a second machine while the first is at work: refused, and the first goes on`() async throws {
        try await Stage.use(.file, records: 60, ["BATCH_SIZE": "10", "MAX_WORKERS": "1"]) { stage in
            let second = try await Preload.otherFiles(in: stage.program.folder)
            try second.put("another boot\n", at: "/proc/sys/kernel/random/boot_id")
            try second.put("another machine\n", at: "/etc/machine-id")
            stage.embedder.update { $0.latency = .milliseconds(500) }
            try await stage.migrate("setup", "--yes")
            let ended = try await stage.migrate(["run", "--new", "--yes"]) { _ in
                try await stage.wait { try await stage.stats(job: 1).completed >= 1 }
                let words = ["is in use on another machine, where batches are being worked on", "set POSTGRES_URL"]
                for command in ["run", "status"] {
                    try await stage.migrate(command, exit: 78, saying: words, with: second.variables)
                }
            }
            #expect(ended.status == 0, "\(ended.error)")
            let stats = try await stage.stats(job: 1)
            #expect(stats.processed == 60 && stats.reaps == 0 && stats.equal == true)
            // The job is over, and no lease is alive: a file that was moved can be used where it is now.
            try await stage.migrate("status", saying: ["60 processed"], with: second.variables)
            try await stage.migrate("verify", with: second.variables)
        }
    }

    @Test func `is found by the next boot: what the last one held is free at once`() async throws {
        try await Stage.use(.file, records: 60, ["BATCH_SIZE": "10", "MAX_WORKERS": "2"]) { stage in
            let boot = try await Preload.otherFiles(in: stage.program.folder)
            try boot.put("this machine\n", at: "/etc/machine-id")
            try boot.put("first boot\n", at: "/proc/sys/kernel/random/boot_id")
            stage.embedder.update { $0.latency = .milliseconds(300) }
            try await stage.migrate("setup", "--yes", with: boot.variables)
            let settings = stage.settings.merging(boot.variables) { $1 }
            let ended = try await stage.program.run(["run", "--new", "--yes"], settings) { process in
                try await stage.wait { stage.embedder.totals.texts >= 25 }
                kill(process, SIGKILL)
            }
            #expect(ended.status == 128 + SIGKILL)
            // Nothing but the new boot says that their owner is gone.
            try stage.removeNotes()
            try boot.put("second boot\n", at: "/proc/sys/kernel/random/boot_id")
            stage.embedder.update { $0.latency = .zero }
            let start = ContinuousClock.now
            try await stage.migrate("run", "--resume", "--yes", saying: ["60 processed"], with: boot.variables)
            #expect(ContinuousClock.now - start < .seconds(60), "leases last two minutes")
            try await stage.migrate("verify", with: boot.variables)
        }
    }

    @Test func `is written by a clock an hour ahead, which is then corrected: no lease moves`() async throws {
        try await Stage.use(.file, records: 60, ["BATCH_SIZE": "10", "MAX_WORKERS": "2"]) { stage in
            let ahead = ["LD_PRELOAD": try await Preload.skewedClock(in: stage.program.folder)]
            stage.embedder.update { $0.latency = .seconds(2) }
            try await stage.migrate("setup", "--yes", with: ahead)
            let settings = stage.settings.merging(ahead) { $1 }
            let ended = try await stage.program.run(["run", "--new", "--yes"], settings) { process in
                try await stage.wait { try await stage.stats(job: 1).completed >= 1 }
                // While it works with the wrong clock, one with the right clock takes part.
                try await stage.migrate("worker", "--job", "1")
            }
            #expect(ended.status == 0, "\(ended.error)")
            let stats = try await stage.stats(job: 1)
            #expect(stats.processed == 60 && stats.equal == true)
            #expect(stats.reaps == 0 && stats.retries == 0, "no worker lost a lease")
            try await stage.migrate("run", "--new", "--yes", saying: ["60 processed"])
            try await stage.migrate("verify")
        }
    }

    @Test(.needs(.python)) func `is held by another program: unavailable after some tries`() async throws {
        try await Stage.use(.file, records: 3) { stage in
            try await stage.migrate("setup", "--yes")
            let hold = """
                import sqlite3, sys, time
                file = sqlite3.connect(sys.argv[1])
                file.execute("BEGIN EXCLUSIVE")
                open(sys.argv[2], "w").close()
                time.sleep(300)
                """
            let python = try Program(try #require(TestEnvironment.python))
            defer { python.remove() }
            let mark = python.folder.appending(path: "held").path()
            let ended = try await python.run(["-c", hold, stage.trackingFile, mark]) { process in
                try await stage.wait { FileManager.default.fileExists(atPath: mark) }
                try await stage.migrate("jobs", exit: 69, saying: ["another process has held the tracking file"])
                kill(process, SIGKILL)
            }
            #expect(ended.status == 128 + SIGKILL, "\(ended.error)")
            try await stage.migrate("jobs", saying: ["There is no job yet"])
        }
    }
}

extension Data {
    /// The same bytes with others from a place on.
    fileprivate func replacing(_ offset: Int, with bytes: some Collection<UInt8>) -> Data {
        var changed = self
        changed.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
        return changed
    }
}
