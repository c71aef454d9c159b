import Foundation
import Testing

/// The servers and files an integration test may use, read once from variables that begin with `MIGRATE_TEST_`.
///
/// Nothing else is ever read: not `.env`, not a production name such as `MYSQL_HOST`; so no test can touch production.
/// `scripts/servers start DIR all` starts the servers and writes every line of this list into `DIR/env`; `make test` does
/// that by itself. An empty variable counts as one that is not set.
///
/// | Variable | Meaning |
/// | --- | --- |
/// | `MIGRATE_TEST_REQUIRE` | `1`: every variable below must be set; a missing one is a failure, not a skip |
/// | `MIGRATE_TEST_MYSQL_HOST`, `_PORT` | MariaDB or MySQL with TLS, its certificate naming this host |
/// | `MIGRATE_TEST_MYSQL_OTHER_HOST` | the same server under a name its certificate does not carry |
/// | `MIGRATE_TEST_MYSQL_PLAIN_HOST`, `_PLAIN_PORT` | a second server, without TLS; same users |
/// | `MIGRATE_TEST_MYSQL_USER`, `_PASSWORD` | an account with SELECT only, on every database |
/// | `MIGRATE_TEST_MYSQL_ADMIN_USER`, `_ADMIN_PASSWORD` | an account that may do everything |
/// | `MIGRATE_TEST_MYSQL_DATABASE` | an empty database tests may fill; each makes tables (or databases) of its own |
/// | `MIGRATE_TEST_MYSQL_CA`, `_STRANGER_CA` | PEM files: the authority that signed, and one that signed nothing |
/// | `MIGRATE_TEST_REAL_MYSQL_HOST`, `_PORT`, `_OTHER_HOST` | never required: MySQL itself beside it; accounts and authority as above |
/// | `MIGRATE_TEST_POSTGRES_URL` | the superuser, `sslmode=verify-full&sslrootcert=…`; may create databases |
/// | `MIGRATE_TEST_POSTGRES_AUTHENTICATOR_URL` | the role `authenticator`, which may `SET ROLE` as PostgREST does |
/// | `MIGRATE_TEST_POSTGRES_CA`, `_STRANGER_CA` | PEM files, as for MySQL |
/// | `MIGRATE_TEST_PGBOUNCER_URL`, `_SESSION_URL`, `_SMALL_URL` | never required, but never skipped by `make test`: PgBouncer before that PostgreSQL, as its administrator; the last has one server connection for a database and waits 2 s |
/// | `MIGRATE_TEST_PGBOUNCER_SMALL_SERVERS` | the folder given to `scripts/servers`, where the last one may be restarted |
/// | `MIGRATE_TEST_QDRANT_URL`, `_QDRANT_API_KEY` | Qdrant (locally its engine behind our façade) |
/// | `MIGRATE_TEST_VOCABULARY` | the file `cl100k_base.tiktoken` |
/// | `MIGRATE_TEST_PYTHON` | a Python with what `Tests/Integration/Support/python/requirements.txt` lists |
/// | `MIGRATE_TEST_RECORDS`, `_CORPUS` | never required: how many rows the whole job moves, and a file of JSON lines with `text` |
/// | `MIGRATE_TEST_LONG` | never required: `1` makes the suites that search for races try everything |
/// | `MIGRATE_TEST_SEED` | never required: the number that such a suite printed, to repeat its choices |
/// | `MIGRATE_TEST_HISTORIES` | never required: how many random histories each suite of the tracking store tries |
/// | `MIGRATE_TEST_CHAOS_MINUTES` | never required: for how long jobs are begun that real faults befall; unset = none |
/// | `MIGRATE_TEST_CHAOS_STORE` | never required: what tracks these jobs, `postgres` or `sqlite` |
/// | `MIGRATE_TEST_SERVERS` | for chaos: the folder given to `scripts/servers`, whose servers it may crash |
/// | `MIGRATE_TEST_COMPOSE_SCHEMA` | the Compose specification's JSON schema |
/// | `MIGRATE_TEST_WORKFLOW_SCHEMA` | the JSON schema of GitHub's workflows |
enum TestEnvironment {
    /// Whether a missing variable is a failure.
    static var require: Bool { values["MIGRATE_TEST_REQUIRE"] == "1" }

    /// Whether the suites that search for races try everything.
    static var isLong: Bool { values["MIGRATE_TEST_LONG"] == "1" }

    /// What the choices of such a suite follow from; it prints it.
    static let seed = values["MIGRATE_TEST_SEED"].flatMap { UInt64($0) } ?? .random(in: 0...9999)

    /// For how long jobs are begun that real faults befall; nil = none.
    static var chaosMinutes: Double? { values["MIGRATE_TEST_CHAOS_MINUTES"].flatMap { Double($0) } }

    /// The MariaDB or MySQL server, when all of its variables are set.
    static let mysql: MySQLServer? = Need.mysql.isMet ? MySQLServer("MYSQL") : nil

    /// MySQL itself, where the first is MariaDB and this could be had.
    static let realMySQL: MySQLServer? =
        values["MIGRATE_TEST_REAL_MYSQL_PORT"] != nil && Need.mysql.isMet ? MySQLServer("REAL_MYSQL") : nil

    /// The PostgreSQL server, when all of its variables are set.
    static let postgres: PostgresServer? = Need.postgres.isMet ? PostgresServer() : nil

    /// PgBouncer before the PostgreSQL server, when all of its variables are set.
    static let pgbouncer: PgBouncerServers? = Need.pgbouncer.isMet ? PgBouncerServers() : nil

    /// Qdrant, when all of its variables are set.
    static let qdrant: QdrantServer? = Need.qdrant.isMet ? QdrantServer() : nil

    /// The path of the tokenizer's vocabulary.
    static var vocabulary: String? { values["MIGRATE_TEST_VOCABULARY"] }

    /// The path of the Python that has the official clients installed.
    static var python: String? { values["MIGRATE_TEST_PYTHON"] }

    /// The path of the Compose specification's JSON schema.
    static var composeSchema: String? { values["MIGRATE_TEST_COMPOSE_SCHEMA"] }

    /// The path of the JSON schema of GitHub's workflows.
    static var workflowSchema: String? { values["MIGRATE_TEST_WORKFLOW_SCHEMA"] }

    /// The folder of `Tests/Integration/Support/python`, where the façade and the helper programs are.
    static let pythonSources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "python").path()

    /// The root of the repository.
    static let repository = URL(filePath: #filePath).appending(path: "../../../..").standardizedFileURL.path()

    /// Every `MIGRATE_TEST_` variable that is set and not empty.
    static let values = ProcessInfo.processInfo.environment.filter { name, value in
        name.hasPrefix("MIGRATE_TEST_") && !value.isEmpty
    }
}

/// A MariaDB or MySQL server that tests may fill and misuse.
struct MySQLServer: Sendable, CustomTestStringConvertible {
    let host: String
    let port: UInt16
    /// The same server and port under a name its certificate does not carry.
    let otherHost: String
    /// Whether it is MySQL itself, started beside MariaDB.
    let isBeside: Bool
    /// A second server with the same users and without TLS.
    let plainHost = variable("MYSQL_PLAIN_HOST")
    let plainPort = UInt16(variable("MYSQL_PLAIN_PORT")) ?? 0
    /// An account with SELECT only.
    let user = variable("MYSQL_USER")
    let password = variable("MYSQL_PASSWORD")
    let adminUser = variable("MYSQL_ADMIN_USER")
    let adminPassword = variable("MYSQL_ADMIN_PASSWORD")
    let database = variable("MYSQL_DATABASE")
    /// The file of the authority that signed the server's certificate.
    let authority = variable("MYSQL_CA")
    /// The file of an authority that signed nothing.
    let strangerAuthority = variable("MYSQL_STRANGER_CA")

    /// Every server there is, for tests that are made for both products.
    static let atHand = [TestEnvironment.mysql, TestEnvironment.realMySQL].compactMap(\.self)

    /// The server of these variables: `MYSQL` or `REAL_MYSQL`.
    init(_ prefix: String) {
        host = variable(prefix + "_HOST")
        port = UInt16(variable(prefix + "_PORT")) ?? 0
        otherHost = variable(prefix + "_OTHER_HOST")
        isBeside = prefix == "REAL_MYSQL"
    }

    var testDescription: String { isBeside ? "MySQL" : "MariaDB or MySQL" }
}

/// A PostgreSQL server with Supabase's roles: `anon`, `authenticated`, `service_role`, `authenticator`.
struct PostgresServer: Sendable {
    /// Connects as the superuser `postgres` to an empty database, with `sslmode=verify-full`.
    let url = variable("POSTGRES_URL")
    /// Connects as `authenticator`, which may `SET ROLE` to the other three.
    let authenticatorURL = variable("POSTGRES_AUTHENTICATOR_URL")
    /// The file of the authority that signed the server's certificate.
    let authority = variable("POSTGRES_CA")
    /// The file of an authority that signed nothing.
    let strangerAuthority = variable("POSTGRES_STRANGER_CA")
}

/// Three PgBouncers before the PostgreSQL server: of any database, as the superuser `postgres`, with `sslmode=verify-full`.
struct PgBouncerServers: Sendable {
    /// The three of them.
    enum Mode: CaseIterable { case transaction, session, small }

    func url(_ mode: Mode) -> String {
        switch mode {
        case .transaction: transactionURL
        case .session: sessionURL
        case .small: smallURL
        }
    }

    /// Pools transactions.
    let transactionURL = variable("PGBOUNCER_URL")
    /// Pools sessions.
    let sessionURL = variable("PGBOUNCER_SESSION_URL")
    /// Pools transactions on one server connection for a database; tests may pause, restart and misuse it.
    let smallURL = variable("PGBOUNCER_SMALL_URL")
    /// The folder that `scripts/server/pgbouncer-small restart` wants.
    let smallServers = variable("PGBOUNCER_SMALL_SERVERS")
}

/// Qdrant or its engine; each test makes a collection of its own.
struct QdrantServer: Sendable {
    let url = variable("QDRANT_URL")
    let apiKey = variable("QDRANT_API_KEY")
}

private func variable(_ name: String) -> String { TestEnvironment.values["MIGRATE_TEST_\(name)"] ?? "" }
