/// The description of one setting of the program.
package struct Setting: Sendable, Equatable {
    /// The chapter of the settings table that contains the setting.
    package enum Area: String, Sendable, CaseIterable {
        case mysql = "MySQL: where the records come from"
        case tracking = "Job tracking: Supabase, PostgreSQL or a file of SQLite"
        case openai = "OpenAI: the embeddings"
        case qdrant = "Qdrant: where the points go"
        case work = "Work: batches, workers and waits"
        case text = "Text: what shapes the points"
        case general = "General"
    }

    /// A service whose settings a command may need.
    package struct Need: OptionSet, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }

        package static let mysql = Self(rawValue: 1)
        package static let tracking = Self(rawValue: 2)
        package static let openai = Self(rawValue: 4)
        package static let qdrant = Self(rawValue: 8)
        package static let everything: Self = [.mysql, .tracking, .openai, .qdrant]
    }

    /// The name in the environment and in `.env`, for example `BATCH_SIZE`.
    package let name: String
    package let kind: SettingKind
    /// The value if none is given; nil = none.
    package let defaultValue: String?
    /// The service that needs a value; nil = never required.
    package let requiredFor: Need?
    /// Whether the value is never shown and has no flag.
    package let isSecret: Bool
    /// Whether an explicitly empty value is a value.
    package let allowsBlank: Bool
    /// The purpose, in one or two sentences.
    package let help: String
    package let area: Area

    init(
        _ name: String,
        _ kind: SettingKind,
        _ defaultValue: String? = nil,
        requiredFor: Need? = nil,
        isSecret: Bool = false,
        allowsBlank: Bool = false,
        in area: Area,
        help: String
    ) {
        self.name = name
        self.kind = kind
        self.defaultValue = defaultValue
        self.requiredFor = requiredFor
        self.isSecret = isSecret
        self.allowsBlank = allowsBlank
        self.help = help
        self.area = area
    }

    /// The flag without its dashes, for example `batch-size`; secrets have none, because other users of the host can
    /// read a command line.
    package var flag: String? { isSecret ? nil : name.lowercased().replacing("_", with: "-") }
}

/// The kind of values that a setting accepts.
package enum SettingKind: Sendable, Equatable {
    case text
    case integer(ClosedRange<Int>)
    case decimal(ClosedRange<Double>)
    case choice([String])
    /// The address of an HTTP service; some may have a query.
    case url(allowsQuery: Bool)
    /// A host name or a numeric address, and nothing else.
    case host
    /// A file that exists.
    case file
    /// The name of a column, or of a table with an optional database before it.
    case identifier(allowsDatabase: Bool)

    /// The allowed values in words that follow "must be".
    package var allowed: String {
        switch self {
        case .text: "text"
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .decimal(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .choice(let values): values.count == 1 ? "\(values[0])" : "one of \(values.joined(separator: ", "))"
        case .url: "an http:// or https:// address with a host and without a user name or password"
        case .host: "a host name or an address in numbers"
        case .file: "the path of a file that exists"
        case .identifier(let allowsDatabase):
            allowsDatabase ? "a table name, or database.table; in backticks where a name has a dot" : "a column name"
        }
    }

    /// Whether a trimmed, non-blank value is allowed.
    package func admits(_ value: String, _ checks: ValueChecks) -> Bool {
        switch self {
        case .text: true
        case .integer(let range): Int(value).map(range.contains) ?? false
        case .decimal(let range): Double(value).map(range.contains) ?? false
        case .choice(let values): values.contains(value)
        case .url(let allowsQuery):
            Misreading.ofURL(value, allowsQuery: allowsQuery) == nil && checks.serviceAddress(value) != nil
        case .host: HostName(value) != nil
        case .file: checks.fileExists(value)
        case .identifier(let allowsDatabase): Self.isIdentifier(value, allowsDatabase: allowsDatabase)
        }
    }

    /// A value in the form that the rest of the program uses: choices in the table's spelling, whatever their case, and
    /// an IPv6 address without brackets.
    func normalised(_ value: String) -> String {
        switch self {
        case .choice(let values): values.first { $0.lowercased() == value.lowercased() } ?? value
        case .host: HostName(value)?.text ?? value
        case .text, .integer, .decimal, .url, .file, .identifier: value
        }
    }

    /// What a refused value probably is, if its text shows more than the list of allowed values; quotes nothing of it.
    func misreading(of value: String) -> String? {
        switch self {
        case .host: Misreading.ofHost(value)
        case .url(let allowsQuery): Misreading.ofURL(value, allowsQuery: allowsQuery)
        case .text, .integer, .decimal, .choice, .file, .identifier: nil
        }
    }

    /// Whatever MySQL allows, because SQL gets every name in quotes.
    private static func isIdentifier(_ value: String, allowsDatabase: Bool) -> Bool {
        guard allowsDatabase else { return TableName.problem(with: value) == nil }
        guard let name = TableName(value) else { return false }
        return [name.database, name.table].compactMap(\.self).allSatisfy { TableName.problem(with: $0) == nil }
    }
}
