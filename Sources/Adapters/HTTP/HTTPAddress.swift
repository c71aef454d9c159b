import CCurl
package import Migration

/// The parts of an address, read before anything is sent, by libcurl's own parser so that both see the same host.
package struct HTTPAddress: Sendable, Equatable {
    /// Whether the connection is not encrypted: `http`.
    package let isPlaintext: Bool
    /// In lower case, without brackets.
    package let host: String
    package let port: Int
    /// Whether the connection never leaves this machine: `localhost`, `127.0.0.0/8`, `::1`.
    package let isLoopback: Bool

    /// Parses an absolute address.
    ///
    /// - Throws: `rejected` unless it is `http` or `https` with a host, and without user name and control characters.
    package init(_ url: String) throws(PortFailure) {
        guard let parts = unsafe curl_url() else { throw PortFailure(.unavailable, "libcurl: no memory") }
        defer { unsafe curl_url_cleanup(parts) }
        guard !url.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }),
            unsafe curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK,
            let scheme = unsafe Self.part(CURLUPART_SCHEME, of: parts)?.lowercased(),
            scheme == "http" || scheme == "https",
            let host = unsafe Self.part(CURLUPART_HOST, of: parts)?.lowercased(), !host.isEmpty,
            let port = unsafe Self.part(CURLUPART_PORT, of: parts).flatMap({ Int($0) }), (1...65_535).contains(port)
        else { throw PortFailure(.rejected, "not an absolute http or https address") }
        guard unsafe Self.part(CURLUPART_USER, of: parts) == nil, unsafe Self.part(CURLUPART_PASSWORD, of: parts) == nil
        else { throw PortFailure(.rejected, "an address must not contain a user name or password") }
        isPlaintext = scheme == "http"
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        self.port = port
        isLoopback = Self.isLoopback(self.host)
    }

    /// Host and port, for messages.
    package var name: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The parser has already turned `127.1` and `0x7f000001` into four numbers, and `::1` into its short form.
    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
    }

    private static func part(_ what: CURLUPart, of parts: OpaquePointer) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard unsafe curl_url_get(parts, what, &text, UInt32(CURLU_DEFAULT_PORT)) == CURLUE_OK, let text = unsafe text
        else { return nil }
        defer { unsafe curl_free(text) }
        return unsafe String(cString: text)
    }
}
