/// The bodies of Qdrant's REST requests, turned into operations; each returns Qdrant's `result`.
extension QdrantCollection {
    // MARK: - Writing

    package mutating func upsert(json body: JSONValue) throws(QdrantRefusal) {
        var new: [(key: QdrantPointKey, point: QdrantPoint)] = []
        let rows = if let rows = body["points"]?.list { rows } else { try Self.rows(body) }
        for json in rows {
            guard let id = json["id"] else { throw .missing("id") }
            guard let vectors = json["vector"] else { throw .missing("vector") }
            var point = QdrantPoint(dense: [:], sparse: [:], payload: json["payload"]?.object ?? [:])
            if let vector = vectors.floats {
                point.dense[""] = vector
            } else if let named = vectors.object {
                for (name, value) in named {
                    if let vector = value.floats {
                        point.dense[name] = vector
                    } else {
                        point.sparse[name] = try QdrantSparse(json: value)
                    }
                }
            } else {
                throw .unknownVariant(of: "VectorStruct")
            }
            new.append((try QdrantPointKey(json: id), point))
        }
        try upsert(new)
    }

    /// The points of an upsert that has columns (`batch`) instead of rows (`points`).
    private static func rows(_ body: JSONValue) throws(QdrantRefusal) -> [JSONValue] {
        guard let batch = body["batch"] else { throw .missing("points") }
        guard let ids = batch["ids"]?.list else { throw .missing("ids") }
        guard let vectors = batch["vectors"] else { throw .missing("vectors") }
        let payloads = batch["payloads"]?.list
        let columns = vectors.object?.compactMapValues(\.list)
        let alone = vectors.list
        let lengths = (columns?.values.map(\.count) ?? []) + (alone.map { [$0.count] } ?? [])
        guard lengths.allSatisfy({ $0 == ids.count }), payloads.map({ $0.count == ids.count }) ?? true else {
            throw .invalid("batch: number of ids, vectors and payloads must be the same")
        }
        return ids.indices.map { row in
            let vector =
                alone.map { $0[row] } ?? .object((columns ?? [:]).mapValues { $0[row] }.filter { $0.value != .null })
            return ["id": ids[row], "vector": vector, "payload": payloads.map { $0[row] } ?? .null]
        }
    }

    package mutating func delete(json body: JSONValue) throws(QdrantRefusal) {
        delete(try chosen(body))
    }

    package mutating func setPayload(json body: JSONValue) throws(QdrantRefusal) {
        guard let payload = body["payload"]?.object else { throw .missing("payload") }
        try strict.checkPayloads(of: points)
        changePayload(of: try chosen(body)) { $0.merge(payload) { _, new in new } }
    }

    package mutating func overwritePayload(json body: JSONValue) throws(QdrantRefusal) {
        guard let payload = body["payload"]?.object else { throw .missing("payload") }
        changePayload(of: try chosen(body)) { $0 = payload }
    }

    package mutating func deletePayload(json body: JSONValue) throws(QdrantRefusal) {
        guard let names = body["keys"]?.list?.compactMap(\.string) else { throw .missing("keys") }
        changePayload(of: try chosen(body)) { payload in
            for name in names { payload[name] = nil }
        }
    }

    package mutating func clearPayload(json body: JSONValue) throws(QdrantRefusal) {
        changePayload(of: try chosen(body)) { $0 = [:] }
    }

    /// Performs the operations one after the other; those before a refused one stay done, as in Qdrant.
    package mutating func batch(json body: JSONValue, _ done: (inout [JSONValue], Int) -> Void) throws(QdrantRefusal)
        -> JSONValue
    {
        guard let operations = body["operations"]?.list else { throw .missing("operations") }
        var results: [JSONValue] = []
        for operation in operations {
            guard let members = operation.object, members.count == 1, let (name, inner) = members.first else {
                throw .unknownVariant(of: "UpdateOperation")
            }
            switch name {
            case "upsert": try upsert(json: inner)
            case "delete": try delete(json: inner)
            case "set_payload": try setPayload(json: inner)
            case "overwrite_payload": try overwritePayload(json: inner)
            case "delete_payload": try deletePayload(json: inner)
            case "clear_payload": try clearPayload(json: inner)
            default: throw .unknownVariant(of: "UpdateOperation")
            }
            done(&results, self.operations)
        }
        return .list(results)
    }

    package mutating func createIndex(json body: JSONValue) throws(QdrantRefusal) {
        guard let field = body["field_name"]?.string else { throw .missing("field_name") }
        guard let schema = body["field_schema"] else { throw .missing("field_schema") }
        let kinds: Set = ["keyword", "integer", "float", "geo", "text", "bool", "datetime", "uuid"]
        guard let kind = (schema["type"] ?? schema).string, kinds.contains(kind) else {
            throw .unknownVariant(of: "PayloadFieldSchema")
        }
        try strict.check(adding: field, to: indexes)
        createIndex(field: field, schema: schema)
    }

    /// The points that `points` or `filter` names.
    private mutating func chosen(_ body: JSONValue) throws(QdrantRefusal) -> [QdrantPointKey] {
        if let ids = body["points"] {
            let keys = try QdrantPointKey.list(json: ids)
            try strict.check(updating: keys.count)
            return keys
        }
        guard let json = body["filter"] else { throw .unknownVariant(of: "PointsSelector") }
        let filter = try QdrantFilter(json: json)
        try strict.check(updating: filter, indexes)
        return keys(filter)
    }

    // MARK: - Reading

    package func retrieve(json body: JSONValue) throws(QdrantRefusal) -> JSONValue {
        guard let ids = body["ids"] else { throw .missing("ids") }
        let payload = PayloadChoice(json: body["with_payload"], otherwise: true)
        let keys = try QdrantPointKey.list(json: ids)
        return .list(
            keys.compactMap { record($0, payload, VectorChoice(json: body["with_vector"])).map(JSONValue.object) }
        )
    }

    package func retrieve(path: String) throws(QdrantRefusal) -> JSONValue {
        let key = try QdrantPointKey(path: path)
        guard let record = record(key, PayloadChoice(json: nil, otherwise: true), .all) else {
            throw QdrantRefusal(404, "Not found: Point with id \(path) does not exists!")
        }
        return .object(record)
    }

    package mutating func count(json body: JSONValue) throws(QdrantRefusal) -> JSONValue {
        let filter: QdrantFilter? = if let json = body["filter"] { try QdrantFilter(json: json) } else { nil }
        try strict.check(reading: filter, indexes)
        try strict.check(isExact: body["exact"]?.bool ?? true)
        return ["count": .integer(Int64(count(filter)))]
    }

    package mutating func scroll(json body: JSONValue) throws(QdrantRefusal) -> JSONValue {
        let start: QdrantPointKey? = if let json = body["offset"] { try QdrantPointKey(json: json) } else { nil }
        let filter: QdrantFilter? = if let json = body["filter"] { try QdrantFilter(json: json) } else { nil }
        let limit = try Self.limit(body)
        try strict.check(page: limit)
        try strict.check(reading: filter, indexes)
        let payload = PayloadChoice(json: body["with_payload"], otherwise: true)
        let vectors = VectorChoice(json: body["with_vector"])
        let keys = keys(filter, from: start)
        let page = keys.prefix(limit).compactMap { record($0, payload, vectors).map(JSONValue.object) }
        return ["points": .list(page), "next_page_offset": keys.count > limit ? keys[limit].json : .null]
    }

    package mutating func query(json body: JSONValue) throws(QdrantRefusal) -> JSONValue {
        let payload = PayloadChoice(json: body["with_payload"], otherwise: false)
        let vectors = VectorChoice(json: body["with_vector"])
        let query = try Self.query(body)
        try check(query)
        let hits = try hits(query)
        return [
            "points": .list(
                hits.compactMap { hit in
                    guard var record = record(hit.key, payload, vectors) else { return nil }
                    record["score"] = .number(hit.score)
                    record["version"] = .integer(Int64(points[hit.key]?.version ?? 0))
                    return .object(record)
                }
            )
        ]
    }

    /// Checks a query and its prefetches against strict mode.
    func check(_ query: QdrantQuery) throws(QdrantRefusal) {
        for inner in query.prefetch { try check(inner) }
        try strict.check(page: query.limit)
        try strict.check(reading: query.filter, indexes)
        try strict.check(oversampling: query.oversampling)
    }

    private static func limit(_ body: JSONValue) throws(QdrantRefusal) -> Int {
        let limit = body["limit"]?.integer ?? 10
        guard limit >= 1 else { throw .invalid("limit: value \(limit) invalid, must be 1 or larger") }
        return Int(limit)
    }

    private static func query(_ body: JSONValue) throws(QdrantRefusal) -> QdrantQuery {
        var prefetch: [QdrantQuery] = []
        for inner in body["prefetch"]?.listOrOne ?? [] { prefetch.append(try query(inner)) }
        let filter: QdrantFilter? = if let json = body["filter"] { try QdrantFilter(json: json) } else { nil }
        return QdrantQuery(
            scoring: try scoring(body["query"], using: body["using"]?.string ?? ""),
            prefetch: prefetch,
            filter: filter,
            limit: try limit(body),
            offset: Int(body["offset"]?.integer ?? 0),
            threshold: body["score_threshold"]?.number,
            oversampling: body["params"]?["quantization"]?["oversampling"]?.number
        )
    }

    private static func scoring(_ json: JSONValue?, using name: String) throws(QdrantRefusal) -> QdrantQuery.Scoring {
        guard let json = json?["nearest"] ?? json else { return .none }
        if let vector = json.floats { return .dense(name, vector) }
        if json["indices"] != nil { return .sparse(name, try QdrantSparse(json: json)) }
        if json["fusion"]?.string == "rrf" { return .fusion(k: QdrantQuery.fusionK) }
        if let rrf = json["rrf"] { return .fusion(k: rrf["k"]?.number ?? QdrantQuery.fusionK) }
        throw .malformed("the stand-in does not know this kind of query")
    }

    // MARK: - Points in answers

    /// Which parts of a payload are wanted.
    private struct PayloadChoice {
        private let isWanted: Bool
        private let included: [String]?
        private let excluded: [String]

        init(json: JSONValue?, otherwise: Bool) {
            included = json?["include"]?.list?.compactMap(\.string) ?? json?.list?.compactMap(\.string)
            excluded = json?["exclude"]?.list?.compactMap(\.string) ?? []
            isWanted = json.map { $0.bool ?? true } ?? otherwise
        }

        func callAsFunction(_ payload: [String: JSONValue]) -> JSONValue? {
            guard isWanted else { return nil }
            return .object(
                payload.filter { (included?.contains($0.key) ?? true) && !excluded.contains($0.key) }
            )
        }
    }

    private enum VectorChoice {
        case none
        case all
        case named([String])

        init(json: JSONValue?) {
            if let names = json?.list?.compactMap(\.string) {
                self = .named(names)
            } else {
                self = json?.bool == true ? .all : .none
            }
        }
    }

    private func record(
        _ key: QdrantPointKey,
        _ payload: PayloadChoice,
        _ vectors: VectorChoice
    ) -> [String: JSONValue]? {
        guard let point = points[key] else { return nil }
        var record: [String: JSONValue] = ["id": key.json]
        record["payload"] = payload(point.payload)
        var wanted: [String: JSONValue] = [:]
        func add(_ name: String) {
            if let vector = point.dense[name] { wanted[name] = .numbers(vector.map { Double($0) }) }
            if let sparse = point.sparse[name] {
                wanted[name] = [
                    "indices": .list(sparse.indices.map { .integer(Int64($0)) }),
                    "values": .numbers(sparse.values.map { Double($0) }),
                ]
            }
        }
        switch vectors {
        case .none: return record
        case .all: for name in Array(point.dense.keys) + Array(point.sparse.keys) { add(name) }
        case .named(let names): for name in names { add(name) }
        }
        record["vector"] = wanted[""] ?? .object(wanted)
        return record
    }
}
