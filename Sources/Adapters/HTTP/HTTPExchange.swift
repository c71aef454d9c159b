package import Migration

/// Sends one request and returns the one answer, whatever its status: no redirect is followed, nothing is repeated.
package protocol HTTPExchange: Sendable {
    /// Performs a request.
    ///
    /// - Parameter request: what to send; its body may be empty.
    /// - Returns: the answer of the server itself, of any status, its body decoded from `Content-Encoding`.
    /// - Throws: `unavailable` when the request was not sent; `outcomeUnknown` when it was sent and the answer was
    ///   lost; `unauthorised` for a certificate or plain text that a person has to check; `rejected` for an address
    ///   that cannot be used and an answer over `responseBytesMax`; `cancelled`. No detail contains a header, a body or
    ///   a query.
    func send(_ request: HTTPRequest) async throws(PortFailure) -> HTTPResponse
}

package struct HTTPRequest: Sendable, CustomStringConvertible, CustomReflectable {
    /// The methods that the services use.
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    package var method: Method
    /// An absolute `http` or `https` address, already percent-encoded.
    package var url: String
    /// Sent unchanged; the caller sets `Content-Type`.
    package var headers: HTTPHeaders
    /// Sent with `Content-Length`; a GET has none.
    package var body: [UInt8]
    /// Name lookup, TCP and TLS together.
    package var connectTimeout: Duration
    /// From the call to the last byte of the answer, including the time in the queue.
    package var totalTimeout: Duration
    /// An answer with a longer decoded body is given up.
    package var responseBytesMax: Int

    package init(
        _ method: Method,
        _ url: String,
        headers: HTTPHeaders = [:],
        body: [UInt8] = [],
        connectTimeout: Duration = .seconds(10),
        totalTimeout: Duration = .seconds(60),
        responseBytesMax: Int = 64 << 20
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.connectTimeout = connectTimeout
        self.totalTimeout = totalTimeout
        self.responseBytesMax = responseBytesMax
    }

    /// Method and address without its query; headers and body may contain secrets and record text.
    package var description: String { "\(method.rawValue) \(url.prefix { $0 != "?" })" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

package struct HTTPResponse: Sendable, Equatable {
    /// The status code, 200…599.
    package var status: Int
    package var headers: HTTPHeaders
    package var body: [UInt8]

    package init(status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package var isSuccess: Bool { (200..<300).contains(status) }
    /// Whether the body is an HTML page, judged by its beginning.
    package var isPage: Bool {
        guard let first = body.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) else { return false }
        return first == UInt8(ascii: "<")
    }
    /// The body as text; bytes that are not UTF-8 become U+FFFD.
    package var text: String { String(decoding: body, as: UTF8.self) }
}
