import Migration
import Settings

/// The names and the condition that go into SQL as text, checked and quoted; ids are integers and need neither.
struct MySQLNames: Sendable, Equatable {
    /// The name in the setting, without any quotes.
    let name: TableName
    /// Quoted, with its database if one was given.
    let table: String
    let id: String
    let tenant: String
    let content: String
    /// ` AND (expression)`, or nothing.
    let condition: String

    /// - Throws: `rejected`, with the name of the setting and what is wrong with it.
    init(_ options: MySQLOptions) throws(PortFailure) {
        guard let name = TableName(options.table) else {
            throw PortFailure(
                .rejected,
                "MYSQL_TABLE is `table` or `database.table`; put a name that has a dot itself into backticks"
            )
        }
        self.name = name
        var quoted: [String] = []
        for part in [name.database, name.table].compactMap(\.self) {
            quoted.append(try Self.quoted(part, setting: "MYSQL_TABLE"))
        }
        table = quoted.joined(separator: ".")
        id = try Self.quoted(options.columns.id, setting: "MYSQL_ID_COLUMN")
        tenant = try Self.quoted(options.columns.tenant, setting: "MYSQL_TENANT_COLUMN")
        content = try Self.quoted(options.columns.content, setting: "MYSQL_CONTENT_COLUMN")
        if let expression = options.where {
            if let problem = Self.problem(inCondition: expression) {
                throw PortFailure(.rejected, "--where is not one SQL expression: \(problem)")
            }
            condition = " AND (\(expression))"
        } else {
            condition = ""
        }
    }

    /// A name in backticks, with inner ones doubled: the only way to write any name, including keywords.
    static func quoted(_ name: String, setting: String) throws(PortFailure) -> String {
        if let problem = TableName.problem(with: name) {
            throw PortFailure(.rejected, "a name in \(setting) \(problem)")
        }
        var quoted = "`"
        for scalar in name.unicodeScalars {
            quoted.unicodeScalars.append(scalar)
            if scalar == "`" { quoted.unicodeScalars.append(scalar) }
        }
        return quoted + "`"
    }

    /// Why a text cannot be one expression in parentheses; nil when it can.
    ///
    /// This check keeps an honest mistake from changing the meaning of a page of ids (`1) OR (1`, a comment that
    /// swallows the rest). Against worse there are the account's SELECT-only grant, the read-only session, and the
    /// protocol, which takes one statement at a time.
    static func problem(inCondition text: String) -> String? {
        var depth = 0
        var isBlank = true
        var scalars = Array(text.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            if !scalar.properties.isWhitespace { isBlank = false }
            switch scalar {
            case "\0": return "it contains a NUL character"
            case ";": return "it contains a semicolon"
            case "#": return "it contains a comment (#)"
            case "-" where scalars.first == "-": return "it contains a comment (--)"
            case "/" where scalars.first == "*": return "it contains a comment (/*)"
            case "(": depth += 1
            case ")":
                depth -= 1
                if depth < 0 { return "a parenthesis is closed that was not opened" }
            case "'", "\"", "`":
                guard skip(quote: scalar, in: &scalars) else { return "a quote (\(scalar)) is not closed" }
            default: break
            }
        }
        if isBlank { return "it is empty" }
        return depth == 0 ? nil : "a parenthesis is not closed"
    }

    /// Moves past the closing quote; a doubled quote is read as two adjacent texts, which has the same effect.
    private static func skip(quote: Unicode.Scalar, in scalars: inout ArraySlice<Unicode.Scalar>) -> Bool {
        while let scalar = scalars.popFirst() {
            if scalar == quote { return true }
            if scalar == "\\", quote != "`" { _ = scalars.popFirst() }
        }
        return false
    }
}
