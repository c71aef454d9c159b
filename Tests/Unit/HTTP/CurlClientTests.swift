import Adapters
import Foundation
import Migration
import Synchronization
import Testing

@Suite struct `HTTP by libcurl` {
    private func client(connectionsPerHostMax: Int = 32) throws -> CurlClient {
        try CurlClient(CurlClient.Options(connectionsPerHostMax: connectionsPerHostMax, environment: [:]))
    }

    /// Answers every request with its own body.
    private func echo() throws -> RawServer {
        try RawServer { connection in
            while let request = connection.read() { connection.answer("200 OK", request.body) }
            connection.end()
        }
    }

    @Test func `sends method, headers and body, and gives back status, headers and body`() async throws {
        let server = try RawServer { connection in
            while let request = connection.read() {
                connection.answer(
                    "207 Some",
                    Array("<".utf8) + request.body,
                    headers: "X-Kind: One \r\nx-kind: Two\r\n"
                )
            }
        }
        let client = try client()
        for method in [HTTPRequest.Method.post, .put, .patch, .delete] {
            let request = HTTPRequest(
                method,
                server.url + "a/b?c=d",
                headers: ["Content-Type": "application/json", "X-Empty": ""],
                body: Array("hé".utf8)
            )
            let response = try await client.send(request)
            #expect(response.status == 207)
            #expect(response.text == "<hé")
            #expect(response.headers["X-KIND"] == "One")
            let seen = try #require(server.requests.withLock { $0.last })
            #expect(seen.line == "\(method.rawValue) /a/b?c=d HTTP/1.1")
            #expect(seen.header("content-type") == "application/json")
            #expect(seen.header("x-empty") == "")
            #expect(seen.header("host") == "127.0.0.1:\(server.port)")
        }
    }

    @Test func `a used handle keeps nothing of the request before, and its connection is used again`() async throws {
        let server = try echo()
        let client = try client()
        _ = try await client.send(HTTPRequest(.put, server.url, headers: ["api-key": "k"], body: [1, 2, 3]))
        let response = try await client.send(HTTPRequest(.get, server.url))
        _ = try await client.send(HTTPRequest(.post, server.url))
        #expect(response.body.isEmpty)
        let seen = server.requests.withLock { $0 }
        #expect(seen.map(\.line) == ["PUT / HTTP/1.1", "GET / HTTP/1.1", "POST / HTTP/1.1"])
        #expect(seen[1].header("api-key") == nil)
        #expect(seen[1].header("content-length") == nil)
        #expect(seen[2].header("content-length") == "0")
        #expect(seen[2].header("content-type") == nil)
        #expect(server.accepted.load(ordering: .relaxed) == 1)
    }

    @Test func `a body above one megabyte does not wait for a 100 Continue`() async throws {
        let server = try echo()
        let body = [UInt8](repeating: 7, count: 3 << 20)
        let response = try await client().send(HTTPRequest(.post, server.url, body: body))
        #expect(response.body == body)
        #expect(server.requests.withLock { $0.last?.header("expect") } == nil)
    }

    @Test func `bodies of requests in flight together stay apart`() async throws {
        let server = try echo()
        let client = try client()
        let wrong = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<64 {
                group.addTask {
                    let body = [UInt8](repeating: UInt8(index), count: 1_000 * index + 1)
                    return try await client.send(HTTPRequest(.post, server.url, body: body)).body != body
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(wrong == 0)
    }

    @Test func `no more connections to a host than allowed, the rest wait in line`() async throws {
        let server = try echo()
        let client = try client(connectionsPerHostMax: 3)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<40 { group.addTask { _ = try await client.send(HTTPRequest(.post, server.url, body: [1])) } }
            try await group.waitForAll()
        }
        #expect(server.requests.withLock { $0.count } == 40)
        #expect(server.accepted.load(ordering: .relaxed) <= 3)
    }

    @Test func `headers of an interim answer are not the answer's`() async throws {
        let server = try RawServer { connection in
            _ = connection.read()
            connection.write("HTTP/1.1 103 Early Hints\r\nX-Interim: 1\r\n\r\n")
            connection.answer("200 OK", [65], headers: "X-Final: 1\r\n")
        }
        let response = try await client().send(HTTPRequest(.get, server.url))
        #expect(response.headers["x-interim"] == nil)
        #expect(response.headers["x-final"] == "1")
        #expect(response.text == "A")
    }

    @Test func `a redirect is an answer and is not followed`() async throws {
        let other = try echo()
        let server = try RawServer { connection in
            while connection.read() != nil { connection.answer("302 Found", headers: "Location: \(other.url)\r\n") }
        }
        let response = try await client().send(HTTPRequest(.get, server.url, headers: ["api-key": "k"]))
        #expect(response.status == 302)
        #expect(other.accepted.load(ordering: .relaxed) == 0)
    }

    @Test func `compressed answers are decoded, and bounded by their decoded length`() async throws {
        // 100,000 times "0".
        let packed = "H4sIAAAAAAACA+3BMQEAAADCoErrn84aHkAB" + String(repeating: "A", count: 128) + "rwaFwk3FoIYBAA=="
        let compressed = try #require(Data(base64Encoded: packed).map { [UInt8]($0) })
        let server = try RawServer { connection in
            while connection.read() != nil {
                connection.answer("200 OK", compressed, headers: "Content-Encoding: gzip\r\n")
            }
        }
        let client = try client()
        let response = try await client.send(HTTPRequest(.get, server.url))
        #expect(response.body == [UInt8](repeating: UInt8(ascii: "0"), count: 100_000))
        let failure = await client.failure(of: HTTPRequest(.get, server.url, responseBytesMax: 99_999))
        #expect(failure?.kind == .rejected)
    }
}

extension CurlClient {
    /// How a request that should fail fails; nil when it does not.
    func failure(of request: HTTPRequest) async -> PortFailure? {
        do throws(PortFailure) {
            _ = try await send(request)
            return nil
        } catch {
            return error
        }
    }
}
