import Migration
import Testing

@testable import Adapters

/// Servers and tables as people have them, not as one would make them.
@Suite(.needs(.mysql)) struct `MySQL as it is in the field` {
    @Test(
        arguments: MySQLServer.atHand,
        [
            "my table", "my-table", "my.table", "it's", #"say "hi""#, "back`tick", "select", "таблица", "1", "a;b",
            "#x", "-- x",
            "50%", #"back\slash"#, "a/b", "@x", " x", "☺",
        ]
    )
    func `any name that MySQL allows can be migrated`(server: MySQLServer, name: String) async throws {
        let quoted = "`" + name.replacing("`", with: "``") + "`"
        try await MySQLTestDatabase.use(server) { database in
            try await database.run(
                "CREATE TABLE \(quoted) (\(quoted) INT PRIMARY KEY, `t t` TEXT, `c.c` TEXT)",
                "INSERT INTO \(quoted) VALUES (7, 'm', 'x')"
            )
            let source = try database.source {
                $0.table = quoted
                $0.columns = .init(id: name, tenant: "t t", content: "c.c")
                $0.where = "\(quoted) > 0"
            }
            #expect(try await source.highestID() == 7)
            #expect(try await source.count(through: 9) == 1)
            #expect(try await source.records([7]) == [SourceRecord(id: 7, memberCode: "m", content: .text("x"))])
            let inspection = try await source.inspection()
            #expect(inspection.problems.isEmpty)
            #expect(inspection.facts.contains { $0.hasPrefix("about ") }, "the table is found by its name")
        }
    }

    @Test(arguments: MySQLServer.atHand) func `a database of any name, with or without a default one`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            let name = "\(database.name.prefix(40)) x-y.z'\"`"
            let quoted = "`" + name.replacing("`", with: "``") + "`"
            try await database.run(
                "CREATE DATABASE \(quoted)",
                "CREATE TABLE \(quoted).t (id INT PRIMARY KEY, member_code TEXT, parse_content TEXT)",
                "INSERT INTO \(quoted).t VALUES (7, 'm', 'x')"
            )
            for (table, current) in [("t", name), ("\(quoted).t", ""), ("\(quoted).`t`", "information_schema")] {
                let source = try database.source {
                    $0.table = table
                    $0.database = current
                }
                #expect(try await source.records([7]).count == 1)
                #expect(try await source.inspection().problems.isEmpty)
            }
            try await database.run("DROP DATABASE \(quoted)")
        }
    }

    @Test(
        arguments: MySQLServer.atHand,
        ["latin1", "utf8mb3", "utf8mb4", "utf16", "utf32", "ucs2", "utf16le", "cp1251", "gbk", "sjis", "big5", "ascii"]
    )
    func `a limit counts the bytes that arrive, whatever the column's character set`(
        server: MySQLServer,
        set: String
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable(content: "LONGTEXT CHARACTER SET \(set)")
            try await database.run(
                "INSERT INTO t VALUES (1, 'm', REPEAT('x', 1000)), (2, 'm', REPEAT('x', 1001)), (3, 'm', NULL), (4, 'm', '')"
            )
            let source = try database.source { $0.recordBytesMax = 1_000 }
            #expect(
                try await source.records([1, 2, 3, 4]).map(\.content) == [
                    .text(String(repeating: "x", count: 1_000)), .tooLong(bytes: 1_001), .null, .text(""),
                ]
            )
            #expect(try await source.portions(of: [1, 2, 3, 4], bytesMax: 1_000) == [[1, 2, 3, 4]])
        }
    }

    @Test(arguments: MySQLServer.atHand) func `letters of three bytes count as such in a column that needs fewer`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable(content: "LONGTEXT CHARACTER SET gbk")
            try await database.run("INSERT INTO t VALUES (1, 'm', REPEAT('记', 400)), (2, 'm', REPEAT('记', 300))")
            let records = try await database.source { $0.recordBytesMax = 1_000 }.records([1, 2])
            #expect(records.map(\.content) == [.tooLong(bytes: 1_200), .text(String(repeating: "记", count: 300))])
        }
    }

    @Test(arguments: MySQLServer.atHand) func `a text of 1.5 MB of ASCII in utf32 is under a limit of 4 MB`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable(content: "LONGTEXT CHARACTER SET utf32")
            try await database.run("INSERT INTO t VALUES (1, 'm', REPEAT('x', 1500000))")
            let records = try await database.source().records([1])
            #expect(records.map(\.content) == [.text(String(repeating: "x", count: 1_500_000))])
        }
    }

    @Test(
        arguments: MySQLServer.atHand,
        [
            ("BINARY(4)", "X'61620000'", "ab\0\0", "zero bytes"), ("BINARY(2)", "X'C3A9'", "é", "zero bytes"),
            ("BINARY(2)", "X'FF00'", nil, "zero bytes"),
            ("BINARY(16)", "X'00112233445566778899AABBCCDDEEFF'", nil, "zero bytes"),
            ("VARBINARY(4)", "X'6162'", "ab", "bytes and not text"),
            ("VARBINARY(4)", "X'FF'", nil, "bytes and not text"),
            ("BLOB", "X'C3'", nil, "bytes and not text"), ("TINYBLOB", "X'61'", "a", "bytes and not text"),
            ("CHAR(5)", "'ab'", "ab", "spaces at the end"), ("CHAR(5)", "'ab  '", "ab", "spaces at the end"),
            ("VARCHAR(5)", "'ab '", "ab ", ""), ("INT", "42", "42", ""), ("ENUM('a','b')", "'b'", "b", ""),
        ] as [(String, String, String?, String)]
    )
    func `tenants that are bytes or padded are read as they are, and check says so`(
        server: MySQLServer,
        tenant: (type: String, sql: String, value: String?, warning: String)
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.run(
                "CREATE TABLE t (id INT PRIMARY KEY, member_code \(tenant.type), parse_content TEXT)",
                "INSERT INTO t VALUES (1, \(tenant.sql), 'x')"
            )
            let record = try #require(try await database.source().records([1]).first)
            #expect(record.memberCode == tenant.value)
            #expect(record.content == (tenant.value == nil ? .undecodableTenant : .text("x")))
            let warnings = try await database.source().inspection().facts.filter { $0.hasPrefix("warning") }
            #expect(warnings.count == (tenant.warning.isEmpty ? 0 : 1))
            #expect(tenant.warning.isEmpty || warnings.joined().contains(tenant.warning))
        }
    }
}
