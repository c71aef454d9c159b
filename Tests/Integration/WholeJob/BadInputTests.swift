import Fakes
import Foundation
import Migration
import Testing

@testable import Adapters

/// What people and their data get wrong, through the program itself: each is a sentence and an exit code, or is counted.
@Suite(.needs(.mysql, .postgres, .qdrant, .vocabulary), .serialized, .timeLimit(.minutes(5)))
struct `Bad input` {
    @Test func `a service that refuses is named, and nothing is begun`() async throws {
        try await Stage.use(.libpq, records: 3) { stage in
            let server = stage.rows.server
            try await stage.migrate("run", "--yes", exit: 77, saying: ["does not exist: run `migrate setup`"])
            try await stage.migrate("setup", "--yes")
            let wrongs: [(changes: [String: String], exit: Int32, words: [String])] = [
                (["MYSQL_PASSWORD": "Wrong-password-1"], 77, ["MySQL at", "check MYSQL_USER, MYSQL_PASSWORD"]),
                (["MYSQL_HOST": "nowhere.invalid"], 69, ["MYSQL_HOST nowhere.invalid"]),
                (
                    ["MYSQL_HOST": server.plainHost, "MYSQL_PORT": "\(server.plainPort)"], 77,
                    ["the server offers no TLS"]
                ),
                (["MYSQL_SSL_CA": server.strangerAuthority], 77, ["MYSQL_SSL_CA"]),
                (["MYSQL_TABLE": "absent"], 77, ["absent", "MYSQL_TABLE"]),
                (["MYSQL_ID_COLUMN": "absent"], 77, ["absent", "MYSQL_ID_COLUMN"]),
                (["MYSQL_TENANT_COLUMN": "absent"], 77, ["absent", "MYSQL_TENANT_COLUMN"]),
                (["MYSQL_CONTENT_COLUMN": "absent"], 77, ["absent", "MYSQL_CONTENT_COLUMN"]),
                (["QDRANT_API_KEY": "wrong-key-0123456789"], 77, ["QDRANT_API_KEY"]),
                (["OPENAI_EMBEDDING_DIMENSIONS": "256"], 77, ["cannot take these points", "needed 256", "found 1536"]),
                (["QDRANT_COLLECTION_NAME": "absent"], 77, ["absent does not exist: run `migrate setup`"]),
            ]
            for wrong in wrongs {
                try await stage.migrate(
                    "run",
                    "--new",
                    "--yes",
                    exit: wrong.exit,
                    saying: wrong.words,
                    with: wrong.changes
                )
            }
            try await stage.migrate("jobs", saying: ["There is no job yet"])
            try await stage.migrate("status", exit: 1, saying: ["there is no job yet"])
            try await stage.migrate(
                "check",
                exit: 69,
                saying: ["FAIL  MySQL", "FAIL  OpenAI", "FAIL  Qdrant", "ok    Tracking", "ok    Tokenizer"],
                with: [
                    "MYSQL_TABLE": "absent", "OPENAI_API_KEY": "sk-wrong-0123456789",
                    "QDRANT_API_KEY": "wrong-key-0123456789",
                ]
            )
        }
    }

    @Test func `tracking SQL of another version is refused by every command, and nothing is begun`() async throws {
        try await Stage.use(.libpq, records: 3) { stage in
            try await stage.migrate("setup", "--yes")
            let ours = SchemaInstaller.version
            try await stage.database.announce(version: ours + 1, minClient: ours + 1)
            let words = ["the tracking SQL is version \(ours + 1), too new for this program (\(ours))"]
            try await stage.migrate("run", "--yes", exit: 77, saying: words)
            try await stage.migrate("worker", "--job", "1", exit: 77, saying: words)
            try await stage.migrate("cancel", "--yes", exit: 77, saying: words)
            try await stage.migrate("retry", exit: 77, saying: words)
            try await stage.migrate("quota", exit: 77, saying: words)
            try await stage.migrate("verify", exit: 77, saying: words)
            try await stage.migrate("setup", "--yes", exit: 77, saying: words)
            #expect(try await stage.database.run("SELECT count(*) FROM public.ingestion_job") == [["0"]])

            // A newer one that still serves this program is used as it is.
            try await stage.database.announce(version: ours + 1, minClient: ours)
            try await stage.migrate("setup", "--yes", saying: ["version \(ours + 1)", "left as it is"])
            try await stage.migrate("run", "--yes", saying: ["3 processed"])
            let answer = try await stage.database.run("SELECT public.schema_version() ->> 'version'")
            #expect(answer == [["\(ours + 1)"]])
        }
    }

    @Test func `a wrong key of OpenAI stops the job with everything kept`() async throws {
        try await Stage.use(.libpq, records: 12, ["BATCH_SIZE": "5"]) { stage in
            try await stage.migrate("setup", "--yes")
            try await stage.migrate(
                "run",
                "--yes",
                exit: 77,
                saying: ["key", "Everything is kept"],
                with: ["OPENAI_API_KEY": "sk-wrong-0123456789"]
            )
            #expect(try await stage.stats(job: 1).failedRecords == 0)
            try await stage.migrate("run", "--resume", saying: ["12 processed"])
            try await stage.migrate("verify", saying: ["nothing is missing"])
        }
    }

    @Test func `an empty account stops the job, costs no record and no attempt, and the next run completes`()
        async throws
    {
        try await Stage.use(.libpq, records: 100, ["BATCH_SIZE": "5", "MAX_WORKERS": "2", "MAX_RETRIES": "0"]) {
            stage in
            stage.embedder.update { $0.latency = .milliseconds(200) }
            try await stage.migrate("setup", "--yes")
            async let first = stage.migrate("run", "--yes", exit: 77, saying: ["no credit left", "Everything is kept"])
            try await stage.wait { try await stage.stats(job: 1).completed >= 2 }
            stage.embedder.update { $0.isOutOfMoney = true }
            _ = try await first
            let left = try await stage.stats(job: 1)
            #expect(left.completed >= 2 && left.completed < 20, "stopped in the middle")
            #expect(left.failed == 0 && left.failedRecords == 0)
            #expect(left.job?.status.isOpen == true)
            try await stage.migrate("status", saying: ["Next: `migrate run` goes on with it"])
            try await stage.migrate("verify", exit: 75, saying: ["(running): not finished", "not worked on yet"])
            // A new job that cannot be begun does not cost the old one.
            let absent = ["MYSQL_CONTENT_COLUMN": "absent"]
            try await stage.migrate("run", "--new", "--yes", exit: 77, saying: ["MYSQL_CONTENT_COLUMN"], with: absent)
            #expect(try await stage.stats(job: 1).job?.status.isOpen == true)

            stage.embedder.update {
                $0.isOutOfMoney = false
                $0.latency = .zero
            }
            try await stage.migrate("run", "--resume", saying: ["100 processed"])
            try await stage.migrate("verify", saying: ["nothing is missing"])
        }
    }

    @Test func `blank and absurd settings are named all at once`() async throws {
        let program = try Program()
        defer { program.remove() }
        let absurd = [
            "MYSQL_HOST": " ", "MYSQL_USER": "", "MYSQL_PASSWORD": "Hush-hush-1", "MYSQL_DATABASE": "d",
            "MYSQL_PORT": "abc", "MYSQL_TABLE": "a.b.c", "MYSQL_SSL": "maybe", "MYSQL_SSL_CA": "/nowhere.pem",
            "OPENAI_API_KEY": "", "OPENAI_BASE_URL": "ftp://x", "OPENAI_TPM": "1e6", "QDRANT_URL": "qdrant",
            "BATCH_SIZE": "-5", "MAX_WORKERS": "99999999999999999999", "MAX_RETRIES": "3.5",
            "WORKER_POLL_INTERVAL": "nan", "WORKER_HEARTBEAT_INTERVAL": "inf", "BATCH_TIMEOUT_MINUTES": "0",
            "PARENT_CHUNK_SIZE": "0x10", "CHUNK_SIZE": "16", "CHUNK_OVERLAP": "16",
            "SPARSE_LANGUAGE": "klingon", "TOKENIZER_VOCABULARY": "/nowhere", "POSTGRES_URL": "mysql://x",
        ]
        let ended = try await program.run("run", environment: absurd)
        #expect(ended.status == 78)
        for name in absurd.keys where !["MYSQL_PASSWORD", "MYSQL_DATABASE", "CHUNK_SIZE"].contains(name) {
            #expect(ended.error.contains(name), "\(name)? \(ended.error)")
        }
        #expect(!ended.error.contains("Hush-hush-1"))
    }

    @Test(arguments: [["run", "--limit", "0"], ["run", "--dry-run", "--limit=-1"], ["plan", "--limit", "0"]])
    func `a limit of nothing is wrong usage`(arguments: [String]) async throws {
        let program = try Program()
        defer { program.remove() }
        let ended = try await program.run(arguments)
        #expect(ended.status == 64)
        #expect(ended.error.contains("--limit must be at least 1"))
    }

    @Test func `an empty table is a sentence, and a condition that nothing meets as well`() async throws {
        try await Stage.use(.libpq, records: 0) { stage in
            try await stage.migrate("setup", "--yes")
            for command in ["run", "plan"] {
                try await stage.migrate(command, exit: 1, saying: ["has no rows: there is nothing to migrate"])
            }
            try await stage.rows.run("INSERT INTO ip_summary VALUES (1, 'm', 'text')")
            try await stage.migrate("run", "--where", "id > 1", exit: 1, saying: ["no rows where id > 1"])
            try await stage.migrate("run", "--where", "id >", exit: 77, saying: ["--where"])
            try await stage.migrate("jobs", saying: ["There is no job yet"])
        }
    }

    @Test func `a huge text, broken UTF-8, NUL bytes, emoji and the largest ids are processed or failed with a reason`()
        async throws
    {
        try await Stage.use(.libpq, records: 0, ["BATCH_SIZE": "4", "MAX_RETRIES": "0"]) { stage in
            try await stage.rows.run(
                "ALTER TABLE ip_summary MODIFY parse_content LONGBLOB",
                "INSERT INTO ip_summary VALUES (1, 'm', REPEAT('x', 20000000)), (2, 'm', X'610062'), (3, 'm', '😀🏳️‍🌈 ok')",
                "INSERT INTO ip_summary VALUES (4, 'm', X'FFFE41'), (5, 'm', X'0000'), (6, '😀', 'whose'), (7, '', 'nobody')",
                "INSERT INTO ip_summary VALUES (9007199254740993, 'm', 'odd'), (9223372036854775807, 'm', 'the last')"
            )
            try await stage.migrate("setup", "--yes")
            let dry = try await stage.migrate("run", "--dry-run", "--json")
            #expect(dry.out.contains(#""code":"too_long""#) && dry.out.contains(#""code":"invalid_utf8""#))
            try await stage.migrate("run", "--yes", exit: 1, saying: ["9 planned", "2 failed", "0 missing"])
            #expect(try await failures(stage) == [1: "too_long", 4: "invalid_utf8"])
            try await stage.migrate(
                "failures",
                saying: ["20000000 bytes, more than MAX_RECORD_BYTES", "not valid UTF-8"]
            )
            try await stage.migrate("verify", exit: 1, saying: ["2 records failed", "2 recorded"])
            let points = try stage.points()
            #expect(try await points.points(of: [9_223_372_036_854_775_807], owner: stage.owner).count == 2)
            let neighbours: [RecordID] = [9_007_199_254_740_993, 9_007_199_254_740_992]
            #expect(try await points.points(of: neighbours, owner: stage.owner).count == 2)

            try await stage.rows.run("UPDATE ip_summary SET parse_content = 'mended' WHERE id = 4")
            try await stage.migrate("retry", "--record", "1", "--record", "4", saying: ["2 records in"])
            try await stage.migrate("run", "--resume", exit: 1, saying: ["9 planned", "1 failed"])
            #expect(try await failures(stage) == [1: "too_long"])
            try await stage.migrate("verify", exit: 1, saying: ["1 record failed", "1 recorded"])
            let stats = try await stage.stats(job: 1)
            #expect(stats.processed + stats.skipped == 8 && stats.equal == true)
        }
    }

    @Test func `an id that Postgres cannot hold is refused with a sentence`() async throws {
        try await Stage.use(.libpq, records: 0) { stage in
            try await stage.rows.run(
                "ALTER TABLE ip_summary MODIFY id BIGINT UNSIGNED",
                "INSERT INTO ip_summary VALUES (7, 'm', 'fits'), (18446744073709551615, 'm', 'does not')"
            )
            try await stage.migrate("setup", "--yes")
            try await stage.migrate("check", exit: 69, saying: ["FAIL  MySQL", "9223372036854775807"])
            try await stage.migrate("run", "--yes", exit: 77, saying: ["above 9223372036854775807", "--where"])
            try await stage.migrate("jobs", saying: ["There is no job yet"])
            try await stage.migrate("run", "--yes", "--where", "id <= 9223372036854775807", saying: ["1 processed"])
        }
    }

    @Test func `what is lost behind its back is found and mended, and the lists tell it`() async throws {
        try await Stage.use(.libpq, records: 12, ["BATCH_SIZE": "5"]) { stage in
            try await stage.migrate("setup", "--yes")
            // The shortest lease there is.
            stage.embedder.update { $0.latency = .milliseconds(2_500) }
            try await stage.migrate("run", "--yes", saying: ["12 processed"], with: ["WORKER_HEARTBEAT_INTERVAL": "1"])
            stage.embedder.update { $0.latency = .zero }
            let stats = try await stage.stats(job: 1)
            #expect(stats.claims == 3 && stats.reaps == 0, "a batch outlives its lease by its signs of life")
            let history = try await stage.history(job: 1)
            let claimed = try #require(history.first { $0.kind == "claimed" }?.moment)
            let completed = try #require(history.last { $0.kind == "completed" }?.moment)
            #expect(completed.timeIntervalSince(claimed) > 4, "the lease was four seconds")

            let job = try #require(lines(try await stage.migrate("jobs", "--json")).first)
            #expect(job["id"] as? Int == 1 && job["status"] as? String == "completed")
            let status = try #require(lines(try await stage.migrate("status", "--json")).first)
            #expect(status["processed"] as? Int == 12)

            let store = try stage.points()
            let ids = try await stage.rows.values("SELECT id FROM ip_summary ORDER BY id").compactMap(Int64.init)
            let lost = try #require(try await store.points(of: [ids[4]], owner: stage.owner).last)
            try await store.delete([lost])
            let paid = stage.embedder.totals.texts
            let found = try await stage.migrate("verify", "--json", exit: 1)
            #expect(found.out.contains("\(ids[4])"))
            try await stage.migrate("verify", "--repair", saying: ["1 repaired"])
            #expect(stage.embedder.totals.texts <= paid + 4, "one text, and three to look at the server")
            try await stage.migrate("verify", saying: ["nothing is missing", "12 right"])
        }
    }

    /// Open failures of the newest job: record → code.
    private func failures(_ stage: Stage) async throws -> [Int: String] {
        let failures = try lines(try await stage.migrate("failures", "--json"))
        return failures.reduce(into: [:]) { $0[$1["record_id"] as? Int ?? 0] = $1["code"] as? String }
    }

    private func lines(_ ended: Program.Result) throws -> [[String: Any]] {
        try ended.out.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }
}

extension EventSummary {
    /// When it happened, by the database's clock.
    var moment: Date? {
        try? Date(at, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
