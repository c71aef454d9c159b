import Migration

/// Reads records by exact ids in two steps: first their lengths, then the records that are not too long.
///
/// So neither a statement's time nor its memory grows with the largest text in the table.
struct MySQLRecordReader: Sendable {
    /// A statement of this size stays well below the time limit, also over a slow network.
    static let statementBytesMax = 16 << 20
    /// A tenant is a short code; a longer one is read as NULL.
    private static let tenantBytesMax = 65_535

    let names: MySQLNames
    let recordBytesMax: Int

    /// The bytes that reading each record brings, 0 for one that is too long; vanished rows are left out.
    func lengths(of ids: [RecordID], on handle: borrowing MySQLHandle) throws(PortFailure) -> [RecordID: Int] {
        let sql = "SELECT \(names.id), \(length) FROM \(names.table) WHERE \(condition(ids))"
        var lengths: [RecordID: Int] = [:]
        try handle.forEachRow(of: sql) { (row) throws(PortFailure) in
            guard let id = try row.integer(0) else { return }
            let length = Int(try row.integer(1) ?? 0)
            lengths[id] = length > recordBytesMax ? 0 : length
        }
        return lengths
    }

    /// Reads the records of one slice, in any order.
    ///
    /// The statement checks the length again: the text may have grown since.
    func records(_ ids: [RecordID], on handle: borrowing MySQLHandle) throws(PortFailure) -> [SourceRecord] {
        let sql = """
            SELECT \(names.id), IF(OCTET_LENGTH(\(names.tenant)) <= \(Self.tenantBytesMax), \(names.tenant), NULL), \
            \(length), IF(\(length) <= \(recordBytesMax), \(names.content), NULL) \
            FROM \(names.table) WHERE \(condition(ids))
            """
        var records: [SourceRecord] = []
        try handle.forEachRow(of: sql) { (row) throws(PortFailure) in
            guard let id = try row.integer(0) else { return }
            let tenant = row.text(1)
            let length = try row.integer(2).map(Int.init)
            // Without a tenant there is no point; the result says which of the two is no text.
            let content = tenant == .undecodable ? .undecodableTenant : content(of: row.text(3), length: length)
            let memberCode: String? = if case .text(let code) = tenant { code } else { nil }
            records.append(SourceRecord(id: id, memberCode: memberCode, content: content))
        }
        return records
    }

    private func content(of text: MySQLRow.Text, length: Int?) -> SourceRecord.Content {
        guard let length else { return .null }
        if length > recordBytesMax { return .tooLong(bytes: length) }
        switch text {
        case .null: return .null
        case .undecodable: return .undecodable
        // If the server could not compute the length in UTF-8, it is the length in the column's own character set.
        case .text(let string) where string.utf8.count > recordBytesMax: return .tooLong(bytes: string.utf8.count)
        case .text(let string): return .text(string)
        }
    }

    /// The number of UTF-8 bytes of the content, as SQL.
    ///
    /// A column with another character set has another length: four times as many bytes in utf32, half as many in
    /// latin1. Binary content is not converted: invalid UTF-8 would become NULL. The same happens to a text whose UTF-8
    /// does not fit into a packet: then its own length counts.
    private var length: String {
        let own = "OCTET_LENGTH(\(names.content))"
        let converted = "OCTET_LENGTH(CONVERT(\(names.content) USING utf8mb4))"
        return "IF(CHARSET(\(names.content)) IN ('utf8mb4', 'utf8mb3', 'utf8', 'ascii', 'binary'), \(own), "
            + "COALESCE(\(converted), \(own)))"
    }

    /// Integers need no quoting: they contain only digits and a sign.
    private func condition(_ ids: [RecordID]) -> String {
        "\(names.id) IN (\(ids.map(String.init).joined(separator: ",")))"
    }
}
