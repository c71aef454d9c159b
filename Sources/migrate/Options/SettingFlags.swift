import ArgumentParser
import Settings

// One flag a setting, named like it; secrets have none. A unit test compares these groups with the settings table.

/// A group of flags that stand for settings.
protocol SettingFlags: ParsableArguments {
    /// Setting name → the flag's value, nil where it was not given.
    var given: [String: String?] { get }
}

/// The help of a setting's flag: the table's own sentence; only `--help-hidden` shows the many.
func help(_ name: String, visibility: ArgumentVisibility = .hidden) -> ArgumentHelp {
    guard let setting = SettingsTable.setting(name) else { preconditionFailure("\(name) is no setting") }
    let value = setting.defaultValue.map { " (default: \($0))" } ?? ""
    return ArgumentHelp("\(setting.help)\(value)", valueName: setting.valueName, visibility: visibility)
}

extension Setting {
    /// What stands behind the flag in the help.
    fileprivate var valueName: String {
        switch kind {
        case .text: "text"
        case .integer, .decimal: "number"
        case .choice(let values):
            values.count <= 2 ? values.joined(separator: "|") : name.split(separator: "_").last?.lowercased() ?? name
        case .url: "url"
        case .host: "host"
        case .file: "file"
        case .identifier: "name"
        }
    }
}

struct MySQLFlags: SettingFlags {
    @Option(name: .customLong("mysql-host"), help: help("MYSQL_HOST")) var mysqlHost: String?
    @Option(name: .customLong("mysql-port"), help: help("MYSQL_PORT")) var mysqlPort: String?
    @Option(name: .customLong("mysql-user"), help: help("MYSQL_USER")) var mysqlUser: String?
    @Option(name: .customLong("mysql-database"), help: help("MYSQL_DATABASE")) var mysqlDatabase: String?
    @Option(name: .customLong("mysql-table"), help: help("MYSQL_TABLE")) var mysqlTable: String?
    @Option(name: .customLong("mysql-id-column"), help: help("MYSQL_ID_COLUMN")) var mysqlIdColumn: String?
    @Option(name: .customLong("mysql-tenant-column"), help: help("MYSQL_TENANT_COLUMN")) var mysqlTenantColumn: String?
    @Option(name: .customLong("mysql-content-column"), help: help("MYSQL_CONTENT_COLUMN")) var mysqlContentColumn:
        String?
    @Option(name: .customLong("mysql-pool-size"), help: help("MYSQL_POOL_SIZE")) var mysqlPoolSize: String?
    @Option(name: .customLong("mysql-ssl"), help: help("MYSQL_SSL")) var mysqlSsl: String?
    @Option(name: .customLong("mysql-ssl-ca"), help: help("MYSQL_SSL_CA")) var mysqlSslCa: String?
    @Option(name: .customLong("max-record-bytes"), help: help("MAX_RECORD_BYTES")) var maxRecordBytes: String?

    var given: [String: String?] {
        [
            "MYSQL_HOST": mysqlHost,
            "MYSQL_PORT": mysqlPort,
            "MYSQL_USER": mysqlUser,
            "MYSQL_DATABASE": mysqlDatabase,
            "MYSQL_TABLE": mysqlTable,
            "MYSQL_ID_COLUMN": mysqlIdColumn,
            "MYSQL_TENANT_COLUMN": mysqlTenantColumn,
            "MYSQL_CONTENT_COLUMN": mysqlContentColumn,
            "MYSQL_POOL_SIZE": mysqlPoolSize,
            "MYSQL_SSL": mysqlSsl,
            "MYSQL_SSL_CA": mysqlSslCa,
            "MAX_RECORD_BYTES": maxRecordBytes,
        ]
    }
}

struct TrackingFlags: SettingFlags {
    @Option(name: .customLong("tracking"), help: help("TRACKING")) var tracking: String?
    @Option(name: .customLong("supabase-url"), help: help("SUPABASE_URL")) var supabaseUrl: String?

    var given: [String: String?] {
        [
            "TRACKING": tracking,
            "SUPABASE_URL": supabaseUrl,
        ]
    }
}

struct OpenAIFlags: SettingFlags {
    @Option(name: .customLong("openai-org-id"), help: help("OPENAI_ORG_ID")) var openaiOrgId: String?
    @Option(name: .customLong("openai-project-id"), help: help("OPENAI_PROJECT_ID")) var openaiProjectId: String?
    @Option(name: .customLong("openai-base-url"), help: help("OPENAI_BASE_URL")) var openaiBaseUrl: String?
    @Option(name: .customLong("openai-embedding-model"), help: help("OPENAI_EMBEDDING_MODEL")) var openaiEmbeddingModel:
        String?
    @Option(name: .customLong("openai-embedding-dimensions"), help: help("OPENAI_EMBEDDING_DIMENSIONS"))
    var openaiEmbeddingDimensions: String?
    @Option(name: .customLong("openai-tpm"), help: help("OPENAI_TPM")) var openaiTpm: String?
    @Option(name: .customLong("openai-rpm"), help: help("OPENAI_RPM")) var openaiRpm: String?
    @Option(name: .customLong("openai-price-per-million"), help: help("OPENAI_PRICE_PER_MILLION"))
    var openaiPricePerMillion: String?

    var given: [String: String?] {
        [
            "OPENAI_ORG_ID": openaiOrgId,
            "OPENAI_PROJECT_ID": openaiProjectId,
            "OPENAI_BASE_URL": openaiBaseUrl,
            "OPENAI_EMBEDDING_MODEL": openaiEmbeddingModel,
            "OPENAI_EMBEDDING_DIMENSIONS": openaiEmbeddingDimensions,
            "OPENAI_TPM": openaiTpm,
            "OPENAI_RPM": openaiRpm,
            "OPENAI_PRICE_PER_MILLION": openaiPricePerMillion,
        ]
    }
}

struct QdrantFlags: SettingFlags {
    @Option(name: .customLong("qdrant-url"), help: help("QDRANT_URL")) var qdrantUrl: String?
    @Option(name: .customLong("qdrant-collection-name"), help: help("QDRANT_COLLECTION_NAME")) var qdrantCollectionName:
        String?

    var given: [String: String?] {
        [
            "QDRANT_URL": qdrantUrl,
            "QDRANT_COLLECTION_NAME": qdrantCollectionName,
        ]
    }
}

struct WorkersFlag: SettingFlags {
    @Option(
        name: [.customLong("workers"), .customLong("max-workers")],
        help: help("MAX_WORKERS", visibility: .default)
    )
    var maxWorkers: String?

    var given: [String: String?] { ["MAX_WORKERS": maxWorkers] }
}

struct WorkFlags: SettingFlags {
    @Option(name: .customLong("batch-size"), help: help("BATCH_SIZE")) var batchSize: String?
    @Option(name: .customLong("max-retries"), help: help("MAX_RETRIES")) var maxRetries: String?
    @Option(name: .customLong("max-failures"), help: help("MAX_FAILURES")) var maxFailures: String?
    @Option(name: .customLong("worker-poll-interval"), help: help("WORKER_POLL_INTERVAL")) var workerPollInterval:
        String?
    @Option(name: .customLong("worker-heartbeat-interval"), help: help("WORKER_HEARTBEAT_INTERVAL"))
    var workerHeartbeatInterval: String?
    @Option(name: .customLong("batch-timeout-minutes"), help: help("BATCH_TIMEOUT_MINUTES")) var batchTimeoutMinutes:
        String?
    @Option(name: .customLong("shutdown-grace-seconds"), help: help("SHUTDOWN_GRACE_SECONDS")) var shutdownGraceSeconds:
        String?
    @Option(name: .customLong("record-events"), help: help("RECORD_EVENTS")) var recordEvents: String?

    var given: [String: String?] {
        [
            "BATCH_SIZE": batchSize,
            "MAX_RETRIES": maxRetries,
            "MAX_FAILURES": maxFailures,
            "WORKER_POLL_INTERVAL": workerPollInterval,
            "WORKER_HEARTBEAT_INTERVAL": workerHeartbeatInterval,
            "BATCH_TIMEOUT_MINUTES": batchTimeoutMinutes,
            "SHUTDOWN_GRACE_SECONDS": shutdownGraceSeconds,
            "RECORD_EVENTS": recordEvents,
        ]
    }
}

struct TextFlags: SettingFlags {
    @Option(name: .customLong("parent-max-tokens"), help: help("PARENT_MAX_TOKENS")) var parentMaxTokens: String?
    @Option(name: .customLong("parent-chunk-size"), help: help("PARENT_CHUNK_SIZE")) var parentChunkSize: String?
    @Option(name: .customLong("chunk-size"), help: help("CHUNK_SIZE")) var chunkSize: String?
    @Option(name: .customLong("chunk-overlap"), help: help("CHUNK_OVERLAP")) var chunkOverlap: String?
    @Option(name: .customLong("point-id-namespace"), help: help("POINT_ID_NAMESPACE")) var pointIdNamespace: String?
    @Option(name: .customLong("source-name"), help: help("SOURCE_NAME")) var sourceName: String?
    @Option(name: .customLong("unmarked-points"), help: help("UNMARKED_POINTS")) var unmarkedPoints: String?
    @Option(name: .customLong("sparse-language"), help: help("SPARSE_LANGUAGE")) var sparseLanguage: String?
    @Option(name: .customLong("sparse-stop-words"), help: help("SPARSE_STOP_WORDS")) var sparseStopWords: String?
    @Option(name: .customLong("sparse-avg-length"), help: help("SPARSE_AVG_LENGTH")) var sparseAvgLength: String?
    @Option(name: .customLong("sparse-cjk"), help: help("SPARSE_CJK")) var sparseCjk: String?
    @Option(name: .customLong("tokenizer-vocabulary"), help: help("TOKENIZER_VOCABULARY")) var tokenizerVocabulary:
        String?

    var given: [String: String?] {
        [
            "PARENT_MAX_TOKENS": parentMaxTokens,
            "PARENT_CHUNK_SIZE": parentChunkSize,
            "CHUNK_SIZE": chunkSize,
            "CHUNK_OVERLAP": chunkOverlap,
            "POINT_ID_NAMESPACE": pointIdNamespace,
            "SOURCE_NAME": sourceName,
            "UNMARKED_POINTS": unmarkedPoints,
            "SPARSE_LANGUAGE": sparseLanguage,
            "SPARSE_STOP_WORDS": sparseStopWords,
            "SPARSE_AVG_LENGTH": sparseAvgLength,
            "SPARSE_CJK": sparseCjk,
            "TOKENIZER_VOCABULARY": tokenizerVocabulary,
        ]
    }
}

struct GeneralFlags: SettingFlags {
    @Option(name: .customLong("log-level"), help: help("LOG_LEVEL")) var logLevel: String?
    @Option(name: .customLong("http-ca-bundle"), help: help("HTTP_CA_BUNDLE")) var httpCaBundle: String?
    @Option(name: .customLong("state-directory"), help: help("STATE_DIRECTORY")) var stateDirectory: String?

    var given: [String: String?] {
        [
            "LOG_LEVEL": logLevel,
            "HTTP_CA_BUNDLE": httpCaBundle,
            "STATE_DIRECTORY": stateDirectory,
        ]
    }
}
