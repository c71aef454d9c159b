import Foundation
import Migration
import Testing

@testable import Adapters

/// The SQL of an older version (`sql-1`, `sql-3`), a job at work on it, and then the SQL of now over it.
@Suite(.needs(.postgres)) struct `Tracking SQL of an older version` {
    private static let token = "11111111-0000-4000-8000-000000000000"
    private static let claim = "22222222-0000-4000-8000-000000000000"
    private static let lastClaim = "33333333-0000-4000-8000-000000000000"

    /// Calls as an old program sends them, word for word, and what they answered.
    private static func old(_ call: String, in database: TrackingDatabase) async throws -> [String: Any] {
        let text = try #require(try await database.run("SELECT public.\(call)").first?.first ?? nil)
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private static let open = """
        open_ingestion_job('target', 'hash', '{"model": "m"}', '{"max_retries": 3, "lease_seconds": 120,
            "batch_timeout_seconds": 600, "backoff_base_seconds": 30, "backoff_cap_seconds": 1800, "record_events": true}',
            'old', '\(token)', true)
        """

    private static func claim(_ id: String) -> String {
        "claim_next_batch(1, 'old', '\(id)', 1, 'hash', NULL)"
    }

    private static func finish(_ batch: Int, _ claim: String, _ counts: String, failed: String = "[]") -> String {
        "finish_batch(1, \(batch), 1, '\(claim)', 'completed', '\(counts)', '\(failed)', NULL, NULL)"
    }

    /// A job at work: a batch that is completed with a failure, one that is held, one that waits.
    private static func begin(in database: TrackingDatabase) async throws {
        #expect(try await old(open, in: database)["result"] as? String == "created")
        let page = "append_ingestion_batches(1, 1, '\(token)', NULL, '[[1, 2], [3, 4], [5]]')"
        #expect(try await old(page, in: database)["result"] as? String == "appended")
        _ = try await old("seal_ingestion_plan(1, 1, '\(token)', 5, 5, 5)", in: database)
        let first = "00000000-0000-4000-8000-000000000000"
        _ = try await old(claim(first), in: database)
        let letter = #"[{"record_id": 2, "stage": "upsert", "code": "c", "message": "m", "permanent": true}]"#
        let counts = #"{"processed": 1, "skipped": 0, "failed": 1, "missing": 0}"#
        let finished = try await old(finish(0, first, counts, failed: letter), in: database)
        #expect(finished["result"] as? String == "applied")
        _ = try await old(claim(claim), in: database)
    }

    @Test(arguments: OlderTrackingSQL.versions)
    func `lets a job go on, and still answers the calls of an old program`(older: Int) async throws {
        try await TrackingDatabase.use(version: older) { database in
            try await Self.begin(in: database)
            let version = try await database.installer.apply()
            #expect(version.version == SchemaInstaller.version)

            // The old program is at work, and knows nothing of it.
            let items = """
                [{"batch_number": 1, "attempt": 1, "claim_id": "\(Self.claim)",
                "counts": {"processed": 1, "skipped": 0, "failed": 0, "missing": 0}}]
                """
            let beat = try await Self.old("bump_batch_progress(1, 'old', '\(items)')", in: database)
            #expect((beat["items"] as? [[String: Any]])?.first?["result"] as? String == "ok")
            let counts = #"{"processed": 1, "skipped": 0, "failed": 0, "missing": 1}"#
            let done = try await Self.old(Self.finish(1, Self.claim, counts), in: database)
            #expect(done["result"] as? String == "applied")
            let again = try await Self.old(Self.open, in: database)
            #expect(again["result"] as? String == "resumed")
            #expect(again["role"] as? String == "controller")
            let claimed = try await Self.old(Self.claim(Self.lastClaim), in: database)
            #expect((claimed["batches"] as? [[String: Any]])?.count == 1)
            let renewed = try await Self.old("renew_controller(1, 1, '\(Self.token)')", in: database)
            #expect(renewed["result"] as? String == "ok")

            // So does the new one, on the same job.
            let store = try database.store()
            let stats = try await store.stats(GetIngestionJobStats(job: 1))
            // Failures from before version 2 are not counted: their causes were not stored.
            #expect(stats.serviceFailures == (older == 1 ? 0 : 1) && stats.removed == 0 && stats.failedRecords == 1)
            #expect(stats.job?.servers == JobServers())
            let join = JoinIngestionJob(job: 1, configHash: "hash", controllerId: "new", token: UUID().uuidString)
            #expect(try await store.joinJob(join).result == .resumed)
            let servers = JobServers(points: ["https://q"])
            #expect(try await store.addServers(.init(job: 1, servers: servers)).servers == servers)
            let last = FinishBatch(
                job: 1,
                batchNumber: 2,
                attempt: 1,
                claimId: Self.lastClaim,
                outcome: .completed,
                counts: BatchCounts(missing: 1, removed: 1),
                failedRecords: [],
                retryAfterMs: nil,
                error: nil
            )
            #expect(try await store.finish(last).result == .applied)
            #expect(try await store.finalize(.init(job: 1)).status == .completed)
            let exact = try await store.exactStats(GetIngestionJobStatsExact(job: 1))
            #expect(exact.equal == true && exact.removed == 1 && exact.missing == 2)
        }
    }

    /// File by file, workers call between any two of them.
    @Test(arguments: OlderTrackingSQL.versions)
    func `serves old calls while the new SQL is applied, file by file`(older: Int) async throws {
        try await TrackingDatabase.use(version: older) { database in
            try await Self.begin(in: database)
            for (number, file) in SchemaInstaller.files.enumerated() {
                try await database.run(file.text)
                let id = "444444\(10 + number)-0000-4000-8000-000000000000"
                let claimed = try await Self.old(Self.claim(id), in: database)
                let batches = try #require(claimed["batches"] as? [[String: Any]])
                if let batch = batches.first?["batch_number"] as? Int, let attempt = batches.first?["attempt"] as? Int {
                    let call = "finish_batch(1, \(batch), \(attempt), '\(id)', 'release', NULL, NULL, NULL, NULL)"
                    let released = try await Self.old(call, in: database)
                    #expect(released["result"] as? String == "applied", "after \(file.name)")
                } else {
                    Issue.record("nothing to claim after \(file.name)")
                }
                #expect(
                    try await Self.old(Self.open, in: database)["result"] as? String == "resumed",
                    "after \(file.name)"
                )
                let stats = try await Self.old("get_ingestion_job_stats_exact(1)", in: database)
                #expect(stats["equal"] as? Bool == true, "after \(file.name)")
            }
        }
    }

    @Test(arguments: OlderTrackingSQL.versions) func `becomes the same as a new installation`(older: Int) async throws {
        try await TrackingDatabase.use(version: older) { database in
            try await database.installer.apply()
            let functions = """
                SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid), coalesce(p.proacl::text, '') FROM pg_proc p
                WHERE p.pronamespace = 'public'::regnamespace ORDER BY 1
                """
            let columns = """
                SELECT attrelid::regclass::text, attname, atttypid::regtype::text, attnotnull FROM pg_attribute a
                JOIN pg_class c ON c.oid = attrelid AND c.relnamespace = 'public'::regnamespace
                WHERE attnum > 0 AND NOT attisdropped ORDER BY 1, 2
                """
            try await TrackingDatabase.use { fresh in
                let constraints = """
                    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
                    WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2
                    """
                for query in [functions, columns, constraints] {
                    let isEqual = try await fresh.run(query) == database.run(query)
                    #expect(isEqual)
                }
            }
        }
    }

    /// A kept copy of what an older program had printed, which does not check over what it is applied.
    @Test(arguments: OlderTrackingSQL.versions)
    func `that is pasted over this one is noticed, harms no job, and is put right by setup`(older: Int) async throws {
        try await TrackingDatabase.use { database in
            let catalogue = try await database.run(`The tracking SQL`.catalogue)
            try await Self.begin(in: database)
            for statement in sqlStatements(try OlderTrackingSQL.text(older)) {
                _ = try? await database.run(statement)
            }
            let store = RPCJobStore(
                CheckedTransport(PostgresTransport(try database.login), time: Time(ContinuousClock()))
            )
            let failure = await trackingFailure { _ = try await store.stats(.init(job: 1)) }
            #expect(
                failure?.detail == "the tracking SQL is version \(older), this program needs 4: run `migrate setup`"
            )
            let counts = #"{"processed": 2, "skipped": 0, "failed": 0, "missing": 0}"#
            let done = try await Self.old(Self.finish(1, Self.claim, counts), in: database)
            #expect(done["result"] as? String == "applied")

            try await database.installer.apply()
            let isWhole = try await database.run(`The tracking SQL`.catalogue) == catalogue
            #expect(isWhole)
            #expect(try await store.exactStats(.init(job: 1)).equal == true)
        }
    }

    @Test(arguments: OlderTrackingSQL.versions)
    func `refuses this program in words, before anything is begun`(older: Int) async throws {
        try await TrackingDatabase.use(version: older) { database in
            let store = RPCJobStore(
                CheckedTransport(PostgresTransport(try database.login), time: Time(ContinuousClock()))
            )
            let failure = await trackingFailure {
                _ = try await store.jobs(.init(job: nil, filter: .init(), after: nil, limit: 1))
            }
            #expect(
                failure?.detail == "the tracking SQL is version \(older), this program needs 4: run `migrate setup`"
            )
        }
    }
}
