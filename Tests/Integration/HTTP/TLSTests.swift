import Adapters
import Foundation
import Migration
import Testing

@Suite(.needs(.python)) struct `HTTP over TLS` {
    /// A server with an authority of its own, for as long as `body` runs.
    private struct Server {
        let folder: URL
        let good: String
        let wrongName: String
        let proxy: String

        func file(_ name: String) -> String { folder.appending(path: name).path() }

        static func with(_ body: (Server) async throws -> Void) async throws {
            let folder = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let process = Process()
            process.executableURL = URL(filePath: try #require(TestEnvironment.python))
            process.arguments = [TestEnvironment.pythonSources + "/https_server.py", folder.path()]
            let output = Pipe()
            let input = Pipe()
            process.standardOutput = output
            process.standardInput = input
            try process.run()
            defer {
                try? input.fileHandleForWriting.close()
                process.waitUntilExit()
            }
            var line = Data()
            while line.last != UInt8(ascii: "\n") {
                let part = output.fileHandleForReading.availableData
                try #require(!part.isEmpty)
                line += part
            }
            let ports = String(decoding: line, as: UTF8.self).split(whereSeparator: \.isWhitespace)
            try #require(ports.count == 3)
            try await body(
                Server(
                    folder: folder,
                    good: "https://localhost:\(ports[0])/",
                    wrongName: "https://localhost:\(ports[1])/",
                    proxy: "http://127.0.0.1:\(ports[2])"
                )
            )
        }
    }

    private static func failure(_ options: CurlClient.Options, _ url: String) async throws -> PortFailure? {
        let client = try CurlClient(options)
        do throws(PortFailure) {
            _ = try await client.send(
                HTTPRequest(
                    .post,
                    url,
                    headers: ["api-key": "s3cret"],
                    body: [1],
                    connectTimeout: .seconds(2)
                )
            )
            return nil
        } catch {
            return error
        }
    }

    @Test func `only a certificate of a trusted authority for the right name is accepted`() async throws {
        try await Server.with { server in
            let trusting = CurlClient.Options(authorities: server.file("ca.pem"), environment: [:])
            let client = try CurlClient(trusting)
            let body = [UInt8](repeating: 7, count: 2 << 20)
            #expect(try await client.send(HTTPRequest(.post, server.good, body: body)).body == body)

            let byVariable = CurlClient.Options(environment: ["SSL_CERT_FILE": server.file("ca.pem")])
            #expect(try await Self.failure(byVariable, server.good) == nil)

            let wrongName = try await Self.failure(trusting, server.wrongName)
            #expect(wrongName?.kind == .unauthorised)
            let stranger = CurlClient.Options(authorities: server.file("stranger.pem"), environment: [:])
            for options in [stranger, CurlClient.Options(environment: [:])] {
                let failure = try await Self.failure(options, server.good)
                #expect(failure?.kind == .unauthorised)
                #expect(failure?.detail.contains("certificate") == true)
                #expect(failure?.detail.contains("s3cret") == false)
            }
            // A file that is there and holds no certificate.
            let broken = CurlClient.Options(authorities: server.file("ca.key"), environment: [:])
            #expect(try await Self.failure(broken, server.good)?.kind == .unauthorised)
        }
    }

    @Test func `plain text at an https port and TLS at a plain one do not pass for each other`() async throws {
        try await Server.with { server in
            let options = CurlClient.Options(authorities: server.file("ca.pem"), environment: [:])
            let plain = server.good.replacingOccurrences(of: "https://", with: "http://")
            let failure = try await Self.failure(options, plain)
            #expect(failure?.kind == .outcomeUnknown)
            let secure = server.proxy.replacingOccurrences(of: "http://", with: "https://")
            #expect(try await Self.failure(options, secure) != nil)
        }
    }

    @Test func `a tunnel through a proxy is verified like a direct connection, and its headers are not the answer's`()
        async throws
    {
        try await Server.with { server in
            let options = CurlClient.Options(
                authorities: server.file("ca.pem"),
                environment: ["https_proxy": server.proxy]
            )
            let response = try await CurlClient(options).send(
                HTTPRequest(.post, "https://other.invalid/", body: Array("hi".utf8))
            )
            #expect(response.text == "hi")
            #expect(response.headers["x-proxy"] == nil)
            #expect(try await Self.failure(options, "https://wrong.invalid/")?.kind == .unauthorised)
        }
    }
}
