/// A filter over payloads and ids, with Qdrant's semantics: a list in the payload matches when one of its elements
/// does.
package struct QdrantFilter: Sendable {
    indirect enum Condition: Sendable {
        case match(key: String, any: Set<JSONValue>)
        case except(key: String, Set<JSONValue>)
        case range(key: String, QdrantRange)
        case hasID(Set<QdrantPointKey>)
        case isEmpty(key: String)
        case isNull(key: String)
        case filter(QdrantFilter)
    }

    var must: [Condition] = []
    var should: [Condition] = []
    var mustNot: [Condition] = []

    init(must: [Condition], should: [Condition] = []) {
        self.must = must
        self.should = should
    }

    func matches(_ key: QdrantPointKey, _ payload: [String: JSONValue]) -> Bool {
        must.allSatisfy { $0.matches(key, payload) }
            && (should.isEmpty || should.contains { $0.matches(key, payload) })
            && !mustNot.contains { $0.matches(key, payload) }
    }
}

struct QdrantRange: Sendable {
    var above: Double?
    var from: Double?
    var below: Double?
    var to: Double?

    func contains(_ value: Double) -> Bool {
        (above.map { value > $0 } ?? true) && (from.map { value >= $0 } ?? true)
            && (below.map { value < $0 } ?? true) && (to.map { value <= $0 } ?? true)
    }
}

extension QdrantFilter.Condition {
    func matches(_ key: QdrantPointKey, _ payload: [String: JSONValue]) -> Bool {
        switch self {
        case .match(let path, let wanted):
            return Self.anyElement(of: payload.value(at: path)) { wanted.contains($0) }
        case .except(let path, let unwanted):
            return Self.anyElement(of: payload.value(at: path)) { !unwanted.contains($0) }
        case .range(let path, let range):
            return Self.anyElement(of: payload.value(at: path)) { $0.number.map(range.contains) ?? false }
        case .hasID(let keys): return keys.contains(key)
        case .isEmpty(let path):
            let value = payload.value(at: path)
            return value == nil || value == .null || value?.list?.isEmpty == true
        case .isNull(let path): return payload.value(at: path) == .null
        case .filter(let filter): return filter.matches(key, payload)
        }
    }

    private static func anyElement(of value: JSONValue?, _ isMeant: (JSONValue) -> Bool) -> Bool {
        guard let value, value != .null else { return false }
        return value.list?.contains(where: isMeant) ?? isMeant(value)
    }
}

// MARK: - Qdrant's JSON

extension QdrantFilter {
    package init(json: JSONValue) throws(QdrantRefusal) {
        guard let members = json.object else { throw .unknownVariant(of: "Filter") }
        for name in members.keys.sorted() {
            guard let value = members[name], value != .null else { continue }
            var conditions: [Condition] = []
            for inner in value.listOrOne { conditions.append(try Condition(json: inner)) }
            switch name {
            case "must": must = conditions
            case "should": should = conditions
            case "must_not": mustNot = conditions
            default: throw .malformed("unknown field `\(name)`, expected one of `should`, `must`, `must_not`")
            }
        }
    }
}

extension QdrantFilter.Condition {
    init(json: JSONValue) throws(QdrantRefusal) {
        if let key = json["key"]?.string {
            self = try Self.field(key, json)
        } else if let ids = json["has_id"] {
            self = .hasID(Set(try QdrantPointKey.list(json: ids)))
        } else if let key = json["is_empty"]?["key"]?.string {
            self = .isEmpty(key: key)
        } else if let key = json["is_null"]?["key"]?.string {
            self = .isNull(key: key)
        } else if json["must"] != nil || json["should"] != nil || json["must_not"] != nil {
            self = .filter(try QdrantFilter(json: json))
        } else {
            throw .unknownVariant(of: "Condition")
        }
    }

    private static func field(_ key: String, _ json: JSONValue) throws(QdrantRefusal) -> Self {
        if let match = json["match"] {
            if let value = match["value"] { return .match(key: key, any: [value]) }
            if let any = match["any"]?.list { return .match(key: key, any: Set(any)) }
            if let except = match["except"]?.list { return .except(key: key, Set(except)) }
            throw .unknownVariant(of: "Match")
        }
        if let range = json["range"] {
            let bounds = QdrantRange(
                above: range["gt"]?.number,
                from: range["gte"]?.number,
                below: range["lt"]?.number,
                to: range["lte"]?.number
            )
            return .range(key: key, bounds)
        }
        if json["is_empty"]?.bool == true { return .isEmpty(key: key) }
        if json["is_null"]?.bool == true { return .isNull(key: key) }
        throw .invalid("at least one field condition must be specified")
    }
}
