import Adapters
import Conformance
import Foundation
import Migration
import Settings
import Synchronization
import Testing

/// A server that answers what it is told to, one answer after the other; the last one for ever.
private final class Sequence: Sendable {
    private let answers: Mutex<[HTTPResponse]>

    init(_ answers: [HTTPResponse]) { self.answers = Mutex(answers) }

    var exchange: ScriptedExchange {
        ScriptedExchange { _ in
            .success(self.answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] })
        }
    }
}

extension HTTPResponse {
    fileprivate init(_ status: Int, _ body: String) { self.init(status: status, body: Array(body.utf8)) }

    /// One good vector.
    fileprivate static let good = HTTPResponse(200, "{\"data\":[{\"index\":0,\"embedding\":[1,0,0]}]}")
}

@Suite struct `What an embeddings server has shown` {
    private static func embedder(_ http: any HTTPExchange, _ clock: SteppedClock = SteppedClock()) -> OpenAIEmbedder {
        OpenAIEmbedder(
            .init(baseURL: "https://api.example/v1", key: Secret("k"), dimensions: 3),
            http: http,
            time: Time(clock)
        )
    }

    private static func refusal(_ embedder: OpenAIEmbedder) async -> PortFailure? {
        await failure { () async throws(PortFailure) in try await embedder.embed(["a"]) }
    }

    /// Answers of what stands before a server: routers without a route, proxies, pages of a maintenance.
    private static let unexplained: [(Int, String)] = [
        (404, ""), (404, "404 page not found\n"), (404, "default backend - 404"), (404, "<html>404 Not Found</html>"),
        (404, "{\"detail\":\"Not Found\"}"), (404, "{\"message\":\"no Route matched with those values\"}"),
        (404, "{\"error_msg\":\"404 Route Not Found\"}"), (404, "null"), (405, ""), (401, ""), (403, ""),
        (401, "Unauthorized"), (302, ""), (301, "<html>Moved</html>"), (307, "Temporary Redirect"),
    ]

    @Test(arguments: unexplained)
    func `a refusal without a reason is an outage for two minutes, if it worked before`(status: Int, body: String)
        async throws
    {
        let clock = SteppedClock()
        let refused = HTTPResponse(status, body)
        let embedder = Self.embedder(Sequence([.good, refused, refused, .good, refused]).exchange, clock)
        _ = try await embedder.embed(["a"])
        let first = await Self.refusal(embedder)
        #expect(first?.kind == .unavailable)
        #expect(first?.detail.contains("answered before") == true)
        clock.advance(by: .seconds(119))
        #expect(await Self.refusal(embedder)?.kind == .unavailable)
        _ = try await embedder.embed(["a"])
        clock.advance(by: .seconds(119))
        #expect(await Self.refusal(embedder)?.kind == .unavailable, "the time begins anew after an answer")
        clock.advance(by: .seconds(121))
        #expect(await Self.refusal(embedder)?.kind == .unauthorised, "it lasts")
    }

    @Test(arguments: unexplained)
    func `the same refusal before any answer is one`(status: Int, body: String) async {
        let embedder = Self.embedder(Sequence([HTTPResponse(status, body)]).exchange)
        #expect(await Self.refusal(embedder)?.kind == .unauthorised)
    }

    @Test(arguments: [
        (404, "{\"error\":{\"code\":\"model_not_found\",\"message\":\"The model `m` does not exist\"}}"),
        (404, "{\"error\":{\"code\":\"DeploymentNotFound\",\"message\":\"The API deployment does not exist\"}}"),
        (404, "{\"error\":\"model \\\"m\\\" not found, try pulling it first\"}"),
        (404, "{\"object\":\"error\",\"message\":\"The model `m` does not exist.\",\"code\":404}"),
        (401, "{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"x\"}}"), (401, "{\"message\":\"Unauthorized\"}"),
        (403, "{\"error\":{\"message\":\"country\"}}"), (403, "<html>blocked</html>"),
        (400, "{\"error\":{\"param\":\"model\",\"message\":\"x\"}}"),
        (405, "{\"error\":{\"message\":\"no such model\"}}"),
    ])
    func `a refusal with a reason is one at any time`(status: Int, body: String) async throws {
        let embedder = Self.embedder(Sequence([.good, HTTPResponse(status, body)]).exchange)
        _ = try await embedder.embed(["a"])
        #expect(await Self.refusal(embedder)?.kind == .unauthorised)
    }

    @Test(arguments: ["null", "[]", "\"\"", "[NaN,0,0]", "[null,null,null]", "[0,0,0]", "{}", "false", "[[1,0,0]]"])
    func `no usable vector for a text alone is about that text`(vector: String) async throws {
        let spoilt = HTTPResponse(200, "{\"data\":[{\"embedding\":\(vector)}]}")
        let embedder = Self.embedder(Sequence([.good, spoilt]).exchange)
        _ = try await embedder.embed(["a"])
        let refused = await Self.refusal(embedder)
        #expect(refused?.kind == .rejected && refused?.code == "vector")
    }

    @Test(arguments: ["[1]", "[1,0]", "[1,0,0,0]", "\"AACAPw==\""])
    func `another length for every text is about the model`(vector: String) async throws {
        let other = HTTPResponse(200, "{\"data\":[{\"embedding\":\(vector)}]}")
        let embedder = Self.embedder(Sequence([.good, other]).exchange)
        _ = try await embedder.embed(["a"])
        let refused = await Self.refusal(embedder)
        #expect(refused?.kind == .unauthorised && refused?.code == "dimensions")
    }

    // MARK: - The probe

    /// What refuses the short text of the probe.
    @Test(arguments: [
        HTTPResponse(400, "{\"error\":{\"message\":\"x\"}}"), HTTPResponse(413, ""), HTTPResponse(422, "batch size 1"),
        HTTPResponse(400, "{\"error\":{\"message\":\"This model's maximum context length is 0 tokens\"}}"),
        HTTPResponse(418, ""), HTTPResponse(406, "{}"), HTTPResponse(400, "[]"), HTTPResponse(415, "text"),
        HTTPResponse(451, ""), HTTPResponse(200, "{\"error\":{\"code\":400,\"message\":\"x\"}}"),
        HTTPResponse(200, "{\"data\":[{\"embedding\":null}]}"),
        HTTPResponse(200, "{\"data\":[{\"embedding\":[0,0,0]}]}"),
        HTTPResponse(200, "{\"data\":[{\"embedding\":[NaN,0,0]}]}"),
    ])
    func `a refused probe is about the server, and no record fails for it`(answer: HTTPResponse) async {
        let embedder = ProbedEmbedder(Self.embedder(Sequence([answer]).exchange))
        for _ in 0..<2 {
            let refused = await failure { () async throws(PortFailure) in try await embedder.embed(["a"]) }
            #expect(refused?.kind == .unauthorised)
            #expect(["probe_refused", "unusable_vectors"].contains(refused?.code))
        }
    }

    @Test(arguments: [
        HTTPResponse(400, "{\"message\":\"This model's maximum context length is 512 tokens\",\"code\":400}"),
        HTTPResponse(413, "{\"error\":\"inputs must have less than 512 tokens\"}"), HTTPResponse(422, "batch size"),
        HTTPResponse(400, "{\"error\":\"input length exceeds the context length\"}"),
    ])
    func `a server that refuses the long texts of the probe may be used: it leaves nothing out`(answer: HTTPResponse)
        async throws
    {
        let embedder = ProbedEmbedder(Self.embedder(Sequence([.good, answer, .good]).exchange))
        #expect(try await embedder.embed(["a"]).vectors == [[1, 0, 0]])
    }

    // MARK: - Dimensions

    /// A deployment of a model with 6 dimensions that shortens when asked, or does not.
    private static func deployment(shortens: Bool) -> ScriptedExchange {
        ScriptedExchange { request in
            let json = try? JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any]
            let texts = json?["input"] as? [String] ?? []
            var length = 6
            if let wanted = json?["dimensions"] as? Int {
                if !shortens { return .success(HTTPResponse(400, "{\"error\":{\"param\":\"dimensions\"}}")) }
                length = wanted
            }
            let items = texts.map { text in
                let vector = [text.contains("whales") ? 9 : 0] + [Int](repeating: 1, count: length - 1)
                return "{\"embedding\":\(vector)}"
            }
            return .success(HTTPResponse(200, "{\"data\":[\(items.joined(separator: ","))]}"))
        }
    }

    @Test func `a deployment whose model has to be asked for the dimensions is asked`() async throws {
        let http = Self.deployment(shortens: true)
        let embedder = ProbedEmbedder(Self.embedder(http))
        #expect(try await embedder.embed(["a", "b"]).vectors.map(\.count) == [3, 3])
        #expect(try await embedder.inspection().problems == [])
        let asked = http.requests.map { String(decoding: $0.body, as: UTF8.self).contains("\"dimensions\":3") }
        #expect(asked.first == false)
        #expect(asked.dropFirst().allSatisfy { $0 })
    }

    @Test(arguments: ["text-embedding-3-small", "text-embedding-3-large"])
    func `a model that is known to give another length is not made to look right`(model: String) async throws {
        let settings = OpenAIEmbedder.Settings(
            baseURL: "https://api.example/v1",
            key: Secret("k"),
            model: model,
            dimensions: try #require(OpenAIEmbedder.Settings.nativeDimensions[model])
        )
        let embedder = ProbedEmbedder(OpenAIEmbedder(settings, http: Self.deployment(shortens: true)))
        let refused = await failure { () async throws(PortFailure) in try await embedder.embed(["a"]) }
        #expect(refused?.code == "unusable_vectors")
    }

    @Test func `one that cannot shorten is refused by its dimensions`() async throws {
        let embedder = ProbedEmbedder(Self.embedder(Self.deployment(shortens: false)))
        let refused = await failure { () async throws(PortFailure) in try await embedder.embed(["a"]) }
        #expect(refused?.code == "unusable_vectors")
        #expect(refused?.detail.contains("6 dimensions") == true)
    }
}
