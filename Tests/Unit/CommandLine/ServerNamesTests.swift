import Adapters
import Foundation
import Migration
import Settings
import Testing

@testable import migrate

/// What a job stores of its servers: enough to tell one from another, and nothing that is secret.
@Suite struct `Names of servers` {
    @Test(arguments: [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("HTTPS://API.OpenAI.com:443/v1/", "https://api.openai.com/v1"),
        ("http://qdrant:80//", "http://qdrant"),
        ("http://qdrant:443", "http://qdrant:443"),
        ("https://qdrant:6333", "https://qdrant:6333"),
        ("http://[::1]:6333/", "http://[::1]:6333"),
        ("http://[2001:DB8::1]", "http://[2001:db8::1]"),
        ("https://user:pa%40ss@gateway.example/q/?api_key=sk-secret#sk-part", "https://gateway.example/q"),
        ("https://sk-secret@gateway.example", "https://gateway.example"),
        (
            "https://x.openai.azure.com/openai/deployments/Memo?api-version=2024-06-01",
            "https://x.openai.azure.com/openai/deployments/Memo"
        ),
        ("https://gateway.example/a%20b/", "https://gateway.example/a%20b"),
        ("https://gateway.example/%7Bteam%7D", "https://gateway.example/%7Bteam%7D"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://BÜCHER.example:443/v1", "https://xn--bcher-kva.example/v1"),
        ("https://b%C3%BCcher.example", "https://xn--bcher-kva.example"),
        ("http://a:b:c", "unreadable address"),
        ("http://sk-secret:pass word@host", "http://host"),
    ])
    func `an address is named without what may be secret, and in one spelling`(address: String, name: String) {
        let found = JobServers.name(ofURL: address)
        #expect(found == name)
        #expect(!found.contains("secret") && !found.contains("pass"))
    }

    /// Foundation, which the programs do without, is the judge.
    @Test(arguments: [
        "bücher.example", "ΒΌΛΟΣ.gr", "例え.jp", "例え。jp", "straße.de", "faß", "☃.net", "a_ü", "\u{1F600}.la", "ü.", "ü",
        "x.ü.y", "пример.испытание", "他们为什么不说中文", "ליהמהלאמדבריםעברית", "パフィーdeルンバ", "3年b組金八先生",
        "đại-học-cần-thơ.vn", "xn--bcher-kva.example", "plain.example", "aäbäcädäeäfäöüöüöü.de",
    ])
    func `a name with other letters than a to z is one with its xn-- form`(host: String) {
        let judge = URLComponents(string: "http://\(host)/")?.string.map { $0.dropFirst(7).dropLast() }
        #expect(InternationalHost.name(host) == judge.map(String.init))
        #expect(JobServers.name(ofURL: "http://\(host)/") == judge.map { "http://" + $0 })
    }

    @Test func `a host of any letters and any length has a name`() {
        let long = String(repeating: "ü\u{10FFFF}", count: 3_000)
        for host in ["", ".", "..", "ü..ö", "-ü-", "\u{301}", "\u{10FFFF}\u{80}", long] {
            #expect(InternationalHost.name(host).utf8.allSatisfy { $0 < 0x80 })
        }
    }

    @Test func `a name is never longer than a store takes`() {
        let name = JobServers.name(ofURL: "https://gateway.example/" + String(repeating: "x", count: 2_000))
        #expect(name.unicodeScalars.count == JobServers.lengthMax)
    }

    @Test(arguments: [
        ("ip_summary", "DB1.example:3307/app"), ("shop.orders", "DB1.example:3307/shop"),
    ])
    func `a source is named by the host, the port and the database of its table`(table: String, name: String) throws {
        let values = [
            "MYSQL_HOST": "DB1.example", "MYSQL_PORT": "3307", "MYSQL_USER": "reader", "MYSQL_PASSWORD": "pw-secret",
            "MYSQL_DATABASE": "app", "MYSQL_TABLE": table,
        ]
        let servers = JobServers(try Settings(SettingsInput(environment: values), needs: [.mysql]))
        #expect(servers == JobServers(source: [name.lowercased()]))
    }
}
