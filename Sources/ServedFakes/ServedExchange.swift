import Fakes
import Foundation
import Migration

/// One request to a served fake.
struct ServedRequest: Sendable {
    let method: String
    /// The path's parts, decoded: `/collections/a%20b/points` is three of them.
    let path: [String]
    let query: [String: String]
    /// Headers by their names in lower case.
    let headers: [String: String]
    let body: Data

    /// The text after `Bearer `.
    var bearer: String? {
        guard let value = headers["authorization"], value.hasPrefix("Bearer ") else { return nil }
        return String(value.dropFirst(7))
    }
}

/// The answer of a served fake.
struct ServedAnswer: Sendable {
    let status: Int
    var headers: [(name: String, value: String)]
    let body: Data
    /// How the answer is sent.
    var delivery = Delivery.whole

    enum Delivery: Sendable, Equatable {
        case whole
        /// The connection is closed in place of the body.
        case closed
        /// The connection is closed in the middle of the body.
        case cut
        /// In small parts, which take this long together.
        case slow(Duration)
    }

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

extension ServedAnswer {
    /// No answer: the connection is closed.
    static var closing: Self {
        var answer = Self(200, json: Data())
        answer.delivery = .closed
        return answer
    }

    /// The answer to a request with an input that never works.
    init(_ trouble: Trouble) async {
        switch trouble {
        case .error500: self.init(500, json: ["error": ["message": "The server had an error", "type": "server_error"]])
        case .error502: self.init(502, page: "502 Bad Gateway")
        case .blocked403: self.init(403, page: "Sorry, you have been blocked")
        case .hang:
            // Longer than any client waits; the client closes the connection before.
            try? await Task.sleep(for: .seconds(600))
            self.init(504, page: "504 Gateway Timeout")
        case .closed:
            self.init(200, json: Data())
            delivery = .closed
        case .empty: self.init(200, json: Data())
        case .truncated: self.init(200, json: Data(#"{"object":"list","data":[{"object":"embe"#.utf8))
        }
    }

    /// An HTML page, as firewalls and proxies send them.
    private init(_ status: Int, page title: String) {
        let html = "<!DOCTYPE html>\n<html><head><title>\(title)</title></head><body>\(title)</body></html>"
        self.init(status, text: html)
        headers = [("content-type", "text/html")]
    }
}

/// A fake with the HTTP interface of its product.
protocol ServedService: Sendable {
    /// The largest body that the product accepts, in bytes.
    var bodyBytesMax: Int { get }

    /// Answers one request, also with errors.
    func answer(_ request: ServedRequest) async -> ServedAnswer

    /// A failure in the product's own form.
    func failure(_ failure: PortFailure) -> ServedAnswer

    /// The answer to a body above the limit.
    func tooLarge(_ bytes: Int) -> ServedAnswer

    /// An error with this status, in the product's own form.
    func error(_ status: Int) -> ServedAnswer

    /// Whether the request has the service's key.
    func accepts(_ request: ServedRequest) -> Bool

    /// What the service has done since its start, for `GET /__stats`.
    var stats: [String: JSONValue] { get }

    /// Makes it as it was at its start, for `POST /__reset`.
    func reset()
}

extension PortFailure {
    /// The HTTP status with the same meaning.
    var status: Int {
        switch kind {
        case .unavailable, .unclassified, .cancelled: 503
        case .throttled, .outOfMoney: 429
        case .outcomeUnknown: 504
        case .rejected: 400
        case .unauthorised: 401
        case .full: 507
        }
    }

    /// `retry-after` in whole seconds, and OpenAI's additional header in milliseconds.
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
