import Crypto

/// What identifies a job: every value that shapes the written points, and nothing else.
///
/// Two runs with the same configuration write the same points, so worker count, timeouts, batch size and credentials
/// are not part of it. The store keeps the values besides the hash so that a difference can be named.
package struct JobConfiguration: Sendable, Equatable {
    /// The key under which a job's `--limit` is stored besides the values.
    ///
    /// It is not part of the hash: a successor plans no further than its predecessor, but the points are the same.
    package static let limitKey = "limit"

    /// The key of the condition that limits a job to some rows; absent if the job is about all rows.
    package static let conditionKey = "where"

    /// The key of the namespace from which the ids of points are derived.
    package static let namespaceKey = "point_id_namespace"

    /// The keys that are stored besides the values and are not part of the hash.
    private static let asides: Set<String> = [limitKey, UnmarkedPoints.configKey]

    /// The names and values in the hash.
    package let values: [String: String]

    /// SHA-256 of the canonical form, lower-case hexadecimal: one `name=value` line each, sorted by name, with `\` and
    /// line feeds escaped so that no two configurations share a form.
    package let hash: String

    package init(values: [String: String]) {
        precondition(Self.asides.isDisjoint(with: values.keys), "the limit and the like do not shape points")
        self.values = values
        let lines = values.sorted { $0.key < $1.key }.map { "\(Self.escaped($0.key))=\(Self.escaped($0.value))\n" }
        let digest = SHA256.hash(data: Array(lines.joined().utf8))
        hash = digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    /// The configuration in the form that is stored with the job.
    ///
    /// - Parameters:
    ///   - limit: the highest number of records to plan; nil = all.
    ///   - unmarked: to whom the points without a source belong; nil = not decided.
    /// - Returns: the values and these two, if they are given.
    package func stored(limit: Int?, unmarked: UnmarkedPoints? = nil) -> [String: String] {
        var stored = values
        if let limit { stored[Self.limitKey] = String(limit) }
        if let unmarked { stored[UnmarkedPoints.configKey] = unmarked.rawValue }
        return stored
    }

    /// One difference between two configurations.
    package struct Difference: Sendable, Equatable {
        package let name: String
        /// The job's value; nil if it has none.
        package let stored: String?
        /// The caller's value; nil if it has none.
        package let ours: String?

        package init(name: String, stored: String?, ours: String?) {
            self.name = name
            self.stored = stored
            self.ours = ours
        }
    }

    /// Every value in which a stored configuration differs from this one, by name.
    package func differences(from stored: [String: String]) -> [Difference] {
        Set(values.keys).union(stored.keys).subtracting(Self.asides).sorted()
            .filter { values[$0] != stored[$0] }
            .map { Difference(name: $0, stored: stored[$0], ours: values[$0]) }
    }

    private static func escaped(_ text: String) -> String {
        // By scalars, because a line feed in the character CR LF counts too.
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
