import Foundation
package import Migration

/// OpenAI's embeddings, or those of a server that speaks the same API.
package struct OpenAIEmbedder: Embedder {
    /// Where, as whom and with what.
    package struct Settings: Sendable {
        /// `OPENAI_BASE_URL`, up to and including the version; a query (Azure's `?api-version=…`) is kept.
        package var baseURL: String
        /// `OPENAI_API_KEY`; an empty one is not sent.
        package var key: Secret
        /// `OPENAI_EMBEDDING_MODEL`.
        package var model: String
        /// What every vector must have.
        package var dimensions: Int
        /// Whether to ask for this length; servers that cannot shorten refuse even their own.
        package var asksForDimensions: Bool
        /// From the call to the last byte.
        package var timeout: Duration

        package init(
            baseURL: String = "https://api.openai.com/v1",
            key: Secret,
            model: String = "text-embedding-3-small",
            dimensions: Int = 1_536,
            asksForDimensions: Bool = false,
            timeout: Duration = .seconds(120)
        ) {
            precondition(dimensions > 0)
            self.baseURL = baseURL
            self.key = key
            self.model = model
            self.dimensions = dimensions
            self.asksForDimensions = asksForDimensions
            self.timeout = timeout
        }
    }

    let settings: Settings
    private let http: any HTTPExchange

    package init(_ settings: Settings, http: any HTTPExchange) {
        self.settings = settings
        self.http = http
    }

    package func embed(_ texts: [String]) async throws(PortFailure) -> Embeddings {
        let (answer, limits) = try await ask(texts)
        for vector in answer.vectors { try check(vector) }
        return Embeddings(vectors: answer.vectors, tokens: answer.tokens, limits: limits)
    }

    /// One request and its answer, in order, its vectors not yet checked.
    func ask(_ texts: [String]) async throws(PortFailure) -> (OpenAIAnswer, EmbedderLimits?) {
        guard !texts.isEmpty, texts.count <= 2_048 else {
            throw PortFailure(.rejected, "a request holds 1 to 2,048 texts, not \(texts.count)")
        }
        let response = try await http.send(request(texts))
        guard response.status == 200 else { throw OpenAIRefusal(response, model: settings.model).failure }
        return (try OpenAIAnswer(response.body, count: texts.count), Self.limits(response.headers))
    }

    private func request(_ texts: [String]) -> HTTPRequest {
        var writer = JSONWriter(capacity: texts.reduce(256) { $0 + $1.utf8.count + 8 })
        writer.raw("{\"model\":")
        writer.string(settings.model)
        writer.raw(",\"encoding_format\":\"base64\"")
        if settings.asksForDimensions {
            writer.raw(",\"dimensions\":")
            writer.integer(settings.dimensions)
        }
        writer.raw(",\"input\":[")
        for (index, text) in texts.enumerated() {
            if index > 0 { writer.raw(",") }
            writer.string(text)
        }
        writer.raw("]}")
        var headers: HTTPHeaders = ["Content-Type": "application/json", "Accept": "application/json"]
        settings.key.withExposedValue { key in
            guard !key.isEmpty else { return }
            if isAzure { headers["api-key"] = key } else { headers["Authorization"] = "Bearer \(key)" }
        }
        return HTTPRequest(
            .post,
            endpoint,
            headers: headers,
            body: writer.bytes,
            totalTimeout: settings.timeout,
            // 1,536 numbers are 8 KB as base64, 33 KB as JSON numbers, which servers also indent.
            responseBytesMax: 1 << 20 + texts.count * settings.dimensions * 40
        )
    }

    private var isAzure: Bool { (try? HTTPAddress(settings.baseURL))?.host.hasSuffix(".azure.com") == true }

    private var endpoint: String {
        let parts = settings.baseURL.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var path = parts.first.map(String.init) ?? ""
        while path.hasSuffix("/") { path.removeLast() }
        return path + "/embeddings" + (parts.count > 1 ? "?\(parts[1])" : "")
    }

    /// A vector that nothing would ever be near must not be written.
    private func check(_ vector: [Float]) throws(PortFailure) {
        guard vector.count == settings.dimensions else {
            throw PortFailure(
                .unauthorised,
                "\(settings.model) gives vectors of \(vector.count) numbers, not \(settings.dimensions): "
                    + "check the model and its dimensions",
                code: "dimensions"
            )
        }
        let square = vector.reduce(0.0) { $0 + Double($1) * Double($1) }
        guard square.isFinite, square > 0 else {
            throw PortFailure(.rejected, "the model gave a vector that is zero or not finite", code: "vector")
        }
    }

    private static func limits(_ headers: HTTPHeaders) -> EmbedderLimits? {
        func limit(_ name: String) -> Int? { headers[name].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } }
        let tokens = limit("x-ratelimit-limit-tokens")
        let requests = limit("x-ratelimit-limit-requests")
        guard tokens != nil || requests != nil else { return nil }
        return EmbedderLimits(tokensPerMinute: tokens, requestsPerMinute: requests)
    }
}
