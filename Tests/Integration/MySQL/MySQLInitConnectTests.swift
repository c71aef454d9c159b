import Migration
import Testing

@testable import Adapters

/// What a server does to a session before its client can say anything.
///
/// `init_connect` is the whole server's, and meets the sessions of other tests too: each statement is one they survive.
@Suite(.needs(.mysql)) struct `A server's init_connect` {
    static let statements = [
        "SET NAMES utf8", "SET NAMES utf8mb3", "SET NAMES latin1", "SET NAMES gbk", "SET NAMES ascii",
        "SET NAMES binary", "SET character_set_results = NULL", "SET character_set_results = latin1",
        "SET character_set_client = latin1", "SET autocommit = 0", "SET sql_select_limit = 1",
        "SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'", "SET sql_mode = ''",
        "SET sql_mode = 'ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES'",
    ]

    @Test(arguments: MySQLServer.atHand) func `changes nothing about what is read`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            try await database.run(
                "ALTER TABLE t MODIFY member_code CHAR(8)",
                "INSERT INTO t VALUES (1, 'm😀', '😀 ok'), (2, 'm', 'naïve')"
            )
            var read: [(String, Result<[SourceRecord], any Error>)] = []
            for statement in Self.statements {
                try await database.run("SET GLOBAL init_connect = '\(statement.replacing("'", with: "''"))'")
                do { read.append((statement, .success(try await database.source().records([1, 2])))) } catch {
                    read.append((statement, .failure(error)))
                }
            }
            try await database.run("SET GLOBAL init_connect = ''")
            let stored = [
                SourceRecord(id: 1, memberCode: "m😀", content: .text("😀 ok")),
                SourceRecord(id: 2, memberCode: "m", content: .text("naïve")),
            ]
            for (statement, result) in read {
                switch result {
                case .success(let records): #expect(records == stored, "\(statement)")
                case .failure(let error): Issue.record(error, "\(statement)")
                }
            }
        }
    }
}
