import Migration

/// An answer that is not 200, classified according to OpenAI's table of errors: the only place that knows them.
///
/// The service's own message is read but never passed on: it may quote the key or a text.
struct OpenAIErrorAnswer: Sendable {
    /// The status that decides; for an error within an answer, the one that the error states.
    let status: Int
    private let sentStatus: Int
    let type: String
    let code: String
    private let parameter: String
    let message: String
    let headers: HTTPHeaders
    private let model: String
    /// Whether it is an HTML page: from a firewall or a proxy, never from an embeddings server.
    private let isPage: Bool
    /// Whether the body describes the error in JSON; an empty body, a page or a bare sentence comes from a gateway in
    /// front.
    private let isExplained: Bool

    init(_ response: HTTPResponse, model: String) { self.init(response, status: response.status, model: model) }

    /// An error with status 200, as sent by gateways that have begun to answer; nil when there is none.
    init?(inAnswer response: HTTPResponse, model: String) {
        guard let body = try? JSON(response.body), let error = body["error"], !error.isNull, body["data"]?.array == nil
        else { return nil }
        let stated = error["code"] ?? error["status"] ?? body["status"] ?? body["code"]
        let status = stated?.integer ?? stated?.string.flatMap { Int64($0) } ?? 500
        self.init(response, status: (400...599).contains(status) ? Int(status) : 500, model: model)
    }

    private init(_ response: HTTPResponse, status: Int, model: String) {
        self.status = status
        sentStatus = response.status
        headers = response.headers
        isPage = response.isPage
        self.model = model
        // {"error": {…}} at OpenAI; compatible servers also send the members alone, a list with one element, or a bare
        // sentence.
        let json = try? JSON(response.body)
        let body = json?.array?.first ?? json
        let error = body?["error"]?.object != nil ? body?["error"] : body
        type = error?["type"]?.string ?? error?["status"]?.string ?? ""
        // vLLM's code is a number.
        code = error?["code"]?.string ?? error?["code"]?.integer.map { "\($0)" } ?? ""
        parameter = error?["param"]?.string ?? ""
        isExplained = body?.object != nil
        message =
            error?["message"]?.string ?? error?["detail"]?.string ?? body?["error"]?.string
            ?? String(response.text.prefix(2_000))
    }

    /// Whether the embeddings server itself refuses, and says what is wrong.
    ///
    /// A 404 counts only when it names the model: routers in front of servers also explain in JSON that they know no
    /// route.
    var namesReason: Bool {
        guard status == 404 || status == 405 else { return isExplained }
        let text = "\(code) \(type) \(message)".lowercased()
        return isExplained && (text.contains("model") || text.contains("deployment"))
    }

    var failure: PortFailure {
        if isAboutMoney { return outOfMoney }
        return switch status {
        case 401:
            failure(.unauthorised, "OpenAI refused the key: check OPENAI_API_KEY")
        case 402:
            outOfMoney
        case 403 where isPage:
            blocked
        case 403:
            failure(.unauthorised, "OpenAI refused access (country, address or project): check the account and the key")
        case 404, 405:
            failure(
                .unauthorised,
                "no model \(model) at this address: check OPENAI_EMBEDDING_MODEL and OPENAI_BASE_URL"
            )
        case 429:
            tooMany
        case 408, 409, 500...599:
            isOverloaded
                ? failure(.unavailable, "OpenAI is overloaded", code: "server_is_overloaded")
                : failure(.unavailable, "OpenAI could not answer")
        case 300...399:
            failure(.unauthorised, "the address redirects, and redirects are not followed: check OPENAI_BASE_URL")
        // A request that is too large for a proxy may pass in parts.
        case 400..<500 where isPage && status != 413:
            blocked
        default:
            refused
        }
    }

    /// Either one text is the reason, or all access is blocked: the engine finds out.
    private var blocked: PortFailure {
        failure(
            .unauthorised,
            "a firewall or proxy in front of the embeddings server refused the request: check OPENAI_BASE_URL",
            code: PortFailure.blocked
        )
    }

    private var isOverloaded: Bool { code == "server_is_overloaded" || type == "service_unavailable_error" }

    // MARK: - 400 and similar

    private var refused: PortFailure {
        let settings = ["model", "dimensions", "encoding_format"]
        if let setting = settings.first(where: { $0 == parameter }) ?? unsupportedSetting {
            let detail = "the server does not accept the setting \(setting) for \(model): check the embedding settings"
            return failure(.unauthorised, detail)
        }
        let text = message.lowercased()
        if code == "max_tokens_per_request" || type == "max_tokens_per_request"
            || text.contains("max 300000 tokens per request") || text.contains("tokens per request")
        {
            return failure(.rejected, "the request contains too many tokens", code: "max_tokens_per_request")
        }
        if text.contains("maximum context length") || text.contains("maximum input length")
            || text.contains("exceeds the context length") || code == "context_length_exceeded"
        {
            return failure(.rejected, "a text is too long for the model", code: "context_length_exceeded")
        }
        if text.contains("batch size") || status == 413 {
            return failure(.rejected, "the request contains too many texts or bytes for this server")
        }
        if text.contains("input' is invalid") { return failure(.rejected, "a text is not acceptable as input") }
        return failure(.rejected, "the request was refused")
    }

    /// For servers that name the setting only in the sentence.
    private var unsupportedSetting: String? {
        if message.contains("matryoshka") { return "dimensions" }
        guard code == "UnsupportedParamsError" || message.contains("UnsupportedParamsError") else { return nil }
        return message.contains("encoding_format") ? "encoding_format" : "dimensions"
    }

    // MARK: - 429

    private var tooMany: PortFailure {
        let usage = Usage(message)
        if let usage, usage.used == nil, let requested = usage.requested, requested > usage.limit {
            return failure(
                .rejected,
                "one request of \(usage.requestedText) exceeds the account's limit of \(usage.limitText) per minute",
                code: "request_too_large"
            )
        }
        if code == "slow_down" || type == "slow_down" {
            return failure(.throttled(retryAfter: statedWait), "OpenAI asks to slow down", code: "slow_down")
        }
        let wait = statedWait ?? waitInText ?? usage?.wait
        return failure(.throttled(retryAfter: wait), "the rate limit is reached", code: "rate_limit_exceeded")
    }

    // MARK: -

    func failure(_ kind: PortFailure.Kind, _ sentence: String, code known: String? = nil) -> PortFailure {
        let stated = [code, type].first { !$0.isEmpty }.flatMap(Self.harmless)
        let code = known ?? stated
        return PortFailure(
            kind,
            "\(sentence) (status \(sentStatus)\(stated.map { ", \($0)" } ?? ""))",
            code: code ?? "\(status)"
        )
    }

    /// A code is a short word; anything else might be quoted text.
    private static func harmless(_ word: String) -> String? {
        let isWord = word.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
        }
        return isWord && word.utf8.count <= 48 ? word : nil
    }
}
