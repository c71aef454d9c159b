import Testing

/// Something from outside that a suite cannot do without: `@Suite(.needs(.mysql, .vocabulary))`.
enum Need: String, CaseIterable, Sendable {
    case mysql = "MariaDB or MySQL"
    case postgres = "PostgreSQL"
    case pgbouncer = "PgBouncer"
    case qdrant = "Qdrant's engine"
    case vocabulary = "the tokenizer's vocabulary"
    case python = "Python clients"
    case composeSchema = "the Compose schema"
    case workflowSchema = "the schema of workflows"

    /// The variables that have to be set.
    var variables: [String] {
        let names: [String] =
            switch self {
            case .mysql:
                [
                    "MYSQL_HOST", "MYSQL_PORT", "MYSQL_OTHER_HOST", "MYSQL_PLAIN_HOST", "MYSQL_PLAIN_PORT",
                    "MYSQL_USER", "MYSQL_PASSWORD", "MYSQL_ADMIN_USER", "MYSQL_ADMIN_PASSWORD",
                    "MYSQL_DATABASE", "MYSQL_CA", "MYSQL_STRANGER_CA",
                ]
            case .postgres:
                ["POSTGRES_URL", "POSTGRES_AUTHENTICATOR_URL", "POSTGRES_CA", "POSTGRES_STRANGER_CA"]
            case .pgbouncer:
                ["PGBOUNCER_URL", "PGBOUNCER_SESSION_URL", "PGBOUNCER_SMALL_URL", "PGBOUNCER_SMALL_SERVERS"]
            case .qdrant: ["QDRANT_URL", "QDRANT_API_KEY"]
            case .vocabulary: ["VOCABULARY"]
            case .python: ["PYTHON"]
            case .composeSchema: ["COMPOSE_SCHEMA"]
            case .workflowSchema: ["WORKFLOW_SCHEMA"]
            }
        return names.map { "MIGRATE_TEST_" + $0 }
    }

    /// Whether `MIGRATE_TEST_REQUIRE` demands it.
    ///
    /// The containers of `make integration-docker` have no PgBouncer; `make test` has,
    /// and takes a skipped suite for a failure.
    var isRequired: Bool { self != .pgbouncer }

    /// The variables that are not set.
    var missing: [String] { variables.filter { TestEnvironment.values[$0] == nil } }

    /// Whether every variable is set.
    var isMet: Bool { missing.isEmpty }
}

extension Trait where Self == ConditionTrait {
    /// Runs the suite or test only where everything it needs is there; the last line of the run says what was not.
    static func needs(_ needs: Need...) -> Self {
        let unmet = needs.filter { !$0.isMet }
        let reason = unmet.map { "no \($0.rawValue): \($0.missing.joined(separator: ", "))" }.joined(separator: "; ")
        return .enabled(if: unmet.isEmpty, Comment(rawValue: reason))
    }
}
