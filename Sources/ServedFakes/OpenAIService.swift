import Fakes
import Foundation
import Migration

/// `FakeOpenAI` as OpenAI's REST interface: `POST /v1/embeddings` and `GET /v1/models`.
struct OpenAIService: ServedService {
    let fake: FakeOpenAI
    let key: String
    let bodyBytesMax = 64 << 20

    func answer(_ request: ServedRequest) async -> ServedAnswer {
        if fake.isGone() { return ServedAnswer(404, json: Data()) }
        guard request.bearer == key || request.headers["api-key"] == key else { return refusal(.badKey) }
        switch (request.method, request.path) {
        case ("POST", ["v1", "embeddings"]): return await embeddings(request)
        case ("GET", ["v1", "models"]): return ServedAnswer(200, json: ["object": "list", "data": [model]])
        case ("GET", ["v1", "models", fake.model]): return ServedAnswer(200, json: model)
        default:
            let text = "Invalid URL (\(request.method) /\(request.path.joined(separator: "/")))"
            return error(404, text, type: "invalid_request_error", parameter: nil, code: nil)
        }
    }

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

    private var model: JSONValue {
        ["id": .string(fake.model), "object": "model", "created": 1_705_948_997, "owned_by": "system"]
    }

    // MARK: - Embeddings

    /// The checked body of a request.
    private struct Question {
        var inputs: [FakeOpenAI.Input] = []
        var isBase64 = false
        var dimensions: Int
    }

    private func embeddings(_ request: ServedRequest) async -> ServedAnswer {
        do throws(PortFailure) { try await fake.delay() } catch { return failure(error) }
        do throws(OpenAIRefusal) {
            let question = try question(request.body)
            if let trouble = fake.trouble(with: question.inputs.map(\.text)) { return await ServedAnswer(trouble) }
            let charge = try fake.admit(question.inputs)
            let words = WordVectors(dimensions: question.dimensions)
            let dialect = fake.dialect
            var inputs = Array(question.inputs.enumerated())
            if dialect.indices == .backwards { inputs.reverse() }
            var json = Data(#"{"object":"list","data":["#.utf8)
            for (place, (index, input)) in inputs.enumerated() {
                let member = dialect.index(index)
                json.append(contentsOf: #"\#(place > 0 ? "," : ""){"object":"embedding",\#(member)"embedding":"#.utf8)
                let vector = words.vector(of: input.text)
                if let spoilt = dialect.spoils(input.text) {
                    json.append(contentsOf: "\(spoilt)}".utf8)
                } else if question.isBase64, !dialect.prefersNumbers {
                    json.append(contentsOf: "\"\(Self.base64(vector))\"}".utf8)
                } else {
                    json.append(contentsOf: "[\(vector.map(\.description).joined(separator: ","))]}".utf8)
                }
            }
            json.append(contentsOf: #"],"model":"\#(fake.model)"\#(dialect.usage(charge.tokens))}"#.utf8)
            return ServedAnswer(200, json: json, headers: headers(charge.allowance))
        } catch {
            return refusal(error)
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
        guard model == fake.model else { throw .unknownModel(model) }
        var question = Question(dimensions: fake.dimensions)
        switch json["encoding_format"]?.string {
        case nil, "float": break
        case "base64": question.isBase64 = true
        case let other?:
            let text = "Invalid value: '\(other)'. Supported values are: 'float' and 'base64'."
            throw .malformed(text, parameter: "encoding_format")
        }
        if let wanted = json["dimensions"] {
            guard let number = wanted.integer, (1...Int64(fake.dimensions)).contains(number) else {
                let text = "Invalid value for 'dimensions' = \(wanted). Must be between 1 and \(fake.dimensions)."
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
