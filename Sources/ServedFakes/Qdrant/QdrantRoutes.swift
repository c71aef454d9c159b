import Fakes

/// What Qdrant's interface has, and what the fake serves of it.
package struct QdrantRoutes: Sendable {
    /// One method and path.
    struct Route: Sendable {
        let method: String
        /// The path's parts; one in braces stands for any text.
        let path: [String]
        /// The name of the body's shape; nil = no body, or one that is not JSON.
        let body: String?

        var name: String { "\(method) /\(path.joined(separator: "/"))" }

        fileprivate func matches(_ method: String, _ path: [String]) -> Bool {
            method == self.method && path.count == self.path.count
                && zip(path, self.path).allSatisfy { $0 == $1 || $1.hasPrefix("{") }
        }
    }

    static let all: [Route] = QdrantShapes.routes.split(separator: "\n").map { line in
        let words = line.split(separator: " ").map(String.init)
        let path = words[1].split(separator: "/").map(String.init)
        let hasShape = words[2] != "-" && words[2] != "form"
        return Route(method: words[0], path: path, body: hasShape ? words[2] : nil)
    }

    static let check = ShapeCheck(shapes: Shape.table(QdrantShapes.shapes), unserved: unserved)

    /// The route of a request; nil if Qdrant has none.
    ///
    /// An exact part of a path comes before one that stands for any text.
    static func route(_ method: String, _ path: [String]) -> Route? {
        all.filter { $0.matches(method, path) }.min { left, right in
            left.path.count { $0.hasPrefix("{") } < right.path.count { $0.hasPrefix("{") }
        }
    }

    /// Routes with an answer of the fake.
    static let served: Set<String> = [
        "GET /", "GET /healthz", "GET /livez", "GET /readyz", "GET /collections",
        "GET /collections/{collection_name}", "PUT /collections/{collection_name}",
        "PATCH /collections/{collection_name}", "DELETE /collections/{collection_name}",
        "GET /collections/{collection_name}/exists", "GET /collections/{collection_name}/optimizations",
        "GET /collections/{collection_name}/aliases", "GET /aliases", "POST /collections/aliases",
        "PUT /collections/{collection_name}/index", "DELETE /collections/{collection_name}/index/{field_name}",
        "GET /collections/{collection_name}/points/{id}", "POST /collections/{collection_name}/points",
        "PUT /collections/{collection_name}/points", "POST /collections/{collection_name}/points/delete",
        "POST /collections/{collection_name}/points/payload", "PUT /collections/{collection_name}/points/payload",
        "POST /collections/{collection_name}/points/payload/delete",
        "POST /collections/{collection_name}/points/payload/clear",
        "POST /collections/{collection_name}/points/batch", "POST /collections/{collection_name}/points/scroll",
        "POST /collections/{collection_name}/points/count", "POST /collections/{collection_name}/points/query",
        "POST /collections/{collection_name}/points/query/batch",
    ]

    /// Parts of served requests that the fake does not serve: whole shapes, or members of a shape.
    static let unserved: Set<String> = [
        // Vectors: several per name, made by the server, or changed without the rest of the point.
        "MultiVectorConfig", "Image", "InferenceObject", "Document", "UpdateVectorsOperation",
        "DeleteVectorsOperation", "VectorParams.datatype", "VectorParams.multivector_config",
        "SparseIndexParams.datatype",
        // Queries.
        "RecommendQuery", "DiscoverQuery", "ContextQuery", "FormulaQuery", "SampleQuery", "RelevanceFeedbackQuery",
        "Mmr", "SearchParams.idf", "LookupLocation", "SliceCondition",
        // Places on earth.
        "GeoBoundingBox", "GeoRadius", "GeoPolygon", "GeoIndexParams",
        // Shards that a client chooses.
        "ShardKey", "ShardKeySelector", "CreateCollection.sharding_method",
        // Full-text indexes with other words than those between spaces and signs.
        "TextIndexParams.stemmer", "TextIndexParams.stopwords", "TextIndexParams.ascii_folding",
    ]

    /// Parts that the fake stores and shows, or that name a way to the same result: they change no answer.
    static let withoutEffect: [String] = [
        "CreateCollection.hnsw_config", "CreateCollection.wal_config", "CreateCollection.optimizers_config",
        "CreateCollection.quantization_config", "CreateCollection.on_disk_payload",
        "CreateCollection.replication_factor", "CreateCollection.write_consistency_factor",
        "CreateCollection.shard_number", "SearchParams.hnsw_ef", "SearchParams.exact", "SearchParams.indexed_only",
        "SearchParams.quantization", "SearchParams.acorn",
    ]
}
