package import TextProcessing

/// Where the points are stored: one collection with a dense vector `child` and a sparse vector `child-sparse`.
package protocol PointStore: Sendable {
    /// Describes the collection, with every difference from `schema`; writes nothing.
    func inspect(_ schema: CollectionSchema) async throws(PortFailure) -> CollectionState

    /// Creates the collection and its payload indexes if they are missing; never changes or deletes what exists.
    ///
    /// - Returns: the state afterwards, as `inspect` gives it.
    func ensure(_ schema: CollectionSchema) async throws(PortFailure) -> CollectionState

    /// All points of an owner whose payload names one of the records, without vectors and texts, in any order.
    ///
    /// - Parameters:
    ///   - records: 1…1,000 record ids.
    ///   - owner: the owner of the points; those of other sources are not returned.
    /// - Returns: the points, possibly of several versions of a record.
    /// - Throws: `unavailable`, `outcomeUnknown`, `throttled`, `unauthorised`, `rejected`, `cancelled`.
    func points(of records: [RecordID], owner: PointOwner) async throws(PortFailure) -> [StoredPoint]

    /// Points by their ids, of every source, with their texts, in any order.
    ///
    /// - Parameter ids: 1…`PointContents.most` distinct ids.
    /// - Returns: the points that exist and name a record.
    /// - Throws: as `points(of:owner:)`.
    func contents(of ids: [PointID]) async throws(PortFailure) -> [PointContents]

    /// Writes points and returns when they are applied. Repeating it is harmless.
    ///
    /// Splits the points into requests that are bounded by count and by bytes. After a failure some requests may have
    /// been applied.
    ///
    /// - Parameters:
    ///   - points: ids distinct; dense vectors finite and not zero.
    ///   - limit: a request that takes longer is `outcomeUnknown`; nil, or longer than the store's own limit = its own.
    /// - Throws: as `points(of:owner:)`; `outcomeUnknown` also when the server accepted but did not apply in time.
    func upsert(_ points: [Point], within limit: Duration?) async throws(PortFailure)

    /// A write that changes nothing: it proves that points can be written now.
    ///
    /// It must meet the same obstacles as an upsert, such as a full disk; a deletion of nothing is not enough.
    ///
    /// - Throws: as `upsert`.
    func probe() async throws(PortFailure)

    /// Deletes points of older versions: by id, and only while a point still has the checksum, profile and source that
    /// were seen.
    func delete(_ points: [StoredPoint]) async throws(PortFailure)

    /// Writes the source into points that have none, and changes nothing else: by id, and only while they still have none.
    func mark(_ points: [StoredPoint], source: String) async throws(PortFailure)

    /// Counts points exactly.
    ///
    /// - Parameters:
    ///   - kind: only parents or only children; nil = both, and points of another application that are neither.
    ///   - owner: only this owner's; nil = all owners'.
    /// - Returns: the number.
    /// - Throws: as `points(of:owner:)`.
    func count(_ kind: PointKind?, owner: PointOwner?) async throws(PortFailure) -> Int

    /// The owners of the collection's points: exact counts, and a few names.
    ///
    /// Three counts and at most `SourcesPresent.namesMax` reads of a few points, each through the index on `source`.
    ///
    /// - Parameter source: the caller's own source.
    /// - Returns: counts and names.
    /// - Throws: as `points(of:owner:)`; `unauthorised` if the collection, or in strict mode the index, does not exist.
    func sources(besides source: String) async throws(PortFailure) -> SourcesPresent

    /// Some points of one source, in the order of their ids, which are spread evenly over the records.
    ///
    /// - Parameters:
    ///   - source: the source of the points; nil = points without a source.
    ///   - limit: the highest number of points, 1…1,000.
    /// - Returns: fewer if there are not so many, and if points name no record.
    /// - Throws: as `points(of:owner:)`.
    func sample(of source: String?, _ limit: Int) async throws(PortFailure) -> [StoredPoint]

    /// Finds the children nearest to a query: dense and sparse results, combined by reciprocal rank fusion.
    func search(_ query: HybridQuery) async throws(PortFailure) -> [ScoredPoint]
}

extension PointStore {
    /// The same, within the store's own time limit.
    package func upsert(_ points: [Point]) async throws(PortFailure) { try await upsert(points, within: nil) }
}

/// The schema of a collection for the points.
package struct CollectionSchema: Sendable, Equatable {
    package static let denseName = "child"
    package static let sparseName = "child-sparse"

    /// A payload index: a field and its type.
    package struct PayloadIndex: Sendable, Equatable {
        package let field: String
        package let type: String
        package let isTenant: Bool
        /// Whether a filter of this version names the field, so that a strict server refuses such requests without the
        /// index.
        package let isFiltered: Bool

        package init(field: String, type: String, isTenant: Bool = false, isFiltered: Bool = true) {
            self.field = field
            self.type = type
            self.isTenant = isTenant
            self.isFiltered = isFiltered
        }
    }

    /// One index for every key that a filter names, because a strict server refuses filters on other keys.
    package static let indexes = [
        PayloadIndex(field: "member_code", type: "keyword", isTenant: true),
        PayloadIndex(field: "summary_id", type: "integer"),
        PayloadIndex(field: "collection_ids", type: "integer", isFiltered: false),
        PayloadIndex(field: "type", type: "keyword"),
        PayloadIndex(field: "checksum", type: "keyword"),
        PayloadIndex(field: "profile", type: "keyword"),
        PayloadIndex(field: "source", type: "keyword"),
        PayloadIndex(field: "parent_idx", type: "integer", isFiltered: false),
    ]

    /// Length of the dense vectors.
    package let dimensions: Int
    /// The payload indexes, created before the load.
    package let payloadIndexes: [PayloadIndex]

    package init(dimensions: Int) {
        self.dimensions = dimensions
        payloadIndexes = Self.indexes
    }
}

/// Parents carry the text for reading, children carry the vectors for searching.
package enum PointKind: String, Sendable, CaseIterable {
    case parent, child
}

/// A point to be written (`docs/text.md`).
package struct Point: Sendable, Equatable {
    /// The two vectors of a child.
    package struct Vectors: Sendable, Equatable {
        package let dense: [Float]
        package let sparse: SparseVector

        package init(dense: [Float], sparse: SparseVector) {
            self.dense = dense
            self.sparse = sparse
        }
    }

    /// The content of a point.
    package enum Body: Sendable, Equatable {
        /// The parent's text; a parent has no vectors.
        case parent(text: String)
        /// The child's parent, its index within it, its text and its vectors.
        case child(parentID: PointID, chunkIndex: Int, text: String, vectors: Vectors)
    }

    package let id: PointID
    package let recordID: RecordID
    package let memberCode: String
    /// Set by another application since, and carried over.
    package var collectionIDs: [Int64]
    package let checksum: String
    package let profile: String
    /// The table from which the record came, or the value of `SOURCE_NAME`.
    package let source: String
    package let parentIndex: Int
    package let body: Body

    package init(
        id: PointID,
        recordID: RecordID,
        memberCode: String,
        collectionIDs: [Int64],
        checksum: String,
        profile: String,
        source: String,
        parentIndex: Int,
        body: Body
    ) {
        self.id = id
        self.recordID = recordID
        self.memberCode = memberCode
        self.collectionIDs = collectionIDs
        self.checksum = checksum
        self.profile = profile
        self.source = source
        self.parentIndex = parentIndex
        self.body = body
    }

    package var kind: PointKind {
        switch body {
        case .parent: .parent
        case .child: .child
        }
    }
}

/// A point as it is found in the collection, without vectors and texts.
///
/// Everything but the ids is optional, because another application may have written the point.
package struct StoredPoint: Sendable, Equatable {
    package let id: PointID
    package let recordID: RecordID
    package let kind: PointKind?
    package let parentIndex: Int?
    package let chunkIndex: Int?
    package let checksum: String?
    package let profile: String?
    /// Nil if the key is absent, null or an empty list: see `PointOwner`.
    package var source: String?
    package let memberCode: String?
    package let collectionIDs: [Int64]

    package init(
        id: PointID,
        recordID: RecordID,
        kind: PointKind?,
        parentIndex: Int?,
        chunkIndex: Int?,
        checksum: String?,
        profile: String?,
        source: String?,
        memberCode: String?,
        collectionIDs: [Int64]
    ) {
        self.id = id
        self.recordID = recordID
        self.kind = kind
        self.parentIndex = parentIndex
        self.chunkIndex = chunkIndex
        self.checksum = checksum
        self.profile = profile
        self.source = source
        self.memberCode = memberCode
        self.collectionIDs = collectionIDs
    }
}

extension StoredPoint {
    /// The same point without a known version, so that it is written again.
    package var withoutVersion: StoredPoint {
        StoredPoint(
            id: id,
            recordID: recordID,
            kind: kind,
            parentIndex: parentIndex,
            chunkIndex: chunkIndex,
            checksum: nil,
            profile: nil,
            source: source,
            memberCode: memberCode,
            collectionIDs: collectionIDs
        )
    }
}

/// A query to the collection.
package struct HybridQuery: Sendable, Equatable {
    package let dense: [Float]
    package let sparse: SparseVector
    /// Only this tenant's children; nil = all tenants'.
    package let memberCode: String?
    package let limit: Int

    package init(dense: [Float], sparse: SparseVector, memberCode: String?, limit: Int) {
        self.dense = dense
        self.sparse = sparse
        self.memberCode = memberCode
        self.limit = limit
    }
}

/// A child that a search found.
package struct ScoredPoint: Sendable, Equatable {
    package let id: PointID
    package let score: Double
    package let recordID: RecordID
    package let memberCode: String
    package let text: String

    package init(id: PointID, score: Double, recordID: RecordID, memberCode: String, text: String) {
        self.id = id
        self.score = score
        self.recordID = recordID
        self.memberCode = memberCode
        self.text = text
    }
}
