import FlyingFox
import FlyingSocks
import Foundation
import Testing

/// `migrate setup tokenizer` against a mirror on this host.
@Suite(.needs(.vocabulary), .timeLimit(.minutes(5))) struct `The vocabulary's set-up` {
    let program: Program
    let vocabulary: Data
    /// Where it is kept.
    let kept: URL

    init() throws {
        program = try Program()
        vocabulary = try Data(contentsOf: URL(filePath: #require(TestEnvironment.vocabulary)))
        kept = program.folder.appending(path: ".cache/migrate/cl100k_base.tiktoken")
    }

    @Test func `fetches it, and keeps nothing else`() async throws {
        defer { program.remove() }
        try await mirror { address in
            try await setup("\(address)/nowhere", exit: 69, saying: "404")
            try await setup("\(address)/other", exit: 78, saying: "SHA-256")
            #expect(!FileManager.default.fileExists(atPath: kept.path()))
            try await setup("\(address)/whole", exit: 0, saying: #""is_new":true"#)
        }
        #expect(try Data(contentsOf: kept) == vocabulary)
        let folder = kept.deletingLastPathComponent().path()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [kept.lastPathComponent])
        // An existing copy is not fetched again: the server is gone.
        try await setup("http://127.0.0.1:9/whole", exit: 0, saying: #""is_new":false"#)
    }

    @Test func `replaces a damaged copy`() async throws {
        defer { program.remove() }
        try await setup(#require(TestEnvironment.vocabulary), exit: 0, saying: #""is_new":true"#)
        try vocabulary.dropLast(9).write(to: kept)
        try await mirror { address in try await setup("\(address)/whole", exit: 0, saying: #""is_new":true"#) }
        #expect(try Data(contentsOf: kept) == vocabulary)
    }

    private func setup(_ origin: String, exit status: Int32, saying text: String) async throws {
        let result = try await program.run("setup", "tokenizer", "--from", origin, "--json")
        #expect(result.status == status, "\(result.error)")
        #expect((result.out + result.error).contains(text), "\(result.out)\(result.error)")
    }

    /// Serves the vocabulary, and another file.
    private func mirror(_ body: (String) async throws -> Void) async throws {
        let server = HTTPServer(address: try .inet(ip4: "127.0.0.1", port: 0), logger: .disabled)
        await server.appendRoute("/whole") { [vocabulary] _ in HTTPResponse(statusCode: .ok, body: vocabulary) }
        await server.appendRoute("/other") { _ in HTTPResponse(statusCode: .ok, body: Data("another file".utf8)) }
        let serving = Task { try await server.run() }
        defer { serving.cancel() }
        try await server.waitUntilListening(timeout: 10)
        guard case .ip4(_, let port)? = await server.listeningAddress else { throw SocketError.unsupportedAddress }
        try await body("http://127.0.0.1:\(port)")
    }
}
