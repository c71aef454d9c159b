package import Migration
import Synchronization

/// The source table in memory, ordered by its key; rows may come, change and go while a job runs.
package final class FakeMySQL: RecordSource, Sendable {
    /// Stands for the job's `where`: rows it refuses are not planned, but are still found by their ids.
    package typealias Admission = @Sendable (SourceRecord) -> Bool

    /// Ascending by id.
    private let rows: Mutex<[SourceRecord]>
    private let bytesMax: Int
    private let admits: Admission
    private let faults: FaultHook

    /// A table with these rows, in any order, their ids distinct.
    ///
    /// - Parameters:
    ///   - rows: what the table holds at first.
    ///   - bytesMax: longer texts are reported as `tooLong`, as the real source does without reading them.
    ///   - faults: asked as `mysql.highest_id`, `mysql.count`, `mysql.ids`, `mysql.records`.
    ///   - admits: the job's `where`; everything by default.
    package init(
        rows: [SourceRecord] = [],
        bytesMax: Int = 4 << 20,
        faults: FaultHook = .none,
        admits: @escaping Admission = { _ in true }
    ) {
        self.rows = Mutex(rows.sorted { $0.id < $1.id })
        self.bytesMax = bytesMax
        self.faults = faults
        self.admits = admits
    }

    // MARK: What others do to the table

    /// Inserts a row, or replaces the row with its id.
    package func put(_ row: SourceRecord) {
        rows.withLock { rows in
            let place = Self.place(of: row.id, in: rows)
            let isThere = place < rows.count && rows[place].id == row.id
            rows.replaceSubrange(place..<(isThere ? place + 1 : place), with: [row])
        }
    }

    /// Deletes a row, if it is there.
    package func delete(_ id: RecordID) {
        rows.withLock { rows in
            let place = Self.place(of: id, in: rows)
            if place < rows.count, rows[place].id == id { rows.remove(at: place) }
        }
    }

    /// All rows now, ascending; for checkers.
    package var snapshot: [SourceRecord] { rows.withLock { $0 } }

    /// A row now, or nil; for checkers.
    package func row(_ id: RecordID) -> SourceRecord? {
        rows.withLock { rows in
            let place = Self.place(of: id, in: rows)
            return place < rows.count && rows[place].id == id ? rows[place] : nil
        }
    }

    // MARK: RecordSource

    package func highestID() async throws(PortFailure) -> RecordID? {
        try await faults.around("mysql.highest_id") { () async throws(PortFailure) in
            rows.withLock { $0.last(where: admits)?.id }
        }
    }

    package func count(through upper: RecordID) async throws(PortFailure) -> Int64 {
        try await faults.around("mysql.count") { () async throws(PortFailure) in
            rows.withLock { Int64($0.prefix { $0.id <= upper }.count(where: admits)) }
        }
    }

    package func ids(
        after cursor: RecordID?,
        through upper: RecordID,
        limit: Int
    ) async throws(PortFailure) -> [RecordID] {
        try await faults.around("mysql.ids") { () async throws(PortFailure) in
            guard (1...100_000).contains(limit) else { throw PortFailure(.rejected, "limit must be 1…100000") }
            return rows.withLock { rows in
                var start = 0
                if let cursor {
                    start = Self.place(of: cursor, in: rows)
                    if start < rows.count, rows[start].id == cursor { start += 1 }
                }
                let page = rows[start...].lazy.prefix { $0.id <= upper }.filter(admits)
                return Array(page.map(\.id).prefix(limit))
            }
        }
    }

    package func portions(of ids: [RecordID], bytesMax: Int) async throws(PortFailure) -> [[RecordID]] {
        try await faults.around("mysql.portions") { () async throws(PortFailure) in
            rows.withLock { rows in
                Self.portions(of: ids, bytesMax: bytesMax) { id in
                    let place = Self.place(of: id, in: rows)
                    guard place < rows.count, rows[place].id == id, case .text(let text) = limited(rows[place]).content
                    else { return 0 }
                    return text.utf8.count
                }
            }
        }
    }

    package func records(_ ids: [RecordID]) async throws(PortFailure) -> [SourceRecord] {
        try await faults.around("mysql.records") { () async throws(PortFailure) in
            guard (1...1000).contains(ids.count), Set(ids).count == ids.count else {
                throw PortFailure(.rejected, "ids must be 1…1000 distinct ones")
            }
            return rows.withLock { rows in
                ids.sorted().compactMap { id in
                    let place = Self.place(of: id, in: rows)
                    return place < rows.count && rows[place].id == id ? limited(rows[place]) : nil
                }
            }
        }
    }

    /// The row without a text that is too long to be read.
    private func limited(_ row: SourceRecord) -> SourceRecord {
        guard case .text(let text) = row.content, text.utf8.count > bytesMax else { return row }
        return SourceRecord(id: row.id, memberCode: row.memberCode, content: .tooLong(bytes: text.utf8.count))
    }

    /// The first place whose id is not below `id`.
    private static func place(of id: RecordID, in rows: [SourceRecord]) -> Int {
        var (low, high) = (0, rows.count)
        while low < high {
            let middle = low + (high - low) / 2
            if rows[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
