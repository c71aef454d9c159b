import Foundation
import Migration
import Settings
import Testing

@testable import Adapters

/// A database of its own on the test server, with the tracking SQL and a clock that can be moved.
struct TrackingDatabase: Sendable {
    let name: String
    let server: PostgresServer

    /// Makes a database, lends it and drops it.
    static func use(_ body: (Self) async throws -> Void) async throws {
        let database = try await make()
        do { try await body(database) } catch {
            try? await database.drop()
            throw error
        }
        try await database.drop()
    }

    /// Makes a database and installs the SQL; the caller drops it, or leaves it to the end of the throw-away server.
    static func make(installed: Bool = true) async throws -> Self {
        let server = try #require(TestEnvironment.postgres)
        let name = "tracking_" + UUID().uuidString.lowercased().replacing("-", with: "_")
        let database = Self(name: name, server: server)
        try await database.administrate("CREATE DATABASE \(name)")
        if installed { try await database.installer.apply() }
        return database
    }

    func drop() async throws { try await administrate("DROP DATABASE IF EXISTS \(name) WITH (FORCE)") }

    var installer: SchemaInstaller { get throws { SchemaInstaller(try login) } }

    /// The superuser, on this database.
    var login: PostgresLogin { get throws { try Self.login(server.url, database: name) } }

    /// PostgREST's role, on this database.
    var authenticator: PostgresLogin { get throws { try Self.login(server.authenticatorURL, database: name) } }

    func store(connectionsMax: Int = 4) throws -> RPCJobStore {
        RPCJobStore(PostgresTransport(try login, connectionsMax: connectionsMax))
    }

    /// Runs SQL on a fresh connection, for a role if one is given.
    @discardableResult
    func run(_ sql: String, as role: String? = nil) async throws -> [[String?]] {
        let connection = PostgresConnection(try login)
        if let role { _ = try await connection.run("SET ROLE \(role)") }
        return try await connection.run(sql)
    }

    /// Replaces the clock of the functions by one that `advance` moves.
    func makeClockMovable() async throws {
        try await run(
            """
            CREATE TABLE IF NOT EXISTS public.test_clock (shift interval NOT NULL);
            INSERT INTO public.test_clock VALUES ('0');
            CREATE OR REPLACE FUNCTION public.ingestion_now() RETURNS timestamptz LANGUAGE sql STABLE
            AS 'SELECT pg_catalog.now() + shift FROM public.test_clock';
            CREATE OR REPLACE FUNCTION public.ingestion_clock() RETURNS timestamptz LANGUAGE sql VOLATILE
            AS 'SELECT pg_catalog.clock_timestamp() + shift FROM public.test_clock'
            """
        )
    }

    /// Lets the SQL say that it is of another version than it is.
    func announce(version: Int, minClient: Int) async throws {
        try await run(
            """
            CREATE OR REPLACE FUNCTION public.schema_version() RETURNS jsonb LANGUAGE sql
            AS $$ SELECT '{"version": \(version), "min_client": \(minClient)}'::jsonb $$
            """
        )
    }

    /// Lets calls wait long for each other, as on a busy machine; a call that waits for ever is a deadlock.
    func makeLocksPatient() async throws {
        try await run(
            """
            DO $$
            DECLARE
                v_name regprocedure;
            BEGIN
                FOR v_name IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef LOOP
                    EXECUTE format('ALTER FUNCTION %s SET lock_timeout = 30000', v_name);
                END LOOP;
            END
            $$
            """
        )
    }

    func advance(by duration: Duration) async throws {
        try await run("UPDATE public.test_clock SET shift = shift + \(duration / .microseconds(1)) * interval '1 us'")
    }

    /// Runs SQL on the server's own database: what concerns roles, or this database from outside.
    func administrate(_ sql: String) async throws {
        _ = try await PostgresConnection(try Self.login(server.url, database: nil)).run(sql)
    }

    /// The server's address with another database.
    static func login(_ url: String, database: String?) throws -> PostgresLogin {
        var parts = try #require(URLComponents(string: url))
        if let database { parts.path = "/" + database }
        return try PostgresLogin(Secret(try #require(parts.string)), allowsPlaintext: true)
    }
}

/// A job with its plan, for tests that need one and not a story about it.
struct PlannedJob {
    let job: JobID
    let store: RPCJobStore

    static func make(_ store: RPCJobStore, batches: [[RecordID]], settings: JobSettings? = nil) async throws -> Self {
        let token = UUID().uuidString
        let opened = try await store.openJob(
            OpenIngestionJob(
                targetKey: token,
                configHash: "hash",
                config: [:],
                settings: settings ?? JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600),
                controllerId: "test",
                token: token,
                start: true
            )
        )
        let appended = try await store.appendBatches(
            AppendIngestionBatches(
                job: opened.job.id,
                epoch: opened.epoch,
                token: token,
                expectedCursor: nil,
                batches: batches
            )
        )
        let sealed = try await store.sealPlan(
            SealIngestionPlan(
                job: opened.job.id,
                epoch: opened.epoch,
                token: token,
                expectedCursor: appended.cursor,
                upper: appended.cursor,
                sourceCount: nil
            )
        )
        try #require(sealed.result == .sealed)
        return Self(job: opened.job.id, store: store)
    }

    func claim(_ limit: Int = 1) async throws(PortFailure) -> (id: String, batches: [ClaimedBatch]) {
        let id = UUID().uuidString.lowercased()
        let answer = try await store.claim(
            ClaimNextBatch(job: job, worker: "test", claimId: id, limit: limit, configHash: "hash", floor: nil)
        )
        return (id, answer.batches)
    }

    func complete(
        _ batch: ClaimedBatch,
        _ claim: String,
        paid: Migration.Paid = .nothing
    ) async throws(PortFailure) -> FinishBatch.Answer {
        try await store.finish(
            FinishBatch(
                job: job,
                batchNumber: batch.batchNumber,
                attempt: batch.attempt,
                claimId: claim,
                outcome: .completed,
                counts: BatchCounts(processed: batch.recordIds.count, paid: paid),
                failedRecords: [],
                retryAfterMs: nil,
                error: nil
            )
        )
    }

    func exactStats() async throws(PortFailure) -> JobStats {
        try await store.exactStats(GetIngestionJobStatsExact(job: job))
    }
}

/// The failure that a call ends with, or nil when it does not fail.
func trackingFailure(_ body: () async throws -> Void) async -> PortFailure? {
    do {
        try await body()
        return nil
    } catch {
        return error as? PortFailure
    }
}
