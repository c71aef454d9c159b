import Migration

extension PortFailure {
    /// What to do next about an error of PostgreSQL, over any connection; the table is in `docs/tracking.md`.
    ///
    /// - Parameters:
    ///   - state: the SQLSTATE, five characters.
    ///   - message: the server's primary message; left out of the detail if it could quote a parameter.
    init(sqlState state: String, message: String) {
        let kind = Self.kind(ofSQLState: state, message: message)
        let said = state.hasPrefix("22") && state != "22023" ? "a parameter it cannot read" : message
        let detail =
            switch state {
            case _ where Self.missing.contains(state):
                "the tracking SQL is not installed, or is older than this program: run `migrate setup`"
            case "42501", "PGRST301", "PGRST302", "PGRST303":
                "the tracking store refuses this key or role: \(said)"
            case "25006": "the tracking database is read-only (a replica, or its disk is full)"
            default: "the tracking database said: \(said)"
            }
        self.init(kind, detail, code: state)
    }

    /// No such function or table, also according to PostgREST's cache.
    private static let missing: Set<String> = ["42883", "42P01", "PGRST202", "PGRST205"]

    /// Whether the store has no such function or table, or does not know it yet.
    var tellsOfMissingSQL: Bool { code.map(Self.missing.contains) ?? false }

    /// The kind of an SQLSTATE or of a PostgREST code.
    ///
    /// - Parameters:
    ///   - state: the code.
    ///   - message: the message of the error: poolers use one or two codes for everything.
    /// - Returns: what to do next.
    static func kind(ofSQLState state: String, message: String = "") -> Kind {
        if let kind = SQLStateTable.exact[state] { return kind }
        let isOfPoolers = state.hasPrefix("08") || state.hasPrefix("XX") || state.hasPrefix("57")
        if isOfPoolers, SQLStateTable.isForPeople(message) { return .unauthorised }
        let group = state.hasPrefix("PGRST") ? "PGRST" : String(state.prefix(2))
        return SQLStateTable.classes[group] ?? SQLStateTable.unknown
    }

    /// Whether the connection leads to a server that cannot do the work, or is in an unknown state.
    ///
    /// The next call opens another one, with a new lookup of the name: so it follows a failover.
    var spoilsConnection: Bool {
        guard let code else { return false }
        let states: Set<String> = ["25006", "25P02", "26000", "42P05", "57P05"]
        return states.contains(code) || ["08", "XX", "57P", "58"].contains(where: code.hasPrefix)
    }
}

/// SQLSTATEs and PostgREST's codes by what to do next.
///
/// Errors that only a person can solve end the work at once (`unauthorised`, `rejected`): grants, names, syntax,
/// authentication, and bugs of this program. Everything that servers, poolers and failovers report for seconds is an
/// outage.
///
/// - SeeAlso: *PostgreSQL Error Codes*; PostgREST's *Errors*; the sources of PgBouncer and Supavisor.
enum SQLStateTable {
    /// The kind of a code that is in no table.
    static let unknown: PortFailure.Kind = .unclassified

    static let exact: [String: PortFailure.Kind] = [
        // The transaction may have been committed.
        "40003": .outcomeUnknown, "08007": .outcomeUnknown,
        // A violated constraint, not contention.
        "40002": .rejected,
        // A database that was dropped or never existed.
        "3D000": .unauthorised, "57P04": .unauthorised,
        // Data or an index is broken.
        "XX001": .rejected, "XX002": .rejected,
        "42501": .unauthorised,
        // A pooler gave the connection to another client between two messages.
        "26000": .unavailable, "42P05": .unavailable, "34000": .unavailable,
        // A transaction that was left open or failed: it belongs to another client, or its time limit ended it.
        "25P02": .unavailable, "25P03": .unavailable, "25P04": .unavailable,
        // A lock, an object in use.
        "55006": .unavailable, "55P03": .unavailable,
        "72000": .unavailable,
        // A server that was the primary before a failover, a full disk, or a replica: only time shows which.
        "25006": unknown,
        // `cached plan must not change result type`, and operations that a replica or a pooler does not support.
        "0A000": unknown, "55000": unknown, "25001": unknown,
        "PGRST000": .unavailable, "PGRST001": .unavailable, "PGRST002": .unavailable, "PGRST003": .unavailable,
        "PGRST300": .unauthorised, "PGRST301": .unauthorised, "PGRST302": .unauthorised, "PGRST303": .unauthorised,
        "PGRSTX00": .unavailable,
    ]

    /// By the first two characters of an SQLSTATE; PostgREST's codes are one class.
    static let classes: [String: PortFailure.Kind] = [
        "PGRST": .rejected,
        // Connections, resources, the operator (shutdown, time limits, idle for too long), the system, internal errors.
        "08": .unavailable, "53": .unavailable, "57": .unavailable, "58": .unavailable, "XX": .unavailable,
        // Contention.
        "40": .unavailable,
        // Authentication.
        "28": .unauthorised,
        // Requests that stay wrong: data, constraints, syntax, the tracking functions themselves.
        "20": .rejected, "21": .rejected, "22": .rejected, "23": .rejected, "2F": .rejected, "39": .rejected,
        "3F": .rejected, "42": .rejected, "44": .rejected, "54": .rejected, "P0": .rejected,
    ]

    /// Whether a pooler reports what a person has to change: names, logins, permitted addresses, used-up plans.
    static func isForPeople(_ message: String) -> Bool {
        let lower = message.lowercased()
        if forPeople.contains(where: lower.contains) { return true }
        // `database "app" does not exist` and similar messages.
        return ["database \"", "role \""].contains(where: lower.contains) && lower.contains("\" does not exist")
    }

    private static let forPeople = [
        // PgBouncer
        "no such database", "no such user", "unsupported startup parameter", "tls connection required",
        "ssl required", "password authentication failed", "login rejected", "not allowed", "certificate",
        "sasl authentication failed", "wrong password type", "user does not exist", "database does not exist",
        // Messages of PostgreSQL that PgBouncer passes on with its own code 08P01
        "authentication failed for user", "no pg_hba.conf entry", "pg_hba.conf rejects", "is not permitted to log in",
        "permission denied for database", "does not have connect privilege",
        // Supavisor
        "tenant or user not found", "allow_list", "ssl connection is required", "there is no user",
        "no tenant identifier",
        // Neon
        "endpoint id is not specified", "endpoint has been disabled", "compute time quota",
        "exceeded the data transfer quota",
        "project is suspended", "requested endpoint could not be found",
        // RDS Proxy
        "has no credentials for the role", "only supports", "iam authentication",
        // pgcat
        "no pool configured", "invalid pool name",
    ]
}
