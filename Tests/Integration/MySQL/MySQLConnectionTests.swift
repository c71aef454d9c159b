import Migration
import Settings
import Synchronization
import Testing

@testable import Adapters

private let servers = MySQLServer.atHand

@Suite(.needs(.mysql)) struct `A MySQL connection` {
    @Test(arguments: servers) func `refuses a wrong password without repeating it`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            let source = try database.source { $0.password = Secret("hunter2") }
            let failure = await portFailure { try await source.highestID() }
            #expect(failure?.kind == .unauthorised)
            #expect(failure?.detail.contains("MYSQL_PASSWORD") == true)
            #expect(failure?.detail.contains("hunter2") == false)
        }
    }

    @Test(arguments: servers) func `a host that does not exist or does not listen is unavailable`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            let nobody = try database.source { $0.port = 1 }
            let refused = await portFailure { try await nobody.highestID() }
            #expect(refused?.kind == .unavailable)
            #expect(refused?.detail.contains("MYSQL_HOST and MYSQL_PORT") == true)
            let unknown = try database.source { $0.host = "no-such-host.invalid" }
            let failure = await portFailure { try await unknown.highestID() }
            #expect(failure?.kind == .unavailable)
            #expect(failure?.detail.contains("no-such-host.invalid") == true)
        }
    }

    @Test(arguments: servers) func `a missing database, table or column is rejected by name`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            try await database.run("INSERT INTO t VALUES (1, 'm', 'x')")
            let noDatabase = await portFailure { try await database.source { $0.database = "nowhere" }.highestID() }
            #expect(noDatabase?.kind == .rejected)
            #expect(noDatabase?.detail.contains("MYSQL_DATABASE") == true)
            let noTable = await portFailure { try await database.source { $0.table = "nothing" }.highestID() }
            #expect(noTable?.kind == .rejected)
            #expect(noTable?.detail.contains("MYSQL_TABLE") == true)
            let noColumn = await portFailure {
                try await database.source { $0.columns.content = "absent" }.records([1])
            }
            #expect(noColumn?.kind == .rejected)
            #expect(noColumn?.detail.contains("absent") == true)
        }
    }

    @Test(arguments: servers) func `cannot change anything`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            // As the administrator, whose grants would allow it: the session does not.
            let options = database.options {
                $0.user = database.server.adminUser
                $0.password = Secret(database.server.adminPassword)
            }
            let connection = MySQLConnection(options, statementTimeout: .seconds(10))
            for sql in ["INSERT INTO t VALUES (1, 'm', 'x')", "DELETE FROM t", "UPDATE t SET member_code = 'x'"] {
                let failure = await portFailure {
                    try await connection.read { (handle) throws(PortFailure) in try handle.execute(sql) }
                }
                #expect(failure?.code == "1792")
            }
            let two = await portFailure {
                try await connection.read { (handle) throws(PortFailure) in try handle.execute("DO 1; DO 2") }
            }
            #expect(two?.code == "1064")
        }
    }

    @Test(arguments: servers) func `reads again from the beginning when it was killed in the middle`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await fill(database)
            let rounds = Rounds()
            let count = try await database.connection().read { (handle) throws(PortFailure) in
                let isFirst = rounds.next() == 1
                var count = 0
                try handle.forEachRow(of: Self.long) { (_) throws(PortFailure) in
                    count += 1
                    if isFirst, count == 10 { try Self.kill("CONNECTION", handle.threadID, database) }
                }
                return count
            }
            #expect(rounds.count == 2)
            #expect(count == 10_000)
        }
    }

    @Test(arguments: servers) func `a stream that ends by an error is an error`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await fill(database)
            let rounds = Rounds()
            let failure = await portFailure {
                try await database.connection().read { (handle) throws(PortFailure) in
                    var count = 0
                    try handle.forEachRow(of: Self.long) { (_) throws(PortFailure) in
                        count += 1
                        if count == 10 {
                            _ = rounds.next()
                            try Self.kill("QUERY", handle.threadID, database)
                        }
                    }
                }
            }
            #expect(failure?.kind == .unavailable)
            #expect(failure?.code == "1317")
            #expect(rounds.count == 1)
        }
    }

    @Test(arguments: servers) func `opens anew after the server has closed it for idleness`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            let connection = database.connection()
            let first = try await connection.read { (handle) throws(PortFailure) in
                try handle.execute("SET SESSION wait_timeout = 1")
                return handle.threadID
            }
            let alive = "SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = \(first)"
            try await database.wait(until: "SELECT 1 WHERE NOT EXISTS (\(alive))")
            let second = try await connection.read { (handle) throws(PortFailure) in
                try handle.execute("DO 0")
                return handle.threadID
            }
            #expect(second != first)
        }
    }

    @Test(arguments: servers) func `cancelling ends the statement at the server and leaves the connection usable`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await fill(database)
            let connection = database.connection()
            let id = try await connection.read { (handle) throws(PortFailure) in handle.threadID }
            let endless = "SELECT SUM(a.id * f.id + b.id) FROM t a, t b, t c, t d, t e, t f"
            let query = Task {
                await portFailure {
                    try await connection.read { (handle) throws(PortFailure) in try handle.execute(endless) }
                }
            }
            let running = "SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = \(id) AND COMMAND = 'Query'"
            try await database.wait(until: running)
            query.cancel()
            #expect(await query.value?.kind == .cancelled)
            let idle = "SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = \(id) AND COMMAND = 'Sleep'"
            try await database.wait(until: idle)
            let again = try await connection.read { (handle) throws(PortFailure) in
                try handle.execute("DO 0")
                return handle.threadID
            }
            #expect(again == id)
        }
    }

    @Test(arguments: servers) func `a cancelled task does not begin`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            let source = try database.source()
            let task = Task {
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                return await portFailure { try await source.records([1]) }
            }
            #expect(await task.value?.kind == .cancelled)
            #expect(try await source.records([1]).isEmpty)
        }
    }

    @Test(arguments: servers) func `a statement that takes too long is ended by the server`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await fill(database)
            let connection = MySQLConnection(database.options(), statementTimeout: .seconds(1))
            let failure = await portFailure {
                try await connection.read { (handle) throws(PortFailure) in
                    try handle.execute("SELECT SUM(a.id * f.id + b.id) FROM t a, t b, t c, t d, t e, t f")
                }
            }
            #expect(failure?.kind == .unavailable)
            #expect(["1969", "3024"].contains(failure?.code))
        }
    }

    @Test(arguments: servers) func `many readers share the pool`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await fill(database)
            let source = try database.source { $0.poolSize = 3 }
            let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<40 { group.addTask { try await source.records(Array(0..<100)).count } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(counts == Array(repeating: 100, count: 40))
            let query = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = '\(database.name)' AND USER = "
            let open = try await database.values("\(query)'\(database.server.user)'")
            #expect((1...3).contains(open.first.flatMap { Int($0) } ?? 0))
        }
    }

    /// 10,000 rows of 2 kB: more than fits into the buffers on the way.
    private static let long = "SELECT a.id, REPEAT('x', 2000) FROM t a, t b"

    /// A table of 100 rows.
    private func fill(_ database: MySQLTestDatabase) async throws {
        try await database.makeTable()
        let rows = (0..<100).map { "(\($0), 'm', 'x')" }.joined(separator: ",")
        try await database.run("INSERT INTO t VALUES \(rows)")
    }

    private static func kill(
        _ what: String,
        _ id: UInt,
        _ database: MySQLTestDatabase
    ) throws(PortFailure) {
        try MySQLHandle.open(database.options(), statementTimeout: .seconds(5)).execute("KILL \(what) \(id)")
    }
}

/// Counts how often something began.
private final class Rounds: Sendable {
    private let value = Mutex(0)
    var count: Int { value.withLock { $0 } }

    func next() -> Int {
        value.withLock {
            $0 += 1
            return $0
        }
    }
}
