import Migration
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

    @Test(
        arguments: [
            1021, 1037, 1040, 1041, 1053, 1077, 1079, 1080, 1152, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1184,
            1203, 1205, 1213, 1226, 1317, 1927, 1969, 2001, 2002, 2003, 2004, 2005, 2006, 2008, 2012, 2013, 2027, 2055,
            3024, 3168, 4031,
        ] as [UInt32]
    )
    func `what passes by itself is unavailable`(code: UInt32) {
        #expect(MySQLErrorCode(rawValue: code).kind == .unavailable)
    }

    @Test(
        arguments: [
            1043, 1044, 1045, 1129, 1130, 1142, 1143, 1227, 1251, 1524, 1698, 1820, 1862, 2026, 2049, 2059, 2061, 3118,
            3159, 3955, 4151,
        ] as [UInt32]
    )
    func `keys, grants and TLS are unauthorised`(code: UInt32) {
        #expect(MySQLErrorCode(rawValue: code).kind == .unauthorised)
    }

    @Test(arguments: [1046, 1049, 1054, 1064, 1146, 1153, 1193, 1690, 1792, 2000, 2014, 2020, 65_000] as [UInt32])
    func `everything else, unknown numbers too, is rejected`(code: UInt32) {
        #expect(MySQLErrorCode(rawValue: code).kind == .rejected)
    }

    @Test(arguments: [1053, 1927, 2002, 2003, 2006, 2013, 2055, 4031] as [UInt32])
    func `a dead link asks for a new connection`(code: UInt32) {
        #expect(MySQLErrorCode(rawValue: code).isDeadLink)
        #expect(PortFailure(MySQLErrorCode(rawValue: code), message: "", options: options).isDeadLink)
    }

    @Test(arguments: [1040, 1045, 1205, 1317, 1969, 2026, 2027] as [UInt32])
    func `an error on a living link does not`(code: UInt32) {
        #expect(!PortFailure(MySQLErrorCode(rawValue: code), message: "", options: options).isDeadLink)
    }

    @Test func `a message that may quote a row is left out, its number is not`() {
        let failure = PortFailure(.init(rawValue: 1366), message: "Incorrect value: 'Jane Doe'", options: options)
        #expect(!failure.detail.contains("Jane"))
        #expect(failure.detail.contains("1366"))
        #expect(failure.code == "1366")
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
