import Migration

/// How a transfer ended without an answer.
struct CurlEnd: Sendable {
    /// libcurl's code, 1…99.
    let code: Int
    /// Whether any byte of the request was sent.
    let wasSent: Bool
    /// The proxy's answer to CONNECT, or 0.
    var proxyStatus = 0
    var isTooLong = false
    /// libcurl's message; it names hosts and certificates, never what was sent.
    var reason = ""
}

extension PortFailure {
    /// The code of an answer that was given up because of its length.
    static let answerTooLong = "answer_too_long"

    /// Translates libcurl's codes: the only place that knows them.
    init(_ end: CurlEnd, _ ticket: CurlTicket) {
        let name = ticket.address.name
        let lost: Kind = end.wasSent ? .outcomeUnknown : .unavailable
        let (kind, sentence): (Kind, String) =
            switch end.code {
            case _ where end.isTooLong:
                (.rejected, "the answer is longer than \(ticket.request.responseBytesMax) bytes")
            case _ where end.proxyStatus == 407:
                (.unauthorised, "the proxy asks for a login: put it into the proxy's address in the environment")
            case _ where end.proxyStatus >= 400:
                (.unavailable, "the proxy refused the connection with status \(end.proxyStatus)")
            case 1, 3: (.rejected, "not an address that can be used")
            case 5: (.unavailable, "the proxy's name cannot be resolved")
            case 6: (.unavailable, "the name cannot be resolved")
            case 7: (.unavailable, "no connection: refused or not reachable")
            case 28 where end.wasSent: (.outcomeUnknown, "no answer within \(ticket.request.totalTimeout.secondsText)")
            case 28: (.unavailable, "no connection within the time allowed")
            case 51, 60, 90, 91:
                (
                    .unauthorised,
                    "the server's certificate cannot be trusted (\(end.reason)): check the address and the CA file"
                )
            case 53, 54, 58, 59, 64, 66, 77, 80, 82, 83:
                (.unauthorised, "TLS cannot be set up (\(end.reason)): check the CA file")
            case 35: (.unavailable, "the TLS handshake failed (\(end.reason))")
            case 18: (lost, "the answer broke off")
            case 52, 55, 56: (lost, end.wasSent ? "the connection broke before the answer" : "the connection broke")
            case 61: (lost, "the answer's compression is broken")
            default: (lost, "the exchange failed")
            }
        self.init(kind, "\(name): \(sentence)", code: end.isTooLong ? Self.answerTooLong : "curl \(end.code)")
    }
}

extension Duration {
    fileprivate var secondsText: String {
        milliseconds % 1_000 == 0 ? "\(milliseconds / 1_000) s" : "\(milliseconds) ms"
    }
}
