/// The proxies in the environment, by libcurl's own conventions.
///
/// `HTTP_PROXY` in upper case is ignored, as in libcurl: a web server sets it from a request header.
struct HTTPProxies: Sendable, Equatable {
    /// For `https` addresses; nil = direct.
    let secure: String?
    /// For `http` addresses; nil = direct.
    let plain: String?
    /// Hosts without a proxy, in libcurl's form.
    let exceptions: String

    init(_ environment: [String: String]) {
        func value(_ names: String...) -> String? { names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty } }
        secure = value("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        plain = value("http_proxy", "all_proxy", "ALL_PROXY")
        exceptions = value("no_proxy", "NO_PROXY") ?? ""
    }

    /// The proxy for an address, or nil; loopback never uses one.
    func proxy(for address: HTTPAddress) -> String? {
        if address.isLoopback { return nil }
        return address.isPlaintext ? plain : secure
    }
}
