import Migration
import Testing

@testable import Adapters

/// Statements that people type in an editor: those that a constraint can refuse name the command that does what was meant.
@Suite(.needs(.postgres)) struct `SQL by hand on the tracking tables` {
    struct Statement: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let sql: String
        /// The constraint that refuses it.
        let constraint: String
    }

    private static let release = "use_migrate_release_not_sql"
    private static let retry = "use_migrate_retry_not_sql"
    private static let repair = "use_migrate_repair_counters_not_sql"
    private static let job = "use_migrate_cancel_or_retry_not_sql"

    private static func batch(_ change: String, _ status: String = "processing") -> String {
        "UPDATE public.ingestion_batch SET \(change) WHERE status = '\(status)'"
    }

    static let statements = [
        // The troubleshooting of the first plan, and what people make of it when it fails.
        Statement(
            testDescription: "stuck batches back to pending",
            sql: batch("status = 'pending', worker_id = NULL, claimed_at = NULL, updated_at = now()"),
            constraint: release
        ),
        Statement(
            testDescription: "with the two columns more that it asks for",
            sql: batch("status = 'pending', worker_id = NULL, lease_expires_at = NULL, deadline_at = NULL"),
            constraint: release
        ),
        Statement(
            testDescription: "with every column of the claim",
            sql: batch(
                """
                status = 'pending', worker_id = NULL, claim_id = NULL, claimed_at = NULL, lease_expires_at = NULL,
                deadline_at = NULL, retry_count = retry_count + 1
                """
            ),
            constraint: release
        ),
        Statement(testDescription: "only the status", sql: batch("status = 'pending'"), constraint: release),
        Statement(testDescription: "only the lease", sql: batch("lease_expires_at = NULL"), constraint: release),
        Statement(testDescription: "only the deadline", sql: batch("deadline_at = NULL"), constraint: release),
        Statement(testDescription: "only the worker", sql: batch("worker_id = NULL"), constraint: release),
        Statement(testDescription: "only the claim", sql: batch("claim_id = NULL"), constraint: release),
        Statement(
            testDescription: "a stuck batch as failed",
            sql: batch("status = 'failed', error_message = 'stuck'"),
            constraint: release
        ),
        Statement(
            testDescription: "a stuck batch as failed, with all its columns",
            sql: batch(
                "status = 'failed', lease_expires_at = NULL, deadline_at = NULL, finished_at = now(), failed_count = record_count"
            ),
            constraint: release
        ),
        Statement(
            testDescription: "a stuck batch as done",
            sql: batch("status = 'completed', processed_count = record_count"),
            constraint: release
        ),
        Statement(
            testDescription: "claimed by hand",
            sql: batch("status = 'processing', worker_id = 'me', claimed_at = now()", "pending"),
            constraint: release
        ),
        Statement(
            testDescription: "failed batches back to pending",
            sql: batch("status = 'pending', retry_count = 0, error_message = NULL", "failed"),
            constraint: retry
        ),
        Statement(
            testDescription: "failed batches back to pending, with their end",
            sql: batch("status = 'pending', retry_count = 0, finished_at = NULL", "failed"),
            constraint: retry
        ),
        Statement(
            testDescription: "completed batches again",
            sql: batch("status = 'pending', finished_at = NULL", "completed"),
            constraint: retry
        ),
        Statement(
            testDescription: "a waiting batch as failed",
            sql: batch("status = 'failed'", "pending"),
            constraint: retry
        ),
        Statement(testDescription: "no retries left", sql: batch("retry_count = 99", "pending"), constraint: retry),
        Statement(
            testDescription: "attempts from 0",
            sql: batch("attempt = 0, retry_count = 1", "failed"),
            constraint: retry
        ),
        Statement(testDescription: "no end", sql: batch("finished_at = NULL", "completed"), constraint: retry),
        Statement(
            testDescription: "other counts",
            sql: batch("processed_count = processed_count + 1", "completed"),
            constraint: repair
        ),
        Statement(testDescription: "no failures", sql: batch("failed_count = 0", "failed"), constraint: repair),
        Statement(
            testDescription: "the job as completed",
            sql: "UPDATE public.ingestion_job SET status = 'completed'",
            constraint: job
        ),
        Statement(
            testDescription: "the job as cancelled",
            sql: "UPDATE public.ingestion_job SET status = 'cancelled', reason = 'by hand'",
            constraint: job
        ),
    ]

    /// A completed batch, a failed one, one at work and one that waits: of version 1 and brought up to date, or new.
    private static func use(older: Bool, _ body: (TrackingDatabase) async throws -> Void) async throws {
        try await TrackingDatabase.use(older: older) { database in
            try await database.run("SELECT public.\(TrackingCalls.open)")
            try await database.run(
                "SELECT public.append_ingestion_batches(1, 1, '\(TrackingCalls.token)', NULL, '[[1], [2], [3], [4]]')"
            )
            try await database.run("SELECT public.\(TrackingCalls.claim(TrackingCalls.claim, limit: 3))")
            let counts = #"'{"processed": 1, "skipped": 0, "failed": 0, "missing": 0}', '[]'"#
            let failed = #"'{"processed": 0, "skipped": 0, "failed": 1, "missing": 0}', '[]'"#
            for (number, outcome, counts) in [(0, "completed", counts), (1, "failed", failed)] {
                try await database.run(
                    "SELECT public.finish_batch(1, \(number), 1, '\(TrackingCalls.claim)', '\(outcome)', \(counts), NULL, NULL)"
                )
            }
            if older { try await database.installer.apply() }
            let states = "SELECT string_agg(status, ' ' ORDER BY batch_number) FROM public.ingestion_batch"
            #expect(try await database.run(states) == [["completed failed processing pending"]])
            try await body(database)
        }
    }

    @Test(arguments: statements, [false, true])
    func `is refused, and the name says what to do`(statement: Statement, older: Bool) async throws {
        try await Self.use(older: older) { database in
            let failure = try #require(await trackingFailure { try await database.run(statement.sql) })
            #expect(failure.code == "23514")
            #expect(failure.detail.contains("\"\(statement.constraint)\""), "\(failure.detail)")
            #expect(try await database.store().exactStats(.init(job: 1)).equal == true)
        }
    }

    /// The check can fail: what the statements of the first plan did to version 1.
    @Test func `was refused without a way out by version 1, or left the counters wrong`() async throws {
        try await TrackingDatabase.use(older: true) { database in
            try await database.run("SELECT public.\(TrackingCalls.open)")
            try await database.run("SELECT public.\(TrackingCalls.append)")
            try await database.run("SELECT public.\(TrackingCalls.claim(TrackingCalls.claim))")
            let failure = await trackingFailure { try await database.run(Self.statements[0].sql) }
            print("version 1 said: \(failure?.detail ?? "")")
            #expect(failure?.detail.contains("ingestion_batch_check") == true)
            try await database.run(Self.statements[1].sql)
            let stats =
                "SELECT public.get_ingestion_job_stats(1) ->> 'processing', public.get_ingestion_job_stats_exact(1) ->> 'equal'"
            #expect(try await database.run(stats) == [["1", "false"]])
        }
    }

    /// The constraints are those of a new installation, and made once.
    @Test(arguments: [false, true]) func `meets the same constraints everywhere`(older: Bool) async throws {
        try await TrackingDatabase.use(older: older) { database in
            try await database.installer.apply()
            let constraints = """
                SELECT oid, conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
                WHERE contype = 'c' AND conrelid IN ('ingestion_job'::regclass, 'ingestion_batch'::regclass) ORDER BY 3
                """
            let before = try await database.run(constraints)
            let names = before.compactMap { $0[2] }
            #expect(
                names.filter { $0.hasPrefix("use_migrate_") }
                    == [Self.job, Self.release, Self.repair, Self.retry].sorted()
            )
            #expect(!names.contains { $0.hasPrefix("ingestion_batch_check") || $0 == "ingestion_job_check" })
            try await database.installer.apply()
            #expect(try await database.run(constraints) == before)
            try await TrackingDatabase.use { fresh in
                let isEqual = try await fresh.run(constraints).map { $0.dropFirst() } == before.map { $0.dropFirst() }
                #expect(isEqual)
            }
        }
    }
}
