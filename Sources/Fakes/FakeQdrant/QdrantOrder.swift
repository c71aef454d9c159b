/// An order of points by the values of a payload field.
struct QdrantOrder: Sendable {
    static let noOffset =
        "Cannot use an `offset` when using `order_by`. The alternative for paging is to use `order_by.start_from` and a "
        + "filter to exclude the IDs that you've already seen for the `order_by.start_from` value"

    let path: PayloadPath
    let isDescending: Bool
    let start: JSONValue?

    init(json: JSONValue) throws(QdrantRefusal) {
        guard let key = json["key"] ?? (json.string == nil ? nil : json) else { throw .missing("key") }
        path = try PayloadPath(json: key)
        isDescending = json["direction"]?.string == "desc"
        start = json["start_from"]
    }
}

extension QdrantCollection {
    /// The points that match and have a value to order by, each as often as it has one; equal values in the order of ids.
    mutating func ordered(
        by order: QdrantOrder,
        _ filter: QdrantFilter?
    ) throws(QdrantRefusal) -> [(key: QdrantPointKey, value: JSONValue)] {
        let key = order.path.text
        let index = indexes[key]
        let kind = index.flatMap { ($0["type"] ?? $0).string }
        let isRanged = index?["range"]?.bool ?? true
        guard let kind, kind == "float" || kind == "datetime" || kind == "integer" && isRanged else {
            let text = "No range index for `order_by` key: `\(key)`. Please create one to use `order_by`."
            let page = "https://qdrant.tech/documentation/concepts/indexing/#payload-index"
            throw QdrantRefusal(
                400,
                "Bad request: \(text) Check \(page) to see which payload schemas support Range conditions"
            )
        }
        /// The value as the index holds it: a moment in microseconds.
        func indexed(_ value: JSONValue) -> JSONValue? {
            switch kind {
            case "datetime": value.string.flatMap(QdrantDate.init).map { .integer($0.microseconds) }
            case "integer": value.integer.map(JSONValue.integer)
            default: value.number.map(JSONValue.number)
            }
        }
        let start = order.start.flatMap { indexed($0) ?? $0 }?.number
        var found: [(key: QdrantPointKey, value: JSONValue, place: Double)] = []
        for key in keys(filter) {
            for value in order.path.values(in: points[key]?.payload ?? [:]).flatMap(\.listOrOne).compactMap(indexed) {
                guard let place = value.number else { continue }
                if let start, order.isDescending ? place > start : place < start { continue }
                found.append((key, value, place))
            }
        }
        found.sort { left, right in
            let isBefore = (left.place, left.key) < (right.place, right.key)
            let isEqual = left.place == right.place && left.key == right.key
            return order.isDescending ? !isBefore && !isEqual : isBefore
        }
        return found.map { ($0.key, $0.value) }
    }
}
