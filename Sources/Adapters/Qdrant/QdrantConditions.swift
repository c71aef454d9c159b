import Migration
import TextProcessing

/// A filter: each condition counts against the server's limits, and each key needs an index.
struct QdrantConditions {
    enum Condition {
        case ids(ArraySlice<PointID>)
        case anyOf(String, [RecordID])
        case anyText(String, [String])
        case value(String, String)
        case empty(String)

        /// The value that a point had when it was read; nil = the key was absent.
        static func still(_ key: String, _ seen: String?) -> Condition { seen.map { .value(key, $0) } ?? .empty(key) }
    }

    var must: [Condition] = []
    var should: [Condition] = []
    var mustNot: [Condition] = []

    var count: Int { must.count + should.count + mustNot.count }

    // MARK: - The filters in use

    /// An owner's points that belong to some records, or are of one kind.
    static func owned(by owner: PointOwner?, _ must: [Condition]) -> QdrantConditions {
        var filter = QdrantConditions(must: must)
        if let owner {
            filter.should = [.value("source", owner.source)] + (owner.ownsUnmarked ? [.empty("source")] : [])
        }
        return filter
    }

    /// Points without a source.
    static let unmarked = QdrantConditions(must: [.empty("source")])

    /// Points with a source that is none of these.
    static func besides(_ sources: [String]) -> QdrantConditions {
        QdrantConditions(mustNot: [.anyText("source", sources), .empty("source")])
    }

    // MARK: - JSON

    func write(_ writer: inout JSONWriter) {
        writer.raw("{")
        var isFirst = true
        Self.write("must", must, &isFirst, &writer)
        Self.write("should", should, &isFirst, &writer)
        Self.write("must_not", mustNot, &isFirst, &writer)
        writer.raw("}")
    }

    private static func write(
        _ name: String,
        _ conditions: [Condition],
        _ isFirst: inout Bool,
        _ writer: inout JSONWriter
    ) {
        guard !conditions.isEmpty else { return }
        if !isFirst { writer.raw(",") }
        isFirst = false
        writer.string(name)
        writer.raw(":")
        QdrantBody.list(conditions, &writer) { writer, condition in condition.write(&writer) }
    }
}

extension QdrantConditions.Condition {
    fileprivate func write(_ writer: inout JSONWriter) {
        switch self {
        case .ids(let ids):
            writer.raw("{\"has_id\":")
            QdrantBody.list(ids, &writer) { writer, id in writer.string(id.description) }
            writer.raw("}")
        case .anyOf(let key, let values):
            open(key, &writer)
            writer.raw("{\"any\":")
            QdrantBody.list(values, &writer) { writer, value in writer.integer(value) }
            writer.raw("}}")
        case .anyText(let key, let values):
            open(key, &writer)
            writer.raw("{\"any\":")
            QdrantBody.list(values, &writer) { writer, value in writer.string(value) }
            writer.raw("}}")
        case .value(let key, let value):
            open(key, &writer)
            writer.raw("{\"value\":")
            writer.string(value)
            writer.raw("}}")
        case .empty(let key):
            writer.raw("{\"is_empty\":{\"key\":")
            writer.string(key)
            writer.raw("}}")
        }
    }

    private func open(_ key: String, _ writer: inout JSONWriter) {
        writer.raw("{\"key\":")
        writer.string(key)
        writer.raw(",\"match\":")
    }
}
