import Migration
import Settings
import Testing

@testable import Adapters

private let servers = MySQLServer.atHand

@Suite(.needs(.mysql)) struct `Inspecting a MySQL table` {
    @Test(arguments: servers) func `finds everything in order`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            try await database.run("INSERT INTO t VALUES (42, 'm', 'text')")
            let inspection = try await database.source().inspection()
            #expect(inspection.problems.isEmpty)
            #expect(inspection.product.hasPrefix("M"))
            #expect(!server.isBeside || inspection.product.hasPrefix("MySQL "), "\(inspection.product)")
            let facts = inspection.facts.joined(separator: "\n")
            for part in ["id bigint", "member_code varchar(64)", "parse_content longtext", "rows", "highest id 42"] {
                #expect(facts.contains(part))
            }
            #expect(facts.contains("a sample row of 4 bytes can be read"))
            #expect(!facts.contains("warning"))
        }
    }

    @Test(arguments: servers) func `warns of an unsigned id and of one that is not the primary key`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.run(
                "CREATE TABLE t (id INT UNSIGNED, member_code TEXT, parse_content TEXT, k INT, PRIMARY KEY (id, k))"
            )
            let warnings = try await database.source().inspection().facts.filter { $0.hasPrefix("warning") }
            #expect(warnings.count == 2)
        }
    }

    @Test(arguments: servers) func `names every missing column with its setting`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.run("CREATE TABLE t (id INT PRIMARY KEY)")
            let problems = try await database.source().inspection().problems
            #expect(problems.count == 2)
            #expect(problems.first?.contains("MYSQL_TENANT_COLUMN") == true)
            #expect(problems.last?.contains("MYSQL_CONTENT_COLUMN") == true)
        }
    }

    @Test(arguments: servers) func `names a missing table`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            let problems = try await database.source().inspection().problems
            #expect(problems.count == 1)
            #expect(problems.first?.contains("MYSQL_TABLE") == true)
        }
    }

    @Test(arguments: servers) func `names a missing grant`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            let user = String(database.name.suffix(30))
            try await database.run(
                "CREATE USER '\(user)'@'%' IDENTIFIED BY 'Secret-1'",
                "CREATE TABLE other (id INT)",
                "GRANT SELECT ON other TO '\(user)'@'%'"
            )
            let inspection = try await database.source {
                $0.user = user
                $0.password = Secret("Secret-1")
            }.inspection()
            try await database.run("DROP USER '\(user)'@'%'")
            #expect(inspection.problems.count == 1)
            #expect(inspection.problems.first?.contains("grant SELECT") == true)
        }
    }
}
