package import Migration
import TextProcessing

/// Keys of the payload.
enum PayloadKey {
    static let type = "type"
    static let recordID = "summary_id"
    static let memberCode = "member_code"
    static let collectionIDs = "collection_ids"
    static let checksum = "checksum"
    static let profile = "profile"
    static let source = "source"
    static let parentIndex = "parent_idx"
    static let parentText = "parent_text"
    static let parentID = "parent_id"
    static let chunkIndex = "chunk_index"
    static let text = "text"
}

extension QdrantPoint {
    package init(_ point: Point) throws(QdrantRefusal) {
        // Space for every key, so that it need not grow.
        var payload: [String: JSONValue] = Dictionary(minimumCapacity: 11)
        payload[PayloadKey.type] = .string(point.kind.rawValue)
        payload[PayloadKey.recordID] = .integer(point.recordID)
        payload[PayloadKey.memberCode] = .string(point.memberCode)
        payload[PayloadKey.collectionIDs] = .list(point.collectionIDs.map(JSONValue.integer))
        payload[PayloadKey.checksum] = .string(point.checksum)
        payload[PayloadKey.profile] = .string(point.profile)
        payload[PayloadKey.source] = .string(point.source)
        payload[PayloadKey.parentIndex] = .integer(Int64(point.parentIndex))
        var dense: [String: [Float]] = [:]
        var sparse: [String: QdrantSparse] = [:]
        switch point.body {
        case .parent(let text): payload[PayloadKey.parentText] = .string(text)
        case .child(let parentID, let chunkIndex, let text, let vectors):
            payload[PayloadKey.parentID] = .string(parentID.description)
            payload[PayloadKey.chunkIndex] = .integer(Int64(chunkIndex))
            payload[PayloadKey.text] = .string(text)
            dense[CollectionSchema.denseName] = vectors.dense
            let values = vectors.sparse.values.map { Float($0) }
            sparse[CollectionSchema.sparseName] = try QdrantSparse(indices: vectors.sparse.indices, values: values)
        }
        self.init(dense: dense, sparse: sparse, payload: payload)
    }
}

extension StoredPoint {
    /// Nil for a point of another application: one without a UUID or a record.
    init?(key: QdrantPointKey, payload: [String: JSONValue]) {
        guard case .uuid(let id) = key else { return nil }
        var record: RecordID?
        var kind: PointKind?
        var (parentIndex, chunkIndex): (Int?, Int?)
        var (checksum, profile, source, memberCode): (String?, String?, String?, String?)
        var collectionIDs: [Int64] = []
        // One pass, because a simulation looks at many points, and each key would be hashed for a lookup.
        for (key, value) in payload {
            switch key {
            case PayloadKey.recordID: record = value.integer
            case PayloadKey.type: kind = value.string.flatMap(PointKind.init(rawValue:))
            case PayloadKey.parentIndex: parentIndex = value.integer.map { Int($0) }
            case PayloadKey.chunkIndex: chunkIndex = value.integer.map { Int($0) }
            case PayloadKey.checksum: checksum = value.string
            case PayloadKey.profile: profile = value.string
            case PayloadKey.source: source = value.string
            case PayloadKey.memberCode: memberCode = value.string
            case PayloadKey.collectionIDs: collectionIDs = value.list?.compactMap(\.integer) ?? []
            default: break
            }
        }
        guard let record else { return nil }
        self.init(
            id: id,
            recordID: record,
            kind: kind,
            parentIndex: parentIndex,
            chunkIndex: chunkIndex,
            checksum: checksum,
            profile: profile,
            source: source,
            memberCode: memberCode,
            collectionIDs: collectionIDs
        )
    }
}

extension ScoredPoint {
    init?(key: QdrantPointKey, score: Double, payload: [String: JSONValue]) {
        guard case .uuid(let id) = key, let record = payload[PayloadKey.recordID]?.integer else { return nil }
        self.init(
            id: id,
            score: score,
            recordID: record,
            memberCode: payload[PayloadKey.memberCode]?.string ?? "",
            text: payload[PayloadKey.text]?.string ?? ""
        )
    }
}
