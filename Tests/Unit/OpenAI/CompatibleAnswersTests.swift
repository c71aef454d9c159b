import Adapters
import Migration
import Settings
import Testing

/// One shape of a 200 that a compatible server gives for the texts `a`, `b` and `c`, and what is made of it.
struct AnswerShape: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let body: String
    /// The first numbers of the three vectors; nil = the answer is none.
    let order: [Float]?
    let tokens: Int?

    private init(_ name: String, _ body: String, _ order: [Float]?, tokens: Int? = 7) {
        (testDescription, self.body, self.order, self.tokens) = (name, body, order, tokens)
    }

    private static let usual = #"{"prompt_tokens":7,"total_tokens":7}"#

    /// Three vectors that begin with 1, 2 and 3, each with what stands for its index.
    private static func indices(
        _ name: String,
        _ indices: [String?],
        _ order: [Float]?,
        usage: String? = usual,
        tokens: Int? = 7
    ) -> AnswerShape {
        let items = indices.enumerated().map { place, index in
            "{\(index.map { "\"index\":\($0)," } ?? "")\"embedding\":[\(place + 1),0,0]}"
        }
        let tail = usage.map { ",\"usage\":\($0)" } ?? ""
        return AnswerShape(name, "{\"data\":[\(items.joined(separator: ","))]\(tail)}", order, tokens: tokens)
    }

    private static func usage(_ usage: String?, _ tokens: Int?) -> AnswerShape {
        indices("usage \(usage ?? "missing")", ["0", "1", "2"], [1, 2, 3], usage: usage, tokens: tokens)
    }

    static let indexed: [AnswerShape] = [
        indices("in order", ["0", "1", "2"], [1, 2, 3]),
        indices("out of order", ["2", "0", "1"], [2, 3, 1]),
        indices("no index at all", [nil, nil, nil], [1, 2, 3]),
        indices("null throughout", ["null", "null", "null"], [1, 2, 3]),
        indices("0 throughout", ["0", "0", "0"], [1, 2, 3]),
        indices("0, then none", ["0", nil, nil], [1, 2, 3]),
        indices("none on one", ["0", nil, "2"], [1, 2, 3]),
        indices("null on the first", ["null", "1", "2"], [1, 2, 3]),
        indices("none on one, the others out of order", ["2", nil, "1"], [2, 3, 1]),
        indices("as text", ["\"2\"", "\"1\"", "\"0\""], [3, 2, 1]),
        indices("as fractions", ["2.0", "1.0", "0.0"], [3, 2, 1]),
        indices("words", ["\"a\"", "\"b\"", "\"c\""], [1, 2, 3]),
        indices("null and 0", ["0", "null", "0"], [1, 2, 3]),
        indices("twice the same", ["1", "1", "2"], nil),
        indices("one twice", ["0", "0", "1"], nil),
        indices("from 1", ["1", "2", "3"], nil),
        indices("negative", ["0", "1", "-1"], nil),
        indices("none on two, the third elsewhere", ["2", nil, nil], nil),
        indices("beyond 64 bits", ["0", "1", "99999999999999999999"], nil),
        indices("one too few", [nil, nil], nil),
        indices("one too many", ["0", "0", "0", "0"], nil),
    ]

    static let charged: [AnswerShape] = [
        usage(nil, nil), usage("null", nil), usage("{}", nil), usage("[]", nil), usage("7", nil),
        usage(#"{"total_tokens":7.0}"#, 7), usage(#"{"total_tokens":7.5}"#, 8), usage(#"{"total_tokens":"7"}"#, 7),
        usage(#"{"total_tokens":null,"prompt_tokens":7}"#, 7), usage(#"{"prompt_tokens":7}"#, 7),
        usage(#"{"total_tokens":0,"prompt_tokens":0}"#, nil), usage(#"{"total_tokens":-1}"#, nil),
        usage(#"{"total_tokens":1e3}"#, 1_000), usage(#"{"total_tokens":9223372036854775807}"#, nil),
        usage(#"{"total_tokens":1e300}"#, nil), usage(#"{"total_tokens":{"a":[1]},"prompt_tokens":[]}"#, nil),
        usage(#"{"total_tokens":NaN}"#, nil), usage(#"{"total_tokens":true,"completion_tokens":0}"#, nil),
    ]

    var response: ScriptedExchange { ScriptedExchange(body: body) }
}

@Suite struct `Answers of compatible servers` {
    private static func embedder(_ http: any HTTPExchange, dimensions: Int = 3) -> OpenAIEmbedder {
        OpenAIEmbedder(.init(baseURL: "https://api.example/v1", key: Secret("k"), dimensions: dimensions), http: http)
    }

    @Test(arguments: AnswerShape.indexed + AnswerShape.charged)
    func `are placed by index, or by position where the indices say nothing, and counted where they count`(
        shape: AnswerShape
    ) async throws {
        let embedder = Self.embedder(shape.response)
        guard let order = shape.order else {
            let lost = await failure { () async throws(PortFailure) in try await embedder.embed(["a", "b", "c"]) }
            #expect(lost?.kind == .outcomeUnknown)
            return
        }
        let answer = try await embedder.embed(["a", "b", "c"])
        #expect(answer.vectors.map { $0[0] } == order)
        #expect(answer.tokens == shape.tokens)
    }

    /// What stands in place of the second of three vectors; the base64 is three NaN, and two numbers.
    @Test(arguments: [
        "null", "[NaN,0,0]", "[null,null,null]", "[0,null,1]", "[Infinity,0,0]", "[-Infinity,1,0]", "[nan,0,0]",
        "[0,0,0]", "[1e39,0,0]", "[-0.0,0,0]", "[]", "\"\"", "[1,2]", "[1,2,3,4]", "\"AADAfwAAwH8AAMB/\"",
        "\"AACAPwAAgD8=\"", "{}", "[[1,2,3]]", "true",
    ])
    func `without a vector for one text refuse that text, not the server`(vector: String) async {
        let body =
            "{\"data\":[{\"index\":0,\"embedding\":[1,0,0]},{\"index\":1,\"embedding\":\(vector)},"
            + "{\"index\":2,\"embedding\":[1,0,0]}]}"
        let embedder = Self.embedder(ScriptedExchange(body: body))
        let refused = await failure { () async throws(PortFailure) in try await embedder.embed(["a", "b", "c"]) }
        #expect(refused?.kind == .rejected)
        #expect(refused?.code == "vector")
    }

    @Test(arguments: [
        ("{\"error\":{\"message\":\"x\",\"code\":429}}", PortFailure.Kind.throttled(retryAfter: nil)),
        ("{\"error\":{\"message\":\"x\",\"code\":\"insufficient_quota\"}}", .outOfMoney),
        ("{\"error\":{\"message\":\"x\",\"code\":400}}", .rejected),
        ("{\"error\":{\"message\":\"x\",\"code\":503}}", .unavailable),
        ("{\"error\":\"model is loading\"}", .unavailable),
        ("{\"error\":{\"message\":\"x\"},\"data\":null}", .unavailable),
    ])
    func `that are an error with status 200 are errors`(body: String, kind: PortFailure.Kind) async {
        let embedder = Self.embedder(ScriptedExchange(body: body))
        #expect(await failure { () async throws(PortFailure) in try await embedder.embed(["a"]) }?.kind == kind)
    }

    @Test(arguments: [
        ("1000000", 1_000_000), ("1", 1), ("1000000000", 1_000_000_000), ("0", nil), ("-1", nil), ("1000000001", nil),
        ("9223372036854775807", nil), ("99999999999999999999", nil), ("1e6", nil), ("1000000.0", nil), ("", nil),
        ("unlimited", nil), ("768614336404564651", nil), ("1,000,000", nil),
    ])
    func `state limits, of which those outside 1 to a billion are ignored`(text: String, limit: Int?) async throws {
        let headers: HTTPHeaders = ["x-ratelimit-limit-tokens": text, "x-ratelimit-limit-requests": text]
        let http = ScriptedExchange(headers: headers, body: "{\"data\":[{\"embedding\":[1,0,0]}]}")
        let stated = try await Self.embedder(http).embed(["a"]).limits
        #expect(stated?.tokensPerMinute == limit)
        #expect(stated?.requestsPerMinute == limit)
    }
}
