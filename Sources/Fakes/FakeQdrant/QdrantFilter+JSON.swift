/// Filters as Qdrant's requests state them.
extension QdrantFilter {
    package init(json: JSONValue) throws(QdrantRefusal) {
        guard let members = json.object else { throw .unknownVariant(of: "Filter") }
        for name in members.keys.sorted() {
            guard let value = members[name], value != .null else { continue }
            switch name {
            case "must": must = try Self.conditions(value)
            case "should": should = try Self.conditions(value)
            case "must_not": mustNot = try Self.conditions(value)
            case "min_should":
                guard let least = value["min_count"]?.integer, least > 0 else { throw .missing("min_count") }
                guard let list = value["conditions"] else { throw .missing("conditions") }
                minShould = (try Self.conditions(list), Int(least))
            default:
                let known = "`should`, `min_should`, `must`, `must_not`"
                throw .malformed("unknown field `\(name)`, expected one of \(known)")
            }
        }
    }

    private static func conditions(_ json: JSONValue) throws(QdrantRefusal) -> [Condition] {
        var conditions: [Condition] = []
        for inner in json.listOrOne { conditions.append(try Condition(json: inner)) }
        return conditions
    }
}

extension QdrantFilter.Condition {
    init(json: JSONValue) throws(QdrantRefusal) {
        if let key = json["key"] {
            self = try Self.field(try PayloadPath(json: key), json)
        } else if let ids = json["has_id"] {
            self = .hasID(Set(try QdrantPointKey.list(json: ids)))
        } else if let name = json["has_vector"]?.string {
            self = .hasVector(name)
        } else if let key = json["is_empty"]?["key"] {
            self = .field(try PayloadPath(json: key), .holdsNothing)
        } else if let key = json["is_null"]?["key"] {
            self = .field(try PayloadPath(json: key), .holdsNull)
        } else if let nested = json["nested"], let key = nested["key"], let filter = nested["filter"] {
            self = .nested(try PayloadPath(json: key), try QdrantFilter(json: filter))
        } else if json.object?.keys.allSatisfy(["must", "should", "must_not", "min_should"].contains) == true {
            self = .filter(try QdrantFilter(json: json))
        } else {
            throw .unknownVariant(of: "Condition")
        }
    }

    /// A condition on a field; of several comparisons one has to pass, and those of the whole value come first.
    private static func field(_ path: PayloadPath, _ json: JSONValue) throws(QdrantRefusal) -> Self {
        if let bounds = json["values_count"] {
            return .field(path, .count(try QdrantRange(json: bounds) { $0.integer.flatMap(Int.init(exactly:)) }))
        }
        if let isEmpty = json["is_empty"]?.bool { return .field(path, .isEmpty(isEmpty)) }
        if let isNull = json["is_null"]?.bool { return .field(path, .isNull(isNull)) }
        var tests: [QdrantFilter.Test] = []
        if let match = json["match"] { tests.append(try Self.match(match)) }
        if let range = json["range"] { tests.append(try Self.range(range)) }
        guard let first = tests.first else { throw .invalid("At least one field condition must be specified") }
        return tests.count == 1
            ? .field(path, first) : .filter(QdrantFilter(must: [], should: tests.map { .field(path, $0) }))
    }

    private static func match(_ json: JSONValue) throws(QdrantRefusal) -> QdrantFilter.Test {
        if let value = json["value"] { return .any([value]) }
        if let text = json["text"]?.string { return .text(QdrantText(.all, text)) }
        if let text = json["text_any"]?.string { return .text(QdrantText(.any, text)) }
        if let text = json["phrase"]?.string { return .text(QdrantText(.phrase, text)) }
        if let text = json["prefix"]?.string { return .text(QdrantText(.prefix, text)) }
        if let any = json["any"]?.list { return .any(Set(any)) }
        if let except = json["except"]?.list { return .except(Set(except)) }
        throw .unknownVariant(of: "Match")
    }

    /// Numbers, or moments if one of the bounds is a text.
    private static func range(_ json: JSONValue) throws(QdrantRefusal) -> QdrantFilter.Test {
        let bounds = ["gt", "gte", "lt", "lte"].compactMap { json[$0] }
        return if bounds.contains(where: { $0.string != nil }) {
            .dates(try QdrantRange(json: json) { $0.string.flatMap(QdrantDate.init) })
        } else {
            .range(try QdrantRange(json: json) { $0.number })
        }
    }
}

extension QdrantRange {
    fileprivate init(json: JSONValue, _ read: (JSONValue) -> Bound?) throws(QdrantRefusal) {
        func bound(_ name: String) throws(QdrantRefusal) -> Bound? {
            guard let value = json[name] else { return nil }
            guard let bound = read(value) else { throw .unknownVariant(of: "RangeInterface") }
            return bound
        }
        self.init(above: try bound("gt"), from: try bound("gte"), below: try bound("lt"), to: try bound("lte"))
    }
}

// MARK: - Indexes

extension QdrantFilter {
    /// This filter with the words of each field that has a full-text index.
    func resolved(_ indexes: [String: JSONValue], under prefix: String = "") -> QdrantFilter {
        func resolve(_ conditions: [Condition]) -> [Condition] {
            conditions.map { $0.resolved(indexes, under: prefix) }
        }
        var filter = QdrantFilter(must: resolve(must), should: resolve(should))
        filter.mustNot = resolve(mustNot)
        filter.minShould = minShould.map { (resolve($0.conditions), $0.count) }
        return filter
    }
}

extension QdrantFilter.Condition {
    fileprivate func resolved(_ indexes: [String: JSONValue], under prefix: String) -> Self {
        switch self {
        case .field(let path, .text(var text)):
            guard let tokenizer = indexes[prefix + path.text].flatMap(QdrantTokenizer.init) else { return self }
            text.tokenizer = tokenizer
            text.words = tokenizer.words(of: text.text)
            return .field(path, .text(text))
        case .nested(let path, let filter):
            return .nested(path, filter.resolved(indexes, under: "\(prefix)\(path.elements.text)."))
        case .filter(let filter): return .filter(filter.resolved(indexes, under: prefix))
        case .field, .hasID, .hasVector: return self
        }
    }
}
