import Foundation
import Migration
import Testing

@testable import Adapters

/// A database with one running, sealed job of a million batches, in one of the conditions that plans have to stand.
///
/// The rows are made by the server, in seconds: appending them by the functions would take minutes.
struct MillionBatches: Sendable {
    enum Condition: String, CaseIterable, Sendable {
        /// Nothing done yet, statistics up to date.
        case fresh
        /// Statistics of the first thousand batches: a plan that grew after the last ANALYZE.
        case staleStatistics
        /// The first 100,000 are completed while an open transaction keeps their old row versions.
        case pinnedHorizon
        /// Four of five wait for their next try.
        case backoff
    }

    static let batches = 1_000_000
    /// What the worker of `pinnedHorizon` has completed.
    static let finished = 100_000

    let database: TrackingDatabase
    /// Where a worker's last claim left off.
    let floor: ClaimFloor?
    /// Keeps the horizon.
    private let holder: PostgresConnection?

    /// The database in this condition, made when first asked for.
    ///
    /// It is shared by all tests that ask and left to the end of the throw-away server: what they change is little.
    static func inCondition(_ condition: Condition) async throws -> Self {
        switch condition {
        case .staleStatistics: try await stale.value
        case .fresh: try await fresh.value
        case .pinnedHorizon: try await pinned.value
        case .backoff: try await backoff.value
        }
    }

    private static let stale = Task { Self(database: try await load("-3600 + n / 1000.0"), floor: nil, holder: nil) }

    private static let fresh = Task {
        let database = try await stale.value.database.copy()
        try await run("ANALYZE", database)
        return Self(database: database, floor: nil, holder: nil)
    }

    private static let pinned = Task {
        let database = try await fresh.value.database.copy()
        let holder = PostgresConnection(try database.login)
        _ = try await holder.run(
            """
            SET idle_in_transaction_session_timeout = 0;
            BEGIN ISOLATION LEVEL REPEATABLE READ;
            SELECT count(*) FROM public.ingestion_job
            """
        )
        try await run(finishing, database)
        let last = try await database.run(
            """
            SELECT public.ingestion_iso(next_retry_at) FROM public.ingestion_batch WHERE batch_number = \(finished - 1)
            """
        )
        let floor = ClaimFloor(nextRetryAt: try #require(last[0][0]), batchNumber: finished - 1)
        return Self(database: database, floor: floor, holder: holder)
    }

    /// Every fifth may be claimed now; the others within the next half hour.
    private static let backoff = Task {
        let database = try await load("CASE WHEN n % 5 = 0 THEN -3600 + n / 500 ELSE 60 + n % 1800 END")
        try await run("ANALYZE", database)
        return Self(database: database, floor: nil, holder: nil)
    }

    /// Explains what a worker does here.
    func explaining() throws -> (PlannedJob, ExplainingConnection) {
        let connection = ExplainingConnection(try database.login)
        return (PlannedJob(job: 1, store: RPCJobStore(connection)), connection)
    }

    private static func load(_ secondsFromNow: String) async throws -> TrackingDatabase {
        let database = try await TrackingDatabase.make()
        func rows(_ numbers: String) -> String {
            """
            INSERT INTO public.ingestion_batch (job_id, batch_number, record_count, next_retry_at)
            SELECT 1, n, 1, now() + make_interval(secs => \(secondsFromNow)) FROM generate_series(\(numbers)) n;
            INSERT INTO public.ingestion_batch_ids SELECT 1, n, ARRAY[n::bigint] FROM generate_series(\(numbers)) n;
            """
        }
        try await run(
            """
            ALTER TABLE public.ingestion_batch SET (autovacuum_enabled = false);
            ALTER TABLE public.ingestion_batch_ids SET (autovacuum_enabled = false);
            SET session_replication_role = replica; -- the rows refer to each other by construction
            INSERT INTO public.ingestion_job (target_key, status, config_hash, config, plan_sealed_at, next_batch_number,
                total_batches, total_records)
            VALUES ('gate', 'running', 'hash', '{}', now(), \(batches), \(batches), \(batches));
            INSERT INTO public.ingestion_counter (job_id, shard) SELECT 1, s FROM generate_series(0, 15) s;
            \(rows("0, 999"))
            ANALYZE;
            \(rows("1000, \(batches - 1)"))
            """,
            database
        )
        return database
    }

    /// Claims and completes the first batches, two hours to half an hour ago, as rows see it.
    private static let finishing = """
        UPDATE public.ingestion_batch SET status = 'processing', attempt = 1, claim_id = gen_random_uuid(),
            worker_id = 'w', claimed_at = now() - make_interval(secs => 7200 - batch_number * 0.054),
            lease_expires_at = now(), deadline_at = now()
        WHERE batch_number < \(finished);
        UPDATE public.ingestion_batch SET status = 'completed', last_outcome = 'completed', lease_expires_at = NULL,
            deadline_at = NULL, finished_at = now(), processed_count = record_count
        WHERE batch_number < \(finished)
        """

    /// Runs SQL that may take longer than production lets a statement take.
    private static func run(_ sql: String, _ database: TrackingDatabase) async throws {
        _ = try await PostgresConnection(try database.login, .init(statement: .seconds(120))).run(sql)
    }
}

extension TrackingDatabase {
    /// A second database with the same content; no client may be connected to the first.
    fileprivate func copy() async throws -> Self {
        let copy = Self(name: "tracking_" + UUID().uuidString.lowercased().replacing("-", with: "_"), server: server)
        let connection = PostgresConnection(
            try Self.login(server.url, database: nil),
            .init(statement: .seconds(120))
        )
        _ = try await connection.run("CREATE DATABASE \(copy.name) TEMPLATE \(name) STRATEGY file_copy")
        return copy
    }
}
