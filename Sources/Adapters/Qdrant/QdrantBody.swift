import Migration
import TextProcessing

/// The bodies of Qdrant's requests, written by hand because most of them is numbers.
enum QdrantBody {
    /// Qdrant's default for one request: 32 MiB, less room for the envelope.
    static let bytesMax = 32 << 20 - 64

    /// The version that a point had when it was read; nil = the key was absent.
    struct Version: Hashable {
        let checksum: String?
        let profile: String?
        let source: String?
    }

    // MARK: - Points

    static func upsert(_ parts: ArraySlice<[UInt8]>) -> [UInt8] {
        var writer = JSONWriter(capacity: parts.reduce(16) { $0 + $1.count + 1 })
        writer.raw("{\"points\":[")
        for (index, part) in parts.enumerated() {
            if index > 0 { writer.raw(",") }
            writer.raw(part)
        }
        writer.raw("]}")
        return writer.bytes
    }

    /// One point, optionally without its dense vector.
    ///
    /// - Throws: `rejected` for a dense vector of zeros and for numbers that are not finite: Qdrant might accept them,
    ///   and no search would ever find them.
    static func point(_ point: Point, hasDense: Bool = true) throws(PortFailure) -> [UInt8] {
        var writer = JSONWriter(capacity: 2_048)
        writer.raw("{\"id\":")
        writer.string(point.id.description)
        writer.raw(",\"vector\":{")
        if case .child(_, _, _, let vectors) = point.body { try write(vectors, of: point.id, hasDense, &writer) }
        writer.raw("},\"payload\":{\"type\":")
        writer.string(point.kind.rawValue)
        writer.raw(",\"summary_id\":")
        writer.integer(point.recordID)
        writer.raw(",\"member_code\":")
        writer.string(point.memberCode)
        writer.raw(",\"collection_ids\":")
        list(point.collectionIDs, &writer) { writer, id in writer.integer(id) }
        writer.raw(",\"checksum\":")
        writer.string(point.checksum)
        writer.raw(",\"profile\":")
        writer.string(point.profile)
        writer.raw(",\"source\":")
        writer.string(point.source)
        writer.raw(",\"parent_idx\":")
        writer.integer(point.parentIndex)
        switch point.body {
        case .parent(let text):
            writer.raw(",\"parent_text\":")
            writer.string(text)
        case .child(let parentID, let chunkIndex, let text, _):
            writer.raw(",\"parent_id\":")
            writer.string(parentID.description)
            writer.raw(",\"chunk_index\":")
            writer.integer(chunkIndex)
            writer.raw(",\"text\":")
            writer.string(text)
        }
        writer.raw("}}")
        return writer.bytes
    }

    private static func write(
        _ vectors: Point.Vectors,
        of id: PointID,
        _ hasDense: Bool,
        _ writer: inout JSONWriter
    ) throws(PortFailure) {
        let isUsable = vectors.dense.allSatisfy(\.isFinite) && vectors.dense.contains { $0 != 0 }
        guard isUsable || !hasDense else {
            throw PortFailure(.rejected, "point \(id): the dense vector is zero or not finite")
        }
        let weights = vectors.sparse.values.map { Float($0) }
        guard weights.allSatisfy(\.isFinite) else {
            throw PortFailure(.rejected, "point \(id): the sparse vector is not finite")
        }
        if hasDense {
            writer.raw("\"child\":")
            writer.floats(vectors.dense)
        }
        // A text without any term gets no sparse vector; an empty one could not be found either.
        guard !weights.isEmpty else { return }
        writer.raw(hasDense ? ",\"child-sparse\":" : "\"child-sparse\":")
        sparse(vectors.sparse.indices, weights, &writer)
    }

    private static func sparse(_ indices: [UInt32], _ weights: [Float], _ writer: inout JSONWriter) {
        writer.raw("{\"indices\":")
        list(indices, &writer) { writer, index in writer.integer(index) }
        writer.raw(",\"values\":")
        writer.floats(weights)
        writer.raw("}")
    }

    // MARK: - Reads

    /// A page of points, without vectors, and with texts only if these are requested.
    static func scroll(
        _ filter: QdrantConditions,
        page: Int,
        from offset: JSON?,
        hasTexts: Bool = false
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw("{\"filter\":")
        filter.write(&writer)
        writer.raw(",\"limit\":")
        writer.integer(page)
        writer.raw(
            ",\"with_vector\":false,\"with_payload\":[\"summary_id\",\"type\",\"parent_idx\",\"chunk_index\","
        )
        writer.raw("\"checksum\",\"profile\",\"source\",\"member_code\",\"collection_ids\"")
        writer.raw(hasTexts ? ",\"parent_id\",\"text\",\"parent_text\"]" : "]")
        write(offset, &writer)
        writer.raw("}")
        return writer.bytes
    }

    /// A page of ids only, for counting.
    static func ids(_ filter: QdrantConditions, page: Int, from offset: JSON?) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw("{\"filter\":")
        filter.write(&writer)
        writer.raw(",\"limit\":")
        writer.integer(page)
        writer.raw(",\"with_vector\":false,\"with_payload\":false")
        write(offset, &writer)
        writer.raw("}")
        return writer.bytes
    }

    private static func write(_ offset: JSON?, _ writer: inout JSONWriter) {
        switch offset {
        case .string(let id):
            writer.raw(",\"offset\":")
            writer.string(id)
        case .integer(let id):
            writer.raw(",\"offset\":")
            writer.integer(id)
        case .number(let id):
            // An id may have 64 unsigned bits, so it is sent as it was received.
            writer.raw(",\"offset\":")
            writer.raw(Array(id.utf8))
        default: break
        }
    }

    static func count(_ filter: QdrantConditions, isExact: Bool) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw(isExact ? "{\"exact\":true" : "{\"exact\":false")
        if filter.count > 0 {
            writer.raw(",\"filter\":")
            filter.write(&writer)
        }
        writer.raw("}")
        return writer.bytes
    }

    /// Dense and sparse lists, longer than the limit so that a point far down in both can win, joined by rank.
    static func search(_ query: HybridQuery, within limits: QdrantLimits) -> [UInt8] {
        var writer = JSONWriter()
        let depth = min(max(query.limit, 50), limits.page)
        var scope = QdrantConditions(must: [.value("type", PointKind.child.rawValue)])
        if let member = query.memberCode { scope.must.append(.value("member_code", member)) }
        writer.raw("{\"prefetch\":[{\"query\":")
        writer.floats(query.dense)
        writer.raw(",\"using\":\"child\"")
        // The binary codes are only used for preselection.
        writer.raw(",\"params\":{\"quantization\":{\"rescore\":true")
        let oversampling = min(limits.oversamplingMax ?? 3, 3)
        if oversampling >= 1 {
            writer.raw(",\"oversampling\":")
            writer.raw(Array("\(oversampling)".utf8))
        }
        writer.raw("}}")
        write(scope, depth, &writer)
        if !query.sparse.indices.isEmpty {
            writer.raw(",{\"query\":")
            sparse(query.sparse.indices, query.sparse.values.map { Float($0) }, &writer)
            writer.raw(",\"using\":\"child-sparse\"")
            write(scope, depth, &writer)
        }
        writer.raw("],\"query\":{\"fusion\":\"rrf\"},\"limit\":")
        writer.integer(min(query.limit, limits.page))
        writer.raw(",\"with_vector\":false,\"with_payload\":[\"summary_id\",\"member_code\",\"text\"]}")
        return writer.bytes
    }

    private static func write(_ filter: QdrantConditions, _ limit: Int, _ writer: inout JSONWriter) {
        writer.raw(",\"filter\":")
        filter.write(&writer)
        writer.raw(",\"limit\":")
        writer.integer(limit)
        writer.raw("}")
    }

    // MARK: - Conditional writes

    /// Deletes by id, and only while the point still has what was read: another worker may have written it since.
    ///
    /// The source is left out if the server allows too few conditions: ids of two sources are never the same.
    static func delete(_ ids: ArraySlice<PointID>, still version: Version, within limits: QdrantLimits) -> [UInt8] {
        var filter = QdrantConditions(must: [
            .ids(ids), .still("checksum", version.checksum), .still("profile", version.profile),
        ])
        if limits.namesSource { filter.must.append(.still("source", version.source)) }
        var writer = JSONWriter()
        writer.raw("{\"filter\":")
        filter.write(&writer)
        writer.raw("}")
        return writer.bytes
    }

    /// Marks by id, and only while the point has no source: another worker may have written it since.
    static func mark(_ ids: ArraySlice<PointID>, source: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw("{\"payload\":{\"source\":")
        writer.string(source)
        writer.raw("},\"filter\":")
        QdrantConditions(must: [.ids(ids), .empty("source")]).write(&writer)
        writer.raw("}")
        return writer.bytes
    }

    static func list<Element>(
        _ elements: some Collection<Element>,
        _ writer: inout JSONWriter,
        _ write: (inout JSONWriter, Element) -> Void
    ) {
        writer.raw("[")
        for (index, element) in elements.enumerated() {
            if index > 0 { writer.raw(",") }
            write(&writer, element)
        }
        writer.raw("]")
    }
}
