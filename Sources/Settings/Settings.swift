/// The settings in force: read once at the start; nothing else reads the environment.
package struct Settings: Sendable {
    /// The source table.
    package struct MySQL: Sendable {
        package let host: String
        package let port: Int
        package let user: String
        package let password: Secret
        package let database: String
        /// As `TableName` reads it, not yet quoted for SQL.
        package let table: String
        package let idColumn: String
        package let tenantColumn: String
        package let contentColumn: String
        /// The number of connections.
        package let poolSize: Int
        /// Whether the connection is encrypted and the server's name verified; false = neither.
        package let verifiesTLS: Bool
        /// Path of PEM certificates; nil = the system's.
        package let caFile: String?
        /// A longer text is not read.
        package let recordBytesMax: Int
    }

    /// The store of job tracking.
    package enum Tracking: Sendable {
        case supabase(url: String, key: Secret)
        case postgres(url: Secret)
        /// One file on this machine.
        case sqlite(file: String)
    }

    /// The embedder.
    package struct OpenAI: Sendable {
        package let apiKey: Secret
        /// Without a slash at its end.
        package let baseURL: String
        /// Nil = the default of the key.
        package let organization: String?
        /// Nil = the default of the key.
        package let project: String?
    }

    /// The collection's server.
    package struct Qdrant: Sendable {
        /// Without a slash at its end.
        package let url: String
        package let apiKey: Secret?
    }

    /// The model and its prices, and the collection; known without any key.
    package struct Target: Sendable, Equatable {
        package let collection: String
        package let model: String
        package let dimensions: Int
        /// The account's limit; nil = unknown.
        package let tokensPerMinute: Int?
        /// The account's limit; nil = unknown.
        package let requestsPerMinute: Int?
        /// In dollars.
        package let pricePerMillionTokens: Double
    }

    /// Batches, workers and waits.
    package struct Work: Sendable, Equatable {
        package let batchSize: Int
        package let workersMax: Int
        package let retriesMax: Int
        /// The job is paused after this many records were given up for reasons outside their content; 0 = never, nil =
        /// by size.
        package let failuresMax: Int?
        package let pollInterval: Duration
        package let heartbeatInterval: Duration
        /// The time from the claim to the deadline.
        package let batchTimeout: Duration
        /// How long batches in flight may go on after the first signal.
        package let shutdownGrace: Duration
        /// Whether a new job records events.
        package let recordsEvents: Bool

        /// The time of four heartbeats, in whole seconds.
        package var leaseSeconds: Int { Int((heartbeatInterval.inSeconds * 4).rounded(.up)) }
    }

    /// The settings that shape the points.
    package struct Text: Sendable, Equatable {
        package let parentTokensMax: Int
        package let parentChunkTokens: Int
        package let chunkTokens: Int
        package let chunkOverlapTokens: Int
        package let pointIDNamespace: String
        /// The name of the source in the points; nil = the table's name.
        package let sourceName: String?
        /// Whether points without a source are this table's; nil = not decided.
        package let ownsUnmarkedPoints: Bool?
        package let sparseLanguage: String
        /// The path of a file; nil = the language's own list.
        package let stopWordsFile: String?
        package let sparseAverageLength: Double
        package let sparseCJKBigrams: Bool
        /// The path of a file; nil = the first one that is found.
        package let vocabularyFile: String?
    }

    /// Nil unless the command needs it.
    package let mysql: MySQL?
    /// Nil unless the command needs it.
    package let tracking: Tracking?
    /// Whether no setting names the store of job tracking, so that it is a file because this is a terminal.
    package let isTrackingAssumed: Bool
    /// For `setup`, which applies SQL over libpq; nil = not set.
    package let postgresURL: Secret?
    /// Nil unless the command needs it.
    package let openai: OpenAI?
    /// Nil unless the command needs it.
    package let qdrant: Qdrant?
    /// The table with its database, as in `app.ip_summary`; without the database if none is set.
    package let table: String
    package let target: Target
    package let work: Work
    package let text: Text
    package let logLevel: String
    /// Path of PEM certificates for https; nil = the system's.
    package let caBundle: String?
    /// The folder for the runners' notes; nil = the user's default.
    package let stateFolder: String?
    /// The file of vectors that were paid for; nil = none are kept.
    package let embeddingCache: String?
    /// `float32` or `float16`.
    package let embeddingCacheFormat: String
    /// The environment that gives another process of this program the same settings, secrets too.
    package var environment: [String: String] {
        let given = inForce.filter { $0.origin != .builtIn && $0.origin != .unset }
        let values = given.compactMap { item in item.value.map { (item.setting.name, $0) } }
        // The other process does not choose a store again: it may have no terminal, or another home directory.
        return Dictionary(values + chosen + [(Self.exactMark, "1")]) { $1 }
    }
    /// The store of job tracking, by the names of its settings.
    private var chosen: [(String, String)] {
        switch tracking {
        case .supabase: [("TRACKING", "supabase")]
        case .postgres: [("TRACKING", "postgres")]
        case .sqlite(let file): [("TRACKING", "sqlite"), ("TRACKING_FILE", file)]
        case nil: []
        }
    }
    /// The variable that marks the values in the environment as already parsed: their quotes are taken literally.
    static let exactMark = "MIGRATE_EXACT_SETTINGS"
    /// Every setting with its displayed value and its origin, in the table's order.
    package let inForce: [ResolvedSetting]
    /// Names that look misspelt.
    package let hints: [String]
    /// What was ignored, and what other users could read.
    package let warnings: [String]

    /// Reads and checks everything.
    ///
    /// - Parameters:
    ///   - input: flags, environment and `.env`.
    ///   - needs: the services that the command uses; required settings of other services may be absent.
    ///   - checks: checks that need more than the text of a value.
    /// - Throws: every problem at once.
    package init(
        _ input: SettingsInput,
        needs: Setting.Need,
        checks: ValueChecks
    ) throws(SettingsProblems) {
        var reader = SettingsReader(input, needs: needs, checks: checks)
        reader.checkTogether()
        let values = SettingsValues(reader)
        guard reader.problems.isEmpty else {
            throw SettingsProblems(problems: reader.problems, hints: reader.hints, warnings: reader.warnings)
        }
        mysql = needs.contains(.mysql) ? MySQL(values) : nil
        tracking = needs.contains(.tracking) ? Tracking(values) : nil
        isTrackingAssumed = needs.contains(.tracking) && values.tracking == "sqlite" && !reader.isGiven("TRACKING")
        postgresURL = values.optionalSecret("POSTGRES_URL")
        openai = needs.contains(.openai) ? OpenAI(values) : nil
        qdrant = needs.contains(.qdrant) ? Qdrant(values) : nil
        table = Self.table(values)
        target = Target(values)
        work = Work(values)
        text = Text(values)
        logLevel = values.string("LOG_LEVEL")
        caBundle = values.optional("HTTP_CA_BUNDLE")
        stateFolder = values.optional("STATE_DIRECTORY")
        embeddingCache = values.optional("EMBEDDING_CACHE")
        embeddingCacheFormat = values.string("EMBEDDING_CACHE_FORMAT")
        inForce = Self.inForce(reader)
        hints = reader.hints
        warnings = reader.warnings
    }

    private static func table(_ values: SettingsValues) -> String {
        let table = values.string("MYSQL_TABLE")
        guard TableName(table)?.database == nil, let database = values.optional("MYSQL_DATABASE") else { return table }
        return "\(database).\(table)"
    }

    /// Every setting with its displayed value and its origin, also if some are wrong; and what is wrong.
    package static func survey(
        _ input: SettingsInput,
        needs: Setting.Need,
        checks: ValueChecks
    ) -> (inForce: [ResolvedSetting], problems: SettingsProblems?, warnings: [String]) {
        var reader = SettingsReader(input, needs: needs, checks: checks)
        reader.checkTogether()
        let problems = SettingsProblems(
            problems: reader.problems,
            hints: reader.hints,
            warnings: reader.warnings
        )
        return (inForce(reader), reader.problems.isEmpty ? nil : problems, reader.warnings)
    }

    private static func inForce(_ reader: SettingsReader) -> [ResolvedSetting] {
        SettingsTable.all.compactMap { setting in
            let assumed: String? =
                switch setting.name {
                case "TRACKING": reader.tracking
                case "TRACKING_FILE": reader.tracking == "sqlite" ? reader.trackingFile : nil
                default: nil
                }
            guard let assumed, reader.value(setting.name) == nil else { return reader.resolved[setting.name] }
            return ResolvedSetting(setting: setting, value: assumed, origin: .builtIn)
        }
    }
}

extension Duration {
    /// The duration in seconds, for messages and settings.
    package var inSeconds: Double { self / .seconds(1) }
}
