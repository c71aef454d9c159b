/// Checked values by name, with their types.
///
/// A value that the checks let through as absent, but that is asked for, is a bug of the table, hence the
/// preconditions.
struct SettingsValues {
    private let values: [String: String]
    /// Nil if a command does not need it, and nothing says it.
    let tracking: String?
    let trackingFile: String?

    init(_ reader: SettingsReader) {
        values = reader.resolved.compactMapValues(\.value)
        tracking = reader.tracking
        trackingFile = reader.trackingFile
    }

    func optional(_ name: String) -> String? { values[name] }

    func string(_ name: String) -> String {
        guard let value = values[name] else { preconditionFailure("\(name) has no value and no default") }
        return value
    }

    /// An address without slashes at its end.
    func address(_ name: String) -> String {
        var address = string(name)[...]
        while address.last == "/" { address.removeLast() }
        return String(address)
    }

    func optionalSecret(_ name: String) -> Secret? { values[name].map(Secret.init) }

    func secret(_ name: String) -> Secret { Secret(string(name)) }

    func optionalInteger(_ name: String) -> Int? { values[name].flatMap { Int($0) } }

    func integer(_ name: String) -> Int {
        guard let value = optionalInteger(name) else { preconditionFailure("\(name) is no whole number") }
        return value
    }

    func decimal(_ name: String) -> Double {
        guard let value = Double(string(name)) else { preconditionFailure("\(name) is no number") }
        return value
    }

    func duration(_ name: String, unitSeconds: Double = 1) -> Duration { .seconds(decimal(name) * unitSeconds) }
}

extension Settings.MySQL {
    init(_ values: SettingsValues) {
        host = values.string("MYSQL_HOST")
        port = values.integer("MYSQL_PORT")
        user = values.string("MYSQL_USER")
        password = values.secret("MYSQL_PASSWORD")
        database = values.string("MYSQL_DATABASE")
        table = values.string("MYSQL_TABLE")
        idColumn = values.string("MYSQL_ID_COLUMN")
        tenantColumn = values.string("MYSQL_TENANT_COLUMN")
        contentColumn = values.string("MYSQL_CONTENT_COLUMN")
        poolSize = values.integer("MYSQL_POOL_SIZE")
        verifiesTLS = values.string("MYSQL_SSL") == "verify"
        caFile = values.optional("MYSQL_SSL_CA")
        recordBytesMax = values.integer("MAX_RECORD_BYTES")
    }
}

extension Settings.Tracking {
    init(_ values: SettingsValues) {
        switch values.tracking {
        case "supabase": self = .supabase(url: values.address("SUPABASE_URL"), key: values.secret("SUPABASE_KEY"))
        case "postgres": self = .postgres(url: values.secret("POSTGRES_URL"))
        default:
            guard let file = values.trackingFile else {
                preconditionFailure("TRACKING_FILE has no value and no default")
            }
            self = .sqlite(file: file)
        }
    }
}

extension Settings.OpenAI {
    init(_ values: SettingsValues) {
        apiKey = values.secret("OPENAI_API_KEY")
        baseURL = values.address("OPENAI_BASE_URL")
        organization = values.optional("OPENAI_ORG_ID")
        project = values.optional("OPENAI_PROJECT_ID")
    }
}

extension Settings.Qdrant {
    init(_ values: SettingsValues) {
        url = values.address("QDRANT_URL")
        apiKey = values.optionalSecret("QDRANT_API_KEY")
    }
}

extension Settings.Target {
    init(_ values: SettingsValues) {
        collection = values.string("QDRANT_COLLECTION_NAME")
        model = values.string("OPENAI_EMBEDDING_MODEL")
        dimensions = values.integer("OPENAI_EMBEDDING_DIMENSIONS")
        tokensPerMinute = values.optionalInteger("OPENAI_TPM")
        requestsPerMinute = values.optionalInteger("OPENAI_RPM")
        pricePerMillionTokens = values.decimal("OPENAI_PRICE_PER_MILLION")
    }
}

extension Settings.Work {
    init(_ values: SettingsValues) {
        batchSize = values.integer("BATCH_SIZE")
        workersMax = values.integer("MAX_WORKERS")
        retriesMax = values.integer("MAX_RETRIES")
        failuresMax = values.optionalInteger("MAX_FAILURES")
        pollInterval = values.duration("WORKER_POLL_INTERVAL")
        heartbeatInterval = values.duration("WORKER_HEARTBEAT_INTERVAL")
        batchTimeout = values.duration("BATCH_TIMEOUT_MINUTES", unitSeconds: 60)
        shutdownGrace = values.duration("SHUTDOWN_GRACE_SECONDS")
        recordsEvents = values.string("RECORD_EVENTS") == "on"
    }
}

extension Settings.Text {
    init(_ values: SettingsValues) {
        parentTokensMax = values.integer("PARENT_MAX_TOKENS")
        parentChunkTokens = values.integer("PARENT_CHUNK_SIZE")
        chunkTokens = values.integer("CHUNK_SIZE")
        chunkOverlapTokens = values.integer("CHUNK_OVERLAP")
        pointIDNamespace = values.string("POINT_ID_NAMESPACE")
        sourceName = values.optional("SOURCE_NAME")
        ownsUnmarkedPoints = values.optional("UNMARKED_POINTS").map { $0 == "ours" }
        sparseLanguage = values.string("SPARSE_LANGUAGE")
        stopWordsFile = values.optional("SPARSE_STOP_WORDS")
        sparseAverageLength = values.decimal("SPARSE_AVG_LENGTH")
        sparseCJKBigrams = values.string("SPARSE_CJK") == "bigram"
        vocabularyFile = values.optional("TOKENIZER_VOCABULARY")
    }
}
