import Foundation
import Migration

/// One request to a served fake, whatever carried it.
struct ServedRequest: Sendable {
    let method: String
    /// The path's parts, decoded: `/collections/a%20b/points` is three of them.
    let path: [String]
    let query: [String: String]
    /// Headers by their names in lower case.
    let headers: [String: String]
    let body: Data

    /// What comes after `Bearer `.
    var bearer: String? {
        guard let value = headers["authorization"], value.hasPrefix("Bearer ") else { return nil }
        return String(value.dropFirst(7))
    }
}

/// What a served fake answers.
struct ServedAnswer: Sendable {
    let status: Int
    var headers: [(name: String, value: String)]
    let body: Data

    init(_ status: Int, json: JSONValue, headers: [(name: String, value: String)] = []) {
        self.init(status, json: json.data, headers: headers)
    }

    init(_ status: Int, json: Data, headers: [(name: String, value: String)] = []) {
        self.status = status
        self.headers = [("content-type", "application/json")] + headers
        body = json
    }

    init(_ status: Int, text: String) {
        self.status = status
        headers = [("content-type", "text/plain; charset=utf-8")]
        body = Data(text.utf8)
    }
}

/// A fake that speaks its product's own HTTP.
protocol ServedService: Sendable {
    /// The largest body the product takes, in bytes.
    var bodyBytesMax: Int { get }

    /// Answers one request, errors included.
    func answer(_ request: ServedRequest) async -> ServedAnswer

    /// A failure in the product's own shape.
    func failure(_ failure: PortFailure) -> ServedAnswer

    /// The answer to a body above the limit.
    func tooLarge(_ bytes: Int) -> ServedAnswer
}

extension PortFailure {
    /// The HTTP status that says the same.
    var status: Int {
        switch kind {
        case .unavailable, .cancelled: 503
        case .throttled, .outOfMoney: 429
        case .outcomeUnknown: 504
        case .rejected: 400
        case .unauthorised: 401
        }
    }

    /// `retry-after` in whole seconds, and in milliseconds as OpenAI adds it.
    var retryHeaders: [(name: String, value: String)] {
        guard case .throttled(let wait?) = kind else { return [] }
        return wait.retryHeaders
    }
}

extension Duration {
    var retryHeaders: [(name: String, value: String)] {
        let milliseconds = (self / .milliseconds(1)).rounded(.up)
        return [
            ("retry-after", String(Int(max(1, (milliseconds / 1_000).rounded(.up))))),
            ("retry-after-ms", String(Int(milliseconds))),
        ]
    }
}
