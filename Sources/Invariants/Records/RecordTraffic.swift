package import Migration
package import TextProcessing

/// What one process has read and written for each record, as seen on the network.
package final class RecordTraffic {
    /// The state of a row when it was read.
    package enum Sight: Sendable { case text, blank, absent }

    /// What a process has seen of a record's points.
    private struct Look {
        let lists: Set<Int64>
        let hasPoints: Bool
        /// When the request was sent.
        let began: Int64
        /// Its number among the looks at points and the answers of the embedder.
        let number: Int
    }

    private var count = 0
    private var looks: [RecordID: Look] = [:]
    /// The looks before these: in a process with two workers both may have had the record.
    private var earlierLooks: [RecordID: Look] = [:]
    /// The last look that found a point without some of the lists of its record: such a point is written anew.
    private var uneven: [PointID: Int64] = [:]
    /// The last answer of the embedder with a vector of a record.
    private var embedded: [RecordID: Int] = [:]
    /// Records whose points it has written, and that it has not found removed since.
    private var written: Set<RecordID> = []
    private var lastText: (record: RecordID, text: String)?
    /// The texts of records whose vectors it has got from the embedder.
    private var answered: Set<String> = []
    private var sights: [RecordID: Sight] = [:]
    /// Rows with different results in reads of a single row: such a read may come from a worker or only from a probe.
    private var doubtful: Set<RecordID> = []
    /// Parents that the collection did not accept, or whose write is uncertain: their children may be written all the
    /// same.
    private var failedParents: Set<PointID> = []

    package init() {}

    // MARK: - Rows

    package func wasRead(_ ids: [RecordID], _ rows: [SourceRecord]) {
        var found: [RecordID: Sight] = [:]
        for row in rows { found[row.id] = row.isBlank ? .blank : .text }
        for id in ids {
            let sight = found[id] ?? .absent
            if ids.count == 1, let before = sights[id] {
                if before != sight { doubtful.insert(id) }
            } else {
                doubtful.remove(id)
            }
            sights[id] = sight
        }
    }

    /// The state of a row when it was last read; nil if that is unknown.
    package func sight(of id: RecordID) -> Sight? { doubtful.contains(id) ? nil : sights[id] }

    // MARK: - Points

    package func hasLooked(at records: [RecordID], _ found: [StoredPoint], since began: Int64) {
        count += 1
        var lists: [RecordID: Set<Int64>] = [:]
        // Indices, because a loop variable would be a copy, which costs more than the comparison.
        for place in found.indices { lists[found[place].recordID, default: []].formUnion(found[place].collectionIDs) }
        for place in found.indices where lists[found[place].recordID]?.isEmpty == false {
            let own = Set(found[place].collectionIDs)
            if own != lists[found[place].recordID] { uneven[found[place].id] = began }
        }
        for id in records {
            earlierLooks[id] = looks[id]
            looks[id] = Look(lists: lists[id] ?? [], hasPoints: lists[id] != nil, began: began, number: count)
            if lists[id] == nil { written.remove(id) }
        }
    }

    package func hasWritten(_ points: [Point]) {
        for place in points.indices { written.insert(points[place].recordID) }
        if failedParents.isEmpty { return }
        for place in points.indices { failedParents.remove(points[place].id) }
    }

    /// Since when the lists of these points are known, by record.
    package func looks(at points: [Point]) -> [RecordID: Int64] {
        var began: [RecordID: Int64] = [:]
        for place in points.indices where began[points[place].recordID] == nil {
            began[points[place].recordID] = looks[points[place].recordID]?.began
        }
        return began
    }

    /// Whether a look since then found a point without some of the lists of its record.
    package func wasUneven(_ id: PointID, since begin: Int64) -> Bool { uneven[id].map { $0 >= begin } ?? false }

    /// The lists that may be written into the points of a record: those of the last look.
    package func lists(of id: RecordID, workers: Int) -> [Set<Int64>] {
        [looks[id], workers > 1 ? earlierLooks[id] : nil].compactMap { $0?.lists }
    }

    /// Whether one of them equals these lists.
    func hasSeen(_ lists: Set<Int64>, of id: RecordID, workers: Int) -> Bool {
        looks[id]?.lists == lists || workers > 1 && earlierLooks[id]?.lists == lists
    }

    /// Whether the points of a record, if there were any, were looked at after its last vector.
    package func isFresh(_ id: RecordID) -> Bool {
        guard let look = looks[id], look.hasPoints || written.contains(id), let last = embedded[id] else { return true }
        return look.number > last
    }

    package func hasFailed(toWrite points: [Point]) {
        for point in points where point.kind == .parent { failedParents.insert(point.id) }
    }

    package func hasFailed(toWriteParent id: PointID) -> Bool { failedParents.contains(id) }

    // MARK: - Vectors

    /// - Returns: whether the record of the first text had other texts in the request before.
    package func wasEmbedded(_ texts: [String], _ owner: (String) -> RecordID?) -> Bool {
        count += 1
        let first = texts.first.flatMap(owner)
        let goesOn = first != nil && lastText?.record == first && lastText?.text != texts.first
        for text in texts {
            guard let record = owner(text) else { continue }
            embedded[record] = count
            lastText = (record, text)
        }
        answered.formUnion(texts)
        return goesOn
    }

    /// Whether it has got the vector of a text from the embedder.
    package func hasPaid(for text: String) -> Bool { answered.contains(text) }

    /// I21: a process pays for a text once, however many records have it.
    ///
    /// Judged when it sends the request: a doubled packet pays again, and the process cannot help it.
    package func breach(bySending texts: [String], _ process: String, isRecords: (String) -> Bool) -> Finding? {
        for (place, text) in texts.enumerated() {
            if answered.contains(text), isRecords(text) {
                return Finding(21, "\(process) pays again for a text whose vector it has got")
            }
            if texts[..<place].contains(text) { return Finding(21, "\(process) sends a text twice in one request") }
        }
        return nil
    }

    // MARK: - Portions

    /// The records that were read in several portions of their batch, and not in the last one.
    package private(set) var early: Set<RecordID> = []

    package func wasCut(into portions: [[RecordID]]) {
        for portion in portions.dropLast() { early.formUnion(portion) }
        early.subtract(portions.last ?? [])
    }
}

extension SourceRecord {
    /// Whether a simulated text is blank, tested without the engine's code.
    fileprivate var isBlank: Bool {
        if case .text(let text) = content { text.allSatisfy(\.isWhitespace) } else { true }
    }
}
