import Fakes
import Foundation
import Migration
import Testing
import TextProcessing

@testable import Adapters

/// The program itself, from rows in MariaDB to points, tracked in PostgreSQL or a file; the embedder is a stand-in over HTTP.
@Suite(.needs(.mysql, .postgres, .qdrant, .vocabulary), .serialized, .timeLimit(.minutes(10)))
struct `The whole job` {
    /// How progress is reached.
    enum Transport: String, CaseIterable, Sendable { case libpq, gateway, file }

    /// The number of records that a test moves; the first real run asks for 5,000.
    static let records = Int(TestEnvironment.values["MIGRATE_TEST_RECORDS"] ?? "") ?? 300

    /// Each way to the tracking store, and one of them with rows in MySQL itself, where there is one.
    static let stages: [(Transport, MySQLServer?)] =
        Transport.allCases.map { ($0, nil) } + (TestEnvironment.realMySQL.map { [(.libpq, $0)] } ?? [])

    @Test(arguments: stages)
    func `every record is accounted for, and a second run pays for nothing`(
        transport: Transport,
        server: MySQLServer?
    ) async throws {
        try await Stage.use(transport, records: Self.records, hasBadRows: true, on: server) { stage in
            try await stage.migrate("setup", "--yes")
            try await stage.migrate("check")
            // 1: finished, with a record without a tenant.
            try await stage.migrate("run", "--new", "--yes", exit: 1)
            let stats = try await stage.stats(job: 1)
            #expect(stats.job?.totalRecords == Int64(Self.records + 3))
            #expect(stats.processed == Int64(Self.records))
            #expect(stats.skipped == 2)
            #expect(stats.failedRecords == 1)
            #expect(stats.equal == true)
            try await stage.migrate("verify", exit: 1, saying: ["1 record failed, everything else is right"])

            let paid = stage.embedder.totals.texts
            #expect(paid >= Self.records)
            try await stage.migrate("run", "--new", "--yes", exit: 1)
            #expect(stage.embedder.totals.texts == paid)
            #expect(try await stage.stats(job: 2).processed == Int64(Self.records))

            // What was paid is a sum of the answers; `check` and the start of a run embed a sentence beside it.
            let billed = stats.billedTokens
            #expect(billed > 0 && billed <= Int64(stage.embedder.totals.tokens))
            #expect(stats.billedNanodollars > 0)
            let status = try await stage.migrate("status", "--job", "1", "--json", exit: 1)
            #expect(status.out.contains("\(billed)"), "\(status.out)")
            #expect(try await stage.stats(job: 2).billedTokens == 0)
            let list = ListIngestionRunners(job: 1, filter: .init(), after: nil, limit: 10)
            let runners = try await stage.store.perform(list).rows.map {
                "\($0.state) \($0.reason ?? "") \($0.records)"
            }
            #expect(runners == ["left the job is completed \(Self.records + 3)"])
        }
    }

    /// From the installation to the check of every point, with nothing but the pooler's address.
    @Test(.needs(.pgbouncer), arguments: [PgBouncerServers.Mode.transaction, .session])
    func `a pooler stands between, and the job knows nothing of it`(
        mode: PgBouncerServers.Mode
    ) async throws {
        let pooler = try #require(TestEnvironment.pgbouncer).url(mode)
        try await Stage.use(.libpq, records: 120, ["BATCH_SIZE": "10", "MAX_WORKERS": "4"]) { stage in
            var parts = try #require(URLComponents(string: pooler))
            parts.path = try "/" + stage.database.name
            let pooled = ["POSTGRES_URL": try #require(parts.string)]
            for command in [["setup", "--yes"], ["check"], ["run", "--new", "--yes"], ["verify"]] {
                let ended = try await stage.program.run(command, stage.settings.merging(pooled) { $1 })
                #expect(ended.status == 0, "\(command): \(ended.out) \(ended.error)")
            }
            let stats = try await stage.stats(job: 1)
            #expect(stats.job?.status == .completed)
            #expect(stats.processed == 120)
            #expect(stats.equal == true)
        }
    }

    @Test func `a run and two workers share a job and every batch is completed exactly once`() async throws {
        try await Stage.use(.libpq, records: 400, ["BATCH_SIZE": "10", "MAX_WORKERS": "2"]) { stage in
            // So slow that the job is not over before all three are there, however long a process takes to start.
            stage.embedder.update { $0.latency = .seconds(3) }
            try await stage.migrate("setup", "--yes")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await stage.migrate("run", "--new", "--yes") }
                try await stage.wait { try await stage.stats(job: 1).claims > 0 }
                for _ in 0..<2 { group.addTask { try await stage.migrate("worker", "--job", "1") } }
                try await stage.wait {
                    try await stage.database.run("SELECT count(*) FROM public.ingestion_workers") == [["3"]]
                }
                stage.embedder.update { $0.latency = .milliseconds(100) }
                try await group.waitForAll()
            }
            let sums = "SELECT count(*), count(*) FILTER (WHERE state = 'left'), sum(records_done), sum(batches_held)"
            let reported = try await stage.database.run("\(sums) FROM public.ingestion_workers")
            #expect(reported == [["3", "3", "400", "0"]])
            let history = try await stage.history(job: 1)
            let completed = history.filter { $0.kind == "completed" }.compactMap(\.batchNumber)
            #expect(completed.sorted() == Array(0..<40), "each batch once")
            let runners = Set(
                history.filter { $0.kind == "claimed" }.compactMap { $0.workerId?.split(separator: "/").first }
            )
            #expect(runners.count == 3, "all three processes took part: \(runners.sorted())")
            try await stage.migrate("verify")
        }
    }

    /// What a search product does: the sparse vector of its question is fastembed's, not ours.
    @Test(.needs(.python)) func `llama-index finds a migrated record by its text`() async throws {
        try await Stage.use(.libpq, records: 60) { stage in
            let sentence = "The lighthouse keeper's daughter was collecting unusual seashells."
            try await stage.rows.run(
                "INSERT INTO ip_summary VALUES (77, 'm', '\(sentence.replacing("'", with: "''"))')"
            )
            try await stage.migrate("setup", "--yes")
            try await stage.migrate("run", "--new", "--yes")
            let id = PointIdentity(namespace: "migrate").childID(memberCode: "m", recordID: 77, parent: 0, chunk: 0)
            let found = try await stage.searchByLlamaIndex("Which keepers collected a seashell at the lighthouse?")
            #expect(found == "hybrid \(id) \(sentence)\nsparse \(id) \(sentence)\n")
        }
    }

    @Test(arguments: [Transport.libpq, .file])
    func `a killed run is resumed where it was, and at once`(transport: Transport) async throws {
        let settings = ["BATCH_SIZE": "10", "MAX_WORKERS": "3"]
        try await Stage.use(transport, records: 300, settings) { stage in
            stage.embedder.update { $0.latency = .milliseconds(150) }
            try await stage.migrate("setup", "--yes")
            let wasAlive = try await stage.kill("run", "--new", "--yes") {
                try await stage.wait { try await stage.stats(job: 1).completed >= 12 }
            }
            #expect(wasAlive)
            let left = try await stage.stats(job: 1)
            #expect(left.completed < 30, "killed in the middle")
            #expect(left.processing > 0, "and with batches in its hands")
            stage.embedder.update { $0.latency = .zero }
            try await stage.migrate("run", "--resume")
            let stats = try await stage.stats(job: 1)
            #expect(stats.job?.status == .completed)
            #expect(stats.processed == 300)
            #expect(stats.equal == true)
            // The leases of the dead runner last two minutes; no runner waited for one, or took one from a living
            // runner.
            #expect(stats.reaps == 0)
            let codes = try await stage.history(job: 1).compactMap { $0.kind == "failed" ? $0.detail["code"] : nil }
            #expect(codes == Array(repeating: "runner_died", count: codes.count))
            #expect((1...3).contains(codes.count), "\(left.processing) were in its hands")
            #expect(stage.notes == [])
            try await stage.migrate("verify")
            let twice = stage.embedder.totals.texts - 300
            // Three batches, and three texts with which each process looked at the server.
            #expect(twice <= 36, "only what the dead runner had in its hands was paid twice, not \(twice) texts")
        }
    }

    @Test func `without its notes, a resume says how long it waits for the dead`() async throws {
        // The shortest lease there is, so that the batches of the dead come back soon.
        let settings = ["BATCH_SIZE": "10", "MAX_WORKERS": "3", "WORKER_HEARTBEAT_INTERVAL": "2"]
        try await Stage.use(.libpq, records: 100, settings) { stage in
            stage.embedder.update { $0.latency = .milliseconds(300) }
            try await stage.migrate("setup", "--yes")
            let wasAlive = try await stage.kill("run", "--new", "--yes") {
                try await stage.wait { try await stage.stats(job: 1).completed >= 4 }
            }
            #expect(wasAlive)
            try stage.removeNotes()
            stage.embedder.update { $0.latency = .zero }
            try await stage.migrate("run", "--resume", saying: ["waiting 30 s for them"])
            let stats = try await stage.stats(job: 1)
            #expect(stats.processed == 100)
            #expect(stats.reaps > 0)
            #expect(stats.equal == true)
        }
    }
}
