import Migration
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

    @Test func `never show the password`() {
        var text = ""
        dump(MySQLOptions(host: "h", user: "u", password: Secret("hunter2"), database: "d"), to: &text)
        #expect(!text.contains("hunter2"))
    }
}
