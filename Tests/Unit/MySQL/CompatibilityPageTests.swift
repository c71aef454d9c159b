import Foundation
import Migration
import Testing

@testable import Adapters

/// `docs/compatibility.md` says what the program does: each row of its table of codes is asked.
@Suite struct `The page on compatibility` {
    struct Row: Sendable, CustomTestStringConvertible {
        let who: String
        let code: UInt32
        let state: String
        let then: String
        var testDescription: String { "\(who) \(code) (\(state)): \(then)" }

        /// Nil for a row of another table.
        init?(_ line: Substring) {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 5, let code = UInt32(cells[1]), cells[2].count == 5 else { return nil }
            (who, self.code, state, then) = (cells[0], code, cells[2], cells[4])
        }
    }

    static func rows() throws -> [Row] {
        let page = URL(filePath: #filePath).appending(path: "../../../../docs/compatibility.md").standardizedFileURL
        return try String(contentsOf: page, encoding: .utf8).split(separator: "\n").compactMap(Row.init)
    }

    @Test func `says of each MySQL code what is done with it`() throws {
        let rows = try Self.rows()
        #expect(rows.count > 60, "the table was not found")
        for row in rows {
            let code = MySQLErrorCode(rawValue: row.code)
            let then =
                switch code.kind(state: row.state) {
                case .unavailable: code.isDeadLink ? "new connection" : "waited for"
                case .unclassified: "two minutes"
                case .rejected, .unauthorised: "a person"
                case .throttled, .outcomeUnknown, .outOfMoney, .full, .cancelled: "never"
                }
            #expect(then == row.then, "\(row.testDescription)")
        }
    }

    @Test func `names every code that is in a list because of a cluster or a proxy`() throws {
        let named = Set(try Self.rows().map(\.code))
        for code in [1047, 3032, 3169, 8022, 8027, 8028, 9001, 9002, 9003, 9004, 9005, 9006, 9007] as [UInt32] {
            #expect(named.contains(code), "\(code)")
        }
    }
}
