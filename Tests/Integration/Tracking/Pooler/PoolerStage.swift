import Foundation
import Migration
import Settings
import Subprocess
import Testing

@testable import Adapters

/// The tests that have the small pooler for themselves: one after the other, because some of them stop it.
@Suite(.needs(.postgres, .pgbouncer), .serialized, .timeLimit(.minutes(10))) enum `Behind PgBouncer` {}

/// A database with the tracking SQL behind a pooler, with two functions that show what a call runs under.
struct PoolerStage: Sendable {
    let database: TrackingDatabase
    /// The pooler's address.
    let url: String

    /// Sets the stage, lends it to `body` and clears it away.
    static func use(
        _ mode: PgBouncerServers.Mode = .small,
        _ body: (Self) async throws -> Void
    ) async throws {
        let pooler = try #require(TestEnvironment.pgbouncer)
        try await TrackingDatabase.use { database in
            try await database.run(
                """
                CREATE FUNCTION public.test_limits() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
                    SELECT jsonb_build_array(current_setting('statement_timeout'), current_setting('lock_timeout')) $$;
                CREATE FUNCTION public.test_sleep(p_seconds float) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
                    SELECT to_jsonb(pg_sleep(p_seconds)::text) $$;
                CREATE TABLE public.test_locked (number int);
                CREATE FUNCTION public.test_lock() RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
                    BEGIN LOCK TABLE public.test_locked; RETURN '1'; END $$
                """
            )
            try await body(Self(database: database, url: pooler.url(mode)))
        }
    }

    /// To the stage's database, or another one, with changes to the address.
    func login(database other: String? = nil, _ change: (inout URLComponents) -> Void = { _ in }) throws
        -> PostgresLogin
    {
        var parts = try #require(URLComponents(string: url))
        parts.path = "/" + (other ?? database.name)
        change(&parts)
        return try PostgresLogin(Secret(try #require(parts.string)), allowsPlaintext: true)
    }

    func transport(_ limits: PostgresConnection.Limits = .init()) throws -> PostgresTransport {
        PostgresTransport(try login(), connectionsMax: 1, limits: limits)
    }

    /// Another application, through the same pooler.
    func stranger() throws -> PostgresConnection { PostgresConnection(try login()) }

    /// Runs a command on the pooler's own console.
    @discardableResult
    func console(_ command: String) async throws -> [[String?]] {
        try await PostgresConnection(try login(database: "pgbouncer")).run(command)
    }

    /// Ends the small pooler and starts it again, on the same port.
    func restart() async throws {
        let servers = try #require(TestEnvironment.pgbouncer).smallServers
        let ended = try await Subprocess.run(
            .name("env"),
            arguments: [TestEnvironment.repository + "/scripts/server/pgbouncer-small", "restart", servers],
            input: .none,
            output: .discarded,
            error: .string(limit: 1 << 16)
        )
        try #require(ended.terminationStatus.isSuccess, "\(ended.standardError)")
    }

    /// Waits, at most about 20 seconds, until a call of `test_sleep` is at work.
    func waitForSleeper() async throws -> Int {
        let observer = PostgresConnection(try database.login)
        for _ in 0..<400 {
            let rows = try await observer.run(
                """
                SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
                    AND query LIKE 'SELECT public.test_sleep%'
                """
            )
            if let pid = rows.first?.first.flatMap(\.self).flatMap({ Int($0) }) { return pid }
            try await ContinuousClock().sleep(for: .milliseconds(50))
        }
        throw PortFailure(.unavailable, "nothing sleeps")
    }
}

extension PostgresTransport {
    /// Calls a function without parameters; the JSON it answers.
    func answer(_ function: String, _ parameters: String = "{}") async throws -> String {
        String(decoding: try await call(function, Data(parameters.utf8)), as: UTF8.self)
    }
}
