import CPostgres
import Foundation
package import Migration

/// Where a PostgreSQL server is and how to log in, checked before anything is sent.
///
/// `sslmode` is `verify-full` unless the address names another; one below that would let a man in the middle read the
/// password, and is refused for any host but this machine unless it is allowed on purpose.
package struct PostgresLogin: Sendable, CustomStringConvertible, CustomReflectable {
    /// Host, port and database, for messages.
    package let name: String
    let url: Secret
    /// What is set on top of the address.
    let overrides: [(keyword: String, value: String)]

    /// Parses an address as libpq does.
    ///
    /// - Parameters:
    ///   - url: `postgresql://user:password@host:5432/database?sslrootcert=…`.
    ///   - allowsPlaintext: allows an explicit `sslmode` below `verify-full` to any host.
    /// - Throws: `rejected` for what is no such address, `unauthorised` for an unsafe `sslmode`. No detail quotes it.
    package init(_ url: Secret, allowsPlaintext: Bool) throws(PortFailure) {
        guard let options = url.withExposedValue(Self.options), let host = options["hostaddr"] ?? options["host"] else {
            throw PortFailure(
                .rejected,
                "POSTGRES_URL is not an address of the form postgresql://user:password@host:5432/database"
            )
        }
        let hosts = [options["host"], options["hostaddr"]].compactMap(\.self).flatMap { $0.split(separator: ",") }
        let isLocal = hosts.allSatisfy { Self.isLocal(String($0)) }
        let mode = options["sslmode"]
        guard isLocal || allowsPlaintext || mode == nil || mode == "verify-full" else {
            throw PortFailure(
                .unauthorised,
                "sslmode=\(mode ?? "") to \(host) does not protect the password: use sslmode=verify-full with "
                    + "sslrootcert=FILE, or allow it with --allow-plaintext"
            )
        }
        name = "\(options["host"] ?? host):\(options["port"] ?? "5432")/\(options["dbname"] ?? "")"
        self.url = url
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

    /// The authorities that libcurl trusts, too; libpq 15 would look only into the home folder.
    private static var systemRoots: String? {
        ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"]
            .first { FileManager.default.isReadableFile(atPath: $0) }
    }

    /// The options an address gives, or nil when libpq does not understand it.
    ///
    /// Its message is dropped: it quotes the address.
    private static func options(_ url: String) -> [String: String]? {
        guard !url.utf8.contains(0) else { return nil }
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

    /// A Unix socket or this machine.
    private static func isLocal(_ host: String) -> Bool {
        host.hasPrefix("/") || host.hasPrefix("@") || isLoopback(host)
    }
}
