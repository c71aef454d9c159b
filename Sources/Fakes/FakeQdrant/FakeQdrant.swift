package import Migration
package import TextProcessing

/// One collection of a Qdrant in memory, as the engine sees it; the same engine can be served over HTTP.
package final class FakeQdrant: PointStore {
    /// Points per write of the engine, as the adapter of the real service states it.
    package static let pointsPerWrite = 200

    /// The collections; shared with everything else that looks at them.
    package let engine: QdrantEngine
    /// The collection's name.
    package let collection: String
    private let pointsPerRequest: Int
    private let time: Time?
    private let troubles: @Sendable (Point) -> Trouble?
    private let refuses: @Sendable (Point) -> Bool
    private let faults: FaultHook

    /// - Parameters:
    ///   - collection: the collection's name; it exists once it is ensured.
    ///   - engine: the engine that holds it.
    ///   - pointsPerRequest: how many points one request carries; a fault may strike between two of them.
    ///   - time: the clock for a point that hangs; nil = such a point fails at once.
    ///   - troubles: points that can never be written, like every request that contains one of them.
    ///   - refuses: points that the server refuses with a clear answer, together with the whole request.
    ///   - faults: called before and after each request, as `qdrant.` and the method's name.
    package init(
        collection: String = "memos",
        engine: QdrantEngine = QdrantEngine(),
        pointsPerRequest: Int = 100,
        time: Time? = nil,
        troubles: @escaping @Sendable (Point) -> Trouble? = { _ in nil },
        refuses: @escaping @Sendable (Point) -> Bool = { _ in false },
        faults: FaultHook = .none
    ) {
        precondition(pointsPerRequest > 0)
        self.collection = collection
        self.engine = engine
        self.pointsPerRequest = pointsPerRequest
        self.time = time
        self.troubles = troubles
        self.refuses = refuses
        self.faults = faults
    }

    package func inspect(_ schema: CollectionSchema) async throws(PortFailure) -> CollectionState {
        try await call("inspect") { () throws(QdrantRefusal) in try self.state(schema) }
    }

    package func ensure(_ schema: CollectionSchema) async throws(PortFailure) -> CollectionState {
        try await call("ensure") { () throws(QdrantRefusal) in
            if !self.engine.contains(self.collection) {
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

    package func points(of records: [RecordID], owner: PointOwner) async throws(PortFailure) -> [StoredPoint] {
        try await call("points") { collection throws(QdrantRefusal) in
            var found: [StoredPoint] = []
            for part in parts(of: records, collection.strict.valuesMax) {
                let filter = QdrantFilter(
                    must: [.match(key: PayloadKey.recordID, any: Set(part.map(JSONValue.integer)))],
                    should: Self.ours(owner)
                )
                try collection.strict.check(reading: filter, collection.indexes)
                found += collection.keys(filter).compactMap { key in
                    collection.points[key].flatMap { StoredPoint(key: key, payload: $0.payload) }
                }
            }
            return found
        }
    }

    package func contents(of ids: [PointID]) async throws(PortFailure) -> [PointContents] {
        try await call("contents") { collection throws(QdrantRefusal) in
            ids.compactMap { id in
                guard let payload = collection.points[.uuid(id)]?.payload,
                    let point = StoredPoint(key: .uuid(id), payload: payload)
                else { return nil }
                return PointContents(
                    point: point,
                    parentID: payload[PayloadKey.parentID]?.string,
                    text: payload[point.kind == .parent ? PayloadKey.parentText : PayloadKey.text]?.string
                )
            }
        }
    }

    package func upsert(_ points: [Point], within limit: Duration?) async throws(PortFailure) {
        for point in points {
            guard case .child(_, _, _, let vectors) = point.body else { continue }
            // Qdrant itself would accept such a vector, and no search would ever find it.
            guard vectors.dense.allSatisfy(\.isFinite), vectors.dense.contains(where: { $0 != 0 }) else {
                throw PortFailure(.rejected, "point \(point.id): the dense vector is zero or not finite")
            }
        }
        var rest = points[...]
        while !rest.isEmpty {
            let left = rest
            if let trouble = left.prefix(pointsPerRequest).lazy.compactMap(troubles).first {
                guard let time else { throw trouble.failure }
                try await trouble.strike(within: limit, time)
            }
            let taken = try await call("upsert") { collection throws(QdrantRefusal) in
                let most = [self.pointsPerRequest, collection.strict.pointsPerUpsert, collection.strict.writesMax]
                    .compactMap(\.self).min()
                let part = left.prefix(max(1, most ?? 1))
                var new: [(key: QdrantPointKey, point: QdrantPoint)] = []
                new.reserveCapacity(part.count)
                for point in part {
                    if refuses(point) { throw QdrantRefusal(400, "Wrong input: point \(point.id) is refused") }
                    new.append((.uuid(point.id), try QdrantPoint(point)))
                }
                try collection.upsert(new)
                return part.count
            }
            rest = left.dropFirst(taken)
        }
    }

    package func delete(_ points: [StoredPoint]) async throws(PortFailure) {
        guard !points.isEmpty else { return }
        try await call("delete") { collection throws(QdrantRefusal) in
            for point in points {
                var seen = QdrantFilter(must: [
                    .hasID([.uuid(point.id)]), Self.still(PayloadKey.checksum, point.checksum),
                    Self.still(PayloadKey.profile, point.profile),
                ])
                let most = [collection.strict.conditionsMax, collection.strict.writesMax].compactMap(\.self).min()
                if most ?? .max > seen.must.count {
                    seen.must.append(Self.still(PayloadKey.source, point.source))
                }
                try collection.strict.check(updating: seen, collection.indexes)
                collection.delete(collection.keys(seen))
            }
        }
    }

    package func mark(_ points: [StoredPoint], source: String) async throws(PortFailure) {
        guard !points.isEmpty else { return }
        try await call("mark") { collection throws(QdrantRefusal) in
            for part in parts(of: points, collection.strict.valuesMax) {
                let keys = Set(part.map { QdrantPointKey.uuid($0.id) })
                let unmarked = QdrantFilter(must: [.hasID(keys), .isEmpty(key: PayloadKey.source)])
                try collection.strict.check(updating: unmarked, collection.indexes)
                try collection.strict.checkPayloads(of: collection.points)
                collection.changePayload(of: collection.keys(unmarked)) { $0[PayloadKey.source] = .string(source) }
            }
        }
    }

    /// An upsert that may only update a point that does not exist.
    package func probe() async throws(PortFailure) {
        try await call("upsert") { (_: inout QdrantCollection) throws(QdrantRefusal) in }
    }

    package func count(_ kind: PointKind?, owner: PointOwner?) async throws(PortFailure) -> Int {
        try await call("count") { collection throws(QdrantRefusal) in
            let must = kind.map { [Self.still(PayloadKey.type, $0.rawValue)] } ?? []
            guard kind != nil || owner != nil else { return collection.count(nil) }
            let filter = QdrantFilter(must: must, should: owner.map(Self.ours) ?? [])
            try collection.strict.check(reading: filter, collection.indexes)
            return collection.count(filter)
        }
    }

    package func sources(besides source: String) async throws(PortFailure) -> SourcesPresent {
        try await call("sources") { collection throws(QdrantRefusal) in
            let isOwn = Self.still(PayloadKey.source, source)
            let isUnmarked = QdrantFilter.Condition.isEmpty(key: PayloadKey.source)
            var isOther = QdrantFilter(must: [])
            isOther.mustNot = [isOwn, isUnmarked]
            try collection.strict.check(reading: isOther, collection.indexes)
            var (own, unmarked, others) = (0, 0, 0)
            var names: Set<String> = []
            for (key, point) in collection.points {
                if isOwn.matches(key, point) {
                    own += 1
                } else if isUnmarked.matches(key, point) {
                    unmarked += 1
                } else {
                    others += 1
                    if let name = point.payload[PayloadKey.source]?.string { names.insert(name) }
                }
            }
            return SourcesPresent(
                own: own,
                unmarked: unmarked,
                others: others,
                otherNames: Array(names.sorted().prefix(SourcesPresent.namesMax))
            )
        }
    }

    package func sample(of source: String?, _ limit: Int) async throws(PortFailure) -> [StoredPoint] {
        try await call("sample") { collection throws(QdrantRefusal) in
            let filter = QdrantFilter(must: [Self.still(PayloadKey.source, source)])
            try collection.strict.check(reading: filter, collection.indexes)
            return collection.keys(filter, limit: max(0, limit)).compactMap { key in
                collection.points[key].flatMap { StoredPoint(key: key, payload: $0.payload) }
            }
        }
    }

    package func search(_ query: HybridQuery) async throws(PortFailure) -> [ScoredPoint] {
        try await call("search") { collection throws(QdrantRefusal) in
            var must = [Self.still(PayloadKey.type, PointKind.child.rawValue)]
            if let member = query.memberCode { must.append(Self.still(PayloadKey.memberCode, member)) }
            // Each list is longer than the limit, so that a point that is far down in both can still win.
            let depth = min(max(query.limit, 50), collection.strict.pageMax ?? .max)
            let sparse = try QdrantSparse(indices: query.sparse.indices, values: query.sparse.values.map { Float($0) })
            let lists: [QdrantQuery.Scoring] = [
                .dense(CollectionSchema.denseName, query.dense), .sparse(CollectionSchema.sparseName, sparse),
            ]
            let joined = QdrantQuery(
                scoring: .fusion(k: QdrantQuery.fusionK, weights: []),
                prefetch: lists.map { QdrantQuery(scoring: $0, limit: depth) },
                filter: QdrantFilter(must: must),
                limit: min(query.limit, collection.strict.pageMax ?? .max)
            )
            try collection.check(joined)
            return try collection.hits(joined).compactMap { hit in
                collection.points[hit.key].flatMap { ScoredPoint(key: hit.key, score: hit.score, payload: $0.payload) }
            }
        }
    }

    private func state(_ schema: CollectionSchema) throws(QdrantRefusal) -> CollectionState {
        let server = "Qdrant \(QdrantEngine.version) (stand-in)"
        guard engine.contains(collection) else {
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

    /// The elements in parts that are as large as one condition permits.
    private func parts<Element>(of elements: [Element], _ most: Int?) -> [ArraySlice<Element>] {
        guard let most, most > 0, most < elements.count else { return [elements[...]] }
        return stride(from: 0, to: elements.count, by: most).map { elements[$0...].prefix(most) }
    }

    /// Changes the collection's strict mode, for example `["max_points_count": 100]`.
    package func restrict(_ change: JSONValue) {
        do throws(QdrantRefusal) {
            try engine.with(collection) { $0.reconfigure(["strict_mode_config": change]) }
        } catch {
            preconditionFailure("there is no collection \(collection)")
        }
    }

    /// Drops a payload index, as an operator would.
    package func dropIndex(_ field: String) {
        do throws(QdrantRefusal) { try engine.with(collection) { $0.dropIndex(field: field) } } catch {
            preconditionFailure("there is no collection \(collection)")
        }
    }

    /// The conditions for an owner's points: each of them fulfils one.
    private static func ours(_ owner: PointOwner) -> [QdrantFilter.Condition] {
        [still(PayloadKey.source, owner.source)] + (owner.ownsUnmarked ? [.isEmpty(key: PayloadKey.source)] : [])
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
