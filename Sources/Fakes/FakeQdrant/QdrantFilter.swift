/// A filter over payloads, ids and vectors, with Qdrant's semantics.
package struct QdrantFilter: Sendable {
    indirect enum Condition: Sendable {
        /// A list in the payload passes when one of its elements does.
        case field(PayloadPath, Test)
        case hasID(Set<QdrantPointKey>)
        case hasVector(String)
        /// One object in the list at the path matches the filter.
        case nested(PayloadPath, QdrantFilter)
        case filter(QdrantFilter)
    }

    /// What a value at a path is compared with.
    enum Test: Sendable {
        case any(Set<JSONValue>)
        case except(Set<JSONValue>)
        case text(QdrantText)
        case range(QdrantRange<Double>)
        case dates(QdrantRange<QdrantDate>)
        case count(QdrantRange<Int>)
        /// `is_empty` within a condition on a field.
        case isEmpty(Bool)
        case isNull(Bool)
        /// There is no value, or only nulls and empty lists.
        case holdsNothing
        /// One of the values is null.
        case holdsNull
    }

    var must: [Condition] = []
    var should: [Condition] = []
    var mustNot: [Condition] = []
    var minShould: (conditions: [Condition], count: Int)?

    init(must: [Condition], should: [Condition] = []) {
        self.must = must
        self.should = should
    }

    /// Both filters in one, as Qdrant hands a query's filter on to its prefetches: part by part, so that of all `should`
    /// conditions together one is enough.
    func joined(_ other: Self) -> Self {
        var joined = QdrantFilter(must: must + other.must, should: should + other.should)
        joined.mustNot = mustNot + other.mustNot
        joined.minShould = minShould ?? other.minShould
        if let first = minShould, let second = other.minShould {
            joined.minShould = (first.conditions + second.conditions, max(first.count, second.count))
        }
        return joined
    }

    func matches(_ key: QdrantPointKey, _ point: QdrantPoint) -> Bool {
        matches { $0.matches(key, point) }
    }

    /// Whether an object within a payload matches; it has neither an id nor vectors.
    fileprivate func matches(object: [String: JSONValue]) -> Bool {
        matches { $0.matches(object: object) }
    }

    private func matches(_ isMet: (Condition) -> Bool) -> Bool {
        guard must.allSatisfy(isMet), should.isEmpty || should.contains(where: isMet), !mustNot.contains(where: isMet)
        else { return false }
        guard let minShould else { return true }
        return minShould.conditions.lazy.filter(isMet).prefix(minShould.count).count == minShould.count
    }
}

struct QdrantRange<Bound: Comparable & Sendable>: Sendable {
    var above: Bound?
    var from: Bound?
    var below: Bound?
    var to: Bound?

    func contains(_ value: Bound) -> Bool {
        (above.map { value > $0 } ?? true) && (from.map { value >= $0 } ?? true)
            && (below.map { value < $0 } ?? true) && (to.map { value <= $0 } ?? true)
    }
}

extension QdrantFilter.Condition {
    static func match(key: String, any values: Set<JSONValue>) -> Self { .field(PayloadPath(key), .any(values)) }
    static func isEmpty(key: String) -> Self { .field(PayloadPath(key), .holdsNothing) }

    func matches(_ key: QdrantPointKey, _ point: QdrantPoint) -> Bool {
        switch self {
        case .hasID(let keys): keys.contains(key)
        case .hasVector(let name): point.dense[name] != nil || point.sparse[name] != nil
        case .filter(let filter): filter.matches(key, point)
        case .field, .nested: matches(object: point.payload)
        }
    }

    fileprivate func matches(object payload: [String: JSONValue]) -> Bool {
        switch self {
        case .field(let path, let test): test.passes(path, payload)
        case .nested(let path, let filter):
            path.elements.contains(in: payload) { $0.object.map(filter.matches(object:)) ?? false }
        case .filter(let filter): filter.matches(object: payload)
        // As in Qdrant: within objects there are no ids and vectors.
        case .hasID, .hasVector: false
        }
    }
}

extension QdrantFilter.Test {
    fileprivate func passes(_ path: PayloadPath, _ payload: [String: JSONValue]) -> Bool {
        switch self {
        case .holdsNothing: return !path.contains(in: payload) { $0 != .null && $0.list?.isEmpty != true }
        case .holdsNull: return path.contains(in: payload) { $0 == .null }
        case .any, .except, .text, .range, .dates:
            return path.contains(in: payload) { $0.list?.contains(where: passes(one:)) ?? passes(one: $0) }
        case .count, .isEmpty, .isNull:
            var isThere = false
            let passes = path.contains(in: payload) { value in
                isThere = true
                return self.passes(whole: value)
            }
            return isThere ? passes : passesWithoutValue
        }
    }

    /// Whether one value passes, which is no list.
    private func passes(one value: JSONValue) -> Bool {
        switch self {
        case .any(let wanted): wanted.contains(value)
        case .except(let unwanted): value != .null && !unwanted.contains(value)
        case .text(let text): value.string.map(text.matches) ?? false
        case .range(let range): value.number.map(range.contains) ?? false
        case .dates(let range): value.string.flatMap(QdrantDate.init).map(range.contains) ?? false
        case .count, .isEmpty, .isNull, .holdsNothing, .holdsNull: false
        }
    }

    /// Whether a value passes that may be a list.
    private func passes(whole value: JSONValue) -> Bool {
        switch self {
        case .count(let range): range.contains(value == .null ? 0 : value.list?.count ?? 1)
        case .isEmpty(let isWanted): (value == .null || value.list?.isEmpty == true) == isWanted
        case .isNull(let isWanted): (value == .null || value.list?.contains(.null) == true) == isWanted
        case .any, .except, .text, .range, .dates, .holdsNothing, .holdsNull: false
        }
    }

    private var passesWithoutValue: Bool {
        switch self {
        case .count(let range): range.contains(0)
        case .isEmpty(let isWanted): isWanted
        case .isNull(let isWanted): !isWanted
        case .any, .except, .text, .range, .dates, .holdsNothing, .holdsNull: false
        }
    }
}

/// A comparison with a text: by words if the field has an index of them, otherwise by letters.
struct QdrantText: Sendable {
    enum Kind: Sendable {
        case all, any, phrase, prefix
    }

    let kind: Kind
    let text: String
    /// The words of `text`, if an index of the field knows words.
    var words: [String]?
    var tokenizer: QdrantTokenizer?

    init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }

    func matches(_ stored: String) -> Bool {
        guard let words, let tokenizer else {
            return switch kind {
            case .all, .phrase: text.isEmpty || stored.contains(text)
            case .any: text.split(whereSeparator: \.isWhitespace).contains { stored.contains($0) }
            case .prefix: stored.hasPrefix(text)
            }
        }
        let found = tokenizer.words(of: stored)
        switch kind {
        case .all: return words.allSatisfy(found.contains)
        case .any: return words.contains(where: found.contains)
        // As in Qdrant: an index that keeps no positions finds no phrase.
        case .phrase: return tokenizer.keepsPhrases && (words.isEmpty || found.contains(words))
        case .prefix: return stored.hasPrefix(text)
        }
    }
}

/// How a full-text index cuts a text into words.
struct QdrantTokenizer: Sendable {
    private let isByWhiteSpace: Bool
    private let lowercases: Bool
    let keepsPhrases: Bool
    private let least: Int
    private let most: Int

    /// The tokenizer of a payload index; nil if the index has none, or one that the fake does not know.
    init?(index: JSONValue) {
        guard (index["type"] ?? index).string == "text" else { return nil }
        isByWhiteSpace = index["tokenizer"]?.string == "whitespace"
        lowercases = index["lowercase"]?.bool ?? true
        keepsPhrases = index["phrase_matching"]?.bool ?? false
        least = index["min_token_len"]?.integer.map { Int($0) } ?? 0
        most = index["max_token_len"]?.integer.map { Int($0) } ?? .max
    }

    func words(of text: String) -> [String] {
        let parts =
            isByWhiteSpace
            ? text.split(whereSeparator: \.isWhitespace)
            : text.split { !($0.isLetter || $0.isNumber) }
        return parts.map { lowercases ? $0.lowercased() : String($0) }.filter { least <= $0.count && $0.count <= most }
    }
}
