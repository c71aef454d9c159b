/// What somebody has put in the place of a plain value, told without quoting it.
///
/// A misread address hides its password in the wrong part: behind an unescaped `@`, in the host, in the database. So what looks
/// like an address is never shown, whichever setting it stands in.
package enum Misreading {
    /// Whether a text may hold a password: an address with a login, or options with a key in them.
    package static func mayHoldSecret(_ text: String) -> Bool {
        let lower = text.lowercased()
        if let scheme = lower.firstRange(of: "://"), lower[scheme.upperBound...].contains("@") { return true }
        if let at = lower.lastIndex(of: "@"), lower[..<at].contains(":") { return true }
        return lower.contains(/(?:pass|pwd|secret|token|key|sig|signature|auth|credential)[a-z_-]*\s*(?:=|:\s)/)
    }

    /// What a text that is no host name looks like, and what to write in its place.
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
        // Known ones and no others: what stands before a colon may be a user name, and that of a longer text a password.
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

    /// Why the address of a service over HTTP cannot be used; nil = it can, as far as its text shows.
    ///
    /// Refused by its text, not by how a parser divides it: of `https://me:1/2@host` the host is `me` to every parser, and the
    /// rest of the password would stand in the path.
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

    /// Whether a value is as `docker --env-file` passes it on from `NAME="value"`: with its quotes.
    static func isQuoted(_ text: String) -> Bool {
        guard text.utf8.count >= 2, let first = text.utf8.first, first == text.utf8.last else { return false }
        return first == UInt8(ascii: "\"") || first == UInt8(ascii: "'")
    }

    /// Whether a value is one of the variables that Kubernetes and Docker's links set for each service: `tcp://10.0.0.1:3306`.
    static func isServiceVariable(_ text: String) -> Bool {
        text.wholeMatch(of: /(?:tcp|udp|sctp):\/\/[0-9A-Fa-f.:\[\]]+:[0-9]{1,5}/) != nil
    }
}
