import Adapters
import Foundation
import Migration
import Settings
import Testing

@Suite struct `Embeddings over HTTP` {
    private static func embedder(
        _ http: any HTTPExchange,
        baseURL: String = "https://api.example/v1/",
        key: String = "k3y",
        dimensions: Int = 3,
        asks: Bool = false
    ) -> OpenAIEmbedder {
        let settings = OpenAIEmbedder.Settings(
            baseURL: baseURL,
            key: Secret(key),
            dimensions: dimensions,
            asksForDimensions: asks
        )
        return OpenAIEmbedder(settings, http: http)
    }

    private static func base64(_ vector: [Float]) -> String {
        vector.reduce(into: Data()) { data, value in
            let bits = value.bitPattern
            data += (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
        }.base64EncodedString()
    }

    private static func body(_ items: [String], usage: String = "{\"prompt_tokens\":7,\"total_tokens\":7}") -> String {
        "{\"object\":\"list\",\"data\":[\(items.joined(separator: ","))],\"model\":\"m\",\"usage\":\(usage)}"
    }

    private static func item(_ index: Int, _ vector: [Float]) -> String {
        "{\"object\":\"embedding\",\"index\":\(index),\"embedding\":\"\(base64(vector))\"}"
    }

    @Test func `the request is what the API expects`() async throws {
        let http = ScriptedExchange(body: Self.body([Self.item(0, [1, 0, 0]), Self.item(1, [0, 1, 0])]))
        let texts = ["a \"b\" \\ / \n \u{1} \u{2028} é", "😀"]
        _ = try await Self.embedder(http).embed(texts)
        let request = try #require(http.requests.first)
        #expect(request.method == .post)
        #expect(request.url == "https://api.example/v1/embeddings")
        #expect(request.headers["Authorization"] == "Bearer k3y")
        #expect(request.headers["Content-Type"] == "application/json")
        let json = try #require(try JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any])
        #expect(json["input"] as? [String] == texts)
        #expect(json["model"] as? String == "text-embedding-3-small")
        #expect(json["encoding_format"] as? String == "base64")
        #expect(json.keys.sorted() == ["encoding_format", "input", "model"])
    }

    @Test func `dimensions are sent only when asked, a missing key and Azure's key in their own way`() async throws {
        let http = ScriptedExchange(body: Self.body([Self.item(0, [1, 0, 0])]))
        _ = try await Self.embedder(http, key: "", asks: true).embed(["a"])
        _ = try await Self.embedder(http, baseURL: "https://r.openai.azure.com/openai/v1?api-version=2").embed(["a"])
        let json = try #require(try JSONSerialization.jsonObject(with: Data(http.requests[0].body)) as? [String: Any])
        #expect(json["dimensions"] as? Int == 3)
        #expect(http.requests[0].headers["Authorization"] == nil)
        #expect(http.requests[1].url == "https://r.openai.azure.com/openai/v1/embeddings?api-version=2")
        #expect(http.requests[1].headers["api-key"] == "k3y")
        #expect(http.requests[1].headers["Authorization"] == nil)
    }

    @Test func `vectors are placed by index, with tokens and limits`() async throws {
        let items = [Self.item(2, [0, 0, 1]), Self.item(0, [1, 0, 0]), Self.item(1, [0, -1.5e-7, 3.25])]
        let headers: HTTPHeaders = ["X-RateLimit-Limit-Tokens": "1000000", "x-ratelimit-limit-requests": "3000"]
        let http = ScriptedExchange(headers: headers, body: Self.body(items))
        let answer = try await Self.embedder(http).embed(["a", "b", "c"])
        #expect(answer.vectors == [[1, 0, 0], [0, -1.5e-7, 3.25], [0, 0, 1]])
        #expect(answer.tokens == 7)
        #expect(answer.limits == EmbedderLimits(tokensPerMinute: 1_000_000, requestsPerMinute: 3_000))
    }

    @Test func `numbers are accepted item by item, escaped slashes too`() async throws {
        // The bits of -NaN-free numbers whose base64 holds slashes.
        let slashed: [Float] = [Float(bitPattern: 0x3F3F_FFFF), Float(bitPattern: 0x3FFF_FFFF), 1]
        #expect(Self.base64(slashed).contains("/"))
        let escaped = Self.item(1, slashed).replacingOccurrences(of: "/", with: "\\/")
        let items = ["{\"embedding\": [ 0.1, -2e-3 ,\n3 ], \"index\": 0, \"extra\": {\"a\": [1, \"]\"]}}", escaped]
        let http = ScriptedExchange(body: Self.body(items, usage: "null"))
        let answer = try await Self.embedder(http).embed(["a", "b"])
        #expect(answer.vectors == [[0.1, -2e-3, 3], slashed])
        #expect(answer.tokens == nil)
        #expect(answer.limits == nil)
    }

    @Test func `long vectors come through bit by bit`() async throws {
        var generator = SystemRandomNumberGenerator()
        let vectors = (0..<50).map { _ in (0..<1_536).map { _ in Float.random(in: -1...1, using: &generator) } }
        let items = vectors.enumerated().map { Self.item($0, $1) }.shuffled()
        let http = ScriptedExchange(body: Self.body(items))
        let answer = try await Self.embedder(http, dimensions: 1_536).embed(Array(repeating: "a", count: 50))
        #expect(answer.vectors == vectors)
    }

    @Test(arguments: [
        Self.body([Self.item(0, [1, 0, 0])]), Self.body([Self.item(1, [1, 0, 0]), Self.item(1, [1, 0, 0])]),
        Self.body([Self.item(0, [1, 0, 0]), Self.item(2, [1, 0, 0])]),
        Self.body([Self.item(0, [1, 0, 0]), Self.item(1, [1, 0, 0]), Self.item(1, [1, 0, 0])]),
        Self.body([Self.item(0, [1, 0, 0]), Self.item(-1, [1, 0, 0])]),
        Self.body([Self.item(0, [1, 0, 0]), "{\"index\":1,\"embedding\":\"AACAPw\"}"]).replacingOccurrences(
            of: "AACAPw",
            with: "AAC"
        ),
        Self.body([Self.item(0, [1, 0, 0]), "{\"index\":1,\"embedding\":\"AA*A\"}"]),
        Self.body([Self.item(0, [1, 0, 0]), "{\"index\":1}"]), Self.body([]), "", "{}", "<html>", "{\"data\":null}",
        String(Self.body([Self.item(0, [1, 0, 0]), Self.item(1, [1, 0, 0])]).dropLast(30)),
    ])
    func `an answer that is not one vector per text is no answer`(body: String) async {
        let failure = await failure { () async throws(PortFailure) in
            try await Self.embedder(ScriptedExchange(body: body)).embed(["a", "b"])
        }
        #expect(failure?.kind == .outcomeUnknown)
    }

    @Test(
        arguments: [
            ([1, 0], PortFailure.Kind.unauthorised), ([1, 0, 0, 0], .unauthorised), ([], .rejected),
            ([0, 0, 0], .rejected),
            ([.nan, 0, 1], .rejected), ([.infinity, 0, 1], .rejected),
        ] as [([Float], PortFailure.Kind)]
    )
    func `a vector that must not be written is refused`(vector: [Float], kind: PortFailure.Kind) async {
        let http = ScriptedExchange(body: Self.body([Self.item(0, vector)]))
        #expect(
            await failure { () async throws(PortFailure) in try await Self.embedder(http).embed(["a"]) }?.kind == kind
        )
    }

    @Test func `a request outside the limits is not sent`() async {
        let http = ScriptedExchange(body: "")
        let none = await failure { () async throws(PortFailure) in try await Self.embedder(http).embed([]) }
        let many = await failure { () async throws(PortFailure) in
            try await Self.embedder(http).embed(Array(repeating: "a", count: 2_049))
        }
        #expect(none?.kind == .rejected)
        #expect(many?.kind == .rejected)
        #expect(http.requests.isEmpty)
    }

    @Test(arguments: [true, false])
    func `the probe sees base64, dimensions, length and cut texts`(cuts: Bool) async throws {
        let http = ScriptedExchange { request in
            let json = try? JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any]
            let texts = json?["input"] as? [String] ?? []
            let items = texts.enumerated().map { index, text in
                let seen = cuts ? String(text.split(separator: " ").prefix(512).joined(separator: " ")) : text
                return Self.item(index, [3, seen.contains("whales") ? 9 : 0, 4])
            }
            return .success(HTTPResponse(status: 200, body: Array(Self.body(items).utf8)))
        }
        let probe = try await Self.embedder(http).probe()
        #expect(probe.isBase64)
        #expect(probe.dimensions == 3)
        #expect(probe.norm >= 5)
        #expect(probe.truncates == cuts)
        #expect(probe.problems.isEmpty == !cuts)
        #expect(http.requests.count == 2)
    }

    @Test func `an inspection names model, dimensions and what is wrong`() async throws {
        let http = ScriptedExchange(body: Self.body(["{\"index\":0,\"embedding\":[1,2]}"]))
        let inspection = try await Self.embedder(http).inspection()
        #expect(inspection.product == "OpenAI API at api.example")
        #expect(inspection.facts == ["model text-embedding-3-small", "2 dimensions", "numbers"])
        #expect(inspection.problems.count == 1)
    }
}
