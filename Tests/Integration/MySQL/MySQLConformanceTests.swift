import Conformance
import Migration
import Testing

@testable import Adapters

@Suite(.needs(.mysql)) struct `The MySQL source` {
    @Test(arguments: RecordSourceConformance.Rule.allCases, MySQLServer.atHand)
    func `keeps the record-source rules`(rule: RecordSourceConformance.Rule, server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await RecordSourceConformance { rows in
                try await database.run("DROP TABLE IF EXISTS t")
                try await database.makeTable()
                if !rows.isEmpty {
                    let values = rows.map { "(\($0.id), \(literal($0.memberCode)), \(literal($0.content)))" }
                    try await database.run("INSERT INTO t VALUES \(values.joined(separator: ","))")
                }
                return try database.source { $0.recordBytesMax = RecordSourceConformance.bytesMax }
            }.check(rule)
        }
    }
}

/// A text as SQL without any quoting rule to get wrong.
private func literal(_ text: String?) -> String {
    guard let text else { return "NULL" }
    let digits = text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    return "_utf8mb4 X'\(digits.joined())'"
}
