import CTrackingSQL

/// The statements of `sql/sqlite/`, embedded at build time, by their names; and the text that makes the tables.
package struct SQLiteStatements: Sendable {
    /// One file of `sql/sqlite/`.
    package struct File: Sendable, Equatable {
        package let name: String
        package let text: String
    }

    /// The files in order.
    package static var files: [File] {
        (0..<sqlite_sql_file_count).map { index in
            let file = unsafe sqlite_sql_file_at(index)
            let text = unsafe UnsafeBufferPointer(start: file.text, count: file.length)
            return unsafe File(name: String(cString: file.name), text: String(decoding: text, as: UTF8.self))
        }
    }

    package static let embedded = Self(files)

    private static let mark = "-- name: "

    /// Makes all tables and indexes; may be run again.
    let schema: String
    private let byName: [String: String]

    /// Reads files: the first makes the tables, the others consist of named statements.
    package init(_ files: [File]) {
        schema = files.first?.text ?? ""
        var byName: [String: String] = [:]
        for file in files.dropFirst() {
            var name: String?
            for line in file.text.split(separator: "\n", omittingEmptySubsequences: false) {
                if line.hasPrefix(Self.mark) {
                    let next = String(line.dropFirst(Self.mark.count))
                    precondition(byName[next] == nil, "sql/sqlite/ has two statements \(next)")
                    byName[next] = ""
                    name = next
                } else if let name {
                    byName[name, default: ""] += line + "\n"
                }
            }
        }
        self.byName = byName
    }

    package var names: [String] { byName.keys.sorted() }

    /// The text of a statement; the program names only those that are there, which a test compares.
    subscript(name: String) -> String {
        guard let text = byName[name] else { preconditionFailure("sql/sqlite/ has no statement \(name)") }
        return text
    }
}
