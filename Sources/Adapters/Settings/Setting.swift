/// One setting of the program, as data.
package struct Setting: Sendable, Equatable {
    /// The chapter of the settings table a setting stands in.
    package enum Area: String, Sendable, CaseIterable {
        case mysql = "MySQL: where the records come from"
        case tracking = "Job tracking: Supabase or PostgreSQL"
        case openai = "OpenAI: the embeddings"
        case qdrant = "Qdrant: where the points go"
        case work = "Work: batches, workers and patience"
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
    /// What values it takes.
    package let kind: SettingKind
    /// The value where nobody gives one; nil = none.
    package let defaultValue: String?
    /// The service that cannot be used without a value; nil = never required.
    package let requiredFor: Need?
    /// Whether the value is never shown and has no flag.
    package let isSecret: Bool
    /// Whether an explicitly empty value is a value.
    package let allowsBlank: Bool
    /// What it is for, in a sentence or two.
    package let help: String
    /// Its chapter.
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

/// What values a setting takes.
package enum SettingKind: Sendable, Equatable {
    case text
    case integer(ClosedRange<Int>)
    case decimal(ClosedRange<Double>)
    case choice([String])
    case url
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
        case .file: "the path of a file that exists"
        case .identifier(let allowsDatabase):
            allowsDatabase ? "a table name, or database.table" : "a column name"
        }
    }

    /// Whether a trimmed, non-blank value is allowed; `fileExists` answers for paths.
    package func admits(_ value: String, fileExists: (String) -> Bool) -> Bool {
        switch self {
        case .text: true
        case .integer(let range): Int(value).map(range.contains) ?? false
        case .decimal(let range): Double(value).map(range.contains) ?? false
        case .choice(let values): values.contains(value)
        case .url: (try? HTTPAddress(value)) != nil
        case .file: fileExists(value)
        case .identifier(let allowsDatabase): Self.isIdentifier(value, allowsDatabase: allowsDatabase)
        }
    }

    /// MySQL's own bound is 64 characters a name; backticks and NUL are never needed and never allowed.
    private static func isIdentifier(_ value: String, allowsDatabase: Bool) -> Bool {
        let parts = value.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= (allowsDatabase ? 2 : 1) else { return false }
        return parts.allSatisfy { (1...64).contains($0.count) && !$0.contains { "`\0\"'; \\/".contains($0) } }
    }
}
