import Foundation
import Migration
import Settings
import Synchronization
import Testing

@testable import Adapters

@Suite struct `The PostgREST transport` {
    /// Keeps what was sent and answers `{}`.
    private final class Recorder: HTTPExchange {
        let sent = Mutex<[HTTPRequest]>([])

        func send(_ request: HTTPRequest) async throws(PortFailure) -> HTTPResponse {
            sent.withLock { $0.append(request) }
            return HTTPResponse(status: 200, body: Array("{}".utf8))
        }
    }

    private static func token(role: String) -> String {
        let claims = Data(#"{"role":"\#(role)"}"#.utf8).base64EncodedString().replacing("=", with: "")
        return "eyJhbGciOiJIUzI1NiJ9.\(claims).c2lnbmF0dXJl"
    }

    private func request(key: String, url: String = "https://p.supabase.co") async throws -> HTTPRequest {
        let recorder = Recorder()
        let transport = try PostgRESTTransport(url: url, key: Secret(key), exchange: recorder)
        _ = try await transport.call("finish_batch", Data(#"{"p_job":1}"#.utf8))
        return try #require(recorder.sent.withLock { $0.first })
    }

    @Test func `posts to the function's address, whatever slashes end the project's`() async throws {
        for url in ["https://p.supabase.co", "https://p.supabase.co/", "https://p.supabase.co//"] {
            let request = try await request(key: "sb_secret_x", url: url)
            #expect(request.method == .post)
            #expect(request.url == "https://p.supabase.co/rest/v1/rpc/finish_batch")
            #expect(request.body == Array(#"{"p_job":1}"#.utf8))
        }
    }

    @Test func `sends a secret key only as apikey`() async throws {
        let headers = try await request(key: "sb_secret_x").headers
        #expect(headers["apikey"] == "sb_secret_x")
        #expect(headers["Authorization"] == nil)
    }

    @Test func `sends a service_role token in both headers`() async throws {
        let token = Self.token(role: "service_role")
        let headers = try await request(key: token).headers
        #expect(headers["apikey"] == token)
        #expect(headers["Authorization"] == "Bearer \(token)")
    }

    @Test(arguments: [("sb_publishable_x", "publishable"), (token(role: "anon"), "anon")])
    func `refuses by name a key that may not call the functions`(key: String, name: String) {
        let failure = #expect(throws: PortFailure.self) {
            try PostgRESTTransport(url: "https://p.supabase.co", key: Secret(key), exchange: Recorder())
        }
        #expect(failure?.kind == .unauthorised)
        #expect(failure?.detail.contains("the \(name) key") == true)
        #expect(failure?.detail.contains(key) == false)
    }
}
