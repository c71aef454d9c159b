import Foundation
import Migration

/// An answer that is not 200, classified as the table of OpenAI's errors says; the only place that knows them.
///
/// The service's own message is read but never passed on: it may quote the key or a text.
struct OpenAIRefusal: Sendable {
    private let status: Int
    private let type: String
    private let code: String
    private let parameter: String
    private let message: String
    private let headers: HTTPHeaders
    private let model: String

    init(_ response: HTTPResponse, model: String) {
        status = response.status
        headers = response.headers
        self.model = model
        // {"error": {…}} at OpenAI; compatible servers also send the members alone, or a bare sentence.
        let body = try? JSON(response.body)
        let error = body?["error"]?.object != nil ? body?["error"] : body
        type = error?["type"]?.string ?? ""
        // vLLM's code is a number.
        code = error?["code"]?.string ?? error?["code"]?.integer.map { "\($0)" } ?? ""
        parameter = error?["param"]?.string ?? ""
        message =
            error?["message"]?.string ?? error?["detail"]?.string ?? body?["error"]?.string
            ?? String(response.text.prefix(2_000))
    }

    var failure: PortFailure {
        switch status {
        case 401:
            failure(.unauthorised, "OpenAI refused the key: check OPENAI_API_KEY")
        case 402:
            failure(.outOfMoney, "the account has no money left: add credit, then resume the job")
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
            failure(.unauthorised, "the address redirects, which is not followed: check OPENAI_BASE_URL")
        default:
            refused
        }
    }

    private var isOverloaded: Bool { code == "server_is_overloaded" || type == "service_unavailable_error" }

    // MARK: - 400 and its like

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
            return failure(.rejected, "the request holds too many tokens", code: "max_tokens_per_request")
        }
        if text.contains("maximum context length") || text.contains("maximum input length")
            || text.contains("exceeds the context length") || code == "context_length_exceeded"
        {
            return failure(.rejected, "a text is too long for the model", code: "context_length_exceeded")
        }
        if text.contains("batch size") || status == 413 {
            return failure(.rejected, "the request holds too many texts or bytes for this server")
        }
        if text.contains("input' is invalid") { return failure(.rejected, "a text is not acceptable as input") }
        return failure(.rejected, "the request was refused")
    }

    /// Servers that name the setting in the sentence alone.
    private var unsupportedSetting: String? {
        if message.contains("matryoshka") { return "dimensions" }
        guard code == "UnsupportedParamsError" || message.contains("UnsupportedParamsError") else { return nil }
        return message.contains("encoding_format") ? "encoding_format" : "dimensions"
    }

    // MARK: - 429

    /// The codes of an account without money; waiting never helps.
    private static let billingCodes: Set<String> = [
        "insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded", "organization_usage_limit_exceeded", "billing_hard_limit_reached",
        "billing_not_active",
    ]

    private var tooMany: PortFailure {
        if Self.billingCodes.contains(code) || Self.billingCodes.contains(type)
            || message.contains("exceeded your current quota")
        {
            return failure(
                .outOfMoney,
                "the account has no money left: add credit or raise the limit, then resume the job"
            )
        }
        let usage = Usage(message)
        if let usage, usage.used == nil, let requested = usage.requested, requested > usage.limit {
            return failure(
                .rejected,
                "one request of \(Int(requested)) is more than the account's limit of \(Int(usage.limit)) a minute",
                code: "request_too_large"
            )
        }
        if code == "slow_down" || type == "slow_down" {
            return failure(.throttled(retryAfter: statedWait), "OpenAI asks to slow down", code: "slow_down")
        }
        let wait = statedWait ?? Self.wait(inText: message) ?? usage?.wait
        return failure(.throttled(retryAfter: wait), "the rate limit is reached", code: "rate_limit_exceeded")
    }

    /// The wait that the headers state.
    private var statedWait: Duration? {
        if let text = headers["retry-after-ms"], let value = Double(text), let wait = Self.duration(value / 1_000) {
            return wait
        }
        guard let text = headers["retry-after"] else { return nil }
        if let seconds = Double(text) { return Self.duration(seconds) }
        // A date means something only beside the server's own clock.
        guard let until = Self.date(text) else { return nil }
        let now = headers["date"].flatMap(Self.date) ?? Date()
        return Self.duration(max(0, until.timeIntervalSince(now)))
    }

    /// The wait of `Please try again in 2.812s`, `… in 6m0s`, `… in 12ms`.
    static func wait(inText text: String) -> Duration? {
        guard let start = text.range(of: "try again in ") else { return nil }
        var seconds = 0.0
        var number = ""
        var unit = ""
        var parts = 0
        /// Adds `number unit`, and says whether there was one.
        func add() -> Bool {
            let factors = ["ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400]
            guard let value = Double(number), let factor = factors[unit] else { return false }
            seconds += value * factor
            parts += 1
            (number, unit) = ("", "")
            return true
        }
        for character in text[start.upperBound...] {
            if character.isNumber || (character == "." && unit.isEmpty) {
                if !unit.isEmpty, !add() { break }
                number.append(character)
            } else if character.isLetter {
                unit.append(character)
            } else {
                break
            }
        }
        _ = add()
        return parts > 0 ? duration(seconds) : nil
    }

    /// The numbers of `Limit 1000000, Used 976163, Requested 70716`.
    struct Usage {
        let limit: Double
        let used: Double?
        let requested: Double?
        private let period: Double

        init?(_ text: String) {
            func number(after word: String) -> Double? {
                guard let start = text.range(of: word + " ") else { return nil }
                return Double(text[start.upperBound...].prefix { $0.isNumber })
            }
            guard let limit = number(after: "Limit"), limit > 0 else { return nil }
            self.limit = limit
            used = number(after: "Used")
            requested = number(after: "Requested")
            period = text.contains("per day") ? 86_400 : 60
        }

        /// How long the bucket, refilled continuously, takes until it holds what was asked for.
        var wait: Duration? {
            guard let used, let requested else { return nil }
            return OpenAIRefusal.duration(max(0, used + requested - limit) / limit * period)
        }
    }

    /// Nil for what cannot be a wait.
    fileprivate static func duration(_ seconds: Double) -> Duration? {
        (0..<1e7).contains(seconds) ? .seconds(seconds) : nil
    }

    /// RFC 9110's form of a date, `Sun, 06 Nov 1994 08:49:37 GMT`.
    private static func date(_ text: String) -> Date? {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return formatter.date(from: text)
    }

    // MARK: -

    private func failure(_ kind: PortFailure.Kind, _ sentence: String, code known: String? = nil) -> PortFailure {
        let stated = [code, type].first { !$0.isEmpty }.flatMap(Self.harmless)
        let code = known ?? stated
        return PortFailure(
            kind,
            "\(sentence) (status \(status)\(stated.map { ", \($0)" } ?? ""))",
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
