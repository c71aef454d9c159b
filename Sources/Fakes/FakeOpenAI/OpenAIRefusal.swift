package import Migration

/// Why OpenAI's embeddings endpoint refuses a request: each case with OpenAI's own status, type, code and text.
///
/// Source: OpenAI's error-codes page and public issues.
package enum OpenAIRefusal: Error, Sendable, Equatable {
    /// What a minute's limit counts.
    package enum Unit: String, Sendable {
        case tokens, requests
    }

    case badKey
    case outOfMoney
    case rateLimited(Unit, limit: Int, used: Int, requested: Int, retryAfter: Duration)
    /// More than a full minute's allowance: waiting never helps, and OpenAI states no wait.
    case largerThanLimit(Unit, limit: Int, requested: Int)
    case unknownModel(String)
    case tooManyInputs(Int, max: Int)
    case inputTooLong(index: Int, tokens: Int, max: Int)
    case requestTooLong(tokens: Int, max: Int)
    /// A blank text, or one that the test refuses; OpenAI does not say which.
    case invalidInput
    /// The body itself is malformed.
    case malformed(String, parameter: String?)

    /// The HTTP status.
    package var status: Int {
        switch self {
        case .badKey: 401
        case .outOfMoney, .rateLimited, .largerThanLimit: 429
        case .unknownModel: 404
        case .tooManyInputs, .inputTooLong, .requestTooLong, .invalidInput, .malformed: 400
        }
    }

    /// `error.type`.
    package var type: String {
        switch self {
        case .outOfMoney: "insufficient_quota"
        case .rateLimited(let unit, _, _, _, _), .largerThanLimit(let unit, _, _): unit.rawValue
        case .requestTooLong: "max_tokens_per_request"
        case .badKey, .unknownModel, .tooManyInputs, .inputTooLong, .invalidInput, .malformed: "invalid_request_error"
        }
    }

    /// `error.code`; nil = null.
    package var code: String? {
        switch self {
        case .badKey: "invalid_api_key"
        case .outOfMoney: "insufficient_quota"
        case .rateLimited, .largerThanLimit: "rate_limit_exceeded"
        case .unknownModel: "model_not_found"
        case .requestTooLong: "max_tokens_per_request"
        case .tooManyInputs, .inputTooLong, .invalidInput, .malformed: nil
        }
    }

    /// `error.param`; nil = null.
    package var parameter: String? {
        switch self {
        case .malformed(_, let parameter): parameter
        case .tooManyInputs, .inputTooLong, .requestTooLong: "input"
        case .badKey, .outOfMoney, .rateLimited, .largerThanLimit, .unknownModel, .invalidInput: nil
        }
    }

    /// `error.message`.
    package var message: String {
        switch self {
        case .badKey:
            "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys."
        case .outOfMoney: "You exceeded your current quota, please check your plan and billing details."
        case .rateLimited(let unit, let limit, let used, let requested, let wait):
            "Rate limit reached for \(Self.account(unit)): Limit \(limit), Used \(used), Requested \(requested). "
                + "Please try again in \(Self.goDuration(wait))."
        case .largerThanLimit(let unit, let limit, let requested):
            "Request too large for \(Self.account(unit)): Limit \(limit), Requested \(requested). "
                + "The input or output tokens must be reduced in order to run successfully."
        case .unknownModel(let model): "The model `\(model)` does not exist or you do not have access to it."
        case .tooManyInputs(let count, let max):
            "Invalid 'input': array too long. Expected an array with maximum length \(max), "
                + "but got an array with length \(count) instead."
        case .inputTooLong(let index, _, let max): "Invalid 'input[\(index)]': maximum input length is \(max) tokens."
        case .requestTooLong(let tokens, let max):
            "Requested \(tokens) tokens, max \(max) tokens per request"
        case .invalidInput:
            "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."
        case .malformed(let text, _): text
        }
    }

    /// The server's own wait, if it states one.
    package var retryAfter: Duration? {
        if case .rateLimited(_, _, _, _, let wait) = self { wait } else { nil }
    }

    /// What a caller of the port sees.
    package var portFailure: PortFailure {
        switch self {
        case .badKey: PortFailure(.unauthorised, message, code: code)
        case .outOfMoney: PortFailure(.outOfMoney, message, code: code)
        case .rateLimited: PortFailure(.throttled(retryAfter: retryAfter), message, code: code)
        case .largerThanLimit: PortFailure(.rejected, message, code: "request_too_large")
        case .unknownModel, .tooManyInputs, .inputTooLong, .requestTooLong, .invalidInput, .malformed:
            PortFailure(.rejected, message, code: code ?? type)
        }
    }

    private static func account(_ unit: Unit) -> String {
        "text-embedding-3-small in organization org-fake on \(unit) per min (\(unit == .tokens ? "TPM" : "RPM"))"
    }

    /// A duration as OpenAI prints it: `12ms`, `2.812s`, `6m0s`.
    package static func goDuration(_ duration: Duration) -> String {
        let milliseconds = Int((duration / .milliseconds(1)).rounded(.up))
        if milliseconds < 1_000 { return "\(milliseconds)ms" }
        let (minutes, rest) = milliseconds.quotientAndRemainder(dividingBy: 60_000)
        let (seconds, fraction) = rest.quotientAndRemainder(dividingBy: 1_000)
        var text = minutes > 0 ? "\(minutes)m\(seconds)" : "\(seconds)"
        if fraction > 0 {
            let digits = String(fraction + 1_000).dropFirst()
            text += "." + String(digits.reversed().drop { $0 == "0" }.reversed())
        }
        return text + "s"
    }
}
