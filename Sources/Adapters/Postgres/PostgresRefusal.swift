import Migration

/// The meaning of libpq's own message if it carries no SQLSTATE, or one within the message.
enum PostgresRefusal {
    /// The failure of a login.
    ///
    /// - Parameter message: libpq's message, in verbose form, in one line.
    /// - Returns: the failure, with the SQLSTATE as its code if there is one.
    static func failure(ofLogin message: String) -> PortFailure {
        // `…FATAL:  28P01: password authentication failed…`
        if let match = message.firstMatch(of: /:  ([0-9A-Z]{5}): ([^;]*)/) {
            let (state, said) = (String(match.1), String(match.2))
            let kind = PortFailure.kind(ofSQLState: state, message: said)
            // PgBouncer says nothing else for either of them.
            let isOfLogin = said.lowercased().contains("sasl authentication failed")
            let hint = isOfLogin ? ": the user or the password in POSTGRES_URL is wrong" : ""
            return PortFailure(kind, "PostgreSQL: \(said)\(hint)", code: state)
        }
        let lower = message.lowercased()
        let isForPeople = forPeople.contains(where: lower.contains)
        return PortFailure(isForPeople ? .unauthorised : .unavailable, "PostgreSQL: \(message)")
    }

    /// Problems that only a person can solve.
    ///
    /// A broken handshake is not among them: poolers and proxies that restart end it with `SSL SYSCALL error: EOF
    /// detected` and similar messages.
    private static let forPeople = [
        "certificate", "server does not support ssl", "ssl was required", "invalid response to ssl negotiation",
        "expected authentication request", "no password supplied", "authentication method", "channel binding",
        "scram", "private key", "invalid sslmode", "unsupported protocol", "no postgresql user name",
        "encryption is required", "tlsv1 alert", "sslv3 alert",
    ]
}
