/// The source of the records: ids in order, and records by exact ids.
///
/// Everything is limited to the rows that match the job's `where`, except `records(_:)`, which reads by id alone: a row
/// that no longer matches is still a planned record.
package protocol RecordSource: Sendable {
    /// The highest id now, or nil when there is no row.
    ///
    /// - Throws: `rejected` when the table or a column is missing or an id does not fit in 64 signed bits.
    func highestID() async throws(PortFailure) -> RecordID?

    /// Counts the rows with ids up to and including `upper`.
    func count(through upper: RecordID) async throws(PortFailure) -> Int64

    /// One page of ids, strictly ascending.
    ///
    /// - Parameters:
    ///   - cursor: only ids above it; nil = from the beginning, negative ids included.
    ///   - upper: only ids up to and including it.
    ///   - limit: at most this many, 1…100,000. Fewer than `limit` means the end.
    /// - Returns: the ids.
    /// - Throws: as `highestID`.
    func ids(after cursor: RecordID?, through upper: RecordID, limit: Int) async throws(PortFailure) -> [RecordID]

    /// Cuts a list of ids into portions whose texts together stay below a size, without reading a text.
    ///
    /// - Parameters:
    ///   - ids: 1…1,000 distinct ids.
    ///   - bytesMax: bytes of text per portion; a single longer text is a portion of its own.
    /// - Returns: every id in exactly one portion, also ids whose row has vanished or whose text is too long to be
    ///   read.
    /// - Throws: as `highestID`.
    func portions(of ids: [RecordID], bytesMax: Int) async throws(PortFailure) -> [[RecordID]]

    /// Records by their ids, ascending by id; rows that have vanished are left out.
    ///
    /// - Parameter ids: 1…1,000 distinct ids.
    /// - Returns: the rows that exist.
    /// - Throws: as `highestID`.
    func records(_ ids: [RecordID]) async throws(PortFailure) -> [SourceRecord]
}

extension RecordSource {
    /// Cuts ids into portions by the lengths of their texts; every source does this once it knows the lengths.
    package static func portions(
        of ids: [RecordID],
        bytesMax: Int,
        length: (RecordID) -> Int
    ) -> [[RecordID]] {
        var portions: [[RecordID]] = []
        var bytes = 0
        for id in ids {
            let more = length(id)
            if portions.isEmpty || bytes + more > bytesMax {
                portions.append([])
                bytes = 0
            }
            portions[portions.count - 1].append(id)
            bytes += more
        }
        return portions
    }
}

/// One row of the source, before any processing.
package struct SourceRecord: Sendable, Equatable {
    /// The value of the content column.
    package enum Content: Sendable, Equatable {
        /// Text, possibly blank.
        case text(String)
        /// NULL.
        case null
        /// Longer than the limit, and therefore not read.
        case tooLong(bytes: Int)
        /// Not valid UTF-8.
        case undecodable
        /// The tenant of the record is not valid UTF-8; the text may be anything.
        case undecodableTenant
    }

    /// The primary key.
    package let id: RecordID
    /// The tenant, or nil for NULL.
    package let memberCode: String?
    package let content: Content

    package init(id: RecordID, memberCode: String?, content: Content) {
        self.id = id
        self.memberCode = memberCode
        self.content = content
    }
}
