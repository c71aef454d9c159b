import Migration

extension QdrantCollection {
    private static let hnsw: JSONValue = [
        "m": 16, "ef_construct": 100, "full_scan_threshold": 10_000, "max_indexing_threads": 0,
    ]
    private static let optimizers: JSONValue = [
        "deleted_threshold": 0.2, "vacuum_min_vector_number": 1_000, "default_segment_number": 0,
        "indexing_threshold": 10_000, "flush_interval_sec": 5,
    ]

    /// The `result` of `GET /collections/{name}`.
    package var info: JSONValue {
        let vectors = config["vectors"] ?? [:]
        let params: JSONValue = [
            "vectors": (vectors.object?.count == 1 ? vectors[""] : nil) ?? vectors,
            "sparse_vectors": config["sparse_vectors"] ?? [:],
            "shard_number": config["shard_number"] ?? 1,
            "replication_factor": 1,
            "write_consistency_factor": 1,
            "on_disk_payload": config["on_disk_payload"] ?? true,
        ]
        var schema: [String: JSONValue] = [:]
        for (field, given) in indexes {
            var entry: [String: JSONValue] = ["points": .integer(Int64(indexedPoints(field)))]
            entry["data_type"] = given["type"] ?? given
            entry["params"] = given["type"] == nil ? nil : given
            schema[field] = .object(entry)
        }
        return [
            "status": "green",
            "optimizer_status": "ok",
            "points_count": .integer(Int64(points.count)),
            "indexed_vectors_count": .integer(Int64(points.values.reduce(0) { $0 + $1.dense.count + $1.sparse.count })),
            "segments_count": 1,
            "config": [
                "params": params,
                "hnsw_config": Self.hnsw.merged(with: config["hnsw_config"] ?? [:]),
                "optimizer_config": Self.optimizers.merged(with: config["optimizers_config"] ?? [:]),
                "wal_config": ["wal_capacity_mb": 32, "wal_segments_ahead": 0],
                "quantization_config": config["quantization_config"] ?? .null,
                "strict_mode_config": config["strict_mode_config"] ?? .null,
            ],
            "payload_schema": .object(schema),
            "update_queue": ["length": 0, "deferred_points": 0],
        ]
    }

    /// The body that creates a collection for this schema.
    static func body(for schema: CollectionSchema) -> JSONValue {
        [
            "vectors": [
                CollectionSchema.denseName: [
                    "size": .integer(Int64(schema.dimensions)), "distance": "Cosine", "on_disk": true,
                ]
            ],
            "sparse_vectors": [
                CollectionSchema.sparseName: ["index": ["on_disk": true], "modifier": "idf"]
            ],
            "hnsw_config": ["m": 16, "ef_construct": 256],
            "quantization_config": ["binary": ["always_ram": true]],
            "on_disk_payload": true,
        ]
    }

    /// Every difference from the schema.
    func differences(from schema: CollectionSchema) -> [CollectionState.Difference] {
        var differences: [CollectionState.Difference] = []
        func compare(_ name: String, _ expected: String, _ found: String?, isFatal: Bool) {
            guard found != expected else { return }
            let found = found ?? "missing"
            differences.append(.init(name: name, expected: expected, found: found, isFatal: isFatal))
        }
        let child = CollectionSchema.denseName
        let sparseChild = CollectionSchema.sparseName
        let space = dense[child]
        compare("vectors.\(child).size", "\(schema.dimensions)", space.map { "\($0.size)" }, isFatal: true)
        if let space {
            compare("vectors.\(child).distance", "Cosine", space.distance.rawValue, isFatal: true)
        }
        if let weighsRarity = sparse[sparseChild] {
            compare("sparse_vectors.\(sparseChild).modifier", "idf", weighsRarity ? "idf" : "none", isFatal: false)
        } else {
            compare("sparse_vectors.\(sparseChild)", "idf", nil, isFatal: true)
        }
        let hnsw = Self.hnsw.merged(with: config["hnsw_config"] ?? [:])
            .merged(with: config["vectors"]?[child]?["hnsw_config"] ?? [:])
        compare("hnsw_config.m", "16", hnsw["m"]?.integer.map(String.init), isFatal: false)
        compare("hnsw_config.ef_construct", "256", hnsw["ef_construct"]?.integer.map(String.init), isFatal: false)
        let binary =
            config["quantization_config"]?["binary"] ?? config["vectors"]?[child]?["quantization_config"]?["binary"]
        compare("quantization_config", "binary", binary.map { _ in "binary" }, isFatal: false)
        for index in schema.payloadIndexes {
            let isFatal = (strict.forbidsUnindexedReads || strict.forbidsUnindexedUpdates) && index.isFiltered
            guard let given = indexes[index.field] else {
                differences.append(.missing(index, isFatal: isFatal))
                continue
            }
            compare("payload_schema.\(index.field)", index.type, (given["type"] ?? given).string, isFatal: isFatal)
        }
        if let most = strict.pointsMax, points.count >= most {
            differences.append(.noRoom(points: points.count, of: most))
        }
        return differences
    }

    /// Its configuration in lines for people.
    var summary: [String] {
        dense.keys.sorted().compactMap { name in
            dense[name].map { "vector \(name): \($0.size) numbers, \($0.distance.rawValue)" }
        }
            + sparse.keys.sorted().map { "sparse vector \($0)" + (sparse[$0] == true ? ", idf" : "") }
            + indexes.keys.sorted().map { "payload index \($0)" }
    }
}
