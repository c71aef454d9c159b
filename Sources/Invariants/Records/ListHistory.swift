package import Migration

/// Which `collection_ids` the points of each record must have.
///
/// Nobody can set the lists of points that are on their way: what lands with the lists of before leaves a record of which nothing
/// certain can be said until somebody sets its lists again.
package struct ListHistory: Sendable {
    private var due: [RecordID: Set<Int64>] = [:]
    private var setAt: [RecordID: Int64] = [:]
    private var raced: Set<RecordID> = []

    package init() {}

    /// What is there when a run begins; points that differ are to become alike.
    package mutating func begin(_ points: [Point]) {
        for point in points { due[point.recordID, default: []].formUnion(point.collectionIDs) }
    }

    /// Somebody sets the lists of all points of a record.
    package mutating func wereSet(of id: RecordID, to lists: [Int64], at now: Int64) {
        due[id] = Set(lists)
        setAt[id] = now
        raced.remove(id)
    }

    /// Points have arrived whose lists were looked up since then, by their records.
    package mutating func landed(_ looks: [RecordID: Int64]) {
        if setAt.isEmpty { return }
        for (id, began) in looks {
            if let at = setAt[id], at >= began { raced.insert(id) }
        }
    }

    /// What every point of a record has in the end; nil where that cannot be told.
    package func expected(_ id: RecordID) -> Set<Int64>? { raced.contains(id) ? nil : due[id] ?? [] }
}
