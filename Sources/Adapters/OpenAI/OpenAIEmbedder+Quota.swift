import Crypto
import Settings

extension OpenAIEmbedder.Settings {
    /// The name of the minute quota that a request is charged to: host, model, organisation and key.
    ///
    /// Several people keep their jobs in one store. The name tells their accounts apart, so that no run waits for the
    /// limit, pause or empty account of another one. Of the key it contains only a salted digest: 64 bits from which
    /// the key cannot be calculated, and which differ for the same key at another server.
    package var quotaName: String {
        let account = [organization, project].compactMap(\.self).joined(separator: "+")
        let digest = key.withExposedValue { key in
            key.isEmpty ? "no key" : Self.digest([host, account, key])
        }
        return [host, model, account.isEmpty ? "-" : account, digest].map { String($0.prefix(100)) }
            .joined(separator: "/")
    }

    /// The host of the server, with its port if it is an unusual one.
    package var host: String {
        let address = try? HTTPAddress(baseURL)
        let isUsual = address.map { $0.port == ($0.isPlaintext ? 80 : 443) } ?? true
        return isUsual ? address?.host ?? "unknown host" : address?.name ?? "unknown host"
    }

    private static func digest(_ parts: [String]) -> String {
        let salted = (["migrate: the quota of a key"] + parts).map { "\($0.utf8.count):\($0)" }.joined()
        let hash = SHA256.hash(data: Array(salted.utf8))
        return hash.prefix(8).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
