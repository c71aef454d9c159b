import Crypto

/// What a job is about: every value that shapes the written points, and nothing else.
///
/// Two runs with the same configuration write the same points; therefore worker count, timeouts, batch size and
/// credentials are not part of it. The store keeps the values beside the hash so that a difference can be named.
package struct JobConfiguration: Sendable, Equatable {
    /// The key under which a job's `--limit` is stored beside the values.
    ///
    /// It does not enter the hash: a successor plans no further than its predecessor, but the points are the same.
    package static let limitKey = "limit"

    /// The names and values that enter the hash.
    package let values: [String: String]

    package init(values: [String: String]) {
        precondition(values[Self.limitKey] == nil, "the limit does not shape points")
        self.values = values
    }

    /// SHA-256 of the canonical form, lower-case hexadecimal: one `name=value` line each, sorted by name, with `\` and
    /// line feeds escaped so that no two configurations share a form.
    package var hash: String {
        let lines = values.sorted { $0.key < $1.key }.map { "\(Self.escaped($0.key))=\(Self.escaped($0.value))\n" }
        let digest = SHA256.hash(data: Array(lines.joined().utf8))
        return digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    /// What is stored with the job.
    package func stored(limit: Int?) -> [String: String] {
        guard let limit else { return values }
        return values.merging([Self.limitKey: String(limit)]) { $1 }
    }

    /// One difference between two configurations.
    package struct Difference: Sendable, Equatable {
        package let name: String
        /// The job's value; nil where it has none.
        package let stored: String?
        /// Our value; nil where we have none.
        package let ours: String?
    }

    /// Every value in which a stored configuration differs from ours, by name.
    package func differences(from stored: [String: String]) -> [Difference] {
        Set(values.keys).union(stored.keys).subtracting([Self.limitKey]).sorted()
            .filter { values[$0] != stored[$0] }
            .map { Difference(name: $0, stored: stored[$0], ours: values[$0]) }
    }

    private static func escaped(_ text: String) -> String {
        // By scalars: a line feed within the character CR LF is one, too.
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "=": result += "\\="
            default: result.unicodeScalars.append(scalar)
            }
        }
    }
}
