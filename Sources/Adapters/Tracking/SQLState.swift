import Migration

extension PortFailure {
    /// What to do next about an error of PostgreSQL, whichever way it came; the table of `docs/tracking.md`.
    ///
    /// - Parameters:
    ///   - state: the SQLSTATE, five characters.
    ///   - message: the server's primary message; kept out of the detail where it could quote a parameter.
    init(sqlState state: String, message: String) {
        let kind = Self.kind(ofSQLState: state)
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

    /// No such function, no such table, and the same as PostgREST's cache has it.
    private static let missing: Set<String> = ["42883", "42P01", "PGRST202", "PGRST205"]

    /// Whether the store has no such function or table, or does not know of it yet.
    var tellsOfMissingSQL: Bool { code.map(Self.missing.contains) ?? false }

    /// The kind of an SQLSTATE or of a PostgREST code.
    static func kind(ofSQLState state: String) -> Kind {
        switch state {
        // Cancelled by a timeout, the server stops or starts, contention: nothing was done, repeat.
        case "57014", "57P01", "57P02", "57P03", "55P03", "40P01", "40001", "PGRST000", "PGRST001", "PGRST002",
            "PGRST003":
            .unavailable
        case "42501", "25006", "PGRST301", "PGRST302", "PGRST303", "3D000": .unauthorised
        case _ where state.hasPrefix("08") || state.hasPrefix("53") || state.hasPrefix("58"): .unavailable
        case _ where state.hasPrefix("28"): .unauthorised
        default: .rejected
        }
    }
}
