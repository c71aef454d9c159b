import Migration

/// The rows of a table, ascending by id, and their contents of some seconds ago.
struct SourceTable: Sendable {
    private struct Change {
        let at: Duration
        let id: RecordID
        let before: SourceRecord?
    }

    /// The number of changes that are remembered; a replica that lags by more changes does not know the older ones
    /// either.
    private static let changesMax = 1_000

    private(set) var rows: [SourceRecord]
    private var changes: [Change] = []

    init(_ rows: [SourceRecord]) { self.rows = rows.sorted { $0.id < $1.id } }

    /// Inserts or replaces a row, or deletes it.
    ///
    /// - Parameters:
    ///   - id: the row's id.
    ///   - row: its new content; nil = the row is deleted.
    ///   - time: the time of the change; nil if no call reads earlier rows.
    mutating func set(_ id: RecordID, to row: SourceRecord?, at time: Duration?) {
        if let time {
            if changes.count == Self.changesMax { changes.removeFirst() }
            changes.append(Change(at: time, id: id, before: self[id]))
        }
        Self.set(id, to: row, in: &rows)
    }

    subscript(id: RecordID) -> SourceRecord? { Self.row(id, in: rows) }

    /// A row as it was at a time.
    func row(_ id: RecordID, at time: Duration) -> SourceRecord? {
        let later = changes.lastIndex { $0.at <= time }.map { $0 + 1 } ?? 0
        if let change = changes[later...].first(where: { $0.id == id }) { return change.before }
        return self[id]
    }

    /// The rows as they were at a time.
    func rows(at time: Duration) -> [SourceRecord] {
        var rows = rows
        for change in changes.reversed().prefix(while: { $0.at > time }) {
            Self.set(change.id, to: change.before, in: &rows)
        }
        return rows
    }

    private static func set(_ id: RecordID, to row: SourceRecord?, in rows: inout [SourceRecord]) {
        let place = place(of: id, in: rows)
        let isThere = place < rows.count && rows[place].id == id
        rows.replaceSubrange(place..<(isThere ? place + 1 : place), with: row.map { [$0] } ?? [])
    }

    static func row(_ id: RecordID, in rows: [SourceRecord]) -> SourceRecord? {
        let place = place(of: id, in: rows)
        return place < rows.count && rows[place].id == id ? rows[place] : nil
    }

    /// The first place whose id is not below `id`.
    static func place(of id: RecordID, in rows: [SourceRecord]) -> Int {
        var (low, high) = (0, rows.count)
        while low < high {
            let middle = low + (high - low) / 2
            if rows[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
