import Settings

/// The text of POSTGRES_URL, read before libpq sees it.
///
/// If a password in an address contains an unescaped `@`, `/` or `?`, libpq takes the end of the password for the host
/// or the database, and names it in its errors. And it refuses parameters that providers add for other drivers.
enum PostgresAddress {
    /// The result of reading it.
    enum Reading: Equatable {
        /// The address for libpq: without the parameters of other drivers, which are listed.
        case usable(String, ignored: [String])
        /// A sentence that quotes no part of it.
        case refused(String)
    }

    /// Reads an address or a list of options.
    ///
    /// - Parameters:
    ///   - text: the value of the setting.
    ///   - keywords: the options that libpq knows.
    /// - Returns: the address for libpq, or why it must not get one.
    static func read(_ text: String, keywords: Set<String>) -> Reading {
        guard !text.utf8.contains(0) else { return .refused(form) }
        guard let scheme = ["postgresql://", "postgres://"].first(where: text.hasPrefix) else {
            // `host=… user=…`, which libpq reads too.
            let isList = text.prefixMatch(of: /\s*[a-z_]+\s*=/) != nil
            if isList { return .usable(text, ignored: []) }
            guard let other = Misreading.scheme(of: text) else { return .refused(form) }
            return .refused("begins with \(other), which libpq does not read: it must begin with postgresql://")
        }
        let rest = text.dropFirst(scheme.count)
        let parts = rest.split(separator: "@", omittingEmptySubsequences: false)
        if parts.count > 2 { return .refused("holds more than one @: write one that belongs to the password as %40") }
        if parts.count == 2, parts[0].contains("/") {
            return .refused("holds a / before the @: write one that belongs to the password as %2F")
        }
        if rest.contains(where: \.isWhitespace) {
            return .refused("holds white space: write a space that belongs to the password as %20")
        }
        if rest.firstMatch(of: /%(?![0-9A-Fa-f]{2})/) != nil {
            return .refused("holds a % without two hexadecimal digits behind it: write a % of the password as %25")
        }
        return parameters(of: text, keywords)
    }

    private static let form = "is not an address of the form postgresql://user:password@host:5432/database"

    /// Removes the parameters of other drivers; unknown ones are named in the error.
    private static func parameters(of text: String, _ keywords: Set<String>) -> Reading {
        // A `?` before the @ belongs to the password.
        let search = text.lastIndex(of: "@") ?? text.startIndex
        guard let mark = text[search...].firstIndex(of: "?") else { return .usable(text, ignored: []) }
        var kept: [Substring] = []
        var ignored: [String] = []
        for parameter in text[text.index(after: mark)...].split(separator: "&") {
            let name = String(parameter.prefix { $0 != "=" })
            if keywords.contains(name) || name == "ssl" {
                kept.append(parameter)
            } else if foreign.contains(name.lowercased()) {
                ignored.append(name)
            } else if name.wholeMatch(of: /[A-Za-z][A-Za-z0-9_.-]{0,40}/) != nil {
                return .refused("has the parameter `\(name)`, which this libpq does not know: leave it out")
            } else {
                return .refused("has a parameter that libpq does not know: leave it out")
            }
        }
        let query = kept.isEmpty ? "" : "?" + kept.joined(separator: "&")
        return .usable(text[..<mark] + query, ignored: ignored)
    }

    /// Parameters of Prisma, Supabase and Vercel, node-postgres, JDBC, SQLAlchemy, pgx, Doctrine and others.
    ///
    /// They set how those drivers pool, prepare and name things. None of them protects anything: TLS parameters are
    /// either libpq's own or refused by name.
    private static let foreign: Set<String> = [
        "applicationname", "charset", "connection_limit", "currentschema", "default_query_exec_mode", "encoding", "max",
        "pgbouncer", "pool", "pool_max_conn_idle_time", "pool_max_conn_lifetime", "pool_max_conns", "pool_min_conns",
        "pool_mode", "pool_recycle", "pool_size", "pool_timeout", "preparethreshold", "prepared_statement_cache_size",
        "prepared_statements", "prepare", "reformat", "rewritebatchedinserts", "schema", "serverversion",
        "single_use_connections", "socket_timeout", "sockettimeout", "sslaccept", "statement_cache_capacity",
        "statement_cache_mode", "statement_cache_size", "supa", "timezone", "uselibpqcompat", "workaround",
    ]
}
