/// A table as `MYSQL_TABLE` names it: `table` or `database.table`, each part plain or in backticks.
///
/// A plain part may contain everything but a dot: spaces, hyphens and quotes are allowed, because SQL gets every name
/// quoted. A part in backticks may also contain dots, and two backticks stand for one, as in SQL.
package struct TableName: Sendable, Equatable {
    /// Nil if only the table is named.
    package let database: String?
    package let table: String

    /// Reads a name; nil if it has more than two parts, or a backtick that is not closed.
    ///
    /// Whether MySQL allows the parts is checked by `problem(with:)`.
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

    /// The text up to the next dot, which is not removed.
    private static func plainPart(of text: inout Substring) -> String? {
        let part = text.prefix { $0 != "." }
        text = text[part.endIndex...]
        return text == "." ? nil : String(part)
    }

    /// The text between backticks; a dot or the end must follow.
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
