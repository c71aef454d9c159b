import Foundation
import Migration
import Settings
import Synchronization
import Testing

@testable import Adapters

/// A database of one test's own, on the real server, dropped when the test ends.
struct MySQLTestDatabase: Sendable {
    let name: String
    let server: MySQLServer
    private let admin: MySQLConnection

    /// Makes the database, lends it to `body` and drops it.
    static func use(
        _ server: MySQLServer? = nil,
        _ body: (MySQLTestDatabase) async throws -> Void
    ) async throws {
        // Cases of one test begin all at once, and a server has only so many connections. A call that names no server may nest.
        let isCase = server != nil
        if isCase { await Turns.cases.take() }
        defer { if isCase { Turns.cases.giveBack() } }
        let server = try #require(server ?? TestEnvironment.mysql)
        MySQLHandle.prepareLibrary()
        let name = "migrate_" + UUID().uuidString.replacing("-", with: "").lowercased()
        var options = MySQLOptions(
            host: server.host,
            port: server.port,
            user: server.adminUser,
            password: Secret(server.adminPassword),
            database: ""
        )
        options.tls = .verify(ca: server.authority)
        let database = MySQLTestDatabase(
            name: name,
            server: server,
            admin: MySQLConnection(options, statementTimeout: .seconds(60))
        )
        try await database.run("CREATE DATABASE \(name) CHARACTER SET utf8mb4")
        do { try await body(database) } catch {
            try? await database.run("DROP DATABASE \(name)")
            throw error
        }
        try await database.run("DROP DATABASE \(name)")
    }

    /// Runs statements as the administrator, in this database once it exists.
    func run(_ statements: String...) async throws(PortFailure) {
        let use = statements.first?.hasPrefix("CREATE DATABASE") == true ? [] : ["USE \(name)"]
        try await admin.read { (handle) throws(PortFailure) in
            for sql in ["SET SESSION TRANSACTION READ WRITE"] + use + statements { try handle.execute(sql) }
        }
    }

    /// The first column of a query's rows, as the administrator.
    func values(_ sql: String) async throws(PortFailure) -> [String] {
        try await admin.read { (handle) throws(PortFailure) in
            var values: [String] = []
            try handle.forEachRow(of: sql) { row in values.append(row.string(0) ?? "NULL") }
            return values
        }
    }

    /// Waits, at most about 20 seconds and at the server, until a query of the administrator's has a row.
    func wait(until sql: String) async throws {
        for _ in 0..<200 {
            if try await !values(sql).isEmpty { return }
            _ = try await values("SELECT SLEEP(0.1)")
        }
        Issue.record("never happened: \(sql)")
    }

    /// A table `t` with the usual columns.
    func makeTable(id: String = "BIGINT NOT NULL PRIMARY KEY", content: String = "LONGTEXT") async throws {
        try await run("CREATE TABLE t (id \(id), member_code VARCHAR(64), parse_content \(content))")
    }

    /// How the reader, who may only SELECT, gets at the table `t`.
    func options(_ change: (inout MySQLOptions) -> Void = { _ in }) -> MySQLOptions {
        var options = MySQLOptions(
            host: server.host,
            port: server.port,
            user: server.user,
            password: Secret(server.password),
            database: name,
            table: "t",
            poolSize: 2,
            tls: .verify(ca: server.authority)
        )
        change(&options)
        return options
    }

    func source(_ change: (inout MySQLOptions) -> Void = { _ in }) throws(PortFailure) -> MySQLRecordSource {
        try MySQLRecordSource(options(change))
    }

    func connection() -> MySQLConnection { MySQLConnection(options(), statementTimeout: .seconds(60)) }
}

/// Lets so many go on at a time.
private final class Turns: Sendable {
    static let cases = Turns(8)

    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(_ count: Int) { state = Mutex(State(free: count)) }

    func take() async {
        await withCheckedContinuation { continuation in
            let isMine = state.withLock { state in
                guard state.free == 0 else {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isMine { continuation.resume() }
        }
    }

    func giveBack() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}

/// Why a call failed; nil and a recorded issue when it did not.
func portFailure<Value>(
    of call: () async throws -> Value,
    sourceLocation: SourceLocation = #_sourceLocation
) async -> PortFailure? {
    do {
        _ = try await call()
        Issue.record("it did not fail", sourceLocation: sourceLocation)
        return nil
    } catch {
        if let failure = error as? PortFailure { return failure }
        Issue.record(error, sourceLocation: sourceLocation)
        return nil
    }
}
