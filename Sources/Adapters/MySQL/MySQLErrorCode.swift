import Migration

/// An error number of the server (1000 and up), of the client library (2000…2999) or of a proxy between them; an open
/// set, hence no enum.
///
/// - SeeAlso: *MySQL Error Reference*; MariaDB's *Error Codes*; `errmsg.h` and `mysqld_error.h`; ProxySQL's *Error Codes*; TiDB's
///   *Error Codes and Troubleshooting*; Vitess, `go/mysql/sqlerror`; `docs/compatibility.md` for what each of them means here.
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

    /// The link is dead, or leads to a member that cannot serve us: a new handle is needed.
    ///
    /// Reads may simply be repeated on it.
    var isDeadLink: Bool { Self.deadLinks.contains(rawValue) }

    /// What to do next.
    ///
    /// Reads change nothing, so a lost answer is `unavailable`, never `outcomeUnknown`. A code in no list is decided by
    /// the class of its SQLSTATE, and otherwise by time: it may belong to a cluster or a proxy, and may pass.
    ///
    /// - Parameter state: the SQLSTATE that came with it; `HY000` stands for "no class of its own".
    /// - Returns: one of `unavailable`, `unauthorised`, `rejected` and `unclassified`.
    func kind(state: String) -> PortFailure.Kind {
        if isDeadLink || Self.unavailable.contains(rawValue) { return .unavailable }
        if Self.unauthorised.contains(rawValue) { return .unauthorised }
        if Self.rejected.contains(rawValue) { return .rejected }
        if Self.unclassified.contains(rawValue) { return .unclassified }
        return switch state.prefix(2) {
        // Connection exceptions; transactions that were rolled back.
        case "08", "40": .unavailable
        case "28": .unauthorised
        // Cardinality, data, schema names, syntax and access rules.
        case "21", "22", "3D", "42": .rejected
        default: .unclassified
        }
    }

    /// Whether the server's own message contains only names, accounts and servers, and never the content of rows.
    var hasHarmlessMessage: Bool {
        Self.unauthorised.contains(rawValue) || Self.harmless.contains(rawValue) || Self.clusters.contains(rawValue)
            || (2000..<3000).contains(rawValue)
    }

    /// 1053 shutdown · 1927 killed · 2002, 2003 no connection · 2006 gone · 2013, 2055 lost · 4031 idle too long ·
    /// 1047 Galera: not prepared, and behind a balancer the next connection may reach another node · 3032 offline mode ·
    /// 3169 session killed.
    private static let deadLinks: Set<UInt32> = [1047, 1053, 1927, 2002, 2003, 2006, 2013, 2055, 3032, 3169, 4031]

    /// 1021 disk full · 1037, 1041, 1135, 2008 memory, threads · 1040, 1203, 1226 connections used up · 1042 host name ·
    /// 1077, 1079, 1080 going down · 1152, 1154…1161, 1184 network (but 1153: too large stays so) ·
    /// 1020, 1205, 1206, 1213, 1412, 1613, 1614, 1615, 1637, 1689, 3058, 3572 locks, and definitions that are being changed ·
    /// 1297 NDB: temporary · 1317 interrupted · 1429, 12701 Spider, federated: the server behind ·
    /// 1969, 3024 statement took too long · 2001, 2004, 2005, 2012, 2027 connecting · 3168 not available ·
    /// 3796, 3797 group replication: member is not ready.
    private static let unavailable = Set<UInt32>([
        1020, 1021, 1037, 1040, 1041, 1042, 1077, 1079, 1080, 1135, 1152, 1154, 1155, 1156, 1157, 1158, 1159, 1160,
        1161, 1184, 1203, 1205, 1206, 1213, 1226, 1297, 1317, 1412, 1429, 1613, 1614, 1615, 1637, 1689, 1969, 2001,
        2004, 2005, 2008, 2012, 2027, 3024, 3058, 3168, 3572, 3796, 3797, 12701,
    ]).union(clusters)

    /// ProxySQL 9001 connect timeout, 9002 connect failures, 9004 backend offline, 9005 lagging, 9007…9020 checks missed ·
    /// TiDB 8022, 8027, 8028 transaction or schema overtaken, 9001 PD, 9002 TiKV timeout, 9004 locks, 9005 region, 9007 write
    /// conflict, 9008, 9010 no leader, 9011…9013 TiFlash.
    ///
    /// 9003 and 9006 mean something passing in one and something lasting in the other: they are left unclassified.
    private static let clusters = Set<UInt32>([8022, 8027, 8028, 9001, 9002, 9004, 9005]).union(9007...9020)

    /// 1043 handshake · 1044, 1045, 1698 login · 1129, 1130 host · 1131…1133, 1141, 1142, 1143, 1147, 1227, 1370 grants ·
    /// 1251, 1524, 2049, 2059, 2061 way of logging in · 1820, 1862 password expired · 1873 change of user ·
    /// 2026 TLS · 3118, 3955, 4151 account locked · 3159 TLS required.
    private static let unauthorised: Set<UInt32> = [
        1043, 1044, 1045, 1129, 1130, 1131, 1132, 1133, 1141, 1142, 1143, 1147, 1227, 1251, 1370, 1524, 1698, 1820,
        1862, 1873, 2026, 2049, 2059, 2061, 3118, 3159, 3955, 4151,
    ]

    /// Refusals that no retry changes, though their SQLSTATE does not say so: 1193, 1231, 1238 variables · 1111, 1210,
    /// 4077…4079 arguments of functions and operators · 1153, 2020 packet too large · 1267, 1270, 1271, 1273 collations
    /// · 1356, 1449 view whose tables, columns or definer are gone · 1411, 1525 a value that can never be one · 1792
    /// read-only session · 3685…3700 a regular expression · 8001, 8175, 8176 TiDB: memory of a query.
    private static let rejected = Set<UInt32>(3685...3700).union(4077...4079).union([
        1111, 1153, 1193, 1210, 1231, 1238, 1267, 1270, 1271, 1273, 1356, 1411, 1449, 1525, 1792, 2020, 8001, 8175,
        8176,
    ])

    /// Codes whose meaning neither number nor class shows: 1105, 1815 Vitess and proxies for everything · 1290, 1836,
    /// 1874 read-only switches · 1030, 1194, 1195 storage, crashed tables.
    private static let unclassified: Set<UInt32> = [1030, 1105, 1194, 1195, 1290, 1815, 1836, 1874]

    /// 1046 no database · 1049, 1054, 1146 unknown names · 1064 syntax · 1193 unknown variable · 1290, 1792, 1836 read-only.
    private static let harmless: Set<UInt32> = [
        1040, 1046, 1047, 1049, 1053, 1054, 1064, 1146, 1193, 1203, 1205, 1213, 1226, 1290, 1317, 1356, 1449, 1792,
        1836, 1874, 1927, 1969, 3024, 3032, 3168, 3169, 4031,
    ]
}

extension PortFailure {
    /// Reports what the server or the client library answered, without the content of rows, and what a person can do.
    init(_ code: MySQLErrorCode, state: String = "HY000", message: String, options: MySQLOptions) {
        let address = options.address
        if code == .tls {
            let (kind, explanation) = Self.explanation(ofTLS: message, options: options)
            self.init(kind, "MySQL at \(address): \(explanation)", code: "\(code.rawValue)")
            return
        }
        // A statement is shortened to one line in a message too.
        let said = code.hasHarmlessMessage ? String(message.map { $0.isNewline ? " " : $0 }) : "an error"
        let text: String =
            switch code {
            case .cannotConnect, MySQLErrorCode(rawValue: 2003):
                "cannot reach MySQL at \(address): check MYSQL_HOST and MYSQL_PORT, and whether the server runs"
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
        self.init(code.kind(state: state), "\(text) (error \(code.rawValue))", code: "\(code.rawValue)")
    }

    /// Whether its connection has to be opened again.
    var isDeadLink: Bool { code.flatMap(UInt32.init).map { MySQLErrorCode(rawValue: $0).isDeadLink } ?? false }

    /// The meaning of one of the library's many messages about TLS.
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
        // Any other message means that the connection broke during the handshake.
        return (.unavailable, "TLS could not be set up (error 2026)")
    }
}
