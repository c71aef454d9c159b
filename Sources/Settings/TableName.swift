/// A table as `MYSQL_TABLE` names it: `table` or `database.table`, each part as it is or in backticks.
///
/// As it is, a part may hold everything but a dot: spaces, hyphens and quotes need nothing, because SQL gets every name quoted. In
/// backticks it may hold dots too, and two backticks stand for one, as in SQL.
package struct TableName: Sendable, Equatable {
    /// Nil where only the table is named.
    package let database: String?
    package let table: String

    /// Reads a name; nil for more than two parts, and for a backtick that is not closed.
    ///
    /// Whether MySQL allows the parts is another question: `problem(with:)`.
    package init?(_ text: String) {
        var parts: [String] = []
        var rest = text[...]
        while true {
            guard let part = rest.first == "`" ? Self.quotedPart(of: &rest) : Self.plainPart(of: &rest) else {
                return nil
            }
            parts.append(part)
            if rest.isEmpty { break }
            rest.removeFirst()  // the dot
        }
        guard parts.count <= 2, let table = parts.last else { return nil }
        self.table = table
        database = parts.count == 2 ? parts[0] : nil
    }

    /// Why a text cannot be the name of a database, table or column; nil when it can.
    ///
    /// - SeeAlso: MySQL manual, *Schema Object Names*: at most 64 characters, never U+0000, no space at the end.
    package static func problem(with name: String) -> String? {
        if name.isEmpty { return "is empty" }
        if name.unicodeScalars.count > 64 { return "is longer than 64 characters" }
        if name.unicodeScalars.contains("\0") { return "contains a NUL character" }
        return name.hasSuffix(" ") ? "ends with a space" : nil
    }

    /// Up to the next dot, which stays.
    private static func plainPart(of text: inout Substring) -> String? {
        let part = text.prefix { $0 != "." }
        text = text[part.endIndex...]
        return text == "." ? nil : String(part)
    }

    /// What stands between backticks; a dot or nothing must follow.
    private static func quotedPart(of text: inout Substring) -> String? {
        var part = ""
        text.removeFirst()
        while let character = text.popFirst() {
            guard character == "`" else {
                part.append(character)
                continue
            }
            if text.first == "`" {
                part.append("`")
                text.removeFirst()
                continue
            }
            return text.isEmpty || (text.first == "." && text.count > 1) ? part : nil
        }
        return nil
    }
}
