import Fakes
import Foundation
import Migration
import Testing

/// Progress in one file on this machine, through the program itself: nothing else is installed.
@Suite(.needs(.mysql, .qdrant, .vocabulary), .serialized, .timeLimit(.minutes(10)))
struct `Jobs tracked in a file` {
    private static func rights(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test func `need only MySQL, OpenAI and Qdrant, and each command says where progress is kept`() async throws {
        try await Stage.use(.file, records: 120) { stage in
            let file = stage.trackingFile
            let place = "Progress is kept in the SQLite file \(file)"
            try await stage.migrate("check", saying: ["file \(file), which the first run makes"])
            #expect(!FileManager.default.fileExists(atPath: file), "a check makes nothing")
            try await stage.migrate("setup", "--yes", saying: ["\(file); there is nothing to install"])
            #expect(try Self.rights(file) == 0o600)
            #expect(try Self.rights(URL(filePath: file).deletingLastPathComponent().path()) == 0o700)
            try await stage.migrate("check", saying: ["ok    Tracking", "file \(file)", "this machine only"])
            let run = try await stage.migrate("run", "--new", "--yes", saying: ["120 processed"])
            #expect(run.error.hasPrefix(place))
            let status = try await stage.migrate("status")
            #expect(status.out.contains("\n\(place).\n"))
            let json = try await stage.migrate("status", "--json")
            #expect(json.error.contains(place) && json.out.hasPrefix("{"))
            try await stage.migrate("jobs", saying: ["completed"])
            try await stage.migrate("events", saying: ["finalized"])
            try await stage.migrate("verify", saying: ["nothing is missing"])
            let paid = stage.embedder.totals.texts
            try await stage.migrate("run", "--new", "--yes")
            #expect(stage.embedder.totals.texts == paid, "what is there is not paid for again")
            // Another file knows no job, but what is in the collection is still not paid for again.
            let other = ["TRACKING_FILE": stage.program.folder.appending(path: "new/other.db").path()]
            try await stage.migrate("run", "--new", "--yes", saying: ["Job 1 opened.", "120 processed"], with: other)
            #expect(stage.embedder.totals.texts == paid)
        }
    }

    @Test func `are the choice of a terminal without other settings, and of nothing else`() async throws {
        try await Stage.use(.file, records: 12) { stage in
            let settings = stage.settings.filter { $0.key != "TRACKING" }
            for command in ["run", "status", "jobs", "setup"] {
                let ended = try await stage.program.run([command], settings)
                #expect(ended.status == 78)
                #expect(ended.error.contains("TRACKING: is not set"), "\(ended.error)")
                #expect(ended.error.contains("for this machine alone TRACKING=sqlite"))
            }
            #expect(!FileManager.default.fileExists(atPath: stage.trackingFile))
            let sentence = "Progress is kept in the SQLite file \(stage.trackingFile): neither"
            for command in [["setup", "--yes"], ["run", "--yes", "--processes", "2"], ["status"]] {
                let ended = try await Terminal.run(stage.program, command, settings) { _ in }
                #expect(ended.status == 0, "\(ended.text)")
                #expect(ended.text.hasPrefix(sentence), "\(ended.text)")
                #expect(ended.text.components(separatedBy: "Progress is kept").count == 2, "said once: \(ended.text)")
            }
            #expect(try await stage.stats(job: 1).processed == 12)
        }
    }

    @Test func `are shared by runs of two collections and a worker at once`() async throws {
        try await Stage.use(.file, records: 200, ["BATCH_SIZE": "10", "MAX_WORKERS": "2"]) { stage in
            stage.embedder.update { $0.latency = .milliseconds(100) }
            let other = ["QDRANT_COLLECTION_NAME": stage.rows.name + "_2"]
            try await stage.migrate("setup", "--yes")
            try await stage.migrate("setup", "--yes", with: other)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await stage.migrate("run", "--new", "--yes", "--processes", "2") }
                try await stage.wait { try await stage.stats(job: 1).claims > 0 }
                group.addTask { try await stage.migrate("worker", "--job", "1") }
                group.addTask { try await stage.migrate("run", "--new", "--yes", with: other) }
                try await group.waitForAll()
            }
            for job: JobID in [1, 2] {
                let stats = try await stage.stats(job: job)
                #expect(stats.processed == 200 && stats.equal == true, "job \(job)")
                #expect(stats.reaps == 0 && stats.retries == 0, "job \(job)")
                let completed = try await stage.history(job: job).filter { $0.kind == "completed" }
                #expect(completed.compactMap(\.batchNumber).sorted() == Array(0..<20), "each batch once")
            }
            try await stage.migrate("verify", "--job", "1")
            try await stage.migrate("verify", "--job", "2", with: other)
        }
    }

    @Test func `show their quota, are counted again, pruned and deleted`() async throws {
        try await Stage.use(.file, records: 12, ["OPENAI_TPM": "1000000", "BATCH_SIZE": "5"]) { stage in
            try await stage.migrate("setup", "--yes")
            try await stage.migrate("quota", saying: ["No quota is known"])
            for job in 1...2 { try await stage.migrate("run", "--new", "--yes", saying: ["Job \(job) opened."]) }
            try await stage.migrate("quota", saying: ["127.0.0.1:", "1,000,000"])
            try await stage.migrate("quota", "reset", "--yes", saying: ["is forgotten."])
            try await stage.migrate("repair-counters", saying: ["The counters of job 2 are right."])
            try await stage.migrate("failures", saying: ["no"])
            try await stage.migrate("prune", "--older-than", "30d", "--yes")
            try await stage.migrate("delete", "--job", "1", "--yes", saying: ["Job 1 is deleted."])
            try await stage.migrate("status", "--job", "1", exit: 1, saying: ["there is no job 1"])
            try await stage.migrate("verify", saying: ["nothing is missing"])
        }
    }

    @Test func `survive kill -9 of all processes, time after time`() async throws {
        try await Stage.use(.file, records: 200, ["BATCH_SIZE": "5"]) { stage in
            stage.embedder.update { $0.latency = .milliseconds(50) }
            try await stage.migrate("setup", "--yes")
            var kills = 0
            for round in 1... {
                let before = round == 1 ? 0 : try await stage.stats(job: 1).completed
                let arguments = ["run", round == 1 ? "--new" : "--resume", "--yes", "--processes", "2"]
                let ended = try await stage.migrate(arguments) { parent in
                    guard round <= 3 else { return }
                    try await stage.wait { try await stage.stats(job: 1).completed >= before + 4 }
                    for process in try [parent] + Processes.children(of: parent) { kill(process, SIGKILL) }
                }
                if ended.status == 0 { break }
                try #require(ended.status == 128 + SIGKILL, "\(ended.error)")
                kills += 1
            }
            #expect(kills == 3)
            let stats = try await stage.stats(job: 1)
            #expect(stats.job?.status == .completed)
            #expect(stats.processed == 200 && stats.equal == true && stats.reaps == 0)
            try await stage.migrate("verify")
        }
    }
}

extension Stage {
    /// The file that the program chooses in its home.
    var trackingFile: String { program.folder.appending(path: ".local/state/migrate/tracking.db").path() }
}
