import Migration
import Synchronization
import Testing

@testable import Adapters

/// The SQL is applied again at any time: with every program that is started, and over every older version.
@Suite(.needs(.postgres)) struct `Tracking SQL that is applied again` {
    private static let locks = """
        SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'
            AND relation::regclass::text LIKE '%ingestion%'
            AND mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock') ORDER BY 1
        """

    /// And what version 1 locked when it was applied over itself.
    @Test(arguments: [false, true]) func `locks nothing that a call would wait for`(older: Bool) async throws {
        try await TrackingDatabase.use(older: older) { database in
            let sql = older ? try OlderTrackingSQL.text() : SchemaInstaller.files.map(\.text).joined(separator: "\n")
            let connection = PostgresConnection(try database.login)
            _ = try await connection.run("BEGIN; \(sql)")
            let locks = try await connection.run(Self.locks)
            _ = try await connection.run("ROLLBACK")
            #expect(locks == (older ? [["AccessExclusiveLock"], ["ShareLock"], ["ShareUpdateExclusiveLock"]] : []))
        }
    }

    private static let additions =
        ["job", "batch", "batch_ids", "failure", "counter", "event", "quota", "runner"].map {
            "ALTER TABLE public.ingestion_\($0) ADD COLUMN weight integer NOT NULL DEFAULT 1"
        } + [
            "CREATE INDEX mine ON public.ingestion_batch (error_code)",
            "COMMENT ON TABLE public.ingestion_job IS 'mine'",
            "ALTER TABLE public.ingestion_batch SET (autovacuum_enabled = off)",
            "CREATE VIEW public.mine AS SELECT * FROM public.ingestion_batch_full",
            """
            CREATE OR REPLACE VIEW public.ingestion_batch_full WITH (security_invoker = true) AS
            SELECT b.*, i.record_ids, i.record_ids[1] AS start_id, i.record_ids[cardinality(i.record_ids)] AS end_id, 1 AS later
            FROM public.ingestion_batch b
            JOIN public.ingestion_batch_ids i USING (job_id, batch_number)
            """,
        ]

    @Test(arguments: additions)
    func `goes over what a later version or a person has added`(addition: String) async throws {
        try await TrackingDatabase.use { database in
            try await database.run(addition)
            let version = try await database.installer.apply()
            #expect(version.version == SchemaInstaller.version)
            let plan = try await PlannedJob.make(database.store(), batches: [[1, 2]])
            let (claim, batches) = try await plan.claim()
            #expect(try await plan.complete(try #require(batches.first), claim).result == .applied)
            #expect(try await database.run("SELECT record_ids FROM public.ingestion_batch_full") == [["{1,2}"]])
        }
    }

    @Test(arguments: [
        "DROP VIEW public.ingestion_batch_full", "DROP INDEX public.ingestion_batch_claimable",
        "DROP INDEX public.ingestion_job_open", "ALTER TABLE public.ingestion_job DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE public.ingestion_counter DROP COLUMN removed", "DROP TABLE public.ingestion_quota CASCADE",
        "ALTER TABLE public.ingestion_batch_ids ALTER COLUMN record_ids SET STATISTICS 100",
        "DROP FUNCTION public.finish_batch", "DROP TABLE public.ingestion_event CASCADE",
        "DROP INDEX public.ingestion_failure_batch, public.ingestion_batch_given_up, public.ingestion_batch_in_flight",
        "DROP VIEW public.ingestion_progress, public.ingestion_workers", "DROP TABLE public.ingestion_runner CASCADE",
        "DROP VIEW public.ingestion_failure_groups", "DROP TABLE public.ingestion_counter CASCADE",
        "DROP POLICY ingestion_reader ON public.ingestion_batch",
        "REVOKE SELECT ON public.ingestion_progress FROM ingestion_reader",
        "DROP FUNCTION public.report_runner, public.list_ingestion_runners",
    ])
    func `makes again what is missing`(loss: String) async throws {
        let made = """
            SELECT c.relname, c.relrowsecurity::text, c.relacl::text, coalesce(pg_get_indexdef(i.indexrelid), '')
            FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace
            UNION ALL SELECT a.attrelid::regclass::text || '.' || a.attname, a.attstattarget::text, '', ''
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relnamespace = 'public'::regnamespace
            WHERE a.attnum > 0 AND NOT a.attisdropped
            UNION ALL SELECT p.oid::regprocedure::text, p.proacl::text, '', '' FROM pg_proc p
            WHERE p.pronamespace = 'public'::regnamespace
            UNION ALL SELECT polrelid::regclass::text || ' policy', polname, '', '' FROM pg_policy ORDER BY 1
            """
        try await TrackingDatabase.use { database in
            let before = try await database.run(made)
            try await database.run(loss)
            let isLost = try await database.run(made) != before
            #expect(isLost)
            try await database.installer.apply()
            let isWhole = try await database.run(made) == before
            #expect(isWhole)
        }
    }

    /// A job with batches of one record, made as version 1 could make it, too.
    private static func plan(_ batches: Int, in database: TrackingDatabase) async throws -> PlannedJob {
        let page = (0..<batches).map { "[\($0)]" }.joined(separator: ", ")
        let append = "append_ingestion_batches(1, 1, '\(TrackingCalls.token)', NULL, '[\(page)]')"
        for call in [TrackingCalls.open, append] { try await database.run("SELECT public.\(call)") }
        return PlannedJob(job: 1, store: try database.store())
    }

    /// Whether the workers are to end.
    private final class End: Sendable {
        private let flag = Mutex(false)
        var isReached: Bool { flag.withLock { $0 } }
        func reach() { flag.withLock { $0 = true } }
    }

    /// Claims, heartbeats, releases and reads, over and over.
    ///
    /// - Returns: how many rounds it was, and what failed.
    private static func work(
        _ plan: PlannedJob,
        _ database: TrackingDatabase,
        until end: End
    ) async throws -> (rounds: Int, failures: [String]) {
        let mine = PlannedJob(job: plan.job, store: try database.store(connectionsMax: 1))
        let reader = PostgresConnection(try database.login)
        var rounds = 0
        var failures: [String] = []
        while !end.isReached {
            do throws(PortFailure) {
                let (claim, batches) = try await mine.claim(2)
                for batch in batches {
                    let item = HeartbeatItem(
                        batchNumber: batch.batchNumber,
                        attempt: batch.attempt,
                        claimId: claim,
                        counts: BatchCounts()
                    )
                    _ = try await mine.store.heartbeat(.init(job: mine.job, worker: "test", items: [item]))
                    let release = FinishBatch(
                        job: mine.job,
                        batchNumber: batch.batchNumber,
                        attempt: batch.attempt,
                        claimId: claim,
                        outcome: .released,
                        counts: nil,
                        failedRecords: [],
                        retryAfterMs: nil,
                        error: nil
                    )
                    _ = try await mine.store.finish(release)
                }
                _ = try await mine.store.resetStuck(.init(job: mine.job, limit: 10, full: true))
                _ = try await reader.run("SELECT count(*) FROM public.ingestion_batch_full")
                rounds += 1
            } catch {
                failures.append(error.detail)
            }
        }
        return (rounds, failures)
    }

    /// Over itself and over version 1, while workers call: no call fails, none waits for a deadlock.
    @Test(arguments: [false, true]) func `while workers call disturbs none of them`(older: Bool) async throws {
        try await TrackingDatabase.use(older: older) { database in
            let plan = try await Self.plan(40, in: database)
            let end = End()
            let applications = TestEnvironment.isLong ? 400 : 12
            let done = try await withThrowingTaskGroup(of: (rounds: Int, failures: [String]).self) { group in
                for _ in 0..<4 { group.addTask { try await Self.work(plan, database, until: end) } }
                var failure: (any Error)?
                do {
                    let installer = try database.installer
                    for _ in 0..<applications { try await installer.apply() }
                } catch { failure = error }
                end.reach()
                let done = try await group.reduce(into: []) { $0.append($1) }
                if let failure { throw failure }
                return done
            }
            #expect(done.flatMap(\.failures) == [])
            #expect(done.allSatisfy { $0.rounds > 0 })
            let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            #expect(try await database.run(deadlocks) == [["0"]])
            #expect(try await plan.exactStats().equal == true)
        }
    }

    /// A backup reads every table in one transaction, for hours: what has nothing to change passes it, an upgrade says so.
    @Test(arguments: [false, true])
    func `passes a backup, or waits for it without holding others up`(older: Bool) async throws {
        try await TrackingDatabase.use(older: older) { database in
            let plan = try await Self.plan(2, in: database)
            let backup = PostgresConnection(try database.login)
            _ = try await backup.run("BEGIN; LOCK TABLE public.ingestion_job IN ACCESS SHARE MODE")
            if !older {
                try await database.installer.apply()
                _ = try await backup.run("ROLLBACK")
                return
            }
            async let version = database.installer.apply()
            for _ in 0..<3 {
                let (claim, batches) = try await plan.claim()
                for batch in batches { #expect(try await plan.complete(batch, claim).result == .applied) }
            }
            _ = try await backup.run("ROLLBACK")
            #expect(try await version.version == SchemaInstaller.version)
        }
    }
}
