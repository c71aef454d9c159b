package import TextProcessing

/// The id of a point: an unsigned integer or a UUID; integers come first in every order.
package enum QdrantPointKey: Sendable, Hashable, Comparable {
    case number(UInt64)
    case uuid(PointID)

    package init(json: JSONValue) throws(QdrantRefusal) {
        switch json {
        case .integer(let value) where value >= 0: self = .number(UInt64(value))
        case .unsigned(let value): self = .number(value)
        case .string(let text):
            guard let id = PointID(text) else { throw Self.invalid(text) }
            self = .uuid(id)
        case .integer(let value): throw Self.invalid(value.description)
        default: throw .unknownVariant(of: "ExtendedPointId")
        }
    }

    /// As it is written in an answer's text.
    package var text: String {
        switch self {
        case .number(let value): value.description
        case .uuid(let id): id.description
        }
    }

    /// A key as it is written in a URL path.
    init(path: String) throws(QdrantRefusal) {
        try self.init(json: UInt64(path).map(JSONValue.unsigned) ?? .string(path))
    }

    var json: JSONValue {
        switch self {
        case .number(let value): Int64(exactly: value).map(JSONValue.integer) ?? .unsigned(value)
        case .uuid(let id): .string(id.description)
        }
    }

    private static func invalid(_ text: String) -> QdrantRefusal {
        .malformed("value \(text) is not a valid point ID, valid values are either an unsigned integer or a UUID")
    }

    static func list(json: JSONValue) throws(QdrantRefusal) -> [Self] {
        guard let list = json.list else { throw .malformed("invalid type, expected a sequence of point IDs") }
        var keys: [Self] = []
        for value in list { keys.append(try Self(json: value)) }
        return keys
    }
}

/// A sparse vector, ascending by index.
package struct QdrantSparse: Sendable, Equatable {
    let indices: [UInt32]
    let values: [Float]

    /// - Throws: as Qdrant does, for lists of different lengths and for an index that occurs twice.
    init(indices: [UInt32], values: [Float]) throws(QdrantRefusal) {
        guard indices.count == values.count else { throw .invalid("values: must be the same length as indices") }
        let order = indices.indices.sorted { indices[$0] < indices[$1] }
        for (left, right) in zip(order, order.dropFirst()) where indices[left] == indices[right] {
            throw .invalid("indices: must be unique")
        }
        self.indices = order.map { indices[$0] }
        self.values = order.map { values[$0] }
    }

    init(json: JSONValue) throws(QdrantRefusal) {
        guard let list = json["indices"]?.list else { throw .missing("indices") }
        guard let values = json["values"]?.floats else { throw .missing("values") }
        var indices: [UInt32] = []
        for value in list {
            guard let index = value.integer.flatMap(UInt32.init(exactly:)) else {
                throw .malformed("invalid value for a sparse index, expected u32")
            }
            indices.append(index)
        }
        try self.init(indices: indices, values: values)
    }

    /// The value at an index, or nil.
    func value(at index: UInt32) -> Float? {
        var range = indices.startIndex..<indices.endIndex
        while let middle = range.isEmpty ? nil : range.lowerBound + range.count / 2 {
            if indices[middle] == index { return values[middle] }
            range = indices[middle] < index ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return nil
    }
}

/// A point as the collection holds it.
package struct QdrantPoint: Sendable {
    var dense: [String: [Float]]
    var sparse: [String: QdrantSparse]
    package var payload: [String: JSONValue]
    /// The number of the operation that wrote it last.
    var version: Int

    init(dense: [String: [Float]], sparse: [String: QdrantSparse], payload: [String: JSONValue], version: Int = 0) {
        self.dense = dense
        self.sparse = sparse
        self.payload = payload
        self.version = version
    }
}
