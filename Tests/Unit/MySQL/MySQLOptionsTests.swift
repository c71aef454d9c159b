import Migration
import Settings
import Testing

@testable import Adapters

@Suite struct `MySQL options` {
    private func failure(_ change: (inout MySQLOptions) -> Void) -> PortFailure? {
        var options = MySQLOptions(host: "127.0.0.1", user: "u", password: Secret("hunter2"), database: "d", tls: .off)
        change(&options)
        do {
            _ = try MySQLRecordSource(options)
            return nil
        } catch { return error }
    }

    @Test func `verifying TLS is what one gets without asking`() {
        let options = MySQLOptions(host: "h", user: "u", password: Secret("p"), database: "d")
        #expect(options.tls == .verify(ca: nil))
        #expect(options.columns == .init(id: "id", tenant: "member_code", content: "parse_content"))
        #expect(options.table == "ip_summary")
        #expect(options.recordBytesMax == 4 << 20)
    }

    @Test(arguments: ["127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST", "::1"])
    func `plain text to this machine is allowed`(host: String) {
        #expect(failure { $0.host = host } == nil)
    }

    @Test(arguments: ["db.example", "10.0.0.1", "127.0.0.1.example", "127.0.0", "localhost.example", "::2"])
    func `plain text to another machine needs to be asked for`(host: String) {
        let refused = failure { $0.host = host }
        #expect(refused?.kind == .unauthorised)
        #expect(refused?.detail.contains("--allow-plaintext") == true)
        #expect(
            failure {
                $0.host = host
                $0.allowsPlaintext = true
            } == nil
        )
        #expect(
            failure {
                $0.host = host
                $0.tls = .verify(ca: nil)
            } == nil
        )
    }

    @Test func `a missing file of authorities is named`() {
        let refused = failure { $0.tls = .verify(ca: "/nowhere/global-bundle.pem") }
        #expect(refused?.kind == .unauthorised)
        #expect(refused?.detail.contains("/nowhere/global-bundle.pem") == true)
    }

    @Test func `numbers and hosts that cannot be are refused`() {
        #expect(failure { $0.poolSize = 0 }?.kind == .rejected)
        #expect(failure { $0.recordBytesMax = 0 }?.kind == .rejected)
        #expect(failure { $0.host = "" }?.kind == .rejected)
        #expect(failure { $0.host = "/run/mysqld.sock" }?.kind == .rejected)
        #expect(failure { $0.table = "" }?.kind == .rejected)
    }

    @Test(arguments: [
        "key=value", "ssl-ca=/tmp/x", "host=db;pwd=Hq7Zk9", "default-file=/tmp/x",
        "mysql://app:Hq7@Zk9@db.example:3306/app",
        "jdbc:mysql://db.example/app?user=a&password=Hq7Zk9", "app:Hq7Zk9@db", "Zk9@db.example", "db.example:3306",
        "tcp(db:3306)", "unix:/run/mysqld.sock", "db.example Hq7Zk9", "a,b", "db\nHq7Zk9", "db\0", "-db.example",
        "db..example", "[::1]", "[::1", "fe80::1%", "büro.example", "'db.example", "Hq7Zk9%40db", " db", "127.0.0.1=",
        "::1 ",
        "localhost;a=b",
    ])
    func `a host that the library would read as something else is refused, and not shown`(host: String) {
        for tls in [MySQLOptions.TLS.off, .verify(ca: nil)] {
            for allowsPlaintext in [false, true] {
                let refused = failure {
                    $0.host = host
                    $0.tls = tls
                    $0.allowsPlaintext = allowsPlaintext
                }
                #expect(refused?.kind == .rejected, "\(refused?.detail ?? "accepted")")
                #expect(refused?.detail.contains(host) == false)
            }
        }
    }

    @Test(arguments: ["db", "db.example.", "my_service", "10.0.0.1", "2001:db8::7", "fe80::1%eth0", "DB-1.example"])
    func `a name or an address in numbers is taken`(host: String) {
        #expect(
            failure {
                $0.host = host
                $0.allowsPlaintext = true
            } == nil
        )
    }

    @Test func `never show the password`() {
        var text = ""
        dump(MySQLOptions(host: "h", user: "u", password: Secret("hunter2"), database: "d"), to: &text)
        #expect(!text.contains("hunter2"))
    }
}
