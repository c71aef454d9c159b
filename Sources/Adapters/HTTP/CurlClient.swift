import Basics
import FoundationEssentials
package import Migration

/// HTTP by libcurl: one multi loop on its own thread, bridged to async/await.
///
/// Connections are kept alive and pooled, at most `connectionsPerHostMax` per host; further requests wait within their
/// own total timeout. HTTP/1.1 only: with large bodies it is twice as fast as HTTP/2. Redirects are never followed and
/// certificates are always verified. Cancelling the task ends the request within milliseconds. A request is sent twice
/// only if it met a kept-alive connection that the server had already closed.
package final class CurlClient: HTTPExchange {
    /// Options for all requests.
    package struct Options: Sendable {
        /// Whether `http` is allowed to a host that is not loopback; keys and texts can then be read in transit.
        package var allowsPlaintext: Bool
        /// A PEM file of the authorities to trust instead of the system's; nil = `SSL_CERT_FILE`, or else the system's.
        package var authorities: String?
        /// Connections to one host and port at the same time.
        package var connectionsPerHostMax: Int
        /// Requests in flight or waiting; one more is `unavailable` at once.
        package var requestsMax: Int
        /// The variables that name proxies, as `HTTPProxies` reads them.
        ///
        /// Loopback addresses never use a proxy.
        package var environment: [String: String]

        package init(
            allowsPlaintext: Bool = false,
            authorities: String? = nil,
            connectionsPerHostMax: Int = 32,
            requestsMax: Int = 1_024,
            environment: [String: String] = ProcessInfo.processInfo.environment
        ) {
            precondition(connectionsPerHostMax > 0 && requestsMax > 0)
            self.allowsPlaintext = allowsPlaintext
            self.authorities = authorities
            self.connectionsPerHostMax = connectionsPerHostMax
            self.requestsMax = requestsMax
            self.environment = environment
        }
    }

    private let allowsPlaintext: Bool
    private let line: CurlLine

    /// Starts the thread; it ends with the last reference to the client.
    ///
    /// - Throws: `unauthorised` when the file of authorities cannot be read, `unavailable` without memory.
    package init(_ options: Options = Options()) throws(PortFailure) {
        allowsPlaintext = options.allowsPlaintext
        let authorities = options.authorities ?? options.environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        if let authorities, !FileManager.default.isReadableFile(atPath: authorities) {
            throw PortFailure(.unauthorised, "the file of trusted authorities \(authorities) cannot be read")
        }
        line = try CurlLine(requestsMax: options.requestsMax)
        let settings = CurlLoop.Settings(
            authorities: authorities,
            connectionsPerHostMax: options.connectionsPerHostMax,
            proxies: HTTPProxies(options.environment)
        )
        OwnThread.run { [line] in CurlLoop(line, settings).run() }
    }

    deinit { line.close() }

    package func send(_ request: HTTPRequest) async throws(PortFailure) -> HTTPResponse {
        let address = try HTTPAddress(request.url)
        guard !address.isPlaintext || address.isLoopback || allowsPlaintext else {
            throw PortFailure(
                .unauthorised,
                "\(address.name) is not this machine and http:// would send keys and texts unencrypted: "
                    + "use https://, or allow it with --allow-plaintext"
            )
        }
        for field in request.headers.fields where !field.isSendable {
            throw PortFailure(.rejected, "a header field contains a character that cannot be sent")
        }
        let ticket = CurlTicket(request, address)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { line.start(ticket, $0) }
        } onCancel: {
            line.cancel(ticket)
        }
        return try result.get()
    }
}

extension HTTPHeaders.Field {
    /// A line break would end the field and begin another field that the sender could choose.
    fileprivate var isSendable: Bool {
        let token = name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ":") }
        return token && !name.isEmpty && !value.utf8.contains { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }
    }
}
