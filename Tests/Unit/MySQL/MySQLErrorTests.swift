import Migration
import Settings
import Testing

@testable import Adapters

@Suite struct `MySQL errors` {
    private let options = MySQLOptions(
        host: "db.example",
        user: "app",
        password: Secret("hunter2"),
        database: "d",
        tls: .verify(ca: "/etc/ca.pem")
    )

    private func kind(_ code: UInt32, _ state: String = "HY000") -> PortFailure.Kind {
        MySQLErrorCode(rawValue: code).kind(state: state)
    }

    @Test(
        arguments: [
            1020, 1021, 1037, 1040, 1041, 1042, 1053, 1077, 1079, 1080, 1135, 1152, 1154, 1155, 1156, 1157, 1158, 1159,
            1160, 1161, 1184, 1203, 1205, 1206, 1213, 1226, 1297, 1317, 1412, 1615, 1689, 1927, 1969, 2001, 2002, 2003,
            2004, 2005, 2006, 2008, 2012, 2013, 2027, 2055, 3024, 3168, 4031,
        ] as [UInt32]
    )
    func `what passes by itself is unavailable`(code: UInt32) {
        #expect(kind(code) == .unavailable)
    }

    /// As servers, clusters and proxies say it while they fail over; the SQLSTATE is the one that comes with it.
    @Test(
        arguments: [
            (1047, "08S01", "Galera: WSREP has not yet prepared node for application use"),
            (1213, "40001", "Galera: a certification conflict"), (1205, "HY000", "Galera: flow control"),
            (1053, "08S01", "RDS: Server shutdown in progress"), (3032, "HY000", "MySQL: offline mode"),
            (3168, "HY000", "MySQL, Vitess: Server isn't available"), (3169, "HY000", "MySQL: Session was killed"),
            (4031, "HY000", "MySQL: The client was disconnected by the server"),
            (3797, "HY000", "group replication: the member is in a wrong state"),
            (9001, "HY000", "ProxySQL: Max connect timeout reached while reaching hostgroup"),
            (9002, "HY000", "ProxySQL: Max connect failure"), (9004, "HY000", "ProxySQL: Backend Offline Detected"),
            (9005, "HY000", "ProxySQL: lagging"), (9012, "HY000", "ProxySQL: checks missed"),
            (9001, "HY000", "TiDB: PD server timeout"), (9002, "HY000", "TiDB: TiKV server timeout"),
            (9005, "HY000", "TiDB: Region is unavailable"), (8027, "HY000", "TiDB: Information schema is out of date"),
            (8028, "HY000", "TiDB: Information schema is changed"), (9010, "HY000", "TiDB: no leader"),
            (9013, "HY000", "TiDB: TiFlash"), (1317, "70100", "Vitess: vttablet: context deadline exceeded"),
            (1203, "42000", "Vitess: resource exhausted"), (1041, "HY000", "Vitess: Transaction throttled"),
            (1927, "70100", "MaxScale: Lost connection to backend server"),
            (12_701, "HY000", "Spider: Remote MySQL server has gone away"),
            (1429, "HY000", "federated: Unable to connect to foreign data source"),
            (2013, "HY000", "Aurora: Lost connection during failover"),
            (1040, "08004", "RDS Proxy: Too many connections"),
            (65_001, "08S01", "any connection exception"), (65_002, "40001", "any transaction that was rolled back"),
        ] as [(UInt32, String, String)]
    )
    func `what clusters and proxies say during a failover is unavailable`(code: UInt32, state: String, from: String) {
        #expect(kind(code, state) == .unavailable, "\(from)")
    }

    /// It may pass, and it may not: two minutes tell.
    @Test(
        arguments: [
            (1105, "HY000", "Vitess, PlanetScale: target: ks.-.primary: vttablet: rpc error: code = Unavailable"),
            (1105, "HY000", "TiDB: Unknown error"), (1815, "HY000", "MaxScale, Vitess: internal"),
            (1290, "HY000", "Aurora, RDS: running with the --read-only option"),
            (1836, "HY000", "Aurora: Running in read-only mode"), (1874, "HY000", "InnoDB is in read only mode"),
            (9003, "HY000", "ProxySQL: Command not supported; TiDB: TiKV is busy"),
            (9006, "HY000", "ProxySQL: locked to a hostgroup; TiDB: GC life time"),
            (1030, "HY000", "Got error 168 from storage engine"), (1194, "HY000", "Table is marked as crashed"),
            (9999, "HY000", "a gateway of a cloud"), (8249, "HY000", "TiDB: a code of next year"),
            (1105, "", "no SQLSTATE at all"), (65_000, "HY000", "unknown"), (65_000, "70100", "unknown"),
            (2000, "HY000", "the library does not know either"), (2014, "HY000", "commands out of sync"),
        ] as [(UInt32, String, String)]
    )
    func `what nobody can tell is unclassified`(code: UInt32, state: String, from: String) {
        #expect(kind(code, state) == .unclassified, "\(from)")
    }

    @Test(
        arguments: [
            1043, 1044, 1045, 1129, 1130, 1131, 1141, 1142, 1143, 1147, 1227, 1251, 1370, 1524, 1698, 1820, 1862, 1873,
            2026, 2049, 2059, 2061, 3118, 3159, 3955, 4151,
        ] as [UInt32]
    )
    func `keys, grants and TLS are unauthorised`(code: UInt32) {
        #expect(kind(code) == .unauthorised)
        #expect(kind(65_000, "28000") == .unauthorised, "and so is any other refused login")
    }

    @Test(
        arguments: [
            (1046, "3D000"), (1049, "42000"), (1054, "42S22"), (1064, "42000"), (1146, "42S02"), (1153, "08S01"),
            (1193, "HY000"), (1235, "42000"), (1241, "21000"), (1242, "21000"), (1267, "HY000"), (1305, "42000"),
            (1356, "HY000"), (1449, "HY000"), (1525, "HY000"), (1690, "22003"), (1792, "25006"), (2020, "HY000"),
            (3143, "42000"), (4078, "HY000"), (1210, "HY000"), (3688, "HY000"), (8175, "HY000"), (65_000, "42000"),
            (65_000, "22001"),
        ] as [(UInt32, String)]
    )
    func `names, syntax and values are rejected, which only a person can fix`(code: UInt32, state: String) {
        #expect(kind(code, state) == .rejected)
    }

    @Test(arguments: [1047, 1053, 1927, 2002, 2003, 2006, 2013, 2055, 3032, 3169, 4031] as [UInt32])
    func `a dead link asks for a new connection`(code: UInt32) {
        #expect(MySQLErrorCode(rawValue: code).isDeadLink)
        #expect(PortFailure(MySQLErrorCode(rawValue: code), message: "", options: options).isDeadLink)
    }

    @Test(arguments: [1040, 1045, 1205, 1317, 1969, 2026, 2027] as [UInt32])
    func `an error on a living link does not`(code: UInt32) {
        #expect(!PortFailure(MySQLErrorCode(rawValue: code), message: "", options: options).isDeadLink)
    }

    @Test(arguments: [1105, 1292, 1366, 1411, 1690, 65_000] as [UInt32])
    func `a message that may quote a row is left out, its number is not`(code: UInt32) {
        let failure = PortFailure(.init(rawValue: code), message: "Incorrect value: 'Jane Doe'", options: options)
        #expect(!failure.detail.contains("Jane"))
        #expect(failure.detail.contains("\(code)"))
        #expect(failure.code == "\(code)")
    }

    @Test(
        arguments: [
            (1045, "Access denied for user 'app'", "MYSQL_PASSWORD"), (1049, "Unknown database 'd'", "MYSQL_DATABASE"),
            (1146, "Table 'd.t' doesn't exist", "MYSQL_TABLE"), (1054, "Unknown column 'x'", "MYSQL_ID_COLUMN"),
            (1142, "SELECT command denied", "grant SELECT"), (2002, "Can't connect (115)", "MYSQL_HOST"),
            (2005, "Unknown server host", "MYSQL_HOST"),
            (2026, "TLS/SSL error: self-signed certificate in certificate chain", "/etc/ca.pem"),
            (2026, "TLS/SSL error: unable to get local issuer certificate", "global-bundle.pem"),
            (2026, "TLS/SSL error: Validation of SSL server certificate failed", "does not name db.example"),
            (2026, "SSL is required, but the server does not support it", "offers no TLS"),
        ] as [(UInt32, String, String)]
    )
    func `a message says what to look at`(code: UInt32, message: String, hint: String) {
        let failure = PortFailure(.init(rawValue: code), message: message, options: options)
        #expect(failure.detail.contains(hint))
        #expect(!failure.detail.contains("hunter2"))
        #expect(!failure.detail.contains("115"))
    }

    @Test func `a handshake that broke off may be tried again, a bad certificate may not`() {
        let broken = PortFailure(.tls, message: "TLS/SSL error: Connection reset by peer", options: options)
        #expect(broken.kind == .unavailable)
        let bad = PortFailure(.tls, message: "TLS/SSL error: certificate has expired", options: options)
        #expect(bad.kind == .unauthorised)
    }
}
