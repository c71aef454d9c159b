import Basics
import FoundationEssentials

/// Whether a name or address can only mean this host.
package func isLoopback(_ host: String) -> Bool {
    let bare = host.lowercased().trimmed { $0 == "[" || $0 == "]" }
    let octets = bare.split(separator: ".", omittingEmptySubsequences: false)
    let isIPv4Loopback = octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
    return bare == "localhost" || bare == "::1" || isIPv4Loopback
}

/// The kind of a Supabase key, as far as the key itself shows it.
package enum SupabaseKeyKind: Sendable, Equatable {
    /// `sb_secret_…`: goes only into the header `apikey`.
    case secret
    /// A JWT of the role `service_role`.
    case serviceRole
    /// A key that may not call the functions; `name` is its name in Supabase's dashboard.
    case refused(name: String)
    /// A key that shows no role, or a role that a user has made.
    case other

    package init(_ key: String) {
        if key.hasPrefix("sb_secret_") {
            self = .secret
        } else if key.hasPrefix("sb_publishable_") {
            self = .refused(name: "publishable")
        } else {
            switch Self.role(ofToken: key) {
            case "service_role": self = .serviceRole
            case "anon": self = .refused(name: "anon")
            case "authenticated": self = .refused(name: "authenticated")
            default: self = .other
            }
        }
    }

    /// The claim `role` of a JWT; the server verifies its signature.
    private static func role(ofToken token: String) -> String? {
        struct Claims: Decodable { let role: String? }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let base64 = parts[1].replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - base64.count % 4) % 4)
        guard let data = Data(base64Encoded: base64 + padding) else { return nil }
        return (try? JSONDecoder().decode(Claims.self, from: data))?.role
    }
}
