/// Every setting there is; flags, `.env.migration.example`, the README's table and all checks come from it.
package enum SettingsTable {
    /// All settings in the order in which they are shown.
    package static let all: [Setting] = mysql + tracking + openai + qdrant + work + text + general

    /// The setting of that name.
    package static func setting(_ name: String) -> Setting? { byName[name] }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    private static let mysql: [Setting] = [
        Setting("MYSQL_HOST", .host, requiredFor: .mysql, in: .mysql, help: "Host name or address of the server."),
        Setting("MYSQL_PORT", .integer(1...65_535), "3306", in: .mysql, help: "Port of the server."),
        Setting(
            "MYSQL_USER",
            .text,
            requiredFor: .mysql,
            in: .mysql,
            help: "Account; it needs SELECT on the table and nothing else."
        ),
        Setting(
            "MYSQL_PASSWORD",
            .text,
            requiredFor: .mysql,
            isSecret: true,
            allowsBlank: true,
            in: .mysql,
            help: "Password of the account; may be set to nothing for an account without one."
        ),
        Setting("MYSQL_DATABASE", .text, requiredFor: .mysql, in: .mysql, help: "Database that holds the table."),
        Setting(
            "MYSQL_TABLE",
            .identifier(allowsDatabase: true),
            "ip_summary",
            in: .mysql,
            help: "Table to migrate; `database.table` is allowed."
        ),
        Setting(
            "MYSQL_ID_COLUMN",
            .identifier(allowsDatabase: false),
            "id",
            in: .mysql,
            help: "Column of the record's id: an integer primary key within 64 signed bits."
        ),
        Setting(
            "MYSQL_TENANT_COLUMN",
            .identifier(allowsDatabase: false),
            "member_code",
            in: .mysql,
            help: "Column of the tenant, stored with each point as `member_code`."
        ),
        Setting(
            "MYSQL_CONTENT_COLUMN",
            .identifier(allowsDatabase: false),
            "parse_content",
            in: .mysql,
            help: "Column of the text."
        ),
        Setting("MYSQL_POOL_SIZE", .integer(1...100), "10", in: .mysql, help: "Most connections at a time."),
        Setting(
            "MYSQL_SSL",
            .choice(["verify", "off"]),
            "verify",
            in: .mysql,
            help: "`verify` encrypts and checks the server's certificate and name; `off` does neither."
        ),
        Setting(
            "MYSQL_SSL_CA",
            .file,
            in: .mysql,
            help: "Certificates (PEM) that sign the server's, for example Amazon's RDS bundle; by default the system's."
        ),
        Setting(
            "MAX_RECORD_BYTES",
            .integer(1...67_108_864),
            "4194304",
            in: .mysql,
            help: "A longer text is not read but recorded as a failure, so that memory stays bounded."
        ),
    ]

    private static let tracking: [Setting] = [
        Setting(
            "TRACKING",
            .choice(["supabase", "postgres"]),
            in: .tracking,
            help: "Where progress is kept; by default `supabase` when SUPABASE_URL is set, else `postgres`."
        ),
        Setting(
            "SUPABASE_URL",
            .url(allowsQuery: false),
            in: .tracking,
            help: "The project's address, https://PROJECT.supabase.co."
        ),
        Setting(
            "SUPABASE_KEY",
            .text,
            isSecret: true,
            in: .tracking,
            help: "A secret key (`sb_secret_…`) or the service_role key; anon and publishable keys are refused."
        ),
        Setting(
            "POSTGRES_URL",
            .text,
            isSecret: true,
            in: .tracking,
            help:
                "postgres://user:password@host/database?sslmode=verify-full. With TRACKING=supabase only `setup` uses it."
        ),
    ]

    private static let openai: [Setting] = [
        Setting(
            "OPENAI_API_KEY",
            .text,
            requiredFor: .openai,
            isSecret: true,
            in: .openai,
            help: "Key of the account that pays."
        ),
        Setting(
            "OPENAI_ORG_ID",
            .text,
            in: .openai,
            help: "The organisation that is charged, where the key has several; sent as `OpenAI-Organization`."
        ),
        Setting(
            "OPENAI_PROJECT_ID",
            .text,
            in: .openai,
            help: "The project that is charged, where the key has several; sent as `OpenAI-Project`."
        ),
        Setting(
            "OPENAI_BASE_URL",
            .url(allowsQuery: true),
            "https://api.openai.com/v1",
            in: .openai,
            help: "Address of the API; any server with a compatible `/embeddings` will do."
        ),
        Setting(
            "OPENAI_EMBEDDING_MODEL",
            .text,
            "text-embedding-3-small",
            in: .openai,
            help: "The model; a job never mixes two."
        ),
        Setting(
            "OPENAI_EMBEDDING_DIMENSIONS",
            .integer(1...65_535),
            "1536",
            in: .openai,
            help: "Length of the vectors; must be the collection's."
        ),
        Setting(
            "OPENAI_TPM",
            .integer(1...1_000_000_000),
            in: .openai,
            help:
                "The account's tokens a minute. Given, all workers share them; not given, the server's 429 answers drive."
        ),
        Setting(
            "OPENAI_RPM",
            .integer(1...10_000_000),
            in: .openai,
            help: "The account's requests a minute; as OPENAI_TPM."
        ),
        Setting(
            "OPENAI_PRICE_PER_MILLION",
            .decimal(0...1_000),
            "0.02",
            in: .openai,
            help: "Dollars for a million tokens, for `plan` and the reports."
        ),
    ]

    private static let qdrant: [Setting] = [
        Setting(
            "QDRANT_URL",
            .url(allowsQuery: false),
            requiredFor: .qdrant,
            in: .qdrant,
            help: "Address of the REST API, port included."
        ),
        Setting(
            "QDRANT_API_KEY",
            .text,
            isSecret: true,
            in: .qdrant,
            help: "Key that may write; none for an open server."
        ),
        Setting("QDRANT_COLLECTION_NAME", .text, "memos", in: .qdrant, help: "The collection; `setup` creates it."),
    ]

    private static let work: [Setting] = [
        Setting("BATCH_SIZE", .integer(1...1_000), "100", in: .work, help: "Records a batch, the unit of claiming."),
        Setting("MAX_WORKERS", .integer(1...64), "5", in: .work, help: "Batches this process works on at a time."),
        Setting(
            "MAX_RETRIES",
            .integer(0...100),
            "3",
            in: .work,
            help: "Tries a batch gets after its first failed one; throttling and outages use none."
        ),
        Setting(
            "MAX_FAILURES",
            .integer(0...1_000_000_000),
            in: .work,
            help:
                "Records given up not for their content that pause the job; 0 = never, unset = 5 % of those done, at least 100."
        ),
        Setting(
            "WORKER_POLL_INTERVAL",
            .decimal(0.1...60),
            "1.0",
            in: .work,
            help: "Least seconds between two claims that found nothing."
        ),
        Setting(
            "WORKER_HEARTBEAT_INTERVAL",
            .decimal(1...300),
            "30.0",
            in: .work,
            help: "Seconds between signs of life; a lease lasts four times as long."
        ),
        Setting(
            "BATCH_TIMEOUT_MINUTES",
            .decimal(0.05...1_440),
            "10",
            in: .work,
            help: "Minutes a claimed batch may take at most, signs of life or not."
        ),
        Setting(
            "SHUTDOWN_GRACE_SECONDS",
            .decimal(0...3_600),
            "25",
            in: .work,
            help:
                "Seconds for batches in flight after Ctrl-C or SIGTERM. Docker kills after 10 s in all, Kubernetes after 30."
        ),
        Setting(
            "RECORD_EVENTS",
            .choice(["on", "off"]),
            "on",
            in: .work,
            help: "Whether a new job keeps the history that `migrate events` shows, four rows or so a batch."
        ),
    ]

    private static let text: [Setting] = [
        Setting(
            "PARENT_MAX_TOKENS",
            .integer(16...8_191),
            "2500",
            in: .text,
            help: "A text of at most this many tokens is one parent."
        ),
        Setting(
            "PARENT_CHUNK_SIZE",
            .integer(16...8_191),
            "2048",
            in: .text,
            help: "Tokens of the parents of a longer one."
        ),
        Setting(
            "CHUNK_SIZE",
            .integer(16...8_191),
            "512",
            in: .text,
            help: "Tokens of a child; children are embedded."
        ),
        Setting(
            "CHUNK_OVERLAP",
            .integer(0...8_190),
            "128",
            in: .text,
            help: "Tokens that neighbouring children share."
        ),
        Setting(
            "POINT_ID_NAMESPACE",
            .text,
            "migrate",
            in: .text,
            help: "Point ids derive from it; take the other application's to share ids with it."
        ),
        Setting(
            "SOURCE_NAME",
            .text,
            in: .text,
            help: "What points call the table they came from, their `source`; by default `database.table`."
        ),
        Setting(
            "UNMARKED_POINTS",
            .choice(["ours", "foreign"]),
            in: .text,
            help: "Whether points without a `source` came from this table (`ours`) or from elsewhere (`foreign`)."
        ),
        Setting(
            "SPARSE_LANGUAGE",
            .choice(SparseLanguages.all),
            "english",
            in: .text,
            help: "Stemmer and stop words of the sparse vectors; the query side must use the same."
        ),
        Setting(
            "SPARSE_STOP_WORDS",
            .file,
            in: .text,
            help: "Words to leave out in place of the language's own, which some languages lack; /dev/null for none."
        ),
        Setting(
            "SPARSE_AVG_LENGTH",
            .decimal(1...100_000),
            "256",
            in: .text,
            help: "Average words a child, a constant of BM25; the query side need not know it."
        ),
        Setting(
            "SPARSE_CJK",
            .choice(["off", "bigram"]),
            "off",
            in: .text,
            help: "`bigram` cuts Han, Kana and Hangul into pairs; the query side must do the same."
        ),
        Setting(
            "TOKENIZER_VOCABULARY",
            .file,
            in: .text,
            help:
                "cl100k_base.tiktoken; by default tiktoken's cache, then the file that `migrate setup tokenizer` keeps."
        ),
    ]

    private static let general: [Setting] = [
        Setting(
            "LOG_LEVEL",
            .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
            "warning",
            in: .general,
            help: "Least important log line that is written to standard error."
        ),
        Setting(
            "HTTP_CA_BUNDLE",
            .file,
            in: .general,
            help: "Certificates (PEM) for https:// in place of the system's, for example a company proxy's."
        ),
        Setting(
            "STATE_DIRECTORY",
            .text,
            in: .general,
            help:
                "Folder for notes of leases, so that a resume after a kill need not wait; default ~/.local/state/migrate."
        ),
    ]
}
