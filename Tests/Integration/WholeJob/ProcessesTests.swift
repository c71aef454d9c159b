import Fakes
import Foundation
import Migration
import Synchronization
import Testing

/// `migrate run --processes`: real processes, real signals.
@Suite(.needs(.mysql, .postgres, .qdrant, .vocabulary), .serialized, .timeLimit(.minutes(10)))
struct `Workers in processes` {
    @Test(arguments: [`The whole job`.Transport.libpq, .file])
    func `one that is killed is replaced, and every record is accounted for`(
        transport: `The whole job`.Transport
    ) async throws {
        try await Stage.use(transport, records: 300, ["BATCH_SIZE": "10"]) { stage in
            stage.embedder.update { $0.latency = .milliseconds(150) }
            try await stage.migrate("setup", "--yes")
            let ended = try await stage.migrate(["run", "--new", "--yes", "--json", "--processes", "3"]) { parent in
                try await stage.wait { try await stage.stats(job: 1).completed >= 6 }
                let workers = try Processes.children(of: parent)
                try #require(workers.count == 3)
                let lines = try workers.map(Processes.commandLine)
                #expect(lines.allSatisfy { $0.hasPrefix("migrate worker --child --job 1 ") })
                for secret in stage.secrets { #expect(!lines.joined().contains(secret)) }
                kill(workers[1], SIGKILL)
            }
            #expect(ended.status == 0, "\(ended.error)")
            #expect(ended.error.contains("was killed by signal 9; started again"))
            for line in ended.out.split(separator: "\n") {
                #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
            }
            let stats = try await stage.stats(job: 1)
            #expect(stats.processed == 300)
            #expect(stats.equal == true)
            #expect(stats.reaps == 0, "no worker waited for a lease")
            #expect(stats.retries <= 1)
            let history = try await stage.history(job: 1)
            let runners = history.filter { $0.kind == "claimed" }
                .compactMap { $0.workerId?.split(separator: "/").first }
            #expect(Set(runners).count >= 3)
            #expect(stage.notes == [])
            try await stage.migrate("verify")
        }
    }

    @Test func `a record that kills its worker ends alone as a dead letter, and all others are migrated`()
        async throws
    {
        let settings = ["BATCH_SIZE": "5", "MAX_RETRIES": "1"]
        try await Stage.use(.libpq, records: 20, settings) { stage in
            try await stage.rows.run("INSERT INTO ip_summary VALUES (77, 'm', 'poison for whoever embeds it')")
            let parent = Mutex<pid_t?>(nil)
            let kills = Mutex(0)
            stage.embedder.update {
                $0.refusesText = { text in
                    guard text.contains("poison"), let parent = parent.withLock(\.self) else { return false }
                    for worker in (try? Processes.children(of: parent)) ?? [] {
                        kill(worker, SIGKILL)
                        kills.withLock { $0 += 1 }
                    }
                    return false
                }
            }
            try await stage.migrate("setup", "--yes")
            let ended = try await stage.migrate(["run", "--new", "--yes", "--processes", "1"]) { pid in
                parent.withLock { $0 = pid }
            }
            #expect(ended.status == 1, "\(ended.error)")
            #expect(ended.out.contains("keeps killing its workers: its 5 records are tried one by one"))
            #expect(kills.withLock(\.self) == 4, "two tries of the batch, two of the record")
            let stats = try await stage.stats(job: 1)
            #expect(stats.processed == 20)
            #expect(stats.failedRecords == 1)
            #expect(stats.equal == true)
            #expect(stats.job?.status == .failed)
            let failures = try await stage.migrate("failures", "--json")
            #expect(failures.out.split(separator: "\n").count == 1)
            #expect(failures.out.contains(#""record_id":77"#) || failures.out.contains(#""recordId":77"#))
            #expect(failures.out.contains("runner_died"))
            let number = try #require(try await stage.history(job: 1).last { $0.kind == "failed" }?.batchNumber)
            let events = try await stage.migrate("events", "1", "--batch", "\(number)", "--json")
            #expect(events.out.split(separator: "\n").count == 4, "claimed and failed, twice")
        }
    }

    @Test func `one that does not listen is killed ten seconds after it was asked to end`() async throws {
        try await Stage.use(.libpq, records: 300, ["BATCH_SIZE": "10"]) { stage in
            stage.embedder.update { $0.latency = .milliseconds(200) }
            try await stage.migrate("setup", "--yes")
            var asked = ContinuousClock.now
            let ended = try await stage.migrate(["run", "--new", "--yes", "--processes", "2"]) { parent in
                try await stage.wait { try await stage.stats(job: 1).completed >= 2 }
                let workers = try Processes.children(of: parent)
                kill(try #require(workers.first), SIGSTOP)
                kill(parent, SIGTERM)
                asked = .now
            }
            #expect(ended.status == 75, "\(ended.error)")
            #expect((.seconds(9)...(.seconds(20))).contains(ContinuousClock.now - asked))
            stage.embedder.update { $0.latency = .zero }
            try await stage.migrate("run", "--resume", "--processes", "2")
            let stats = try await stage.stats(job: 1)
            #expect(stats.processed == 300)
            #expect(stats.reaps == 0)
            #expect(stats.equal == true)
        }
    }

    @Test func `they end by themselves when their parent is killed`() async throws {
        try await Stage.use(.libpq, records: 300, ["BATCH_SIZE": "10"]) { stage in
            stage.embedder.update { $0.latency = .milliseconds(200) }
            try await stage.migrate("setup", "--yes")
            let workers = Mutex<[pid_t]>([])
            let ended = try await stage.migrate(["run", "--new", "--yes", "--processes", "2"]) { parent in
                try await stage.wait { try await stage.stats(job: 1).completed >= 2 }
                let children = try Processes.children(of: parent)
                workers.withLock { $0 = children }
                kill(parent, SIGKILL)
            }
            #expect(ended.status == 128 + SIGKILL)
            try await stage.wait { workers.withLock(\.self).allSatisfy { !Processes.isAlive($0) } }
            let left = try await stage.stats(job: 1)
            #expect(left.processing == 0, "they finished what they held")
            #expect(left.retries == 0)
            #expect(left.completed < 30)
        }
    }

    @Test func `an account without money is said once, and everything is kept`() async throws {
        try await Stage.use(.libpq, records: 100, ["BATCH_SIZE": "5"]) { stage in
            stage.embedder.update { $0.latency = .milliseconds(100) }
            try await stage.migrate("setup", "--yes")
            let ended = try await stage.migrate(["run", "--new", "--yes", "--processes", "3"]) { _ in
                try await stage.wait { try await stage.stats(job: 1).completed >= 2 }
                stage.embedder.update { $0.isOutOfMoney = true }
            }
            #expect(ended.status == 77, "\(ended.error)")
            #expect(ended.error.components(separatedBy: "Everything is kept").count == 2, "\(ended.error)")
            let left = try await stage.stats(job: 1)
            #expect(left.failed == 0 && left.retries == 0 && left.processing == 0)
        }
    }
}

/// Processes of this machine, as `/proc` shows them.
enum Processes {
    /// The processes that one has started and not yet waited for.
    static func children(of parent: pid_t) throws -> [pid_t] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.sorted().filter {
            fields($0)?[1] == "\(parent)"
        }
    }

    static func isAlive(_ process: pid_t) -> Bool { fields(process).map { $0[0] != "Z" } ?? false }

    static func commandLine(_ process: pid_t) throws -> String {
        let data = try #require(FileManager.default.contents(atPath: "/proc/\(process)/cmdline"))
        return String(decoding: data, as: UTF8.self).replacing("\0", with: " ")
    }

    /// What follows the name: state, parent and so on; nil where there is no such process.
    private static func fields(_ process: pid_t) -> [Substring]? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(process)/stat") else { return nil }
        let text = String(decoding: data, as: UTF8.self)
        return text.lastIndex(of: ")").map { text[text.index(after: $0)...].split(separator: " ") }
    }
}
