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
        let filter: QdrantFilter? =
            if let json = body["update_filter"] { try QdrantFilter(json: json).resolved(indexes) } else { nil }
        if let filter { try strict.check(updating: filter, indexes) }
        let mode = body["update_mode"]?.string ?? "upsert"
        // Before the mode is asked: of points with one id the last one counts.
        var last: [QdrantPointKey: Int] = [:]
        for (place, point) in new.enumerated() { last[point.key] = place }
        new = new.enumerated().filter { last[$0.element.key] == $0.offset }.map(\.element)
        try upsert(new) { key, old in
            switch mode {
            case "insert_only": return old == nil
            case "update_only": return old.map { filter?.matches(key, $0) ?? true } ?? false
            default: return old.flatMap { filter?.matches(key, $0) } ?? true
            }
        }
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

    /// Performs the operations one after the other; those before a refused one stay done, as in Qdrant.
    package mutating func batch(json body: JSONValue, _ done: (inout [JSONValue], Int) -> Void) throws(QdrantRefusal)
        -> JSONValue
    {
        guard let operations = body["operations"]?.list else { throw .missing("operations") }
        var results: [JSONValue] = []
        for operation in operations {
            // The first known name decides, as in serde's untagged enums; others are ignored.
            if let inner = operation["upsert"] {
                try upsert(json: inner)
            } else if let inner = operation["delete"] {
                try delete(json: inner)
            } else if let inner = operation["set_payload"] {
                try setPayload(json: inner)
            } else if let inner = operation["overwrite_payload"] {
                try overwritePayload(json: inner)
            } else if let inner = operation["delete_payload"] {
                try deletePayload(json: inner)
            } else if let inner = operation["clear_payload"] {
                try clearPayload(json: inner)
            } else {
                throw .unknownVariant(of: "UpdateOperation")
            }
            done(&results, self.operations)
        }
        return .list(results)
    }

    package mutating func createIndex(json body: JSONValue) throws(QdrantRefusal) {
        guard let field = body["field_name"]?.string else { throw .missing("field_name") }
        guard let schema = body["field_schema"] else {
            let text = "Can't auto-detect field type, please specify `field_schema` in the request"
            throw QdrantRefusal(400, "Bad request: \(text)")
        }
        let kinds: Set = ["keyword", "integer", "float", "geo", "text", "bool", "datetime", "uuid"]
        guard let kind = (schema["type"] ?? schema).string, kinds.contains(kind) else {
            throw .unknownVariant(of: "PayloadFieldSchema")
        }
        try strict.check(adding: field, to: indexes)
        createIndex(field: field, schema: schema)
    }

    // MARK: - Reading

    package func retrieve(json body: JSONValue) throws(QdrantRefusal) -> JSONValue {
        guard let ids = body["ids"] else { throw .missing("ids") }
        let parts = try PointParts(json: body, payloadOtherwise: true)
        return .list(try QdrantPointKey.list(json: ids).compactMap { record($0, parts).map(JSONValue.object) })
    }

    package func retrieve(path: String) throws(QdrantRefusal) -> JSONValue {
        let key = try QdrantPointKey(path: path)
        guard let record = record(key, .all) else {
            throw QdrantRefusal(404, "Not found: Point with id \(path) does not exists!")
        }
        return .object(record)
    }

    package mutating func count(json body: JSONValue) throws(QdrantRefusal) -> JSONValue {
        let filter = try filter(body)
        try strict.check(reading: filter, indexes)
        try strict.check(isExact: body["exact"]?.bool ?? true)
        return ["count": .integer(Int64(count(filter)))]
    }

    package mutating func scroll(json body: JSONValue) throws(QdrantRefusal) -> JSONValue {
        let start: QdrantPointKey? = if let json = body["offset"] { try QdrantPointKey(json: json) } else { nil }
        let filter = try filter(body)
        let limit = try Self.limit(body)
        try strict.check(page: limit)
        try strict.check(reading: filter, indexes)
        let parts = try PointParts(json: body, payloadOtherwise: true)
        guard let order = try body["order_by"].map(QdrantOrder.init) else {
            let keys = keys(filter, from: start)
            let page = keys.prefix(limit).compactMap { record($0, parts).map(JSONValue.object) }
            return ["points": .list(page), "next_page_offset": keys.count > limit ? keys[limit].json : .null]
        }
        guard start == nil else { throw QdrantRefusal(400, "Wrong input: \(QdrantOrder.noOffset)") }
        let page = try ordered(by: order, filter).prefix(limit).compactMap { key, value -> JSONValue? in
            guard var record = record(key, parts) else { return nil }
            record["order_value"] = value
            return .object(record)
        }
        return ["points": .list(page), "next_page_offset": .null]
    }

    package mutating func query(json body: JSONValue) throws(QdrantRefusal) -> JSONValue {
        let parts = try PointParts(json: body, payloadOtherwise: false)
        let query = try query(body)
        try check(query)
        let hits = try hits(query)
        return [
            "points": .list(
                hits.compactMap { hit in
                    guard var record = record(hit.key, parts) else { return nil }
                    record["score"] = .float(Float(hit.score))
                    record["version"] = .integer(Int64(hit.order == nil ? points[hit.key]?.version ?? 0 : 0))
                    record["order_value"] = hit.order
                    return .object(record)
                }
            )
        ]
    }

    /// Several queries in one request; one that is refused refuses all.
    package mutating func queries(json body: JSONValue) throws(QdrantRefusal) -> JSONValue {
        guard let searches = body["searches"]?.list else { throw .missing("searches") }
        var results: [JSONValue] = []
        for search in searches { results.append(try query(json: search)) }
        return .list(results)
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

    private func filter(_ body: JSONValue) throws(QdrantRefusal) -> QdrantFilter? {
        guard let json = body["filter"] else { return nil }
        return try QdrantFilter(json: json).resolved(indexes)
    }

    private func query(_ body: JSONValue) throws(QdrantRefusal) -> QdrantQuery {
        var prefetch: [QdrantQuery] = []
        for inner in body["prefetch"]?.listOrOne ?? [] { prefetch.append(try query(inner)) }
        let offset = body["offset"]?.integer ?? 0
        guard offset >= 0 else { throw .malformed("invalid value: integer `\(offset)`, expected usize") }
        var query = QdrantQuery(
            scoring: .none,
            prefetch: prefetch,
            filter: try filter(body),
            limit: try Self.limit(body),
            offset: Int(offset),
            threshold: body["score_threshold"]?.number,
            oversampling: body["params"]?["quantization"]?["oversampling"]?.number
        )
        try score(&query, by: body["query"], using: body["using"]?.string ?? "")
        return query
    }

    private func score(_ query: inout QdrantQuery, by json: JSONValue?, using name: String) throws(QdrantRefusal) {
        guard let json = json?["nearest"] ?? json else { return }
        if let vector = json.floats {
            query.scoring = .dense(name, vector)
        } else if json["indices"] != nil {
            query.scoring = .sparse(name, try QdrantSparse(json: json))
        } else if let order = json["order_by"] {
            query.scoring = .order(try QdrantOrder(json: order))
        } else if json["fusion"]?.string == "rrf" {
            query.scoring = .fusion(k: QdrantQuery.fusionK, weights: [])
        } else if let rrf = json["rrf"] {
            query.scoring = .fusion(k: rrf["k"]?.number ?? QdrantQuery.fusionK, weights: rrf["weights"]?.floats ?? [])
        } else if let key = try? QdrantPointKey(json: json) {
            // The nearest to a point of the collection, which is not a result itself.
            guard let point = points[key] else { throw .noPoint(key) }
            if let vector = point.dense[name] {
                query.scoring = .dense(name, vector)
            } else if let vector = point.sparse[name] {
                query.scoring = .sparse(name, vector)
            } else if dense[name] == nil, sparse[name] == nil {
                throw .noVector(name)
            } else {
                throw QdrantRefusal(404, "Not found: Vector with name \"\(name)\" for point not found")
            }
            query.excluded = key
        } else {
            throw QdrantRefusal(501, "Not implemented: the stand-in does not serve this kind of query")
        }
        if case .fusion(_, let weights) = query.scoring, !weights.isEmpty, weights.count != query.prefetch.count {
            let text = "RRF weights length (\(weights.count)) must match the number of prefetches"
            throw QdrantRefusal(400, "Bad request: \(text) (\(query.prefetch.count))")
        }
    }
}
