import CPostgres
import FoundationEssentials
package import Migration
package import Settings

/// The address of a PostgreSQL server and its login, checked before anything is sent.
///
/// `sslmode` is `verify-full` unless the address names another one. A lower mode would let a man in the middle read the
/// password; for other hosts than this machine it is refused unless it is explicitly allowed.
package struct PostgresLogin: Sendable, CustomStringConvertible, CustomReflectable {
    /// Host, port and database, for messages.
    package let name: String
    /// The address for libpq, without the parameters of other drivers.
    let url: Secret
    /// Options that override the address.
    let overrides: [(keyword: String, value: String)]

    /// Parses an address as libpq does.
    ///
    /// - Parameters:
    ///   - url: `postgresql://user:password@host:5432/database?sslrootcert=…`.
    ///   - allowsPlaintext: allows an explicit `sslmode` below `verify-full` to any host.
    /// - Throws: `rejected` for an invalid address, `unauthorised` for an unsafe `sslmode`. No detail quotes it.
    package init(_ url: Secret, allowsPlaintext: Bool) throws(PortFailure) {
        let reading = url.withExposedValue { PostgresAddress.read($0, keywords: Self.keywords) }
        guard case .usable(let text, _) = reading else {
            if case .refused(let sentence) = reading { throw Self.refused(sentence) }
            throw Self.refused(Self.form)
        }
        guard let options = Self.options(text), let host = options["hostaddr"] ?? options["host"] else {
            throw Self.refused(Self.form)
        }
        try Self.check(options)
        let isLocal = Self.hosts(options).allSatisfy(Self.isLocal)
        let mode = options["sslmode"]
        guard isLocal || allowsPlaintext || mode == nil || mode == "verify-full" else {
            throw PortFailure(
                .unauthorised,
                "sslmode=\(mode ?? "") to \(host) does not protect the password: use sslmode=verify-full with "
                    + "sslrootcert=FILE, or allow it with --allow-plaintext"
            )
        }
        name = "\(options["host"] ?? host):\(options["port"] ?? "5432")/\(options["dbname"] ?? "")"
        self.url = Secret(text)
        var overrides = [
            ("application_name", "migrate"), ("client_encoding", "UTF8"),
            ("keepalives_idle", "10"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
        ]
        if mode == nil { overrides.append(("sslmode", isLocal ? "prefer" : "verify-full")) }
        if !isLocal, options["sslrootcert"] == nil, mode == nil || mode == "verify-full",
            let roots = Self.systemRoots
        {
            overrides.append(("sslrootcert", roots))
        }
        self.overrides = overrides.map { (keyword: $0.0, value: $0.1) }
    }

    package var description: String { name }
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    /// The authorities that libcurl trusts too; libpq 15 would look only in the home folder.
    private static var systemRoots: String? {
        ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"]
            .first { FileManager.default.isReadableFile(atPath: $0) }
    }

    private static let form = "is not an address of the form postgresql://user:password@host:5432/database"

    private static func refused(_ sentence: String) -> PortFailure {
        PortFailure(.rejected, "POSTGRES_URL \(sentence)")
    }

    private static func hosts(_ options: [String: String]) -> [String] {
        [options["host"], options["hostaddr"]].compactMap(\.self)
            .flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map(String.init)
    }

    /// Checks that host and database can be such names, because libpq's errors name both.
    private static func check(_ options: [String: String]) throws(PortFailure) {
        for host in hosts(options) where !host.hasPrefix("/") && !host.hasPrefix("@") && HostName(host) == nil {
            throw refused("names a host that is no host name: is there an unescaped @, / or : in the password?")
        }
        if let database = options["dbname"], Misreading.mayHoldSecret(database) || database.contains("@") {
            throw refused("names a database with an @ or a = in it: is there an unescaped / in the password?")
        }
        if let mode = options["sslmode"], !modes.contains(mode) {
            throw refused("has an sslmode that libpq does not know: write sslmode=verify-full")
        }
    }

    private static let modes: Set<String> = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

    /// The options that the libpq of this host knows.
    private static let keywords: Set<String> = {
        guard let defaults = unsafe PQconndefaults() else { return [] }
        defer { unsafe PQconninfoFree(defaults) }
        var keywords: Set<String> = []
        var option = unsafe defaults
        while let keyword = unsafe option.pointee.keyword {
            unsafe keywords.insert(String(cString: keyword))
            unsafe option += 1
        }
        return keywords
    }()

    /// The options in an address, or nil when libpq cannot parse it.
    ///
    /// Its message is dropped, because it quotes the address.
    private static func options(_ url: String) -> [String: String]? {
        var message: UnsafeMutablePointer<CChar>?
        guard let parsed = unsafe PQconninfoParse(url, &message) else {
            unsafe PQfreemem(message)
            return nil
        }
        defer { unsafe PQconninfoFree(parsed) }
        var options: [String: String] = [:]
        var option = unsafe parsed
        while let keyword = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val {
                unsafe options[String(cString: keyword)] = String(cString: value)
            }
            unsafe option += 1
        }
        // A service file could name another host than the one that was checked.
        guard options["service"] == nil else { return nil }
        let ports = options["port", default: "5432"].split(separator: ",")
        return ports.allSatisfy({ UInt16($0) != nil }) ? options : nil
    }

    /// Whether it is a Unix socket or this machine.
    private static func isLocal(_ host: String) -> Bool {
        host.hasPrefix("/") || host.hasPrefix("@") || isLoopback(host)
    }
}
