import Adapters
import Foundation
import Migration
import Synchronization
import Testing

@Suite struct `HTTP that fails` {
    private func client(
        connectionsPerHostMax: Int = 32,
        requestsMax: Int = 1_024,
        allowsPlaintext: Bool = false,
        environment: [String: String] = [:]
    ) throws -> CurlClient {
        try CurlClient(
            CurlClient.Options(
                allowsPlaintext: allowsPlaintext,
                connectionsPerHostMax: connectionsPerHostMax,
                requestsMax: requestsMax,
                environment: environment
            )
        )
    }

    /// Takes requests and never answers.
    private func silent() throws -> RawServer { try RawServer { $0.drain() } }

    @Test func `a refused connection is unavailable`() async throws {
        let server = try RawServer(backlog: nil, accepts: false) { _ in }
        let failure = try await client().failure(of: HTTPRequest(.get, server.url))
        #expect(failure?.kind == .unavailable)
        #expect(failure?.code == "curl 7")
    }

    @Test func `a port that takes no connection in time is unavailable`() async throws {
        let full = try FullPort()
        let request = HTTPRequest(.post, full.server.url, body: [1], connectTimeout: .milliseconds(200))
        let failure = try await client().failure(of: request)
        #expect(failure?.kind == .unavailable)
        #expect(failure?.code == "curl 28")
    }

    @Test func `silence after the request leaves the outcome unknown`() async throws {
        let server = try silent()
        let request = HTTPRequest(.post, server.url, body: [1], totalTimeout: .milliseconds(200))
        let failure = try await client().failure(of: request)
        #expect(failure?.kind == .outcomeUnknown)
        #expect(failure?.detail == "127.0.0.1:\(server.port): no answer within 200 ms")
    }

    @Test func `time spent in line counts, and what was never sent is unavailable`() async throws {
        let server = try silent()
        let client = try client(connectionsPerHostMax: 1)
        // Holds the only connection for longer than the second can be delayed; cancelled at the end of the test.
        async let _ = client.failure(of: HTTPRequest(.post, server.url, totalTimeout: .seconds(120)))
        while server.accepted.load(ordering: .relaxed) == 0 { await Task.yield() }
        let second = await client.failure(of: HTTPRequest(.post, server.url, totalTimeout: .milliseconds(100)))
        #expect(second?.kind == .unavailable)
    }

    @Test func `one request more than the line holds is unavailable at once`() async throws {
        let server = try silent()
        let client = try client(requestsMax: 1)
        // Holds the only place for longer than the second can be delayed.
        async let first = client.failure(of: HTTPRequest(.post, server.url, totalTimeout: .seconds(45)))
        while server.accepted.load(ordering: .relaxed) == 0 { await Task.yield() }
        #expect(await client.failure(of: HTTPRequest(.post, server.url))?.kind == .unavailable)
        #expect(await first?.kind == .outcomeUnknown)
        // The place is free again.
        let third = await client.failure(of: HTTPRequest(.post, server.url, totalTimeout: .milliseconds(50)))
        #expect(third?.code == "curl 28")
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"])
    func `an answer that breaks off leaves the outcome unknown`(answer: String) async throws {
        for isReset in [false, true] {
            let server = try RawServer { connection in
                _ = connection.read()
                connection.write(answer)
                if isReset { connection.reset() } else { connection.end() }
            }
            let failure = try await client().failure(of: HTTPRequest(.post, server.url, body: [1]))
            #expect(failure?.kind == .outcomeUnknown)
        }
    }

    @Test func `a server that closes while a body is being sent does not end the process`() async throws {
        let server = try RawServer { connection in
            _ = connection.read(body: false)
            connection.reset()
        }
        let body = [UInt8](repeating: 1, count: 16 << 20)
        for _ in 0..<5 {
            #expect(try await client().failure(of: HTTPRequest(.post, server.url, body: body))?.kind == .outcomeUnknown)
        }
        let previous = signal(SIGPIPE, SIG_IGN)
        #expect(unsafe unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self))
    }

    @Test func `an answer that comes before the body was read is an answer`() async throws {
        let server = try RawServer { connection in
            _ = connection.read(body: false)
            connection.answer("400 Bad Request", Array("too large".utf8), headers: "Connection: close\r\n")
            connection.drain()
            connection.end()
        }
        let body = [UInt8](repeating: 1, count: 16 << 20)
        let response = try await client().send(HTTPRequest(.put, server.url, body: body))
        #expect(response.status == 400)
        #expect(response.text == "too large")
    }

    @Test func `an answer longer than allowed is given up, declared or not`() async throws {
        let server = try RawServer { connection in
            while let request = connection.read() {
                if request.line.hasPrefix("GET /declared") {
                    connection.answer("200 OK", [UInt8](repeating: 65, count: 5_000))
                } else {
                    connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    for _ in 0..<100 { connection.write("100\r\n" + String(repeating: "A", count: 256) + "\r\n") }
                }
            }
        }
        let client = try client()
        for path in ["declared", "chunked"] {
            let failure = await client.failure(of: HTTPRequest(.get, server.url + path, responseBytesMax: 4_999))
            #expect(failure?.kind == .rejected)
        }
        #expect(
            try await client.send(HTTPRequest(.get, server.url + "declared", responseBytesMax: 5_000)).status == 200
        )
    }

    @Test func `headers without end are given up`() async throws {
        let server = try RawServer { connection in
            _ = connection.read()
            connection.write("HTTP/1.1 200 OK\r\n")
            for index in 0..<8_000 { connection.write("X-\(index): \(String(repeating: "A", count: 60))\r\n") }
            connection.write("\r\n")
            connection.drain()
        }
        #expect(try await client().failure(of: HTTPRequest(.get, server.url))?.kind == .rejected)
    }

    @Test func `plain text to another host needs to be allowed`() async throws {
        let failure = try await client().failure(of: HTTPRequest(.get, "http://db.invalid/?key=s3cret"))
        #expect(failure?.kind == .unauthorised)
        #expect(failure?.detail.contains("--allow-plaintext") == true)
        #expect(failure?.detail.contains("s3cret") == false)
    }

    @Test(arguments: ["a\r\nb", "a\nb", "a\u{0}b"])
    func `a header that would smuggle another one is rejected`(value: String) async throws {
        let server = try silent()
        let client = try client()
        #expect(await client.failure(of: HTTPRequest(.get, server.url, headers: ["X": value]))?.kind == .rejected)
        #expect(await client.failure(of: HTTPRequest(.get, server.url, headers: [value: "x"]))?.kind == .rejected)
        #expect(server.accepted.load(ordering: .relaxed) == 0)
    }

    @Test func `a missing file of authorities is told at once`() {
        #expect { try CurlClient(.init(authorities: "/nowhere/ca.pem")) } throws: { error in
            (error as? PortFailure)?.kind == .unauthorised && "\(error)".contains("/nowhere/ca.pem")
        }
    }

    @Test func `a proxy from the environment carries other hosts and never loopback`() async throws {
        let proxy = try RawServer { connection in
            while connection.read() != nil { connection.answer("200 OK", [80]) }
        }
        let direct = try RawServer { connection in
            while connection.read() != nil { connection.answer("200 OK", [68]) }
        }
        let proxied = try client(allowsPlaintext: true, environment: ["http_proxy": "http://127.0.0.1:\(proxy.port)"])
        #expect(try await proxied.send(HTTPRequest(.get, "http://service.invalid/x")).text == "P")
        #expect(proxy.requests.withLock { $0.last?.line } == "GET http://service.invalid/x HTTP/1.1")
        #expect(try await proxied.send(HTTPRequest(.get, direct.url)).text == "D")
        let excepted = try client(
            allowsPlaintext: true,
            environment: ["http_proxy": "http://127.0.0.1:\(proxy.port)", "no_proxy": "0.0.0.0"]
        )
        #expect(try await excepted.send(HTTPRequest(.get, "http://0.0.0.0:\(direct.port)/")).text == "D")
        let shouted = try client(allowsPlaintext: true, environment: ["HTTP_PROXY": "http://127.0.0.1:\(proxy.port)"])
        #expect(try await shouted.send(HTTPRequest(.get, "http://0.0.0.0:\(direct.port)/")).text == "D")
    }

    @Test(arguments: [(407, PortFailure.Kind.unauthorised), (503, .unavailable)])
    func `a proxy that refuses the tunnel means that nothing was sent`(status: Int, kind: PortFailure.Kind) async throws
    {
        let proxy = try RawServer { connection in
            _ = connection.read()
            connection.answer("\(status) No")
            connection.end()
        }
        let client = try client(environment: ["HTTPS_PROXY": "http://user:s3cret@127.0.0.1:\(proxy.port)"])
        let failure = await client.failure(
            of: HTTPRequest(.get, "https://service.invalid/", headers: ["api-key": "k3y"])
        )
        #expect(failure?.kind == kind)
        #expect(failure?.detail.contains("s3cret") == false)
        let seen = try #require(proxy.requests.withLock { $0.first })
        #expect(seen.line == "CONNECT service.invalid:443 HTTP/1.1")
        #expect(seen.header("api-key") == nil)
    }

    @Test func `cancelling ends a request that waits for its answer`() async throws {
        let server = try silent()
        let client = try client()
        let failure = await withTaskGroup(of: PortFailure?.self) { group in
            group.addTask { await client.failure(of: HTTPRequest(.post, server.url)) }
            while server.accepted.load(ordering: .relaxed) == 0 { await Task.yield() }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(failure?.kind == .cancelled)
    }

    @Test func `a cancellation at any moment leaves nothing behind`() async throws {
        let server = try RawServer { connection in
            while connection.read() != nil { connection.answer("200 OK") }
        }
        // As many places as requests at once: a place that is not given back would make later rounds fail.
        let client = try client(requestsMax: 8)
        for round in 0..<60 {
            let failures = await withTaskGroup(of: PortFailure?.self) { group in
                for _ in 0..<8 { group.addTask { await client.failure(of: HTTPRequest(.post, server.url, body: [1])) } }
                for _ in 0..<round { await Task.yield() }
                group.cancelAll()
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(failures.count == 8)
            #expect(failures.allSatisfy { $0 == nil || $0?.kind == .cancelled })
        }
        #expect(try await client.send(HTTPRequest(.get, server.url)).status == 200)
    }
}
