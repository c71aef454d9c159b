import Migration

/// A number of the server (1000 and up) or of the client library (2000…2999); an open set, hence no enum.
///
/// - SeeAlso: *MySQL Error Reference*; MariaDB's *Error Codes*; `errmsg.h` and `mysqld_error.h`.
struct MySQLErrorCode: RawRepresentable, Hashable, Sendable {
    let rawValue: UInt32

    static let accessDenied = Self(rawValue: 1045)
    static let unknownDatabase = Self(rawValue: 1049)
    static let unknownColumn = Self(rawValue: 1054)
    static let syntaxError = Self(rawValue: 1064)
    static let noSuchTable = Self(rawValue: 1146)
    static let unknownVariable = Self(rawValue: 1193)
    static let interrupted = Self(rawValue: 1317)
    static let cannotConnect = Self(rawValue: 2002)
    static let unknownHost = Self(rawValue: 2005)
    static let serverLost = Self(rawValue: 2013)
    static let tls = Self(rawValue: 2026)

    /// The link is dead: a new handle is needed.
    ///
    /// Reads may simply be repeated on it.
    var isDeadLink: Bool { Self.deadLinks.contains(rawValue) }

    /// What to do next.
    ///
    /// Reads change nothing, so an answer that was lost is `unavailable`, never `outcomeUnknown`.
    var kind: PortFailure.Kind {
        if isDeadLink || Self.unavailable.contains(rawValue) { return .unavailable }
        return Self.unauthorised.contains(rawValue) ? .unauthorised : .rejected
    }

    /// Whether the server's own sentence speaks of names and accounts only, and never of what rows hold.
    var hasHarmlessMessage: Bool {
        kind == .unauthorised || Self.harmless.contains(rawValue) || (2000..<3000).contains(rawValue)
    }

    /// 1053 shutdown · 1927 killed · 2002, 2003 no connection · 2006 gone · 2013, 2055 lost · 4031 idle too long.
    private static let deadLinks: Set<UInt32> = [1053, 1927, 2002, 2003, 2006, 2013, 2055, 4031]

    /// 1021 disk full · 1037, 1041, 2008 memory · 1040, 1203, 1226 connections used up · 1077, 1079, 1080 going down ·
    /// 1152, 1154…1161, 1184 network (but 1153: too large stays so) · 1205, 1213 locks · 1317 interrupted ·
    /// 1969, 3024 statement took too long · 2001, 2004, 2005, 2012, 2027 connecting · 3168 not available.
    private static let unavailable: Set<UInt32> = [
        1021, 1037, 1040, 1041, 1077, 1079, 1080, 1152, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1184, 1203,
        1205, 1213, 1226, 1317, 1969, 2001, 2004, 2005, 2008, 2012, 2027, 3024, 3168,
    ]

    /// 1043 handshake · 1044, 1045, 1698 login · 1129, 1130 host · 1142, 1143, 1227 grants · 1251, 1524, 2049, 2059,
    /// 2061 way of logging in · 1820, 1862 password expired · 2026 TLS · 3118, 3955, 4151 account locked ·
    /// 3159 TLS required.
    private static let unauthorised: Set<UInt32> = [
        1043, 1044, 1045, 1129, 1130, 1142, 1143, 1227, 1251, 1524, 1698, 1820, 1862, 2026, 2049, 2059, 2061, 3118,
        3159, 3955, 4151,
    ]

    /// 1046 no database · 1049, 1054, 1146 unknown names · 1064 syntax · 1193 unknown variable · 1792 read-only.
    private static let harmless: Set<UInt32> = [
        1040, 1046, 1049, 1053, 1054, 1064, 1146, 1193, 1203, 1205, 1213, 1226, 1317, 1792, 1927, 1969, 3024, 4031,
    ]
}

extension PortFailure {
    /// Says what the server or the client library answered, without what rows hold, and what a person can do.
    init(_ code: MySQLErrorCode, message: String, options: MySQLOptions) {
        let address = options.address
        if code == .tls {
            let (kind, explanation) = Self.explanation(ofTLS: message, options: options)
            self.init(kind, "MySQL at \(address): \(explanation)", code: "\(code.rawValue)")
            return
        }
        // A statement is one line in a message too.
        let said = code.hasHarmlessMessage ? String(message.map { $0.isNewline ? " " : $0 }) : "an error"
        let text: String =
            switch code {
            case .cannotConnect, MySQLErrorCode(rawValue: 2003):
                "cannot reach MySQL at \(address): check MYSQL_HOST and MYSQL_PORT, and that the server runs"
            case .serverLost: "the connection to MySQL at \(address) was lost"
            case .unknownHost: "MYSQL_HOST \(options.host) is not a known host name"
            case .accessDenied, MySQLErrorCode(rawValue: 1698):
                "MySQL at \(address): \(said); check MYSQL_USER, MYSQL_PASSWORD and whether the account must use TLS"
            case .unknownDatabase: "MySQL at \(address): \(said); check MYSQL_DATABASE"
            case .noSuchTable: "MySQL at \(address): \(said); check MYSQL_TABLE"
            case .unknownColumn:
                "MySQL at \(address): \(said); check MYSQL_ID_COLUMN, MYSQL_TENANT_COLUMN, MYSQL_CONTENT_COLUMN "
                    + "and --where"
            case .syntaxError where options.where != nil: "MySQL at \(address): \(said); check --where"
            case MySQLErrorCode(rawValue: 1142), MySQLErrorCode(rawValue: 1143):
                "MySQL at \(address): \(said); grant SELECT on the table"
            default: "MySQL at \(address): \(said)"
            }
        self.init(code.kind, "\(text) (error \(code.rawValue))", code: "\(code.rawValue)")
    }

    /// Whether the connection it came from has to be opened anew.
    var isDeadLink: Bool { code.flatMap(UInt32.init).map { MySQLErrorCode(rawValue: $0).isDeadLink } ?? false }

    /// What one of the library's many sentences about TLS means here.
    private static func explanation(ofTLS message: String, options: MySQLOptions) -> (Kind, String) {
        let bundle =
            "set MYSQL_SSL_CA to the file of the authority that issued it (for AWS RDS the RDS bundle, "
            + "global-bundle.pem)"
        if message.contains("SSL is required") {
            return (.unauthorised, "the server offers no TLS, and MYSQL_SSL=verify demands it; switch TLS on there")
        }
        if message.contains("Validation of SSL server certificate") {
            return (
                .unauthorised,
                "the server's certificate does not name \(options.host); use the name it carries as MYSQL_HOST"
            )
        }
        if message.contains("certificate") {
            let authorities =
                if case .verify(let file?) = options.tls { "the authorities in MYSQL_SSL_CA (\(file))" } else {
                    "an authority this machine trusts"
                }
            return (.unauthorised, "the server's certificate was not issued by \(authorities); \(bundle)")
        }
        // Anything else is a connection that broke during the handshake.
        return (.unavailable, "TLS could not be set up (error 2026)")
    }
}
