import Migration
import Testing

@testable import Adapters

/// What a person has to fix is said at once by real servers, and not waited for as if it might pass.
@Suite(.needs(.mysql)) struct `A mistake in the settings` {
    static let conditions = [
        "nosuch(id)", "id = (SELECT 1 UNION SELECT 2)", "(id, 1) = (SELECT 1)", "COUNT(*) > 1", "id = nope", "id ===",
        "id IN (SELECT x FROM nowhere)", "id IN (SELECT x FROM nowhere.t)", "member_code REGEXP '('",
        "member_code COLLATE utf8mb4_bin = 'x' COLLATE utf8mb4_general_ci", "member_code COLLATE nonsense = 'x'",
        "CONVERT(member_code USING nonsense) = ''", "id = @@nonsense", "ABS(1, 2) = 1", "SUBSTRING() = ''",
        "id - 18446744073709551615 > 0", "member_code LIKE 'x' ESCAPE 'ab'", "UUID_TO_BIN('x') = ''", "id = t.u.v.w",
    ]

    @Test(arguments: MySQLServer.atHand) func `in a condition ends a run at once`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            try await database.run("INSERT INTO t VALUES (1, 'm', 'x')")
            for condition in Self.conditions {
                let source = try database.source { $0.where = condition }
                let failure = await portFailure { try await source.highestID() }
                // Of a function that does not exist a reader hears that he may not execute it.
                let isSaid = failure?.kind == .rejected || failure?.kind == .unauthorised
                #expect(isSaid, "\(condition): \(failure?.detail ?? "nothing")")
            }
        }
    }

    @Test(arguments: MySQLServer.atHand) func `in a view is rejected at once`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            try await database.run("CREATE VIEW v AS SELECT * FROM t", "DROP TABLE t")
            let failure = await portFailure { try await database.source { $0.table = "v" }.highestID() }
            #expect(failure?.kind == .rejected && failure?.code == "1356")
        }
    }
}
