import Adapters
import Foundation
import Migration
import Settings
import Testing

/// One answer that is not 200, and what to do about it.
struct Refused: Sendable, CustomTestStringConvertible {
    let name: String
    let status: Int
    let kind: PortFailure.Kind
    let code: String?
    let headers: HTTPHeaders
    let body: String

    init(
        _ name: String,
        _ status: Int,
        _ kind: PortFailure.Kind,
        code: String? = nil,
        headers: HTTPHeaders = [:],
        _ body: String
    ) {
        self.name = name
        self.status = status
        self.kind = kind
        self.code = code
        self.headers = headers
        self.body = body
    }

    /// OpenAI's envelope.
    init(
        _ status: Int,
        _ kind: PortFailure.Kind,
        type: String = "invalid_request_error",
        _ errorCode: String? = nil,
        parameter: String? = nil,
        expected: String? = nil,
        headers: HTTPHeaders = [:],
        _ message: String
    ) {
        func quoted(_ text: String?) -> String { text.map { "\"\($0)\"" } ?? "null" }
        let message = message.replacingOccurrences(of: "\"", with: "\\\"")
        let body =
            "{\"error\":{\"message\":\"\(message)\",\"type\":\"\(type)\",\"param\":\(quoted(parameter)),"
            + "\"code\":\(quoted(errorCode))}}"
        self.init("\(status) \(message)", status, kind, code: expected ?? errorCode, headers: headers, body)
    }

    var testDescription: String { name }

    static let badInput: [Refused] = [
        Refused(
            400,
            .rejected,
            type: "max_tokens_per_request",
            "max_tokens_per_request",
            "Requested 416735 tokens, max 300000 tokens per request"
        ),
        Refused(
            400,
            .rejected,
            expected: "max_tokens_per_request",
            "Invalid 'input': maximum request size is 300000 tokens per request."
        ),
        Refused(
            400,
            .rejected,
            expected: "context_length_exceeded",
            "This model's maximum context length is 8192 tokens, however you requested 8781 tokens (8781 in your prompt)"
        ),
        Refused(
            400,
            .rejected,
            expected: "context_length_exceeded",
            "Invalid 'input[0]': maximum input length is 8192 tokens."
        ),
        Refused(
            400,
            .rejected,
            expected: "invalid_request_error",
            "'$.input' is invalid. Please check the API reference: s3cret text"
        ),
        Refused(
            400,
            .rejected,
            type: "api_error",
            expected: "context_length_exceeded",
            "input length exceeds the context length"
        ),
        Refused(
            "TEI",
            413,
            .rejected,
            "{\"error\":\"batch size 66 > maximum allowed batch size 64\",\"error_type\":\"Validation\"}"
        ),
        Refused("TEI 422", 422, .rejected, "batch size 66 > maximum allowed batch size 64"),
        Refused(400, .unauthorised, parameter: "dimensions", "This model does not support specifying dimensions."),
        Refused(
            "vLLM",
            400,
            .unauthorised,
            "{\"message\":\"Model m does not support matryoshka representation\",\"code\":400}"
        ),
        Refused(
            "LiteLLM",
            400,
            .unauthorised,
            "{\"error\":{\"message\":\"litellm.UnsupportedParamsError: does not support parameters: encoding_format\",\"code\":\"400\"}}"
        ),
    ]

    static let access: [Refused] = [
        Refused(
            401,
            .unauthorised,
            "invalid_api_key",
            "Incorrect API key provided: sk-s3cret. You can find your API key at …"
        ),
        Refused(
            403,
            .unauthorised,
            "unsupported_country_region_territory",
            "Country, region, or territory not supported"
        ),
        Refused(404, .unauthorised, "model_not_found", "The model `x` does not exist or you do not have access to it."),
        Refused("Jina", 402, .outOfMoney, "{\"detail\":\"Insufficient balance\"}"),
        Refused("redirect", 308, .unauthorised, ""),
        Refused("firewall", 403, .unauthorised, code: "blocked", "<!DOCTYPE html><html>s3cret</html>"),
        Refused("firewall 406", 406, .unauthorised, code: "blocked", "\n<html>s3cret</html>"),
        Refused("proxy 400", 400, .unauthorised, code: "blocked", "<html><h1>400 Bad Request</h1>s3cret</html>"),
        Refused("proxy 413", 413, .rejected, "<html><h1>413 Request Entity Too Large</h1></html>"),
    ]

    static let money: [Refused] =
        [
            "insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded", "organization_usage_limit_exceeded",
        ].map {
            Refused(429, .outOfMoney, type: "insufficient_quota", $0, "You exceeded your current quota, please check …")
        }
        + [
            Refused(
                "older",
                429,
                .outOfMoney,
                "{\"error\":{\"message\":\"x\",\"type\":\"insufficient_quota\",\"code\":null}}"
            )
        ]

    private static let limit = "Rate limit reached for text-embedding-3-small in organization org-s3cret on "

    private static func wait(
        _ seconds: Double?,
        headers: HTTPHeaders = [:],
        type: String = "tokens",
        code: String = "rate_limit_exceeded",
        _ message: String
    ) -> Refused {
        let wait = seconds.map { Duration.milliseconds(Int64($0 * 1_000 + 0.5)) }
        return Refused(429, .throttled(retryAfter: wait), type: type, code, headers: headers, message)
    }

    static let throttled: [Refused] = [
        wait(
            2.812,
            limit
                + "tokens per min (TPM): Limit 1000000, Used 976163, Requested 70716. Please try again in 2.812s. Visit"
        ),
        wait(0.006, limit + "tokens per min. Please try again in 6ms."),
        wait(172.8, limit + "requests per day (RPD): Limit 200. Please try again in 2m52.8s."),
        wait(360, limit + "requests per day (RPD): Limit 200. Please try again in 6m0s."),
        wait(20, type: "requests", limit + "requests per min (RPM): Limit 3, Used 3, Requested 1."),
        wait(432, type: "requests", limit + "requests per day (RPD): Limit 200, Used 200, Requested 1."),
        wait(1.5, headers: ["Retry-After-Ms": "1500", "retry-after": "9"], limit + "tokens. Please try again in 8s."),
        wait(9, headers: ["Retry-After": "9"], limit + "tokens. Please try again in 8s."),
        wait(
            37,
            headers: ["retry-after": "Sun, 06 Nov 1994 08:50:14 GMT", "date": "Sun, 06 Nov 1994 08:49:37 GMT"],
            limit + "tokens."
        ),
        wait(8, headers: ["retry-after": "soon"], limit + "tokens. Please try again in 8s."),
        wait(nil, headers: ["retry-after": "-1"], limit + "tokens. Please try again in a while."),
        wait(nil, type: "rate_limit_error", code: "slow_down", "Traffic grew too fast."),
        wait(3, headers: ["retry-after": "3"], type: "rate_limit_error", code: "slow_down", "Traffic grew too fast."),
        Refused(
            "TEI 429",
            429,
            .throttled(retryAfter: nil),
            code: "rate_limit_exceeded",
            "{\"error\":\"Model is overloaded\"}"
        ),
        Refused("LiteLLM 429", 429, .throttled(retryAfter: nil), code: "rate_limit_exceeded", "not json"),
        Refused(
            429,
            .rejected,
            type: "tokens",
            "rate_limit_exceeded",
            expected: "request_too_large",
            "Request too large for m on tokens per min (TPM): Limit 40000, Requested 70000. The input must be reduced."
        ),
    ]

    static let server: [Refused] =
        [408, 409, 500, 502, 504, 529].map { status in
            Refused("\(status)", status, .unavailable, code: "\(status)", "<html>s3cret</html>")
        } + [
            Refused(503, .unavailable, type: "service_unavailable_error", "server_is_overloaded", "Overloaded"),
            Refused(500, .unavailable, type: "server_error", expected: "server_error", "The server had an error"),
        ]

    static let unknown: [Refused] = [
        Refused("unknown 418", 418, .rejected, code: "418", "s3cret"),
        Refused(400, .rejected, "never_seen_before", "s3cret"),
        Refused(400, .rejected, "quoting: s3cret text", expected: "400", "s3cret"),
    ]
}

@Suite struct `Embeddings refused` {
    @Test(
        arguments: Refused.badInput + Refused.access + Refused.money + Refused.throttled + Refused.server
            + Refused.unknown
    )
    func `every known error says what to do next, and quotes nothing`(refused: Refused) async throws {
        let http = ScriptedExchange(status: refused.status, headers: refused.headers, body: refused.body)
        let settings = OpenAIEmbedder.Settings(baseURL: "https://api.example/v1", key: Secret("k3y"), dimensions: 3)
        let failure = try #require(
            await failure { () async throws(PortFailure) in
                try await OpenAIEmbedder(settings, http: http).embed(["s3cret"])
            }
        )
        if case .throttled(let expected?) = refused.kind, case .throttled(let found?) = failure.kind {
            #expect(abs((expected - found) / .milliseconds(1)) < 1)
        } else {
            #expect(failure.kind == refused.kind)
        }
        if let code = refused.code { #expect(failure.code == code) }
        #expect(!"\(failure) \(failure.code ?? "")".contains("s3cret"))
        #expect(failure.detail.contains("status \(refused.status)"))
    }

    @Test func `a failure of the exchange itself passes through`() async {
        let lost = PortFailure(.outcomeUnknown, "lost")
        let embedder = OpenAIEmbedder(.init(key: Secret("k")), http: ScriptedExchange { _ in .failure(lost) })
        #expect(
            await failure { () async throws(PortFailure) in try await embedder.embed(["a"]) }?.kind == .outcomeUnknown
        )
    }
}
