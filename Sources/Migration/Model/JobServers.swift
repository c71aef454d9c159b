/// Which servers a job has used, by kind: sets, in the order of their bytes.
///
/// They are stored beside the configuration and outside its hash, because a server may move. An entry is what names the
/// server to people: `host:3306/database` for the source, a base URL for the others.
package struct JobServers: Codable, Sendable, Equatable {
    /// Entries of one kind at most; more cannot be servers of one job, and every reader of the job gets them.
    package static let entriesMax = 20
    /// Unicode scalars of an entry at most.
    package static let lengthMax = 500

    /// Where the records come from.
    package private(set) var source: [String]
    /// Where the points go.
    package private(set) var points: [String]
    /// Where the vectors are made.
    package private(set) var embedder: [String]

    /// Entries in any order, also repeated.
    package init(source: [String] = [], points: [String] = [], embedder: [String] = []) {
        self.source = Self.sorted(source)
        self.points = Self.sorted(points)
        self.embedder = Self.sorted(embedder)
    }

    /// A kind that is absent has no entries.
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

    /// Whether a store takes as many.
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

    /// By bytes, as the SQL compares: Swift takes two spellings of one accented letter for the same text.
    private static func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

    private static func sorted(_ entries: [String]) -> [String] {
        entries.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.reduce(into: []) { result, entry in
            if result.last.map({ !isSame($0, entry) }) ?? true { result.append(entry) }
        }
    }
}
