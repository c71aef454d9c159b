import Foundation
import Migration
import Settings
import Testing

@testable import Adapters

/// A dashboard's role, as `docs/operations.md` has it: it logs in by itself, reads, and does nothing else.
@Suite(.needs(.postgres)) struct `A role that reads the tables of the tracking` {
    private static let views = [
        "ingestion_progress", "ingestion_workers", "ingestion_failure_groups", "ingestion_batch_full",
    ]
    private static let tables = [
        "ingestion_job", "ingestion_batch", "ingestion_batch_ids", "ingestion_failure", "ingestion_counter",
        "ingestion_event", "ingestion_runner",
    ]

    /// Lends a database with a job at work, and the connection of a new role.
    private static func use(
        granted: String? = "GRANT ingestion_reader TO",
        _ body: (TrackingDatabase, PostgresConnection) async throws -> Void
    ) async throws {
        let name = "dashboard_" + UUID().uuidString.lowercased().prefix(8)
        let database = try await TrackingDatabase.make()
        try await database.run("CREATE ROLE \(name) LOGIN PASSWORD 'secret'")
        if let granted { try await database.run("\(granted) \(name)") }
        var failure: (any Error)?
        do {
            let plan = try await PlannedJob.make(database.store(), batches: [[1, 2], [3]])
            let (claim, batches) = try await plan.claim()
            _ = try await plan.fail(#require(batches.first), claim)
            _ = try await plan.claim()
            let report = RunnerReport(host: "h", workers: 1, held: 0, batches: 0, records: 0, state: "running")
            _ = try await plan.store.reportRunner(ReportRunner(job: plan.job, runner: "h:1", report: report))
            var parts = try #require(URLComponents(string: database.server.url))
            (parts.user, parts.password, parts.path) = (name, "secret", "/" + database.name)
            let address = Secret(try #require(parts.string))
            try await body(database, PostgresConnection(try PostgresLogin(address, allowsPlaintext: true)))
        } catch { failure = error }
        try await database.drop()
        try await database.administrate("DROP ROLE \(name)")
        if let failure { throw failure }
    }

    @Test func `sees every table and view`() async throws {
        try await Self.use { _, dashboard in
            for name in Self.views + Self.tables {
                let rows = try await dashboard.run("SELECT count(*) > 0 FROM public.\(name)")
                #expect(rows == [["t"]], "\(name)")
            }
            #expect(try await dashboard.run("SELECT count(*) FROM public.ingestion_quota") == [["0"]])
        }
    }

    @Test func `writes nothing`() async throws {
        try await Self.use { _, dashboard in
            for name in Self.tables + ["ingestion_quota"] {
                for sql in [
                    "DELETE FROM public.\(name)", "TRUNCATE public.\(name)",
                    "DO $$ BEGIN LOCK TABLE public.\(name); END $$",
                    "INSERT INTO public.\(name) DEFAULT VALUES", "ALTER TABLE public.\(name) ADD COLUMN x integer",
                    "DROP TABLE public.\(name)",
                ] {
                    let failure = await trackingFailure { _ = try await dashboard.run(sql) }
                    #expect(failure?.code == "42501", "\(sql)")
                }
            }
            for sql in [
                "UPDATE public.ingestion_job SET status = 'cancelled'",
                "UPDATE public.ingestion_batch SET status = 'pending'",
                "DELETE FROM public.ingestion_progress", "DELETE FROM public.ingestion_workers",
                "SELECT nextval('public.ingestion_job_id_seq')",
                "SELECT * FROM public.ingestion_batch FOR UPDATE", "SELECT * FROM public.ingestion_job FOR SHARE",
            ] {
                let failure = await trackingFailure { _ = try await dashboard.run(sql) }
                #expect(failure != nil, "\(sql)")
            }
        }
    }

    @Test func `calls no function`() async throws {
        try await Self.use { database, dashboard in
            let calls = try await database.run(
                """
                SELECT format('SELECT public.%I(%s)', p.proname, array_to_string(ARRAY(
                    SELECT 'NULL::' || format_type(t, NULL) FROM unnest(p.proargtypes) t), ', '))
                FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND NOT p.proisstrict
                """
            )
            try #require(calls.count > 40)
            for call in calls {
                let sql = try #require(call.first ?? nil)
                let failure = await trackingFailure { _ = try await dashboard.run(sql) }
                #expect(failure?.code == "42501", "\(sql)")
            }
        }
    }

    /// No membership: refused outright.
    ///
    /// A grant by mistake: no row, because row level security knows one role only.
    @Test(arguments: [nil, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO"])
    func `is the one that is granted, no other`(granted: String?) async throws {
        try await Self.use(granted: granted) { _, dashboard in
            for name in Self.views + Self.tables {
                if granted == nil {
                    let failure = await trackingFailure { _ = try await dashboard.run("SELECT * FROM public.\(name)") }
                    #expect(failure?.code == "42501", "\(name)")
                } else {
                    let rows = try await dashboard.run("SELECT count(*) FROM public.\(name)")
                    #expect(rows == [["0"]], "\(name)")
                }
            }
        }
    }

    @Test(arguments: ["anon", "authenticated"]) func `is not the one of the web`(role: String) async throws {
        try await Self.use { database, _ in
            for name in Self.views + Self.tables {
                let failure = await trackingFailure {
                    _ = try await database.run("SELECT * FROM public.\(name)", as: role)
                }
                #expect(failure?.code == "42501", "\(role) \(name)")
            }
        }
    }
}

extension PlannedJob {
    /// Completes a batch with every record failed.
    func fail(
        _ batch: ClaimedBatch,
        _ claim: String,
        code: String = "point_refused",
        paid: Migration.Paid = .nothing
    ) async throws(PortFailure) -> FinishBatch.Answer {
        try await store.finish(
            FinishBatch(
                job: job,
                batchNumber: batch.batchNumber,
                attempt: batch.attempt,
                claimId: claim,
                outcome: .completed,
                counts: BatchCounts(failed: batch.recordIds.count, paid: paid),
                failedRecords: batch.recordIds.map {
                    FailedRecord(recordId: $0, stage: .upsert, code: code, message: "no \($0)", permanent: $0 == 2)
                },
                retryAfterMs: nil,
                error: nil
            )
        )
    }
}
