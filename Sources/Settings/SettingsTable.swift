/// Every setting there is; flags, `.env.migration.example`, `docs/settings.md` and all checks come from it.
package enum SettingsTable {
    /// All settings in the order in which they are shown.
    package static let all: [Setting] = mysql + tracking + openai + qdrant + work + text + general

    /// The settings of one chapter.
    package static func settings(in area: Setting.Area) -> [Setting] { all.filter { $0.area == area } }

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
        Setting("MYSQL_POOL_SIZE", .integer(1...100), "10", in: .mysql, help: "Maximum number of connections."),
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
            .choice(["supabase", "postgres", "sqlite"]),
            in: .tracking,
            help:
                "Where progress is kept; by default what SUPABASE_URL or POSTGRES_URL names, else in a terminal `sqlite`."
        ),
        Setting(
            "TRACKING_FILE",
            .text,
            in: .tracking,
            help:
                "The file of TRACKING=sqlite, on a disk of this machine; by default tracking.db in STATE_DIRECTORY."
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
                "The account's tokens per minute. If set, all workers share them; if not, the server's 429 answers set the pace."
        ),
        Setting(
            "OPENAI_RPM",
            .integer(1...10_000_000),
            in: .openai,
            help: "The account's requests per minute; like OPENAI_TPM."
        ),
        Setting(
            "OPENAI_PRICE_PER_MILLION",
            .decimal(0...1_000),
            "0.02",
            in: .openai,
            help: "Dollars per million tokens, for `plan` and the reports."
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
}
