import Fakes
import Foundation
import Migration

/// `FakeOpenAI` as OpenAI's REST interface: `POST /v1/embeddings` and `GET /v1/models`.
struct OpenAIService: ServedService {
    /// The models of the real service, and the lengths of their vectors.
    private static let models = [
        "text-embedding-3-small": 1_536, "text-embedding-3-large": 3_072, "text-embedding-ada-002": 1_536,
    ]

    let fake: FakeOpenAI
    let key: String
    let bodyBytesMax = 64 << 20

    /// The length of a model's vectors; nil for a model that is not served.
    private func dimensions(of model: String) -> Int? {
        model == fake.model ? fake.dimensions : Self.models[fake.model] == nil ? nil : Self.models[model]
    }

    private var modelNames: [String] {
        Set([fake.model] + Self.models.keys).filter { dimensions(of: $0) != nil }.sorted()
    }

    func answer(_ request: ServedRequest) async -> ServedAnswer {
        if fake.isGone() { return ServedAnswer(404, json: Data()) }
        guard accepts(request) else { return refusal(.badKey) }
        switch (request.method, request.path) {
        case ("POST", ["v1", "embeddings"]): return await embeddings(request)
        case ("GET", ["v1", "models"]):
            return ServedAnswer(200, json: ["object": "list", "data": .list(modelNames.map(model))])
        case ("GET", let path) where path.count == 3 && path.starts(with: ["v1", "models"]):
            let name = path[2]
            return modelNames.contains(name) ? ServedAnswer(200, json: model(name)) : refusal(.unknownModel(name))
        default:
            let text = "Invalid URL (\(request.method) /\(request.path.joined(separator: "/")))"
            return error(404, text, type: "invalid_request_error", parameter: nil, code: nil)
        }
    }

    func accepts(_ request: ServedRequest) -> Bool { request.bearer == key || request.headers["api-key"] == key }

    func error(_ status: Int) -> ServedAnswer {
        switch status {
        case 401: return refusal(.badKey)
        case 429:
            var answer = error(429, "Rate limit reached", type: "requests", parameter: nil, code: "rate_limit_exceeded")
            answer.headers += Duration.seconds(1).retryHeaders
            return answer
        case 503:
            let text = "The server is overloaded."
            return error(503, text, type: "service_unavailable_error", parameter: nil, code: "server_is_overloaded")
        case 500...:
            let text = "The server had an error while processing your request."
            return error(status, text, type: "server_error", parameter: nil, code: nil)
        default:
            return error(status, "a fault of the stand-in", type: "invalid_request_error", parameter: nil, code: nil)
        }
    }

    var stats: [String: JSONValue] {
        let totals = fake.totals
        func number(_ value: Int) -> JSONValue { .integer(Int64(value)) }
        return [
            "requests": number(totals.requests), "refusals": number(totals.refusals), "texts": number(totals.texts),
            "tokens": number(totals.tokens), "different_texts": number(Set(fake.effects.map(\.text)).count),
        ]
    }

    func reset() { fake.reset() }

    func failure(_ failure: PortFailure) -> ServedAnswer {
        switch failure.kind {
        case .outOfMoney: return refusal(.outOfMoney)
        case .unauthorised: return refusal(.badKey)
        case .throttled:
            var answer = error(429, failure.detail, type: "requests", parameter: nil, code: "rate_limit_exceeded")
            answer.headers += failure.retryHeaders
            return answer
        case .rejected: return refusal(.invalidInput)
        case .unavailable, .outcomeUnknown, .unclassified, .cancelled, .full:
            return error(failure.status, failure.detail, type: "server_error", parameter: nil, code: nil)
        }
    }

    func tooLarge(_ bytes: Int) -> ServedAnswer {
        let text = "Maximum content size limit (\(bodyBytesMax)) exceeded (\(bytes) bytes read)"
        return error(413, text, type: "server_error", parameter: nil, code: nil)
    }

    private func model(_ name: String) -> JSONValue {
        ["id": .string(name), "object": "model", "created": 1_705_948_997, "owned_by": "system"]
    }

    // MARK: - Embeddings

    /// The checked body of a request.
    private struct Question {
        var inputs: [FakeOpenAI.Input] = []
        var isBase64 = false
        let model: String
        /// The length of the model's vectors.
        let native: Int
        /// The wanted length.
        var dimensions: Int
    }

    private func embeddings(_ request: ServedRequest) async -> ServedAnswer {
        do throws(PortFailure) { try await fake.delay() } catch { return failure(error) }
        do throws(OpenAIRefusal) {
            try checkType(request)
            let question = try question(request.body)
            if let trouble = fake.trouble(with: question.inputs.map(\.text)) { return await ServedAnswer(trouble) }
            let charge = try fake.admit(question.inputs)
            let words = WordVectors(dimensions: question.native)
            let dialect = fake.dialect
            var inputs = Array(question.inputs.enumerated())
            if dialect.indices == .backwards { inputs.reverse() }
            var json = Data(#"{"object":"list","data":["#.utf8)
            for (place, (index, input)) in inputs.enumerated() {
                let member = dialect.index(index)
                json.append(contentsOf: #"\#(place > 0 ? "," : ""){"object":"embedding",\#(member)"embedding":"#.utf8)
                let vector = words.vector(of: input.text, first: question.dimensions)
                if let spoilt = dialect.spoils(input.text) {
                    json.append(contentsOf: "\(spoilt)}".utf8)
                } else if question.isBase64, !dialect.prefersNumbers {
                    json.append(contentsOf: "\"\(Self.base64(vector))\"}".utf8)
                } else {
                    json.append(contentsOf: "[\(vector.map(\.description).joined(separator: ","))]}".utf8)
                }
            }
            json.append(contentsOf: #"],"model":"\#(question.model)"\#(dialect.usage(charge.tokens))}"#.utf8)
            return ServedAnswer(200, json: json, headers: headers(charge.allowance))
        } catch {
            return refusal(error)
        }
    }

    private func checkType(_ request: ServedRequest) throws(OpenAIRefusal) {
        let type = request.headers["content-type"]?.split(separator: ";").first.map { $0.lowercased() }
        guard type == "application/json" else {
            let shown = type ?? "none"
            let text = "Unsupported content type: '\(shown)'. This API method only accepts 'application/json' requests."
            throw .malformed(text, parameter: nil)
        }
    }

    private func question(_ body: Data) throws(OpenAIRefusal) -> Question {
        let json: JSONValue
        do throws(JSONParser.Malformed) {
            json = try JSONParser.parse(body)
        } catch {
            throw .malformed("We could not parse the JSON body of your request. (\(error.text))", parameter: nil)
        }
        guard let members = json.object else { throw .malformed("The body is not an object.", parameter: nil) }
        let known: Set = ["input", "model", "encoding_format", "dimensions", "user"]
        if let unknown = members.keys.filter({ !known.contains($0) }).min() {
            throw .malformed("Unknown parameter: '\(unknown)'.", parameter: unknown)
        }
        guard let model = json["model"]?.string else {
            throw .malformed("you must provide a model parameter", parameter: nil)
        }
        guard let native = dimensions(of: model) else { throw .unknownModel(model) }
        var question = Question(model: model, native: native, dimensions: native)
        if let format = json["encoding_format"] {
            guard let name = format.string, name == "float" || name == "base64" else {
                let shown = String(decoding: format.data, as: UTF8.self)
                let text = "Invalid value: \(shown). Supported values are: 'float' and 'base64'."
                throw .malformed(text, parameter: "encoding_format")
            }
            question.isBase64 = name == "base64"
        }
        if let user = json["user"], user.string == nil {
            throw .malformed("Invalid type for 'user': expected a string.", parameter: "user")
        }
        if let wanted = json["dimensions"] {
            guard model != "text-embedding-ada-002" else {
                throw .malformed("This model does not support specifying dimensions.", parameter: nil)
            }
            guard let number = wanted.integer, number >= 1 else {
                let shown = String(decoding: wanted.data, as: UTF8.self)
                let text = "Invalid value for 'dimensions': expected an integer of at least 1, but got \(shown)."
                throw .malformed(text, parameter: "dimensions")
            }
            guard number <= native else {
                let text = "Invalid value for 'dimensions' = \(number). Must be less than or equal to \(native)."
                throw .malformed(text, parameter: "dimensions")
            }
            question.dimensions = Int(number)
        }
        guard let input = json["input"] else {
            throw .malformed("Missing required parameter: 'input'.", parameter: "input")
        }
        question.inputs = try Self.inputs(input)
        return question
    }

    /// A text, texts, tokens, or lists of tokens.
    private static func inputs(_ json: JSONValue) throws(OpenAIRefusal) -> [FakeOpenAI.Input] {
        if let text = json.string { return [.text(text)] }
        guard let list = json.list else { throw .invalidInput }
        if !list.isEmpty, let tokens = tokens(list) { return [.tokens(tokens)] }
        var inputs: [FakeOpenAI.Input] = []
        inputs.reserveCapacity(list.count)
        for value in list {
            if let text = value.string {
                inputs.append(.text(text))
            } else if let tokens = value.list.flatMap(tokens) {
                inputs.append(.tokens(tokens))
            } else {
                throw .invalidInput
            }
        }
        return inputs
    }

    private static func tokens(_ list: [JSONValue]) -> [Int]? {
        let numbers = list.compactMap { $0.integer.flatMap(Int.init(exactly:)) }
        return numbers.count == list.count ? numbers : nil
    }

    /// Little-endian float32, as OpenAI sends them.
    private static func base64(_ vector: [Float]) -> String {
        unsafe vector.map(\.bitPattern.littleEndian).withUnsafeBytes { unsafe Data($0) }.base64EncodedString()
    }

    // MARK: - Errors and headers

    private func refusal(_ refusal: OpenAIRefusal) -> ServedAnswer {
        var answer = error(
            refusal.status,
            refusal.message,
            type: refusal.type,
            parameter: refusal.parameter,
            code: refusal.code
        )
        if let wait = refusal.retryAfter { answer.headers += wait.retryHeaders + headers(fake.allowance()) }
        return answer
    }

    private func error(_ status: Int, _ text: String, type: String, parameter: String?, code: String?) -> ServedAnswer {
        let error: JSONValue = [
            "message": .string(text), "type": .string(type),
            "param": parameter.map(JSONValue.string) ?? .null, "code": code.map(JSONValue.string) ?? .null,
        ]
        return ServedAnswer(status, json: ["error": error])
    }

    private func headers(_ allowance: FakeOpenAI.Allowance) -> [(name: String, value: String)] {
        [("requests", allowance.requests), ("tokens", allowance.tokens)].flatMap { name, part in
            guard let part else { return [(name: String, value: String)]() }
            return [
                ("x-ratelimit-limit-\(name)", "\(part.limit)"),
                ("x-ratelimit-remaining-\(name)", "\(max(0, part.remaining))"),
                ("x-ratelimit-reset-\(name)", OpenAIRefusal.goDuration(part.reset)),
            ]
        }
    }
}
