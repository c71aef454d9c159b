import Migration

/// Strict mode: what Qdrant refuses before a request is carried out, in Qdrant's own words.
///
/// On for every collection that is not created with another `strict_mode_config`, as in Qdrant Cloud.
package struct QdrantStrictMode: Sendable {
    /// The strict mode of a collection in Qdrant Cloud.
    static let cloud: JSONValue = [
        "enabled": true, "unindexed_filtering_retrieve": false, "unindexed_filtering_update": false,
        "max_payload_index_count": 100,
    ]

    var pointsPerUpsert: Int?
    var pageMax: Int?
    var conditionsMax: Int?
    var valuesMax: Int?
    var timeoutMax: Int?
    var oversamplingMax: Double?
    var forbidsExact = false
    var forbidsUnindexedReads = false
    var forbidsUnindexedUpdates = false
    var readsMax: Int?
    var writesMax: Int?
    var indexesMax: Int?
    var pointsMax: Int?
    var vectorBytesMax: Int?
    var payloadBytesMax: Int?

    init(_ config: JSONValue?) {
        guard let config, config["enabled"]?.bool == true else { return }
        func number(_ name: String) -> Int? { config[name]?.integer.map { Int($0) } }
        pointsPerUpsert = number("upsert_max_batchsize")
        pageMax = number("max_query_limit")
        conditionsMax = number("filter_max_conditions")
        valuesMax = number("condition_max_size")
        timeoutMax = number("max_timeout")
        oversamplingMax = config["search_max_oversampling"]?.number
        forbidsExact = config["search_allow_exact"]?.bool == false
        forbidsUnindexedReads = config["unindexed_filtering_retrieve"]?.bool == false
        forbidsUnindexedUpdates = config["unindexed_filtering_update"]?.bool == false
        readsMax = number("read_rate_limit")
        writesMax = number("write_rate_limit")
        indexesMax = number("max_payload_index_count")
        pointsMax = number("max_points_count")
        vectorBytesMax = number("max_collection_vector_size_bytes")
        payloadBytesMax = number("max_collection_payload_size_bytes")
    }

    // MARK: - The checks

    func check(page limit: Int) throws(QdrantRefusal) { try check(limit, pageMax, "limit") }

    package func check(timeout: Int?) throws(QdrantRefusal) {
        if let timeout { try check(timeout, timeoutMax, "timeout") }
    }

    func check(oversampling: Double?) throws(QdrantRefusal) {
        guard let oversampling, let oversamplingMax, oversampling > oversamplingMax else { return }
        throw .strict(
            "Limit exceeded \(oversampling) > \(oversamplingMax) for \"oversampling\"",
            "Reduce the \"oversampling\" parameter to or below \(oversamplingMax)."
        )
    }

    func check(isExact: Bool) throws(QdrantRefusal) {
        if isExact, forbidsExact { throw .strict("Exact search disabled!", "Set exact=false.") }
    }

    func check(reading filter: QdrantFilter?, _ indexes: [String: JSONValue]) throws(QdrantRefusal) {
        if let filter { try check(filter, indexes, forbidsUnindexed: forbidsUnindexedReads) }
        try check(cost: 1 + (filter?.conditionCount ?? 0), readsMax)
    }

    package func check(updating filter: QdrantFilter, _ indexes: [String: JSONValue]) throws(QdrantRefusal) {
        try check(filter, indexes, forbidsUnindexed: forbidsUnindexedUpdates)
        try check(cost: filter.conditionCount, writesMax)
    }

    /// An update that names points needs no index.
    func check(updating points: Int) throws(QdrantRefusal) { try check(cost: points, writesMax) }

    func check(upserting points: Int) throws(QdrantRefusal) {
        try check(points, pointsPerUpsert, "upsert limit")
        try check(cost: points, writesMax)
    }

    /// Checks whether there is room: before a write, so the last write may exceed the limit.
    func checkRoom(of points: [QdrantPointKey: QdrantPoint]) throws(QdrantRefusal) {
        if let pointsMax, points.count >= pointsMax { throw .full("points count", "\(pointsMax)") }
        if let vectorBytesMax {
            let bytes = points.values.reduce(0) { sum, point in
                sum + point.dense.values.reduce(0) { $0 + $1.count * MemoryLayout<Float>.size }
            }
            if bytes >= vectorBytesMax { throw .full("vector storage size", Self.megabytes(vectorBytesMax)) }
        }
        try checkPayloads(of: points)
    }

    func checkPayloads(of points: [QdrantPointKey: QdrantPoint]) throws(QdrantRefusal) {
        guard let payloadBytesMax else { return }
        let bytes = points.values.reduce(0) { sum, point in
            sum + point.payload.reduce(0) { $0 + $1.key.utf8.count + ($1.value.string?.utf8.count ?? 8) }
        }
        if bytes >= payloadBytesMax { throw .full("payload storage size", Self.megabytes(payloadBytesMax)) }
    }

    func check(adding field: String, to indexes: [String: JSONValue]) throws(QdrantRefusal) {
        guard let indexesMax, indexes[field] == nil, indexes.count >= indexesMax else { return }
        throw .strict(
            "Collection already has the maximum number of payload indices (\(indexesMax))",
            "Remove an index that is not used."
        )
    }

    private func check(_ value: Int, _ most: Int?, _ word: String) throws(QdrantRefusal) {
        guard let most, value > most else { return }
        throw .strict(
            "Limit exceeded \(value) > \(most) for \"\(word)\"",
            "Reduce the \"\(word)\" parameter to or below \(most)."
        )
    }

    private func check(cost: Int, _ most: Int?) throws(QdrantRefusal) {
        guard let most, cost > most else { return }
        let text = "request larger than rate limiter capacity, please try to split your request"
        throw QdrantRefusal(429, "Rate limiting exceeded: \(text)")
    }

    private func check(
        _ filter: QdrantFilter,
        _ indexes: [String: JSONValue],
        forbidsUnindexed: Bool
    ) throws(QdrantRefusal) {
        if let conditionsMax, filter.conditionCount > conditionsMax {
            throw .strict(
                "Filter condition limit reached (\(filter.conditionCount) > \(conditionsMax))",
                "Reduce the amount of conditions of your filter."
            )
        }
        if let valuesMax, filter.largestCondition > valuesMax {
            throw .strict(
                "Condition size limit reached (\(filter.largestCondition) > \(valuesMax))",
                "Reduce the size of your condition."
            )
        }
        guard forbidsUnindexed, let (key, kinds) = filter.unindexedKey(indexes) else { return }
        throw .strict(
            "Index required but not found for \"\(key)\" of one of the following types: [\(kinds)]",
            "Create an index for this key or use a different filter."
        )
    }

    private static func megabytes(_ bytes: Int) -> String { "\(Double(bytes) / 1_048_576)MB" }
}

extension QdrantRefusal {
    static func strict(_ error: String, _ help: String) -> Self { Self(400, "Bad request: \(error). Help: \(help)") }
    static func full(_ what: String, _ most: String) -> Self {
        Self(400, "Bad request: Max \(what) limit of \(most) reached!")
    }
}

extension QdrantFilter {
    private var conditions: [[Condition]] { [must, should, mustNot, minShould?.conditions ?? []] }

    /// The number of all conditions, also in nested filters.
    var conditionCount: Int {
        conditions.reduce(0) { sum, list in
            list.reduce(sum) { sum, condition in
                switch condition {
                case .filter(let inner): sum + inner.conditionCount
                case .nested(_, let inner): sum + 1 + inner.conditionCount
                case .field, .hasID, .hasVector: sum + 1
                }
            }
        }
    }

    /// The number of values in the condition that has most of them.
    var largestCondition: Int {
        conditions.reduce(0) { most, list in list.reduce(most) { max($0, $1.size) } }
    }

    /// The first key without an index of a suitable kind, and the suitable kinds.
    func unindexedKey(_ indexes: [String: JSONValue], under prefix: String = "") -> (key: String, kinds: String)? {
        for condition in conditions.joined() {
            switch condition {
            case .filter(let inner):
                if let found = inner.unindexedKey(indexes, under: prefix) { return found }
            case .nested(let path, let inner):
                let inside = "\(prefix)\(path.elements.text)."
                if let found = inner.unindexedKey(indexes, under: inside) { return found }
            case .field(let path, let test):
                let key = prefix + path.text
                let kinds = test.indexes
                let kind = indexes[key].flatMap { ($0["type"] ?? $0).string }
                guard let kind, kinds.isEmpty || kinds.contains(kind) else {
                    return (key, kinds.isEmpty ? "keyword" : kinds.joined(separator: ", "))
                }
            case .hasID, .hasVector: continue
            }
        }
        return nil
    }
}

extension QdrantFilter.Condition {
    fileprivate var size: Int {
        switch self {
        case .hasID(let keys): keys.count
        // A single value does not count as a list.
        case .field(_, .any(let values)): values.count > 1 ? values.count : 0
        case .field(_, .except(let values)): values.count
        case .filter(let inner), .nested(_, let inner): inner.largestCondition
        case .field, .hasVector: 0
        }
    }
}

extension QdrantFilter.Test {
    /// The kinds of payload index that serve it; empty = any.
    fileprivate var indexes: [String] {
        switch self {
        case .any(let values), .except(let values): Self.kinds(values.first)
        case .text: ["text"]
        case .range: ["float", "integer"]
        case .dates: ["datetime"]
        case .count, .isEmpty, .isNull, .holdsNothing, .holdsNull: []
        }
    }

    private static func kinds(_ value: JSONValue?) -> [String] {
        switch value {
        case .string: ["keyword", "uuid"]
        case .bool: ["bool"]
        case .integer, .unsigned: ["integer"]
        case .null, .number, .list, .numbers, .object, nil: ["float", "integer"]
        }
    }
}
