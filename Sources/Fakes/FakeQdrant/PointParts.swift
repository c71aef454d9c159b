/// Which parts of a point an answer contains.
struct PointParts: Sendable {
    private enum Payload {
        case none, all
        case including([PayloadPath])
        case excluding([PayloadPath])
    }

    private enum Vectors {
        case none, all
        case named([String])
    }

    private var payload: Payload
    private var vectors: Vectors

    static let all = Self(payload: .all, vectors: .all)

    private init(payload: Payload, vectors: Vectors) {
        self.payload = payload
        self.vectors = vectors
    }

    /// Reads `with_payload` and `with_vector` of a request.
    ///
    /// - Parameters:
    ///   - body: the request.
    ///   - payloadOtherwise: whether the payload is wanted if the request does not say.
    /// - Throws: a refusal if a path of the payload is malformed.
    init(json body: JSONValue, payloadOtherwise: Bool) throws(QdrantRefusal) {
        let json = body["with_payload"]
        if let included = json?["include"]?.list ?? json?.list {
            payload = .including(try Self.paths(included))
        } else if let excluded = json?["exclude"]?.list {
            payload = .excluding(try Self.paths(excluded))
        } else {
            payload = json?.bool ?? payloadOtherwise ? .all : .none
        }
        if let names = body["with_vector"]?.list?.compactMap(\.string) {
            vectors = .named(names)
        } else {
            vectors = body["with_vector"]?.bool == true ? .all : .none
        }
    }

    private static func paths(_ list: [JSONValue]) throws(QdrantRefusal) -> [PayloadPath] {
        var paths: [PayloadPath] = []
        for value in list { paths.append(try PayloadPath(json: value)) }
        return paths
    }

    fileprivate func payload(of point: QdrantPoint) -> JSONValue? {
        switch payload {
        case .none: nil
        case .all: .object(point.payload)
        case .including(let paths): .object(PayloadPath.included(paths, of: point.payload))
        case .excluding(let paths): .object(PayloadPath.excluded(paths, of: point.payload))
        }
    }

    fileprivate func vector(of point: QdrantPoint) -> JSONValue? {
        let names: [String]
        switch vectors {
        case .none: return nil
        case .all: names = Array(point.dense.keys) + Array(point.sparse.keys)
        case .named(let wanted): names = wanted
        }
        var vectors: [String: JSONValue] = [:]
        for name in names {
            if let vector = point.dense[name] { vectors[name] = .floats(vector) }
            if let sparse = point.sparse[name] {
                let indices = sparse.indices.map { JSONValue.integer(Int64($0)) }
                vectors[name] = ["indices": .list(indices), "values": .floats(sparse.values)]
            }
        }
        return vectors[""] ?? .object(vectors)
    }
}

extension QdrantCollection {
    /// A point as answers contain it; nil if there is none.
    func record(_ key: QdrantPointKey, _ parts: PointParts) -> [String: JSONValue]? {
        guard let point = points[key] else { return nil }
        var record: [String: JSONValue] = ["id": key.json]
        record["payload"] = parts.payload(of: point)
        record["vector"] = parts.vector(of: point)
        return record
    }
}
