package import Migration
import TextProcessing

/// One collection of a Qdrant in memory, as the engine sees it; the same engine can be served over HTTP.
package final class FakeQdrant: PointStore {
    /// The collections; shared with whoever else looks at them.
    package let engine: QdrantEngine
    /// The collection's name.
    package let collection: String
    private let pointsPerRequest: Int
    private let faults: FaultHook

    /// - Parameters:
    ///   - collection: the collection's name; it exists once it is ensured.
    ///   - engine: where it lives.
    ///   - pointsPerRequest: how many points one request carries; a fault may strike between two of them.
    ///   - faults: asked around each request, as `qdrant.` and the method's name.
    package init(
        collection: String = "memos",
        engine: QdrantEngine = QdrantEngine(),
        pointsPerRequest: Int = 100,
        faults: FaultHook = .none
    ) {
        precondition(pointsPerRequest > 0)
        self.collection = collection
        self.engine = engine
        self.pointsPerRequest = pointsPerRequest
        self.faults = faults
    }

    package func inspect(_ schema: CollectionSchema) async throws(PortFailure) -> CollectionState {
        try await call("inspect") { () throws(QdrantRefusal) in try self.state(schema) }
    }

    package func ensure(_ schema: CollectionSchema) async throws(PortFailure) -> CollectionState {
        try await call("ensure") { () throws(QdrantRefusal) in
            if !self.engine.names.contains(self.collection) {
                try self.engine.create(self.collection, QdrantCollection.body(for: schema))
            }
            try self.engine.with(self.collection) { collection throws(QdrantRefusal) in
                for index in schema.payloadIndexes where collection.indexes[index.field] == nil {
                    let type = JSONValue.string(index.type)
                    let given: JSONValue = index.isTenant ? ["type": type, "is_tenant": true] : type
                    collection.createIndex(field: index.field, schema: given)
                }
            }
            return try self.state(schema)
        }
    }

    package func points(of records: [RecordID]) async throws(PortFailure) -> [StoredPoint] {
        let wanted = Set(records.map(JSONValue.integer))
        return try await call("points") { collection throws(QdrantRefusal) in
            let filter = QdrantFilter(must: [.match(key: Field.summaryID, any: wanted)])
            return collection.keys(filter).compactMap { key in
                collection.points[key].flatMap { StoredPoint(key: key, payload: $0.payload) }
            }
        }
    }

    package func upsert(_ points: [Point]) async throws(PortFailure) {
        for point in points {
            guard case .child(_, _, _, let vectors) = point.body else { continue }
            // Qdrant itself would take them, and nothing would ever be near them.
            guard vectors.dense.allSatisfy(\.isFinite), vectors.dense.contains(where: { $0 != 0 }) else {
                throw PortFailure(.rejected, "point \(point.id): the dense vector is zero or not finite")
            }
        }
        for start in stride(from: 0, to: points.count, by: pointsPerRequest) {
            let slice = points[start..<min(start + pointsPerRequest, points.count)]
            try await call("upsert") { collection throws(QdrantRefusal) in
                var new: [(key: QdrantPointKey, point: QdrantPoint)] = []
                for point in slice { new.append((.uuid(point.id), try QdrantPoint(point))) }
                try collection.upsert(new)
            }
        }
    }

    package func delete(_ points: [StoredPoint]) async throws(PortFailure) {
        guard !points.isEmpty else { return }
        try await call("delete") { collection throws(QdrantRefusal) in
            for point in points {
                let seen = QdrantFilter(must: [
                    .hasID([.uuid(point.id)]), Self.still(Field.checksum, point.checksum),
                    Self.still(Field.profile, point.profile),
                ])
                collection.delete(collection.keys(seen))
            }
        }
    }

    package func count(_ kind: PointKind?) async throws(PortFailure) -> Int {
        try await call("count") { collection throws(QdrantRefusal) in
            collection.count(kind.map { QdrantFilter(must: [Self.still(Field.type, $0.rawValue)]) })
        }
    }

    package func search(_ query: HybridQuery) async throws(PortFailure) -> [ScoredPoint] {
        try await call("search") { collection throws(QdrantRefusal) in
            var must = [Self.still(Field.type, PointKind.child.rawValue)]
            if let member = query.memberCode { must.append(Self.still(Field.memberCode, member)) }
            // Each list is longer than what is asked for, so that the two can agree on a point deep in both.
            let depth = max(query.limit, 50)
            let sparse = try QdrantSparse(indices: query.sparse.indices, values: query.sparse.values.map { Float($0) })
            let lists: [QdrantQuery.Scoring] = [
                .dense(CollectionSchema.denseName, query.dense), .sparse(CollectionSchema.sparseName, sparse),
            ]
            let joined = QdrantQuery(
                scoring: .fusion(k: QdrantQuery.fusionK),
                prefetch: lists.map { QdrantQuery(scoring: $0, limit: depth) },
                filter: QdrantFilter(must: must),
                limit: query.limit
            )
            return try collection.hits(joined).compactMap { hit in
                collection.points[hit.key].flatMap { ScoredPoint(key: hit.key, score: hit.score, payload: $0.payload) }
            }
        }
    }

    private func state(_ schema: CollectionSchema) throws(QdrantRefusal) -> CollectionState {
        let server = "Qdrant \(QdrantEngine.version) (stand-in)"
        guard engine.names.contains(collection) else {
            return CollectionState(exists: false, pointCount: 0, description: [], differences: [], server: server)
        }
        return try engine.with(collection) { collection throws(QdrantRefusal) in
            CollectionState(
                exists: true,
                pointCount: collection.points.count,
                description: collection.summary,
                differences: collection.differences(from: schema),
                server: server
            )
        }
    }

    private static func still(_ field: String, _ value: String?) -> QdrantFilter.Condition {
        value.map { .match(key: field, any: [.string($0)]) } ?? .isEmpty(key: field)
    }

    private func call<Value>(
        _ name: String,
        _ body: () throws(QdrantRefusal) -> Value
    ) async throws(PortFailure) -> Value {
        try await faults.around("qdrant.\(name)") { () async throws(PortFailure) in
            do throws(QdrantRefusal) { return try body() } catch { throw error.portFailure }
        }
    }

    private func call<Value>(
        _ name: String,
        _ body: (inout QdrantCollection) throws(QdrantRefusal) -> Value
    ) async throws(PortFailure) -> Value {
        try await call(name) { () throws(QdrantRefusal) in try self.engine.with(self.collection, body) }
    }
}

/// Keys of the payload.
private enum Field {
    static let type = "type"
    static let summaryID = "summary_id"
    static let memberCode = "member_code"
    static let collectionIDs = "collection_ids"
    static let checksum = "checksum"
    static let profile = "profile"
    static let parentIndex = "parent_idx"
    static let parentText = "parent_text"
    static let parentID = "parent_id"
    static let chunkIndex = "chunk_index"
    static let text = "text"
}

extension QdrantPoint {
    fileprivate init(_ point: Point) throws(QdrantRefusal) {
        var payload: [String: JSONValue] = [
            Field.type: .string(point.kind.rawValue),
            Field.summaryID: .integer(point.summaryID),
            Field.memberCode: .string(point.memberCode),
            Field.collectionIDs: .list(point.collectionIDs.map(JSONValue.integer)),
            Field.checksum: .string(point.checksum),
            Field.profile: .string(point.profile),
            Field.parentIndex: .integer(Int64(point.parentIndex)),
        ]
        var dense: [String: [Float]] = [:]
        var sparse: [String: QdrantSparse] = [:]
        switch point.body {
        case .parent(let text): payload[Field.parentText] = .string(text)
        case .child(let parentID, let chunkIndex, let text, let vectors):
            payload[Field.parentID] = .string(parentID.description)
            payload[Field.chunkIndex] = .integer(Int64(chunkIndex))
            payload[Field.text] = .string(text)
            dense[CollectionSchema.denseName] = vectors.dense
            let values = vectors.sparse.values.map { Float($0) }
            sparse[CollectionSchema.sparseName] = try QdrantSparse(indices: vectors.sparse.indices, values: values)
        }
        self.init(dense: dense, sparse: sparse, payload: payload)
    }
}

extension StoredPoint {
    /// Nil for points of somebody else: those without a UUID or a record.
    fileprivate init?(key: QdrantPointKey, payload: [String: JSONValue]) {
        guard case .uuid(let id) = key, let record = payload[Field.summaryID]?.integer else { return nil }
        self.init(
            id: id,
            summaryID: record,
            kind: payload[Field.type]?.string.flatMap(PointKind.init(rawValue:)),
            parentIndex: payload[Field.parentIndex]?.integer.map { Int($0) },
            chunkIndex: payload[Field.chunkIndex]?.integer.map { Int($0) },
            checksum: payload[Field.checksum]?.string,
            profile: payload[Field.profile]?.string,
            collectionIDs: payload[Field.collectionIDs]?.list?.compactMap(\.integer) ?? []
        )
    }
}

extension ScoredPoint {
    fileprivate init?(key: QdrantPointKey, score: Double, payload: [String: JSONValue]) {
        guard case .uuid(let id) = key, let record = payload[Field.summaryID]?.integer else { return nil }
        self.init(
            id: id,
            score: score,
            summaryID: record,
            memberCode: payload[Field.memberCode]?.string ?? "",
            text: payload[Field.text]?.string ?? ""
        )
    }
}
