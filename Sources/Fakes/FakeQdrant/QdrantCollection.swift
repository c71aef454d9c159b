/// One collection: its configuration, its points and its payload indexes, with Qdrant's checks and semantics.
///
/// Searches compare every candidate exactly: there is no graph and no quantization that could be tuned or wrong.
package struct QdrantCollection: Sendable {
    /// A named dense vector.
    struct DenseSpace: Sendable {
        let size: Int
        let distance: QdrantDistance
    }

    /// The body with which the collection was created, changes included; vectors always by name.
    private(set) var config: JSONValue
    let dense: [String: DenseSpace]
    /// The named sparse vectors, and whether their terms are weighted by rarity.
    let sparse: [String: Bool]
    /// What is refused before it is carried out.
    package private(set) var strict = QdrantStrictMode(nil)
    /// Payload indexes: the field's schema as it was given.
    package private(set) var indexes: [String: JSONValue] = [:]
    /// Where the values of the indexed fields are.
    private var paths: [String: PayloadPath] = [:]
    package private(set) var points: [QdrantPointKey: QdrantPoint] = [:]
    /// Operations applied; the number of the last one is the version of what it wrote.
    package private(set) var operations = 0

    /// For each indexed field that a filter has named: the points that have each value.
    private var holders: [String: [JSONValue: Set<QdrantPointKey>]] = [:]
    /// All keys in ascending order, until a point is added or deleted.
    private var ascending: [QdrantPointKey]?

    /// Makes an empty collection from the body of `PUT /collections/{name}`.
    init(creating body: JSONValue) throws(QdrantRefusal) {
        var members = body.object ?? [:]
        let vectors = body["vectors"] ?? .object([:])
        let named = vectors["size"] == nil ? vectors : .object(["": vectors])
        members["vectors"] = named
        members["sparse_vectors"] = body["sparse_vectors"] ?? .object([:])
        config = .object(members)
        var dense: [String: DenseSpace] = [:]
        for (name, space) in named.object ?? [:] {
            guard let size = space["size"]?.integer else { throw .missing("size") }
            guard size >= 1 else { throw .invalid("vectors.size: value \(size) invalid, must be 1 or larger") }
            guard let text = space["distance"]?.string else { throw .missing("distance") }
            guard let distance = QdrantDistance(rawValue: text) else {
                throw .malformed("unknown variant `\(text)`, expected one of `Cosine`, `Euclid`, `Dot`, `Manhattan`")
            }
            dense[name] = DenseSpace(size: Int(size), distance: distance)
        }
        self.dense = dense
        sparse = (members["sparse_vectors"]?.object ?? [:]).mapValues { $0["modifier"]?.string == "idf" }
        strict = QdrantStrictMode(config["strict_mode_config"])
    }

    /// Applies a PATCH to the configuration; vectors keep their sizes.
    package mutating func reconfigure(_ change: JSONValue) {
        config = config.merged(with: change)
        strict = QdrantStrictMode(config["strict_mode_config"])
    }

    /// Indexes a field of the payload, also for the present points.
    mutating func createIndex(field: String, schema: JSONValue) {
        indexes[field] = schema
        paths[field] = PayloadPath(reading: field) ?? PayloadPath(field)
        holders[field] = nil
        operations += 1
    }

    /// Drops the index of a field; does nothing if there is none.
    package mutating func dropIndex(field: String) {
        indexes[field] = nil
        holders[field] = nil
        operations += 1
    }

    /// Points that have a value in an indexed field.
    func indexedPoints(_ field: String) -> Int {
        points.values.count { !indexed(field, $0.payload).isEmpty }
    }

    // MARK: - Writing

    /// Writes whole points; if an id occurs twice, the last one counts.
    ///
    /// Checks everything before it writes anything.
    ///
    /// - Parameters:
    ///   - new: the points.
    ///   - isMeant: whether a point is written, by its id and by the present point with this id, if any.
    /// - Throws: a refusal, and then nothing was written.
    mutating func upsert(
        _ new: [(key: QdrantPointKey, point: QdrantPoint)],
        where isMeant: (QdrantPointKey, QdrantPoint?) -> Bool = { _, _ in true }
    ) throws(QdrantRefusal) {
        guard !new.isEmpty else { throw QdrantRefusal(400, "Bad request: Empty update request") }
        try strict.check(upserting: new.count)
        try strict.checkRoom(of: points)
        for (_, point) in new { try check(point) }
        operations += 1
        for (key, point) in new where isMeant(key, points[key]) {
            var point = point
            point.version = operations
            for (name, vector) in point.dense where dense[name]?.distance == .cosine {
                point.dense[name] = QdrantDistance.normalised(vector)
            }
            if let old = points[key] { unindex(key, old.payload) } else { ascending = nil }
            points[key] = point
            index(key, point.payload)
        }
    }

    /// Deletes points; ids that do not exist are ignored.
    mutating func delete(_ keys: some Sequence<QdrantPointKey>) {
        operations += 1
        for key in keys {
            guard let old = points.removeValue(forKey: key) else { continue }
            unindex(key, old.payload)
            ascending = nil
        }
    }

    /// Changes the payload of existing points.
    mutating func changePayload(of keys: some Sequence<QdrantPointKey>, _ change: (inout [String: JSONValue]) -> Void) {
        operations += 1
        for key in keys {
            guard var point = points[key] else { continue }
            unindex(key, point.payload)
            change(&point.payload)
            point.version = operations
            points[key] = point
            index(key, point.payload)
        }
    }

    private func check(_ point: QdrantPoint) throws(QdrantRefusal) {
        for (name, vector) in point.dense { try check(vector, of: name) }
        for name in point.sparse.keys where sparse[name] == nil { throw .noVector(name) }
    }

    /// Refuses a dense vector that does not fit.
    func check(_ vector: [Float], of name: String) throws(QdrantRefusal) {
        guard let space = dense[name] else { throw .noVector(name) }
        guard vector.count == space.size else {
            let place = name.isEmpty ? "" : " for vector '\(name)'"
            let text = "expected dim: \(space.size), got \(vector.count)\(place)"
            throw QdrantRefusal(400, "Wrong input: Vector dimension error: \(text)")
        }
    }

    /// Keys whose values most points share: a lookup by them narrows nothing, and keeping them costs time at each
    /// write.
    private static let crowded: Set<String> = ["type", "source", "profile", "parent_idx"]

    private mutating func index(_ key: QdrantPointKey, _ payload: [String: JSONValue]) {
        // An array, because changing a dictionary while its keys are iterated copies it.
        for field in Array(holders.keys) {
            for value in indexed(field, payload) {
                holders[field, default: [:]][value, default: []].insert(key)
            }
        }
    }

    private mutating func unindex(_ key: QdrantPointKey, _ payload: [String: JSONValue]) {
        // An array, because changing a dictionary while its keys are iterated copies it.
        for field in Array(holders.keys) {
            for value in indexed(field, payload) {
                holders[field]?[value]?.remove(key)
                if holders[field]?[value]?.isEmpty == true { holders[field]?[value] = nil }
            }
        }
    }

    /// Finds the points that have each value of a field; from then on each write keeps this up to date.
    private mutating func buildHolders(of field: String) {
        var values: [JSONValue: Set<QdrantPointKey>] = [:]
        for (key, point) in points {
            for value in indexed(field, point.payload) { values[value, default: []].insert(key) }
        }
        holders[field] = values
    }

    /// The values of an indexed field.
    private func indexed(_ field: String, _ payload: [String: JSONValue]) -> [JSONValue] {
        (paths[field]?.values(in: payload) ?? []).flatMap { $0 == .null ? [] : $0.listOrOne }
    }

    // MARK: - Reading

    /// The points that match.
    ///
    /// - Parameters:
    ///   - filter: what they must match; nil = all points.
    ///   - start: the lowest key.
    ///   - limit: the highest number of keys.
    /// - Returns: their keys, ascending.
    mutating func keys(
        _ filter: QdrantFilter?,
        from start: QdrantPointKey? = nil,
        limit: Int = .max
    ) -> [QdrantPointKey] {
        func isMeant(_ key: QdrantPointKey) -> Bool {
            if let start, key < start { return false }
            guard let filter else { return true }
            return points[key].map { filter.matches(key, $0) } ?? false
        }
        if let candidates = candidates(filter) { return Array(candidates.filter(isMeant).sorted().prefix(limit)) }
        let keys = ascending ?? points.keys.sorted()
        ascending = keys
        var found: [QdrantPointKey] = []
        for key in keys where found.count < limit && isMeant(key) { found.append(key) }
        return found
    }

    /// The keys of the points that match, in no order.
    mutating func unordered(_ filter: QdrantFilter?) -> [QdrantPointKey] {
        guard let filter else { return Array(points.keys) }
        guard let candidates = candidates(filter) else {
            return points.compactMap { filter.matches($0.key, $0.value) ? $0.key : nil }
        }
        return candidates.filter { key in points[key].map { filter.matches(key, $0) } ?? false }.map(\.self)
    }

    /// How many points match.
    mutating func count(_ filter: QdrantFilter?) -> Int {
        filter == nil ? points.count : unordered(filter).count
    }

    /// The smallest set of points that contains all that can match, if an index or a list of ids gives one.
    mutating func candidates(_ filter: QdrantFilter?) -> Set<QdrantPointKey>? {
        guard let filter else { return nil }
        var best: (condition: QdrantFilter.Condition, count: Int)?
        for condition in filter.must {
            guard let count = count(of: condition), best.map({ count < $0.count }) ?? true else { continue }
            best = (condition, count)
        }
        switch best?.condition {
        case .hasID(let keys): return keys
        case .field(let path, .any(let values)):
            let holders = holders[path.text] ?? [:]
            return values.reduce(into: []) { $0.formUnion(holders[$1] ?? []) }
        case .filter(let inner): return candidates(inner)
        case .field, .hasVector, .nested, nil: return nil
        }
    }

    /// The highest number of points that a condition can match; nil if that is not known.
    private mutating func count(of condition: QdrantFilter.Condition) -> Int? {
        switch condition {
        case .hasID(let keys): return keys.count
        case .field(let path, .any(let values)):
            let field = path.text
            guard indexes[field] != nil, !Self.crowded.contains(field) else { return nil }
            if holders[field] == nil { buildHolders(of: field) }
            return values.reduce(0) { $0 + (holders[field]?[$1]?.count ?? 0) }
        case .filter(let inner): return candidates(inner)?.count
        case .field, .hasVector, .nested: return nil
        }
    }
}
