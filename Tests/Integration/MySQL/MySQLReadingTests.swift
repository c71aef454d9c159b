import Migration
import Testing

@testable import Adapters

private let servers = MySQLServer.atHand

@Suite(.needs(.mysql)) struct `MySQL records` {
    @Test(arguments: servers) func `ids are exact to the last bit, negative ones included`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            let ids: [RecordID] = [.min, -7, 0, 1, 1 << 53, (1 << 53) + 1, .max - 1, .max]
            let rows = ids.map { "(\($0), 'm', 'text \($0)')" }.joined(separator: ",")
            try await database.run("INSERT INTO t VALUES \(rows)")
            let source = try database.source()
            #expect(try await source.highestID() == .max)
            #expect(try await source.count(through: .max) == 8)
            #expect(try await source.ids(after: nil, through: .max, limit: 100) == ids)
            var paged: [RecordID] = []
            while true {
                let page = try await source.ids(after: paged.last, through: .max, limit: 3)
                paged += page
                if page.count < 3 { break }
            }
            #expect(paged == ids)
            #expect(try await source.records(ids).map(\.id) == ids)
            #expect(
                try await source.records([.max, .min]).map(\.content) == [
                    .text("text \(Int64.min)"), .text("text \(Int64.max)"),
                ]
            )
        }
    }

    @Test(arguments: servers) func `an unsigned id above the largest signed one is refused with a sentence`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable(id: "BIGINT UNSIGNED NOT NULL PRIMARY KEY")
            try await database.run("INSERT INTO t VALUES (9223372036854775807, 'm', 'a')")
            let source = try database.source()
            #expect(try await source.highestID() == .max)
            try await database.run("INSERT INTO t VALUES (9223372036854775808, 'm', 'b')")
            let failure = await portFailure { try await source.highestID() }
            #expect(failure?.kind == .rejected)
            #expect(failure?.detail.contains("9223372036854775807") == true)
            let inspection = try await source.inspection()
            #expect(inspection.problems.count == 1)
        }
    }

    @Test(arguments: servers) func `an id column that holds no integers is refused`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable(id: "VARCHAR(20) PRIMARY KEY")
            try await database.run("INSERT INTO t VALUES ('1', 'm', 'a')")
            let source = try database.source()
            let failure = await portFailure { try await source.highestID() }
            #expect(failure?.kind == .rejected)
            #expect(failure?.detail.contains("integers") == true)
        }
    }

    @Test(arguments: servers) func `an id that occurs twice is refused`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable(id: "BIGINT")
            try await database.run("INSERT INTO t VALUES (1, 'm', 'a'), (1, 'm', 'b'), (NULL, 'm', 'c')")
            let source = try database.source()
            #expect(await portFailure { try await source.ids(after: nil, through: 9, limit: 9) }?.kind == .rejected)
            #expect(await portFailure { try await source.records([1]) }?.kind == .rejected)
        }
    }

    @Test(arguments: servers) func `an empty table has no highest id`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            let source = try database.source()
            #expect(try await source.highestID() == nil)
            #expect(try await source.count(through: .max) == 0)
            #expect(try await source.ids(after: nil, through: .max, limit: 10).isEmpty)
            #expect(try await source.records([1, 2]).isEmpty)
            #expect(try await source.sample(10).isEmpty)
        }
    }

    @Test(arguments: servers) func `texts arrive as they are stored`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            let texts = ["", " ", "a\0b", "😀 ok", "naïve — 日本語", "it's \"quoted\" \\ back", "line\r\nend"]
            for (index, text) in texts.enumerated() {
                let hex = text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                try await database.run("INSERT INTO t VALUES (\(index), 'm😀', CONVERT(X'\(hex)' USING utf8mb4))")
            }
            try await database.run("INSERT INTO t VALUES (100, NULL, 'no tenant'), (101, 'm', NULL)")
            let records = try await database.source().records(Array(0..<10) + [100, 101])
            #expect(records.prefix(texts.count).map(\.content) == texts.map { .text($0) })
            #expect(records.prefix(texts.count).allSatisfy { $0.memberCode == "m😀" })
            #expect(records.suffix(2).map(\.memberCode) == [nil, "m"])
            #expect(records.suffix(2).map(\.content) == [.text("no tenant"), .null])
        }
    }

    @Test(arguments: servers) func `bytes that are not UTF-8 are said to be so, the others are read`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable(content: "LONGBLOB")
            try await database.run(
                "INSERT INTO t VALUES (1, 'm', X'FFFE41'), (2, 'm', X'C3A9'), (3, 'm', X'C3')",
                "ALTER TABLE t MODIFY member_code VARBINARY(9)",
                "INSERT INTO t VALUES (4, X'FF', 'fine')"
            )
            let records = try await database.source().records([1, 2, 3, 4])
            #expect(records.map(\.content) == [.undecodable, .text("é"), .undecodable, .undecodableTenant])
            #expect(records.last?.memberCode == nil)
        }
    }

    @Test(arguments: servers) func `a latin1 column is converted by the server`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable(content: "LONGTEXT CHARACTER SET latin1")
            try await database.run("INSERT INTO t VALUES (1, 'm', 'café €'), (2, 'm', REPEAT('é', 60))")
            let records = try await database.source { $0.recordBytesMax = 100 }.records([1, 2])
            // 60 bytes where they are stored, 120 where they go to.
            #expect(records.map(\.content) == [.text("café €"), .tooLong(bytes: 120)])
        }
    }

    @Test(arguments: servers) func `a tenant may be a number`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.run(
                "CREATE TABLE t (id INT PRIMARY KEY, member_code INT, parse_content TEXT)",
                "INSERT INTO t VALUES (1, 4711, 'x')"
            )
            #expect(try await database.source().records([1]).map(\.memberCode) == ["4711"])
        }
    }

    @Test(arguments: servers) func `a text of 20 MB is not read, one of exactly the limit is`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            try await database.run(
                "INSERT INTO t VALUES (1, 'm', REPEAT('x', 20000000)), (2, 'm', REPEAT('x', 4194304))",
                "INSERT INTO t VALUES (3, 'm', REPEAT('x', 4194305)), (4, 'm', 'short')"
            )
            let records = try await database.source().records([1, 2, 3, 4])
            #expect(
                records.map(\.content) == [
                    .tooLong(bytes: 20_000_000), .text(String(repeating: "x", count: 4_194_304)),
                    .tooLong(bytes: 4_194_305), .text("short"),
                ]
            )
        }
    }

    @Test(arguments: servers) func `long records are read in portions of at most 16 MB`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            for id in 1...6 { try await database.run("INSERT INTO t VALUES (\(id), 'm', REPEAT('x', 3000000))") }
            try await database.run("INSERT INTO t VALUES (7, 'm', REPEAT('x', 20000000)), (8, 'm', NULL)")
            let source = try database.source()
            let portions = try await source.portions(of: Array(1...9), bytesMax: 16_000_000)
            #expect(portions == [[1, 2, 3, 4, 5], [6, 7, 8, 9]], "too long, NULL and vanished ones weigh nothing")
            #expect(try await database.source().records(Array(1...9)).map(\.id) == Array(1...8))
        }
    }

    @Test(arguments: servers) func `a condition limits what is planned and not what is read by id`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            try await database.run(
                "INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'x'), (3, 'a', 'x'), (4, 'c', 'x'), (5, 'b', 'x')"
            )
            let source = try database.source { $0.where = "member_code = 'a' OR member_code = 'c'" }
            #expect(try await source.highestID() == 4)
            #expect(try await source.count(through: 3) == 2)
            #expect(try await source.ids(after: 1, through: 5, limit: 10) == [3, 4])
            #expect(try await source.records([1, 2]).map(\.id) == [1, 2])
        }
    }

    @Test(arguments: servers) func `a condition that is not SQL is refused and named`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            let source = try database.source { $0.where = "member_code ===" }
            let failure = await portFailure { try await source.highestID() }
            #expect(failure?.kind == .rejected)
            #expect(failure?.detail.contains("--where") == true)
        }
    }

    @Test(arguments: servers) func `names that need quoting and another database work`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.run(
                "CREATE TABLE `select` (`or``der` INT PRIMARY KEY, `group` TEXT, `текст; --` TEXT)",
                "INSERT INTO `select` VALUES (1, 'm', 'x')"
            )
            let source = try database.source {
                $0.database = "information_schema"
                $0.table = "\(database.name).select"
                $0.columns = .init(id: "or`der", tenant: "group", content: "текст; --")
            }
            #expect(try await source.highestID() == 1)
            #expect(try await source.records([1]).first?.content == .text("x"))
            #expect(try await source.inspection().problems.isEmpty)
        }
    }

    @Test(arguments: servers) func `a sample is spread over the range of ids`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            let ids = (0..<500).map { Int64($0) * 1_000_000_000_000_007 - 4_000 }
            let rows = ids.map { "(\($0), 'm', 'x')" }.joined(separator: ",")
            try await database.run("INSERT INTO t VALUES \(rows)")
            let source = try database.source()
            let sample = try await source.sample(120).map(\.id)
            #expect(sample.count == 120)
            #expect(sample == Set(sample).sorted())
            #expect(sample.first == ids.first)
            #expect(sample.last.map { $0 > ids[480] } == true)
            #expect(try await source.sample(1_000).count <= 500)
            #expect(try await source.sample(1).count == 1)
        }
    }
}
