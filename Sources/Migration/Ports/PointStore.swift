package import TextProcessing

/// Where the points go: one collection with a dense vector `child` and a sparse vector `child-sparse`.
package protocol PointStore: Sendable {
    /// Describes the collection as it is, with every difference from `schema`; writes nothing.
    func inspect(_ schema: CollectionSchema) async throws(PortFailure) -> CollectionState

    /// Creates the collection and its payload indexes where they are missing; never changes or deletes what exists.
    ///
    /// - Returns: the state afterwards, as `inspect` gives it.
    func ensure(_ schema: CollectionSchema) async throws(PortFailure) -> CollectionState

    /// All points whose payload names one of the records, without vectors and texts, in any order.
    ///
    /// - Parameter records: 1…1,000 record ids.
    /// - Returns: the points, possibly of several versions of a record.
    /// - Throws: `unavailable`, `outcomeUnknown`, `throttled`, `unauthorised`, `rejected`, `cancelled`.
    func points(of records: [RecordID]) async throws(PortFailure) -> [StoredPoint]

    /// Writes points and returns when they are applied. Repeating it is harmless.
    ///
    /// Splits the points into requests bounded by count and by bytes. At a failure some requests may have been applied.
    ///
    /// - Parameter points: ids distinct; dense vectors finite and not zero.
    /// - Throws: as `points(of:)`; `outcomeUnknown` also when the server accepted but did not apply in time.
    func upsert(_ points: [Point]) async throws(PortFailure)

    /// Deletes points of older versions: by id, and only while the point still carries the checksum and profile seen.
    func delete(_ points: [StoredPoint]) async throws(PortFailure)

    /// Counts points exactly.
    func count(_ kind: PointKind?) async throws(PortFailure) -> Int

    /// Finds the children nearest to a query: dense and sparse results joined by reciprocal rank fusion.
    func search(_ query: HybridQuery) async throws(PortFailure) -> [ScoredPoint]
}

/// The collection that the points need.
package struct CollectionSchema: Sendable, Equatable {
    /// Name of the dense vector.
    package static let denseName = "child"
    /// Name of the sparse vector.
    package static let sparseName = "child-sparse"

    /// A payload index: a field and its type.
    package struct PayloadIndex: Sendable, Equatable {
        package let field: String
        package let type: String
        package let isTenant: Bool

        package init(field: String, type: String, isTenant: Bool = false) {
            self.field = field
            self.type = type
            self.isTenant = isTenant
        }
    }

    /// Length of the dense vectors.
    package let dimensions: Int
    /// The payload indexes, created before the load.
    package let payloadIndexes: [PayloadIndex]

    package init(dimensions: Int) {
        self.dimensions = dimensions
        payloadIndexes = [
            PayloadIndex(field: "member_code", type: "keyword", isTenant: true),
            PayloadIndex(field: "summary_id", type: "integer"),
            PayloadIndex(field: "collection_ids", type: "integer"),
            PayloadIndex(field: "type", type: "keyword"),
            PayloadIndex(field: "checksum", type: "keyword"),
        ]
    }
}

/// A collection as it is.
package struct CollectionState: Sendable, Equatable {
    /// Something that is not as needed.
    package struct Difference: Sendable, Equatable {
        /// What differs, for example `vectors.child.size`.
        package let name: String
        package let expected: String
        package let found: String
        /// Whether points cannot be written until somebody resolves it; otherwise it only costs speed or memory.
        package let isFatal: Bool

        package init(name: String, expected: String, found: String, isFatal: Bool) {
            self.name = name
            self.expected = expected
            self.found = found
            self.isFatal = isFatal
        }
    }

    package let exists: Bool
    /// Exact number of points; 0 where the collection does not exist.
    package let pointCount: Int
    /// Its configuration in lines for people.
    package let description: [String]
    /// Everything that is not as needed; empty where the collection does not exist.
    package let differences: [Difference]
    /// The server's product and version.
    package let server: String

    package init(exists: Bool, pointCount: Int, description: [String], differences: [Difference], server: String) {
        self.exists = exists
        self.pointCount = pointCount
        self.description = description
        self.differences = differences
        self.server = server
    }
}

/// Parents carry the text for reading, children the vectors for finding.
package enum PointKind: String, Sendable, CaseIterable {
    case parent, child
}

/// A point to be written: ingest.md §4 and §5.
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

    /// What a point is of.
    package enum Body: Sendable, Equatable {
        /// The parent's text; a parent has no vectors.
        case parent(text: String)
        /// The child's parent, its index within it, its text and its vectors.
        case child(parentID: PointID, chunkIndex: Int, text: String, vectors: Vectors)
    }

    package let id: PointID
    package let summaryID: RecordID
    package let memberCode: String
    /// Set by somebody else since, and carried over.
    package var collectionIDs: [Int64]
    package let checksum: String
    package let profile: String
    package let parentIndex: Int
    package let body: Body

    package init(
        id: PointID,
        summaryID: RecordID,
        memberCode: String,
        collectionIDs: [Int64],
        checksum: String,
        profile: String,
        parentIndex: Int,
        body: Body
    ) {
        self.id = id
        self.summaryID = summaryID
        self.memberCode = memberCode
        self.collectionIDs = collectionIDs
        self.checksum = checksum
        self.profile = profile
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
/// Everything but the ids is optional: another application may have written the point.
package struct StoredPoint: Sendable, Equatable {
    package let id: PointID
    package let summaryID: RecordID
    package let kind: PointKind?
    package let parentIndex: Int?
    package let chunkIndex: Int?
    package let checksum: String?
    package let profile: String?
    package let collectionIDs: [Int64]

    package init(
        id: PointID,
        summaryID: RecordID,
        kind: PointKind?,
        parentIndex: Int?,
        chunkIndex: Int?,
        checksum: String?,
        profile: String?,
        collectionIDs: [Int64]
    ) {
        self.id = id
        self.summaryID = summaryID
        self.kind = kind
        self.parentIndex = parentIndex
        self.chunkIndex = chunkIndex
        self.checksum = checksum
        self.profile = profile
        self.collectionIDs = collectionIDs
    }
}

/// A question to the collection.
package struct HybridQuery: Sendable, Equatable {
    package let dense: [Float]
    package let sparse: SparseVector
    /// Only this tenant's children; nil = everybody's.
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
    package let summaryID: RecordID
    package let memberCode: String
    package let text: String

    package init(id: PointID, score: Double, summaryID: RecordID, memberCode: String, text: String) {
        self.id = id
        self.score = score
        self.summaryID = summaryID
        self.memberCode = memberCode
        self.text = text
    }
}
