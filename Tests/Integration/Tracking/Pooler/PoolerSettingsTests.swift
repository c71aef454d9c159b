import Foundation
import Migration
import Testing

@testable import Adapters

extension `Behind PgBouncer` {
    /// Behind a pooler the clients share the server's connection in turn: what one client sets, another one finds.
    @Suite struct `Time limits` {
        private static let settings = "SELECT name, setting FROM pg_settings ORDER BY name"

        /// The settings that have other values now.
        ///
        /// PL/pgSQL brings some of its own when it is first used: they are not among them.
        private static func changed(_ before: [[String?]], _ after: [[String?]]) -> [[String?]] {
            let names = Set(before.map { $0[0] })
            return after.filter { names.contains($0[0]) && !before.contains($0) }
        }

        @Test(arguments: ["schema_version", "test_limits", "get_ingestion_job_stats", "test_lock", "no_such_function"])
        func `leave no setting behind for the next client`(function: String) async throws {
            try await PoolerStage.use { stage in
                let stranger = try stage.stranger()
                let backend = try await stranger.run("SELECT pg_backend_pid()")
                let before = try await stranger.run(Self.settings)
                let transport = try stage.transport()
                _ = try? await transport.answer(function)
                let after = try await stranger.run(Self.settings)
                #expect(
                    try await stranger.run("SELECT pg_backend_pid()") == backend,
                    "the same connection to the server"
                )
                let changed = Self.changed(before, after)
                #expect(changed == [], "a stranger finds what we have set")
                for limit in ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"] {
                    let isDefault = after.contains([limit, "0"])
                    #expect(isDefault, "\(limit) is not the server's own")
                }
            }
        }

        /// As `migrate setup` does, which has longer limits.
        @Test func `of an installation stay in its own transactions`() async throws {
            try await PoolerStage.use { stage in
                let stranger = try stage.stranger()
                let before = try await stranger.run(Self.settings)
                try await SchemaInstaller(try stage.login()).apply()
                #expect(Self.changed(before, try await stranger.run(Self.settings)) == [])
            }
        }

        /// Another application's `SET`, which its pooler does not take back.
        @Test(arguments: PgBouncerServers.Mode.allCases) func `are ours, whatever a stranger has left`(
            mode: PgBouncerServers.Mode
        ) async throws {
            try await PoolerStage.use(mode) { stage in
                let transport = try stage.transport(.init(statement: .seconds(7), lock: .seconds(3)))
                #expect(try await transport.answer("test_limits") == #"["7s", "3s"]"#)
                let stranger = try stage.stranger()
                _ = try await stranger.run("SET statement_timeout = '40ms'; SET lock_timeout = '30ms'")
                for _ in 0..<3 { #expect(try await transport.answer("test_limits") == #"["7s", "3s"]"#) }
                // Longer than the stranger's limit.
                #expect(try await transport.answer("test_sleep", #"{"p_seconds": 0.2}"#) == #""""#)
                #expect(try await stranger.run("SHOW lock_timeout") == [["30ms"]])
            }
        }

        @Test(arguments: PgBouncerServers.Mode.allCases) func `end a call that takes too long, and the next one works`(
            mode: PgBouncerServers.Mode
        ) async throws {
            try await PoolerStage.use(mode) { stage in
                let transport = try stage.transport(.init(statement: .milliseconds(200)))
                for _ in 0..<2 {
                    let failure = await trackingFailure {
                        _ = try await transport.answer("test_sleep", #"{"p_seconds": 20}"#)
                    }
                    #expect(failure?.code == "57014")
                    #expect(failure?.kind == .unavailable)
                    #expect(try await transport.answer("test_limits") == #"["200ms", "2s"]"#)
                }
            }
        }

        @Test(arguments: PgBouncerServers.Mode.allCases) func `end a wait for a lock, and the next call works`(
            mode: PgBouncerServers.Mode
        ) async throws {
            try await PoolerStage.use(mode) { stage in
                let transport = try stage.transport(.init(lock: .milliseconds(100)))
                let holder = PostgresConnection(try stage.database.login)
                _ = try await holder.run("BEGIN; LOCK TABLE public.test_locked")
                let failure = await trackingFailure { _ = try await transport.answer("test_lock") }
                #expect(failure?.code == "55P03")
                #expect(failure?.kind == .unavailable)
                _ = try await holder.run("COMMIT")
                #expect(try await transport.answer("test_lock") == "1")
            }
        }

        /// PgBouncer counts a query for each time that the server is ready again: a round trip.
        @Test func `cost no round trip and no transaction of their own`() async throws {
            try await PoolerStage.use { stage in
                let transport = try stage.transport()
                for _ in 0..<20 { _ = try await transport.answer("schema_version") }
                let totals = try await stage.console("SHOW STATS_TOTALS")
                let row = try #require(totals.first { $0.first == stage.database.name })
                #expect(row[1] == "20", "transactions: \(row)")
                #expect(row[2] == "20", "round trips: \(row)")
            }
        }
    }
}
