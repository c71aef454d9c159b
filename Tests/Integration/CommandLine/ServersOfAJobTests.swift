// Longer than 300 lines: one suite, whose tests share their servers.

import Foundation
import Migration
import ServedFakes
import Testing
import TextProcessing

@testable import Adapters
@testable import Fakes

/// A job, and settings that lead elsewhere: through the built program, over a real table and stand-ins of the other services.
@Suite(.needs(.mysql, .vocabulary), .serialized, .timeLimit(.minutes(15)))
struct `Servers of a job` {
    /// Everything that joins job 1.
    private static let joining = [
        ["run", "--resume"], ["run"], ["run", "--yes"], ["run", "--resume", "--json"], ["run", "--processes", "2"],
        ["worker", "--job", "1"],
    ]

    // MARK: - Another collection server

    @Test func `half a job does not go on at another Qdrant, whatever a flag says`() async throws {
        try await use { stage in
            try await stage.stop(["run", "--yes"], after: 1)
            let before = try await stage.served.state()
            try await stage.withQdrant(QdrantEngine()) { engine, elsewhere in
                try await stage.end(["setup", "--yes"], elsewhere)
                for arguments in Self.joining.flatMap({ [$0, $0 + ["--servers-moved"]] }) {
                    let ended = try await stage.run(arguments, elsewhere)
                    #expect(ended.status == 78, "\(arguments): \(ended.error)")
                    for setting in [stage.served.settings, elsewhere] {
                        let address = try #require(setting["QDRANT_URL"])
                        #expect(ended.error.contains(address), "\(arguments): \(ended.error)")
                    }
                    #expect(ended.error.contains("migrate run --new"), "\(ended.error)")
                    if arguments.contains("--json") { #expect(ended.out.isEmpty, "\(arguments): \(ended.out)") }
                }
                #expect(try engine.with("memos") { $0.points.isEmpty })
                #expect(try await stage.served.state() == before)
                // Commands that touch no point are about the job, wherever its points are.
                for arguments in [["status"], ["pause"], ["resume"], ["failures"]] {
                    try await stage.end(arguments, elsewhere)
                }
            }
            try await stage.end(["run", "--resume"])
            try await stage.end(["verify"])
        }
    }

    @Test func `the same Qdrant under another address is admitted by the flag, once`() async throws {
        try await use { stage in
            try await stage.stop(["run", "--yes"], after: 1)
            try await stage.withQdrant(stage.served.qdrant) { _, moved in
                try await stage.expectOneAdmission("QDRANT_URL", moved)
            }
        }
    }

    @Test func `an embedder under another address is admitted by the flag, once`() async throws {
        try await use { stage in
            try await stage.stop(["run", "--yes"], after: 1)
            try await stage.withFakes(ServedFakes(openAI: stage.served.embedder)) { moved in
                try await stage.expectOneAdmission("OPENAI_BASE_URL", moved)
            }
        }
    }

    @Test func `an address in another spelling is no other server`() async throws {
        try await use { stage in
            try await stage.stop(["run", "--yes"], after: 1)
            var spelt = stage.served.settings
            for name in ["QDRANT_URL", "OPENAI_BASE_URL"] {
                let address = try #require(spelt[name])
                spelt[name] = address.replacing("http://", with: "HTTP://") + "/"
            }
            try await stage.end(["run", "--resume"], spelt)
        }
    }

    // MARK: - Another source

    @Test func `a job does not go on with a foreign table of the same name, whatever a flag says`() async throws {
        try await use { stage in
            try await stage.stop(["run", "--yes"], after: 1)
            let before = try await stage.served.state()
            let foreign = (1...60).map { "(\($0 + 7_000), 'm', 'Not ours.')" }.joined(separator: ",")
            try await stage.rows.run(
                "RENAME TABLE ip_summary TO ours",
                "CREATE TABLE ip_summary (id BIGINT PRIMARY KEY, member_code VARCHAR(64), parse_content LONGTEXT)",
                "INSERT INTO ip_summary VALUES " + foreign
            )
            // Each looks twice, five seconds apart: the source may be a replica that lags.
            for arguments in [["run"], ["run", "--resume", "--servers-moved"], ["worker", "--job", "1"]] {
                let ended = try await stage.run(arguments, stage.localhost)
                #expect(ended.status == 78, "\(arguments): \(ended.error)")
                let places = ["127.0.0.1", "localhost"].map { "\($0):\(stage.rows.server.port)/\(stage.rows.name)" }
                for place in places { #expect(ended.error.contains(place), "\(arguments): \(ended.error)") }
            }
            #expect(try await stage.served.state() == before)
            try await stage.rows.run("DROP TABLE ip_summary", "RENAME TABLE ours TO ip_summary")
            try await stage.end(["run", "--resume"])
            try await stage.end(["verify"])
        }
    }

    @Test func `the same table under another host name is admitted by the flag, once`() async throws {
        try await use { stage in
            try await stage.stop(["run", "--yes"], after: 1)
            try await stage.expectOneAdmission("MYSQL_HOST", stage.localhost)
        }
    }

    @Test func `another database has jobs of its own`() async throws {
        try await use { stage in
            try await stage.stop(["run", "--yes"], after: 1)
            let before = try await stage.served.state()
            try await MySQLTestDatabase.use { other in
                try await other.run(
                    "CREATE TABLE ip_summary (id BIGINT PRIMARY KEY, member_code VARCHAR(64), parse_content LONGTEXT)",
                    "INSERT INTO ip_summary VALUES (9001, 'm', 'Not ours.')"
                )
                let elsewhere = ["MYSQL_DATABASE": other.name]
                let resumed = try await stage.run(["run", "--resume"], elsewhere)
                #expect(resumed.status == 1 && resumed.error.contains("no unfinished job"), "\(resumed.error)")
                let worker = try await stage.run(["worker", "--job", "1"], elsewhere)
                #expect(worker.status == 78 && worker.error.contains("table"), "\(worker.error)")
                // A new job would share the ids of its points with job 1.
                let run = try await stage.run(["run", "--yes"], elsewhere)
                #expect(run.status == 78 && run.error.contains("POINT_ID_NAMESPACE"), "\(run.error)")
            }
            #expect(try await stage.served.state() == before)
        }
    }

    @Test func `hosts that name one table differently take turns after one admission`() async throws {
        try await use { stage in
            try await stage.end(["run", "--yes"])
            let before = try await stage.served.state()
            let refused = try await stage.run(["run", "--yes"], stage.localhost)
            #expect(refused.status == 78 && refused.error.contains("--servers-moved"), "\(refused.error)")
            #expect(refused.error.contains("SOURCE_NAME"), "\(refused.error)")
            #expect(try await stage.served.state() == before)
            try await stage.end(["run", "--yes", "--servers-moved"], stage.localhost)
            try await stage.end(["run", "--yes"])
            try await stage.end(["run", "--yes"], stage.localhost)
            try await stage.end(["verify"])
        }
    }

    // MARK: - Several tables in one collection

    @Test func `two tables share a collection, each with a namespace of its own, and neither loses a point`()
        async throws
    {
        try await use { stage in
            let long = "CONCAT(REPEAT('A ferry crosses the sound in the morning. ', 400), id)"
            try await stage.rows.run(
                "CREATE TABLE notes (id BIGINT PRIMARY KEY, member_code VARCHAR(64), parse_content LONGTEXT)",
                "INSERT INTO notes SELECT id, member_code, parse_content FROM ip_summary",
                "UPDATE ip_summary SET parse_content = \(long) WHERE id % 3 = 0",
                "UPDATE notes SET parse_content = \(long) WHERE id % 4 = 0"
            )
            try await stage.end(["run", "--yes"])
            let notes = ["MYSQL_TABLE": "notes"]
            let before = try await stage.served.state()
            let refused = try await stage.run(["run", "--yes"], notes)
            #expect(refused.status == 78 && refused.error.contains("POINT_ID_NAMESPACE"), "\(refused.error)")
            #expect(refused.error.contains("\(stage.rows.name).ip_summary"), "\(refused.error)")
            #expect(try await stage.served.state() == before)
            let second = notes.merging(["POINT_ID_NAMESPACE": "f0f0f0f0-0000-4000-8000-000000000001"]) { $1 }
            try await stage.end(["run", "--yes"], second)
            for settings in [[:], second] { try await stage.end(["verify", "--deep"], settings) }
            // Rows of both tables shrink, become blank, vanish.
            for table in ["ip_summary", "notes"] {
                try await stage.rows.run(
                    "UPDATE \(table) SET parse_content = 'Short.' WHERE id % 12 = 0",
                    "UPDATE \(table) SET parse_content = ' ' WHERE id IN (5, 9)",
                    "UPDATE \(table) SET member_code = 'other' WHERE id = 7",
                    "DELETE FROM \(table) WHERE id = 60"
                )
                let settings = table == "notes" ? second : [:]
                try await stage.end(["run", "--yes", "--allow-removals"], settings)
                for settings in [[:], second] where table == "notes" || settings.isEmpty {
                    try await stage.end(["verify", "--deep"], settings)
                }
            }
        }
    }

    @Test func `nobody guesses whose the points without a source are`() async throws {
        try await use { stage in
            try stage.writeUnmarked((1...12).map { $0 + 500 })
            let before = try await stage.served.state()
            for arguments in [["run"], ["run", "--yes"], ["run", "--json"]] {
                let refused = try await stage.run(arguments)
                #expect(refused.status == 78 && refused.out.isEmpty, "\(refused.error)")
                for words in ["12 points", "UNMARKED_POINTS=ours: ", "UNMARKED_POINTS=foreign: "] {
                    #expect(refused.error.contains(words), "\(refused.error)")
                }
            }
            #expect(try await stage.served.state() == before)
            try await stage.end(["run", "--yes"], ["UNMARKED_POINTS": "foreign"])
            // Decided once; and the points are there still.
            try await stage.end(["run", "--yes"])
            try await stage.end(["verify"])
            #expect(try stage.unmarked() == 12)
        }
    }

    @Test func `points without a source that a setting calls ours are replaced by the table's records`() async throws {
        try await use { stage in
            try stage.writeUnmarked((1...3).map { $0 } + (1...12).map { $0 + 500 })
            try await stage.end(["run", "--yes", "--allow-removals"], ["UNMARKED_POINTS": "ours"])
            try await stage.end(["verify"])
            // The points of records that the table has are gone; the other records were not planned.
            #expect(try stage.unmarked() == 12)
        }
    }

    /// Sixty rows in six batches.
    private func use(_ body: (JobStage) async throws -> Void) async throws {
        try await MySQLTestDatabase.use { rows in
            try await rows.run(
                "CREATE TABLE ip_summary (id BIGINT PRIMARY KEY, member_code VARCHAR(64), parse_content LONGTEXT)",
                "INSERT INTO ip_summary VALUES "
                    + (1...60).map { "(\($0), 'm', 'The ferry leaves at \($0).')" }.joined(separator: ",")
            )
            let settings = [
                "MYSQL_HOST": rows.server.host, "MYSQL_PORT": String(rows.server.port), "MYSQL_USER": rows.server.user,
                "MYSQL_PASSWORD": rows.server.password, "MYSQL_DATABASE": rows.name,
                "MYSQL_SSL_CA": rows.server.authority, "BATCH_SIZE": "10", "QDRANT_COLLECTION_NAME": "memos",
                "TOKENIZER_VOCABULARY": try #require(TestEnvironment.vocabulary),
            ]
            try await Served.use(settings) { served in
                let stage = JobStage(served: served, rows: rows)
                try await stage.end(["setup", "--yes"])
                try await body(stage)
            }
        }
    }
}

/// The program with its services, and other addresses for some of them.
private struct JobStage {
    let served: Served
    let rows: MySQLTestDatabase

    /// Another name of the same server.
    var localhost: [String: String] { ["MYSQL_HOST": "localhost"] }

    func run(_ arguments: [String], _ changes: [String: String] = [:]) async throws -> Program.Result {
        try await served.program.run(arguments, served.settings.merging(changes) { $1 })
    }

    /// Runs the program, which must end with 0.
    func end(
        _ arguments: [String],
        _ changes: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let ended = try await run(arguments, changes)
        #expect(ended.status == 0, "\(arguments): \(ended.out) \(ended.error)", sourceLocation: sourceLocation)
    }

    /// Stops a run of job 1 once so many batches are completed.
    func stop(
        _ arguments: [String],
        _ changes: [String: String] = [:],
        after batches: Int,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        // Slow enough that the batch after the last one wanted is still at work when the signal comes.
        served.embedder.update { $0.latency = .milliseconds(200) }
        let slow = ["SHUTDOWN_GRACE_SECONDS": "0", "MAX_WORKERS": "1"].merging(changes) { $1 }
        let ended = try await served.program.run(arguments, served.settings.merging(slow) { $1 }) { process in
            _ = try await eventually {
                try await served.store.stats(GetIngestionJobStats(job: 1)).completed >= batches
            }
            served.embedder.update { $0.latency = .seconds(3600) }
            kill(process, SIGTERM)
        }
        served.embedder.update { $0.latency = .zero }
        #expect(ended.status == 75, "\(arguments): \(ended.error)", sourceLocation: sourceLocation)
        let stats = try await served.store.stats(GetIngestionJobStats(job: 1))
        #expect((batches..<6).contains(stats.completed), "\(stats)", sourceLocation: sourceLocation)
    }

    /// A server that is the job's, but has an unknown address: refused and named, admitted by the flag, then known.
    func expectOneAdmission(
        _ name: String,
        _ moved: [String: String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let before = try await served.state()
        for arguments in [["run", "--resume"], ["run", "--yes"], ["worker", "--job", "1"]] {
            let refused = try await run(arguments, moved)
            #expect(refused.status == 78, "\(arguments): \(refused.error)", sourceLocation: sourceLocation)
            let addresses = [served.settings[name], moved[name]].compactMap(\.self)
            for words in addresses + ["--servers-moved"] {
                #expect(refused.error.contains(words), "\(refused.error)", sourceLocation: sourceLocation)
            }
        }
        #expect(try await served.state() == before, sourceLocation: sourceLocation)
        try await stop(["worker", "--job", "1", "--servers-moved"], moved, after: 3, sourceLocation: sourceLocation)
        try await stop(["run", "--resume"], moved, after: 4, sourceLocation: sourceLocation)
        // The old address still holds.
        try await end(["run", "--resume"], sourceLocation: sourceLocation)
        try await end(["verify"], moved, sourceLocation: sourceLocation)
    }

    /// Serves a Qdrant at an address of its own.
    func withQdrant(
        _ engine: QdrantEngine,
        _ body: (QdrantEngine, [String: String]) async throws -> Void
    ) async throws {
        try await withFakes(ServedFakes(qdrant: engine)) { try await body(engine, $0) }
    }

    func withFakes(_ fakes: ServedFakes, _ body: ([String: String]) async throws -> Void) async throws {
        var settings: [String: String] = [:]
        for endpoint in try await fakes.start() {
            for (name, value) in endpoint.environment { settings[name] = value }
        }
        let result: Result<Void, any Error>
        do { result = .success(try await body(settings)) } catch { result = .failure(error) }
        await fakes.stop()
        try result.get()
    }

    /// Points that another application, or the version before, has left.
    func writeUnmarked(_ ids: [RecordID]) throws {
        for id in ids {
            let payload: [String: JSONValue] = [
                "type": "parent", "summary_id": .integer(id), "member_code": "m", "parent_idx": 0,
            ]
            let point = PointIdentity(namespace: "elsewhere").parentID(memberCode: "m", recordID: id, parent: 0)
            try served.qdrant.write(point, payload: payload, into: "memos")
        }
    }

    /// Points without a source.
    func unmarked() throws -> Int {
        try served.qdrant.with("memos") { collection in
            collection.points.values.count { $0.payload["source"] == nil }
        }
    }
}
