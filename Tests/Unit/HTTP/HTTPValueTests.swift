import Adapters
import Migration
import Settings
import Testing

@Suite struct `HTTP values` {
    @Test(arguments: [
        ("http://localhost:1/x", "localhost", 1, true), ("http://LOCALHOST/", "localhost", 80, true),
        ("https://127.0.0.1", "127.0.0.1", 443, true), ("http://127.1:5/", "127.0.0.1", 5, true),
        ("http://0x7f000001/", "127.0.0.1", 80, true), ("http://[::1]:6333", "::1", 6_333, true),
        ("http://[0:0:0:0:0:0:0:1]/", "::1", 80, true), ("https://api.openai.com/v1", "api.openai.com", 443, false),
        ("http://localhost.example.com/", "localhost.example.com", 80, false),
        ("http://127.0.0.1.example.com/", "127.0.0.1.example.com", 80, false),
        ("http://10.0.0.1/", "10.0.0.1", 80, false),
        ("http://[fe80::1]/", "fe80::1", 80, false),
    ])
    func `an address knows its host and whether it leaves the machine`(
        url: String,
        host: String,
        port: Int,
        isLoopback: Bool
    ) throws {
        let address = try HTTPAddress(url)
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.isLoopback == isLoopback)
        #expect(address.isPlaintext == url.hasPrefix("http:"))
    }

    @Test(arguments: [
        "", "localhost", "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "http://", "http://a b/",
        "http://127.0.0.1/\r\nHost: x", "http://user:secret@127.0.0.1/", "https://user@127.0.0.1/",
        "http://127.0.0.1:99999/",
    ])
    func `an address that cannot be used safely is rejected without repeating it`(url: String) {
        #expect { _ = try HTTPAddress(url) } throws: { error in
            (error as? PortFailure)?.kind == .rejected && !"\(error)".contains("secret")
        }
    }

    @Test func `header names are compared without regard to case`() {
        var headers: HTTPHeaders = ["Retry-After": "3"]
        headers.append("X-Two", "a")
        headers.append("x-two", "b")
        #expect(headers["retry-AFTER"] == "3")
        #expect(headers["x-TWO"] == "a")
        headers["X-TWO"] = "c"
        #expect(headers.fields.count == 2)
        headers["retry-after"] = nil
        #expect(headers["Retry-After"] == nil)
    }

    @Test func `a request prints neither its headers nor its body nor its query`() {
        let request = HTTPRequest(
            .post,
            "https://a.example/path?key=s3cret",
            headers: ["api-key": "s3cret"],
            body: Array("s3cret".utf8)
        )
        var dumped = ""
        dump(request, to: &dumped)
        #expect(!"\(request) \(String(reflecting: request)) \(dumped)".contains("s3cret"))
        #expect("\(request)" == "POST https://a.example/path")
    }

    @Test func `a secret does not print, but can be used`() {
        let secret = Secret("s3cret")
        var dumped = ""
        dump(secret, to: &dumped)
        #expect(!"\(secret) \(String(reflecting: secret)) \(dumped) \([secret])".contains("s3cret"))
        #expect(secret.withExposedValue { $0 } == "s3cret")
    }
}
