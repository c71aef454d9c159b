/// Describes what was given in place of a plain value, without quoting it.
///
/// In a misread address the password ends up in the wrong part: behind an unescaped `@`, in the host, in the database.
/// So a value that looks like an address is never shown, whichever setting it is in.
package enum Misreading {
    /// Whether a text may contain a password: an address with a login, or options with a key.
    package static func mayHoldSecret(_ text: String) -> Bool {
        let lower = text.lowercased()
        if let scheme = lower.firstRange(of: "://"), lower[scheme.upperBound...].contains("@") { return true }
        if let at = lower.lastIndex(of: "@"), lower[..<at].contains(":") { return true }
        return lower.contains(/(?:pass|pwd|secret|token|key|sig|signature|auth|credential)[a-z_-]*\s*(?:=|:\s)/)
    }

    /// What a text looks like that is no host name, and what to write in its place.
    static func ofHost(_ text: String) -> String {
        let rest = "write the host alone, and port, user, password and database into their own settings"
        if let scheme = scheme(of: text) { return "is an address (\(scheme)…), not a host name: \(rest)" }
        if text.contains("@") { return "holds an @, so it is an address or a part of one: \(rest)" }
        if text.contains("=") || text.contains(";") { return "holds options (name=value): \(rest)" }
        if text.hasPrefix("/") || text.hasPrefix("unix") {
            return "is a path; sockets are not used: write 127.0.0.1 for this host"
        }
        if text.contains("(") { return "is written as Go's drivers have it: \(rest)" }
        if text.contains("/") { return "holds a slash: \(rest)" }
        if text.contains(where: \.isWhitespace) { return "holds white space: write one host" }
        if text.contains(",") { return "is a list: write one host" }
        if text.wholeMatch(of: /[A-Za-z0-9._-]+:[0-9]*/) != nil {
            return "has a port behind it: write the port into MYSQL_PORT"
        }
        if text.contains(where: { !$0.isASCII }) {
            return "holds other letters than a…z: write an international name in its xn-- form"
        }
        return "is no host name: letters, digits, hyphens and dots, or an address in numbers"
    }

    /// The scheme of an address, with its colon: `mysql:`, `jdbc:mysql:`, `mysql+pymysql:`.
    package static func scheme(of text: String) -> String? {
        // Only known schemes: the text before a colon may be a user name, and in a longer text a password.
        guard let match = text.prefixMatch(of: /(?i)(?:jdbc:)?(?:([a-z][a-z0-9]{1,15})(?:\+[a-z0-9]{1,20})?:)/),
            schemes.contains(match.1.lowercased())
        else { return nil }
        return match.0.lowercased()
    }

    private static let schemes: Set<String> = [
        "mysql", "mysqlx", "mariadb", "jdbc", "postgres", "postgresql", "http", "https", "tcp", "udp", "unix",
        "sqlserver",
        "mongodb", "redis", "ssh", "odbc",
    ]

    /// Why the address of an HTTP service cannot be used; nil = its text is valid.
    ///
    /// The text is checked, not the parsed parts: in `https://me:1/2@host` every parser takes `me` for the host, and
    /// the rest of the password would be in the path.
    static func ofURL(_ text: String, allowsQuery: Bool) -> String? {
        if text.contains("@") {
            return "holds an @: it must not hold a user name or password; keys have settings of their own"
        }
        if text.contains("\\") || text.contains("#") { return "holds a \\ or #, which no address of a service has" }
        if !allowsQuery, text.contains("?") { return "holds a ?: write the address up to it" }
        if let match = text.wholeMatch(of: /(?i)(?:jdbc:)?([a-z][a-z0-9+.]*):.*/)?.1.lowercased(),
            match != "http", match != "https", schemes.contains(match)
        {
            return "is an address of \(match):, not of http:// or https://"
        }
        return nil
    }

    /// Whether a value still has its quotes, as `docker --env-file` passes it on from `NAME="value"`.
    static func isQuoted(_ text: String) -> Bool {
        guard text.utf8.count >= 2, let first = text.utf8.first, first == text.utf8.last else { return false }
        return first == UInt8(ascii: "\"") || first == UInt8(ascii: "'")
    }

    /// Whether a value is one of the variables that Kubernetes and Docker links set for each service:
    /// `tcp://10.0.0.1:3306`.
    static func isServiceVariable(_ text: String) -> Bool {
        text.wholeMatch(of: /(?:tcp|udp|sctp):\/\/[0-9A-Fa-f.:\[\]]+:[0-9]{1,5}/) != nil
    }
}
