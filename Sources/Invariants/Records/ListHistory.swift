package import Migration

/// Which `collection_ids` the points of each record must have.
///
/// The lists of points that are in transit cannot be set: if they arrive with the older lists, nothing certain can be
/// said about the record until its lists are set again.
package struct ListHistory: Sendable {
    private var due: [RecordID: Set<Int64>] = [:]
    private var setAt: [RecordID: Int64] = [:]
    private var raced: Set<RecordID> = []

    package init() {}

    /// The points that exist when a run begins; a run must make points with different lists equal.
    package mutating func begin(_ points: [Point]) {
        for point in points { due[point.recordID, default: []].formUnion(point.collectionIDs) }
    }

    /// Another application sets the lists of all points of a record.
    package mutating func wereSet(of id: RecordID, to lists: [Int64], at now: Int64) {
        due[id] = Set(lists)
        setAt[id] = now
        raced.remove(id)
    }

    /// Points have arrived whose lists were looked up since those times, by record.
    package mutating func landed(_ looks: [RecordID: Int64]) {
        if setAt.isEmpty { return }
        for (id, began) in looks {
            if let at = setAt[id], at >= began { raced.insert(id) }
        }
    }

    /// The lists that every point of a record must have at the end; nil if that is unknown.
    package func expected(_ id: RecordID) -> Set<Int64>? { raced.contains(id) ? nil : due[id] ?? [] }
}
