import Migration
import Testing

@testable import Adapters

/// `schema_version` looks whether all of its version is there; every command asks it before its first call.
@Suite(.needs(.postgres)) struct `Tracking SQL of which a part is missing` {
    private static func problems(_ database: TrackingDatabase) async throws -> [String] {
        try await PostgresTransport(database.login).inspection().problems
    }

    @Test(arguments: [
        ("DROP TABLE public.ingestion_quota CASCADE", "table ingestion_quota and 2 more are missing"),
        ("DROP TABLE public.ingestion_event", "table ingestion_event is missing"),
        ("DROP VIEW public.ingestion_batch_full", "view ingestion_batch_full is missing"),
        ("ALTER TABLE public.ingestion_job DROP COLUMN servers", "column ingestion_job.servers is missing"),
        ("ALTER TABLE public.ingestion_counter DROP COLUMN removed", "column ingestion_counter.removed is missing"),
        (
            "ALTER TABLE public.ingestion_job RENAME COLUMN opened_token TO t",
            "column ingestion_job.opened_token is missing"
        ),
        ("DROP FUNCTION public.finish_batch", "function finish_batch(bigint, integer, integer, uuid, text, jsonb, "),
        ("DROP FUNCTION public.ingestion_now()", "function ingestion_now() is missing"),
        (
            "DROP FUNCTION public.ingestion_reopen",
            "function ingestion_reopen(public.ingestion_job, public.ingestion_batch, "
        ),
        (
            "ALTER FUNCTION public.recount_ingestion_job RENAME TO mine",
            "function recount_ingestion_job(bigint) is missing"
        ),
        (
            "CREATE SCHEMA aside; ALTER FUNCTION public.claim_next_batch SET SCHEMA aside",
            "function claim_next_batch(bigint, text, uuid, "
        ),
        ("DROP FUNCTION public.ingestion_functions()", "function ingestion_functions() is missing"),
        ("DROP INDEX public.ingestion_job_open", "index ingestion_job_open is missing"),
        ("DROP FUNCTION public.ingestion_missing()", "run `migrate setup`"),
        ("DROP FUNCTION public.schema_version()", "the tracking SQL is not installed: run `migrate setup`"),
    ])
    func `says what, begins nothing, and is whole again after setup`(loss: String, problem: String) async throws {
        try await TrackingDatabase.use { database in
            #expect(try await Self.problems(database) == [])
            let connection = PostgresConnection(try database.login)
            _ = try await connection.run(loss)
            let failure = await trackingFailure {
                let found = try await Self.problems(database)
                #expect(
                    found.count == 1 && found[0].contains(problem) && found[0].contains("`migrate setup`"),
                    "\(found)"
                )
            }
            if let failure { #expect(failure.detail.contains(problem) && failure.detail.contains("migrate setup")) }

            let transport = CheckedTransport(PostgresTransport(try database.login), time: Time(ContinuousClock()))
            let refusal = await trackingFailure {
                _ = try await RPCJobStore(transport).jobs(.init(job: nil, filter: .init(), after: nil, limit: 1))
            }
            #expect(refusal?.kind == .rejected)
            #expect(refusal?.detail.contains("migrate setup") == true, "\(refusal?.detail ?? "")")

            let version = try await database.installer.apply()
            #expect(version == .init(version: SchemaInstaller.version, minClient: 2))
            #expect(try await Self.problems(database) == [])
        }
    }

    /// A newer version of which a part is missing keeps older text away all the same.
    @Test func `is not replaced by an older version`() async throws {
        try await TrackingDatabase.use { database in
            try await NegativeControl.spoil(
                database,
                [.init(passage: #""version": 4, "min_client": 2"#, mistake: #""version": 5, "min_client": 2"#)]
            )
            try await database.run("DROP FUNCTION public.ingestion_missing()")
            let failure = await trackingFailure { try await database.installer.apply() }
            #expect(failure?.detail.contains("version 5, newer than this text (4): nothing was changed") == true)
        }
    }

    /// The lists are complete: whatever is dropped, it is missed.
    @Test func `is missed, whichever part it is`() async throws {
        try await TrackingDatabase.use { database in
            let parts = try await database.run(
                """
                SELECT 'ALTER TABLE public.' || c.relname || ' DROP COLUMN ' || a.attname || ' CASCADE',
                    'column ' || c.relname || '.' || a.attname
                FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
                UNION ALL SELECT 'DROP TABLE public.' || relname || ' CASCADE', 'table ' || relname FROM pg_class
                WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
                UNION ALL SELECT 'DROP INDEX public.' || c.relname, 'index ' || c.relname
                FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'i'
                    AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid)
                UNION ALL SELECT 'DROP FUNCTION ' || p.oid::regprocedure,
                    'function ' || p.proname || '(' || replace(oidvectortypes(p.proargtypes), 'ingestion', 'public.ingestion') || ')'
                FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
                    AND p.proname NOT IN ('schema_version', 'ingestion_missing')
                """
            )
            try #require(parts.count > 150)
            let connection = PostgresConnection(try database.login)
            for part in parts {
                let (loss, name) = (part[0] ?? "", part[1] ?? "")
                let missing = try await connection.run(
                    "BEGIN; \(loss); SELECT '\(name)' = ANY (public.ingestion_missing()); ROLLBACK"
                )
                #expect(missing == [["t"]], "\(loss)")
            }
            #expect(try await connection.run("SELECT coalesce(public.ingestion_missing(), '{}')") == [["{}"]])
        }
    }
}
