import Foundation
import Migration
import Testing

@testable import Adapters

/// What an operator, a crash or another client does while a call is at work, or before the next one.
enum PoolerFault: String, CaseIterable {
    case reload, reconnect, pauseShort, pauseLong, kill, disable, restart, serverConnectionEnds, serverRefuses
    case poolIsTaken, tooManyClients, queryTimeout, clientIdleTimeout

    /// Whether a call fails because of it.
    ///
    /// The others pass unnoticed: the pooler holds the call, or another connection is opened before anything is sent.
    var isNoticed: Bool {
        switch self {
        case .reload, .reconnect, .pauseShort, .restart, .serverConnectionEnds, .clientIdleTimeout: false
        case .pauseLong, .kill, .disable, .serverRefuses, .poolIsTaken, .tooManyClients, .queryTimeout: true
        }
    }

    /// What the pooler says.
    var words: String? {
        switch self {
        case .pauseLong, .poolIsTaken: "query_wait_timeout"
        case .tooManyClients: "max_client_conn"
        case .queryTimeout: "query timeout"
        default: nil
        }
    }
}

/// Calls through a pooler to which something happens.
struct Trial: Sendable {
    let stage: PoolerStage
    let transport: PostgresTransport

    /// Calls once; why it failed.
    func call() async -> PortFailure? { await trackingFailure { _ = try await transport.answer("schema_version") } }

    /// Whether a call succeeds within about 20 seconds.
    func works() async throws -> Bool {
        for _ in 0..<100 {
            if await call() == nil { return true }
            try await ContinuousClock().sleep(for: .milliseconds(200))
        }
        return false
    }

    /// Causes the fault, calls meanwhile, and takes the cause away.
    ///
    /// - Returns: the failures of the calls.
    func suffer(_ fault: PoolerFault) async throws -> [PortFailure] {
        let name = stage.database.name
        switch fault {
        case .reload: return try await during("RELOAD", then: nil)
        case .reconnect: return try await during("RECONNECT \(name)", then: nil)
        case .pauseShort:
            try await stage.console("PAUSE \(name)")
            async let failure = call()
            try await ContinuousClock().sleep(for: .milliseconds(300))
            try await stage.console("RESUME \(name)")
            return [await failure].compactMap(\.self)
        case .pauseLong: return try await during("PAUSE \(name)", then: "RESUME \(name)")
        case .kill: return try await during("KILL \(name)", then: "RESUME \(name)")
        case .disable:
            // Logged-in clients stay connected; new ones are refused.
            try await stage.console("DISABLE \(name)")
            let fresh = try stage.transport()
            let failure = await trackingFailure { _ = try await fresh.answer("schema_version") }
            try await stage.console("ENABLE \(name)")
            return [failure].compactMap(\.self)
        case .restart:
            try await stage.restart()
            return [await call()].compactMap(\.self)
        case .serverConnectionEnds:
            try await stage.database.run(
                """
                SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """
            )
            return [await call()].compactMap(\.self)
        case .serverRefuses:
            // As a server that is being restarted: the pooler cannot log in, and tries again after `server_login_retry`.
            try await administrate("ALTER DATABASE \(name) ALLOW_CONNECTIONS false")
            try await stage.console("RECONNECT \(name)")
            let failures = [await call(), await call()]
            try await administrate("ALTER DATABASE \(name) ALLOW_CONNECTIONS true")
            return failures.compactMap(\.self)
        case .poolIsTaken:
            let holder = try stage.stranger()
            _ = try await holder.run("BEGIN; SELECT 1")
            let failure = await call()
            _ = try await holder.run("COMMIT")
            return [failure].compactMap(\.self)
        case .tooManyClients:
            return try await withSetting("max_client_conn", "1", instead: "100") {
                let fresh = try stage.transport()
                return await trackingFailure { _ = try await fresh.answer("schema_version") }
            }
        case .queryTimeout:
            return try await withSetting("query_timeout", "1", instead: "0") {
                await trackingFailure { _ = try await transport.answer("test_sleep", #"{"p_seconds": 3.5}"#) }
            }
        case .clientIdleTimeout:
            return try await withSetting("client_idle_timeout", "1", instead: "0") {
                try await ContinuousClock().sleep(for: .milliseconds(2500))
                return await call()
            }
        }
    }

    private func during(_ command: String, then end: String?) async throws -> [PortFailure] {
        try await stage.console(command)
        let failures = [await call(), await call()]
        if let end { try await stage.console(end) }
        return failures.compactMap(\.self)
    }

    /// On one connection to the console: where clients are shut out, another one would be, too.
    private func withSetting(
        _ name: String,
        _ value: String,
        instead: String,
        _ body: () async throws -> PortFailure?
    ) async throws -> [PortFailure] {
        let console = PostgresConnection(try stage.login(database: "pgbouncer"))
        _ = try await console.run("SET \(name) = '\(value)'")
        let failure = try await body()
        _ = try await console.run("SET \(name) = '\(instead)'")
        return [failure].compactMap(\.self)
    }

    /// As the superuser on another database.
    private func administrate(_ sql: String) async throws {
        _ = try await PostgresConnection(try TrackingDatabase.login(stage.database.server.url, database: nil)).run(sql)
    }
}
