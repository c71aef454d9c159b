package import Migration
import Synchronization

/// The source table in memory, ordered by its key; rows may be added, changed and deleted while a job runs.
package final class FakeMySQL: RecordSource, Sendable {
    /// The job's `where`: rows that it refuses are not planned, but are still found by their ids.
    package typealias Admission = @Sendable (SourceRecord) -> Bool

    /// Replicas behind one address: each call is answered by one of them, with the rows of some seconds ago.
    package struct Replicas: Sendable {
        let time: Time
        let lag: @Sendable () -> Duration

        /// Makes lagging replicas.
        ///
        /// - Parameters:
        ///   - time: the table's clock.
        ///   - lag: how far the replica that answers the next call is behind.
        package init(time: Time, lag: @escaping @Sendable () -> Duration) {
            self.time = time
            self.lag = lag
        }
    }

    private let table: Mutex<SourceTable>
    private let replicas: Replicas?
    private let bytesMax: Int
    private let unreadable: Set<RecordID>
    private let broken: PortFailure
    private let admits: Admission
    private let faults: FaultHook

    /// A table with these rows, in any order, their ids distinct.
    ///
    /// - Parameters:
    ///   - rows: what the table holds at first.
    ///   - replicas: the replicas that answer; nil = the table itself answers.
    ///   - bytesMax: longer texts are reported as `tooLong`, as the real source does without reading them.
    ///   - unreadable: rows whose content can never be read; a read that includes one of them fails too: the server
    ///     loses the connection. For every second such row it cannot tell the length either.
    ///   - broken: the error of reading such a row.
    ///   - faults: asked as `mysql.highest_id`, `mysql.count`, `mysql.ids`, `mysql.records`.
    ///   - admits: the job's `where`; everything by default.
    package init(
        rows: [SourceRecord] = [],
        replicas: Replicas? = nil,
        bytesMax: Int = 4 << 20,
        unreadable: Set<RecordID> = [],
        broken: PortFailure = FakeMySQL.lost,
        faults: FaultHook = .none,
        admits: @escaping Admission = { _ in true }
    ) {
        table = Mutex(SourceTable(rows))
        self.replicas = replicas
        self.bytesMax = bytesMax
        self.unreadable = unreadable
        self.broken = broken
        self.faults = faults
        self.admits = admits
    }

    // MARK: What other applications do to the table

    /// Inserts a row, or replaces the row with its id.
    package func put(_ row: SourceRecord) { table.withLock { $0.set(row.id, to: row, at: replicas?.time.now) } }

    /// Deletes a row, if it exists.
    package func delete(_ id: RecordID) { table.withLock { $0.set(id, to: nil, at: replicas?.time.now) } }

    /// Deletes a row so long ago that every replica knows it.
    package func erase(_ id: RecordID) { table.withLock { $0.set(id, to: nil, at: nil) } }

    /// All current rows, ascending; for checkers.
    package var snapshot: [SourceRecord] { table.withLock { $0.rows } }

    /// A current row, or nil; for checkers.
    package func row(_ id: RecordID) -> SourceRecord? { table.withLock { $0[id] } }

    /// The rows that the next call sees.
    private func read() -> [SourceRecord] {
        guard let replicas else { return snapshot }
        let moment = replicas.time.now - replicas.lag()
        return table.withLock { $0.rows(at: moment) }
    }

    /// The rows with these ids, as the next call sees them: in this order, nil where a row does not exist.
    private func read(_ ids: [RecordID]) -> [SourceRecord?] {
        let moment = replicas.map { $0.time.now - $0.lag() }
        return table.withLock { table in
            ids.map { id in moment.map { table.row(id, at: $0) } ?? table[id] }
        }
    }

    // MARK: RecordSource

    package func highestID() async throws(PortFailure) -> RecordID? {
        try await faults.around("mysql.highest_id") { () async throws(PortFailure) in
            read().last(where: admits)?.id
        }
    }

    package func count(through upper: RecordID) async throws(PortFailure) -> Int64 {
        try await faults.around("mysql.count") { () async throws(PortFailure) in
            Int64(read().prefix { $0.id <= upper }.count(where: admits))
        }
    }

    package func ids(
        after cursor: RecordID?,
        through upper: RecordID,
        limit: Int
    ) async throws(PortFailure) -> [RecordID] {
        try await faults.around("mysql.ids") { () async throws(PortFailure) in
            guard (1...100_000).contains(limit) else { throw PortFailure(.rejected, "limit must be 1…100000") }
            let rows = read()
            var start = 0
            if let cursor {
                start = SourceTable.place(of: cursor, in: rows)
                if start < rows.count, rows[start].id == cursor { start += 1 }
            }
            var page: [RecordID] = []
            for place in start..<rows.count where page.count < limit {
                if rows[place].id > upper { break }
                if admits(rows[place]) { page.append(rows[place].id) }
            }
            return page
        }
    }

    package func portions(of ids: [RecordID], bytesMax: Int) async throws(PortFailure) -> [[RecordID]] {
        try await faults.around("mysql.portions") { () async throws(PortFailure) in
            if ids.contains(where: { $0 % 2 == 0 && unreadable.contains($0) }) { throw broken }
            var sizes: [RecordID: Int] = [:]
            for row in read(ids) {
                guard let row, case .text(let text) = row.content, text.utf8.count <= self.bytesMax else { continue }
                sizes[row.id] = text.utf8.count
            }
            return Self.portions(of: ids, bytesMax: bytesMax) { sizes[$0] ?? 0 }
        }
    }

    package func records(_ ids: [RecordID]) async throws(PortFailure) -> [SourceRecord] {
        try await faults.around("mysql.records") { () async throws(PortFailure) in
            guard (1...1000).contains(ids.count), Set(ids).count == ids.count else {
                throw PortFailure(.rejected, "ids must be 1…1000 distinct ones")
            }
            if ids.contains(where: unreadable.contains) { throw broken }
            return read(ids.sorted()).compactMap { $0.map(limited) }
        }
    }

    /// The error of reading a page that is broken on the server's disk.
    package static let lost = PortFailure(.unavailable, "Lost connection to server during query", code: "2013")

    /// The row, without its text if that is too long to be read.
    private func limited(_ row: SourceRecord) -> SourceRecord {
        guard case .text(let text) = row.content, text.utf8.count > bytesMax else { return row }
        return SourceRecord(id: row.id, memberCode: row.memberCode, content: .tooLong(bytes: text.utf8.count))
    }
}
