/// Which servers a job has used, by kind: sets, in the order of their bytes.
///
/// They are stored besides the configuration and outside its hash, because a server may move. An entry is the name of a
/// server for people: `host:3306/database` for the source, a base URL for the others.
package struct JobServers: Codable, Sendable, Equatable {
    /// The highest number of entries per kind: one job cannot have more servers, and every reader of the job gets all
    /// of them.
    package static let entriesMax = 20
    /// The highest number of Unicode scalars per entry.
    package static let lengthMax = 500

    /// Where the records come from.
    package private(set) var source: [String]
    /// Where the points go.
    package private(set) var points: [String]
    /// Where the vectors are made.
    package private(set) var embedder: [String]

    /// The entries may be in any order and repeated.
    package init(source: [String] = [], points: [String] = [], embedder: [String] = []) {
        self.source = Self.sorted(source)
        self.points = Self.sorted(points)
        self.embedder = Self.sorted(embedder)
    }

    /// An absent kind has no entries.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            source: try container.decodeIfPresent([String].self, forKey: .source) ?? [],
            points: try container.decodeIfPresent([String].self, forKey: .points) ?? [],
            embedder: try container.decodeIfPresent([String].self, forKey: .embedder) ?? []
        )
    }

    /// No server of any kind.
    package var isEmpty: Bool { self == Self() }

    /// Whether a store accepts this many.
    package var fits: Bool { [source, points, embedder].allSatisfy { $0.count <= Self.entriesMax } }

    /// The servers of both.
    package func union(_ other: Self) -> Self {
        Self(source: source + other.source, points: points + other.points, embedder: embedder + other.embedder)
    }

    /// The servers that another does not have.
    package func subtracting(_ other: Self) -> Self {
        let without = { (mine: [String], theirs: [String]) in
            mine.filter { entry in !theirs.contains { Self.isSame($0, entry) } }
        }
        return Self(
            source: without(source, other.source),
            points: without(points, other.points),
            embedder: without(embedder, other.embedder)
        )
    }

    /// Whether every server of another is among these.
    package func contains(_ other: Self) -> Bool { other.subtracting(self).isEmpty }

    /// Compares bytes, as the SQL does: Swift takes two encodings of an accented letter for the same text.
    private static func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

    private static func sorted(_ entries: [String]) -> [String] {
        entries.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.reduce(into: []) { result, entry in
            if result.last.map({ !isSame($0, entry) }) ?? true { result.append(entry) }
        }
    }
}
