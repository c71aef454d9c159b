package import Migration
package import Settings

/// OpenAI's embeddings, or those of a server that speaks the same API.
package struct OpenAIEmbedder: Embedder {
    package struct Settings: Sendable {
        /// `OPENAI_BASE_URL`, up to and including the version; a query (Azure's `?api-version=…`) is kept.
        package var baseURL: String
        /// `OPENAI_API_KEY`; an empty one is not sent.
        package var key: Secret
        package var model: String
        /// `OPENAI_ORG_ID`: the organisation that is charged; nil = the default of the key.
        package var organization: String?
        /// `OPENAI_PROJECT_ID`: the project that is charged; nil = the default of the key.
        package var project: String?
        /// The dimensions of every vector.
        package var dimensions: Int
        /// Whether requests state this length; servers that cannot shorten vectors refuse even their own length.
        package var asksForDimensions: Bool
        /// From the call to the last byte.
        package var timeout: Duration

        /// The default lengths of the models that can shorten their vectors.
        package static let nativeDimensions = ["text-embedding-3-small": 1_536, "text-embedding-3-large": 3_072]

        package init(
            baseURL: String = "https://api.openai.com/v1",
            key: Secret,
            model: String = "text-embedding-3-small",
            organization: String? = nil,
            project: String? = nil,
            dimensions: Int = 1_536,
            asksForDimensions: Bool = false,
            timeout: Duration = .seconds(120)
        ) {
            precondition(dimensions > 0)
            self.baseURL = baseURL
            self.key = key
            self.model = model
            self.organization = organization
            self.project = project
            self.dimensions = dimensions
            self.asksForDimensions = asksForDimensions
            self.timeout = timeout
        }
    }

    let settings: Settings
    /// What this server has shown so far.
    let experience: ServerExperience
    private let http: any HTTPExchange

    /// `time` measures for how long a server that worked before refuses without a reason.
    package init(_ settings: Settings, http: any HTTPExchange, time: Time = Time(ContinuousClock())) {
        self.settings = settings
        self.http = http
        experience = ServerExperience(time: time)
    }

    /// The limits of one request: its token limit stays below the 300,000 of the API.
    package static let requestLimits = RequestLimits(inputsMax: 2_048, tokensMax: 290_000)

    package func embed(_ texts: [String], within limit: Duration?) async throws(PortFailure) -> Embeddings {
        let (answer, limits) = try await ask(texts, within: limit)
        return Embeddings(vectors: try checked(answer.vectors), tokens: answer.tokens, limits: limits)
    }

    /// One request and its answer, in order; its vectors are not checked yet.
    ///
    /// If `asksForDimensions` is nil, the settings or the probe decide whether the request states the length of the
    /// vectors.
    func ask(
        _ texts: [String],
        within limit: Duration? = nil,
        asksForDimensions: Bool? = nil
    ) async throws(PortFailure) -> (OpenAIAnswer, EmbedderLimits?) {
        guard !texts.isEmpty, texts.count <= Self.requestLimits.inputsMax else {
            throw PortFailure(.rejected, "a request holds 1 to 2,048 texts, not \(texts.count)")
        }
        let asks = asksForDimensions ?? (settings.asksForDimensions || experience.needsDimensions)
        let response: HTTPResponse
        do throws(PortFailure) {
            response = try await http.send(request(texts, within: limit, asksForDimensions: asks))
        } catch  where error.code == PortFailure.answerTooLong {
            // Nothing was refused: the answer is lost, whether a text or the server caused its length.
            throw PortFailure(.outcomeUnknown, error.detail, code: error.code)
        }
        guard response.status == 200 else {
            throw experience.judge(OpenAIErrorAnswer(response, model: settings.model))
        }
        do throws(PortFailure) {
            let answer = try OpenAIAnswer(response.body, count: texts.count)
            experience.noteAnswer()
            return (answer, Self.limits(response.headers))
        } catch {
            throw OpenAIErrorAnswer(inAnswer: response, model: settings.model).map(experience.judge) ?? error
        }
    }

    private func request(_ texts: [String], within limit: Duration?, asksForDimensions: Bool) -> HTTPRequest {
        var writer = JSONWriter(capacity: texts.reduce(256) { $0 + $1.utf8.count + 8 })
        writer.raw("{\"model\":")
        writer.string(settings.model)
        writer.raw(",\"encoding_format\":\"base64\"")
        if asksForDimensions {
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
        if !isAzure {
            headers["OpenAI-Organization"] = settings.organization
            headers["OpenAI-Project"] = settings.project
        }
        return HTTPRequest(
            .post,
            endpoint,
            headers: headers,
            body: writer.bytes,
            totalTimeout: min(limit ?? settings.timeout, settings.timeout),
            // 1,536 numbers are 8 KB as base64, 33 KB as JSON numbers, which servers also indent.
            responseBytesMax: 1 << 20 + texts.count * settings.dimensions * 40
        )
    }

    /// The public cloud, those of the US government and of China, and API Management in front of each of them.
    private static let azure = [
        ".azure.com", ".azure.us", ".azure.cn", ".azure-api.net", ".azure-api.us", ".azure-api.cn",
    ]

    private var isAzure: Bool {
        guard var host = (try? HTTPAddress(settings.baseURL))?.host else { return false }
        if host.hasSuffix(".") { host.removeLast() }
        return Self.azure.contains(where: host.hasSuffix)
    }

    private var endpoint: String {
        let parts = settings.baseURL.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var path = parts.first.map(String.init) ?? ""
        while path.hasSuffix("/") { path.removeLast() }
        return path + "/embeddings" + (parts.count > 1 ? "?\(parts[1])" : "")
    }

    /// Checks the vectors: none may have another length, or be one that no search would ever find.
    ///
    /// If only some vectors are wrong or missing, their texts are the cause; if none has the right length, the model is
    /// a different one.
    private func checked(_ vectors: [[Float]?]) throws(PortFailure) -> [[Float]] {
        let lengths = vectors.compactMap { $0?.count }.filter { $0 > 0 }
        if let length = lengths.first, !lengths.contains(settings.dimensions) {
            throw PortFailure(
                .unauthorised,
                "\(settings.model) gives vectors of \(length) numbers, not \(settings.dimensions): "
                    + "check the model and its dimensions",
                code: "dimensions"
            )
        }
        let usable = vectors.compactMap { $0.flatMap { isUsable($0) ? $0 : nil } }
        guard usable.count == vectors.count else {
            let count = vectors.count - usable.count
            throw PortFailure(
                .rejected,
                "the server gave no usable vector (none, zero, not finite or too short) for \(count) of \(vectors.count) texts",
                code: "vector"
            )
        }
        return usable
    }

    private func isUsable(_ vector: [Float]) -> Bool {
        let square = vector.reduce(0.0) { $0 + Double($1) * Double($1) }
        return vector.count == settings.dimensions && square.isFinite && square > 0
    }

    private static func limits(_ headers: HTTPHeaders) -> EmbedderLimits? {
        func limit(_ name: String) -> Int? { headers[name].flatMap { Int($0) } }
        let limits = EmbedderLimits(
            tokensPerMinute: limit("x-ratelimit-limit-tokens"),
            requestsPerMinute: limit("x-ratelimit-limit-requests")
        )
        return limits.isUnknown ? nil : limits
    }
}
