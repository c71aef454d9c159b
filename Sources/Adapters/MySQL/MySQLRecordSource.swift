import FoundationEssentials
package import Migration
import Settings

/// The rows of one MySQL or MariaDB table, read in read-only sessions over libmariadb.
///
/// Ids are read in keyset pages, records by exact ids; both repeat a read once when the link was dead.
package final class MySQLRecordSource: RecordSource {
    let options: MySQLOptions
    let names: MySQLNames
    /// Connections for reading records.
    let readers: ResourcePool<MySQLConnection>
    /// Connections for planning, whose statements may take minutes.
    let planner: ResourcePool<MySQLConnection>

    /// Checks the options; does not connect yet.
    ///
    /// - Throws: `rejected` for an invalid name, condition or number; `unauthorised` for a TLS setting that would
    ///   protect nothing.
    package init(_ options: MySQLOptions) throws(PortFailure) {
        try Self.check(options)
        self.options = options
        names = try MySQLNames(options)
        MySQLHandle.prepareLibrary()
        readers = ResourcePool(limit: options.poolSize) { () async throws(PortFailure) in
            MySQLConnection(options, statementTimeout: options.readTimeout)
        }
        planner = ResourcePool(limit: 1) { () async throws(PortFailure) in
            MySQLConnection(options, statementTimeout: options.scanTimeout)
        }
    }

    package func highestID() async throws(PortFailure) -> RecordID? {
        // Not MAX(id): with a condition that would read every matching row.
        let sql =
            "SELECT \(names.id) FROM \(names.table) WHERE TRUE\(names.condition) ORDER BY \(names.id) DESC LIMIT 1"
        return try await planner.use { (connection) async throws(PortFailure) in
            try await connection.read { [names] (handle) throws(PortFailure) in
                try Self.ids(sql, idColumn: names.id, on: handle).first
            }
        }
    }

    package func count(through upper: RecordID) async throws(PortFailure) -> Int64 {
        let sql = "SELECT COUNT(*) FROM \(names.table) WHERE \(names.id) <= \(upper)\(names.condition)"
        return try await planner.use { (connection) async throws(PortFailure) in
            try await connection.read { (handle) throws(PortFailure) in
                var count: Int64 = 0
                try handle.forEachRow(of: sql) { (row) throws(PortFailure) in count = try row.integer(0) ?? 0 }
                return count
            }
        }
    }

    package func ids(
        after cursor: RecordID?,
        through upper: RecordID,
        limit: Int
    ) async throws(PortFailure) -> [RecordID] {
        guard (1...100_000).contains(limit) else { throw PortFailure(.rejected, "limit must be 1…100,000") }
        let lower = cursor.map { " AND \(names.id) > \($0)" } ?? ""
        let sql =
            "SELECT \(names.id) FROM \(names.table) WHERE \(names.id) <= \(upper)\(lower)\(names.condition) "
            + "ORDER BY \(names.id) LIMIT \(limit)"
        return try await planner.use { (connection) async throws(PortFailure) in
            try await connection.read { [names] (handle) throws(PortFailure) in
                try Self.ids(sql, idColumn: names.id, on: handle)
            }
        }
    }

    package func portions(of ids: [RecordID], bytesMax: Int) async throws(PortFailure) -> [[RecordID]] {
        precondition((1...1_000).contains(ids.count))
        let reader = MySQLRecordReader(names: names, recordBytesMax: options.recordBytesMax)
        return try await readers.use { (connection) async throws(PortFailure) in
            let lengths = try await connection.read { (handle) throws(PortFailure) in
                try reader.lengths(of: ids, on: handle)
            }
            return Self.portions(of: ids, bytesMax: bytesMax) { lengths[$0] ?? 0 }
        }
    }

    package func records(_ ids: [RecordID]) async throws(PortFailure) -> [SourceRecord] {
        guard (1...1_000).contains(ids.count), Set(ids).count == ids.count else {
            throw PortFailure(.rejected, "ids must be 1…1,000 distinct ones")
        }
        let reader = MySQLRecordReader(names: names, recordBytesMax: options.recordBytesMax)
        return try await readers.use { [names] (connection) async throws(PortFailure) in
            var records: [SourceRecord] = []
            let lengths = try await connection.read { (handle) throws(PortFailure) in
                try reader.lengths(of: ids, on: handle)
            }
            let slices = Self.portions(
                of: ids.filter { lengths[$0] != nil },
                bytesMax: MySQLRecordReader.statementBytesMax
            ) { lengths[$0] ?? 0 }
            for slice in slices {
                records += try await connection.read { (handle) throws(PortFailure) in
                    try reader.records(slice, on: handle)
                }
            }
            return try Self.ascending(records, idColumn: names.id)
        }
    }

    /// The ids in the result of a statement.
    ///
    /// - Throws: `rejected` for a column that contains no whole numbers, or is not in order, or contains the same
    ///   number twice.
    static func ids(
        _ sql: String,
        idColumn: String,
        on handle: borrowing MySQLHandle
    ) throws(PortFailure) -> [RecordID] {
        var ids: [RecordID] = []
        try handle.forEachRow(
            of: sql,
            columns: { (columns) throws(PortFailure) in
                guard columns.first?.isInteger == true else {
                    throw PortFailure(.rejected, "the id column \(idColumn) does not contain integers")
                }
            },
            { (row) throws(PortFailure) in
                // NULL is last in a descending list: no row has an id then.
                guard let id = try row.integer(0) else { return }
                if let last = ids.last, id <= last { throw repeated(idColumn) }
                ids.append(id)
            }
        )
        return ids
    }

    private static func ascending(
        _ records: [SourceRecord],
        idColumn: String
    ) throws(PortFailure) -> [SourceRecord] {
        let sorted = records.sorted { $0.id < $1.id }
        for (one, next) in zip(sorted, sorted.dropFirst()) where one.id == next.id { throw repeated(idColumn) }
        return sorted
    }

    private static func repeated(_ idColumn: String) -> PortFailure {
        PortFailure(.rejected, "two rows have the same id: the id column \(idColumn) must be unique")
    }

    private static func check(_ options: MySQLOptions) throws(PortFailure) {
        // libmariadb reads `key=value` in a host as options, and its error names a host that it cannot find, which may
        // be a part of a password. The settings refuse such values too; options from elsewhere must pass the same
        // check.
        guard HostName(options.host)?.text == options.host else {
            throw PortFailure(.rejected, "MYSQL_HOST must be a host name or a numeric address, and nothing else")
        }
        guard options.poolSize > 0, options.recordBytesMax > 0 else {
            throw PortFailure(.rejected, "MYSQL_POOL_SIZE and MAX_RECORD_BYTES must be at least 1")
        }
        switch options.tls {
        case .off:
            guard isLoopback(options.host) || options.allowsPlaintext else {
                throw PortFailure(
                    .unauthorised,
                    "MYSQL_SSL=off would send the password and every text to \(options.host) unencrypted: "
                        + "set MYSQL_SSL=verify, or accept it with --allow-plaintext"
                )
            }
        case .verify(let file?):
            // The library only says "certificate verify failed" when the file does not exist.
            guard FileManager.default.isReadableFile(atPath: file) else {
                throw PortFailure(.unauthorised, "MYSQL_SSL_CA: the file \(file) does not exist or cannot be read")
            }
        case .verify(nil): break
        }
    }
}
