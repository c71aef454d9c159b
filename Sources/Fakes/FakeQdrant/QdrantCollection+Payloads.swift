/// Requests that change payloads.
extension QdrantCollection {
    package mutating func setPayload(json body: JSONValue) throws(QdrantRefusal) {
        guard let payload = body["payload"]?.object else { throw .missing("payload") }
        let path: PayloadPath? = if let key = body["key"] { try PayloadPath(json: key) } else { nil }
        try strict.checkPayloads(of: points)
        try change(body) { old in
            if let path { path.merge(payload, into: &old) } else { old.merge(qdrant: payload) }
        }
    }

    package mutating func overwritePayload(json body: JSONValue) throws(QdrantRefusal) {
        guard let payload = body["payload"]?.object else { throw .missing("payload") }
        try strict.checkPayloads(of: points)
        try change(body) { $0 = payload }
    }

    package mutating func deletePayload(json body: JSONValue) throws(QdrantRefusal) {
        guard let keys = body["keys"]?.list else { throw .missing("keys") }
        var paths: [PayloadPath] = []
        for key in keys { paths.append(try PayloadPath(json: key)) }
        try change(body) { payload in
            for path in paths { path.remove(from: &payload) }
        }
    }

    package mutating func clearPayload(json body: JSONValue) throws(QdrantRefusal) {
        try change(body) { $0 = [:] }
    }

    /// Changes the payload of the points that the body names; those that exist are changed also if one is missing.
    private mutating func change(
        _ body: JSONValue,
        _ change: (inout [String: JSONValue]) -> Void
    ) throws(QdrantRefusal) {
        let keys = try chosen(body)
        changePayload(of: keys, change)
        if let missing = keys.first(where: { points[$0] == nil }) { throw .noPoint(missing) }
    }

    /// The points that `points` or `filter` names.
    mutating func chosen(_ body: JSONValue) throws(QdrantRefusal) -> [QdrantPointKey] {
        if let ids = body["points"] {
            let keys = try QdrantPointKey.list(json: ids)
            try strict.check(updating: keys.count)
            return keys
        }
        guard let json = body["filter"] else {
            throw .malformed("Either list of point ids or filter must be provided")
        }
        let filter = try QdrantFilter(json: json).resolved(indexes)
        try strict.check(updating: filter, indexes)
        return keys(filter)
    }
}
