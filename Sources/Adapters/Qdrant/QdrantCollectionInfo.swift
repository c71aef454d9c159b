import Migration

/// A collection's configuration as Qdrant shows it, compared with the schema.
struct QdrantCollectionInfo {
    private let info: JSON

    init(_ info: JSON) { self.info = info }

    // MARK: - The schema

    /// Links per node of the graph, and the width of the search while building it.
    private static let linksPerNode: Int64 = 16
    private static let buildWidth: Int64 = 256

    /// The body that creates the collection.
    static func create(_ schema: CollectionSchema) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw("{\"vectors\":{\"child\":{\"size\":")
        writer.integer(schema.dimensions)
        writer.raw(",\"distance\":\"Cosine\",\"on_disk\":true}},")
        writer.raw("\"sparse_vectors\":{\"child-sparse\":{\"index\":{\"on_disk\":true},\"modifier\":\"idf\"}},")
        writer.raw("\"hnsw_config\":{\"m\":")
        writer.integer(linksPerNode)
        writer.raw(",\"ef_construct\":")
        writer.integer(buildWidth)
        writer.raw("},\"quantization_config\":{\"binary\":{\"always_ram\":true}},\"on_disk_payload\":true}")
        return writer.bytes
    }

    /// The body that creates a payload index.
    static func create(_ index: CollectionSchema.PayloadIndex) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw("{\"field_name\":")
        writer.string(index.field)
        writer.raw(",\"field_schema\":")
        if index.isTenant {
            writer.raw("{\"type\":")
            writer.string(index.type)
            writer.raw(",\"is_tenant\":true}")
        } else {
            writer.string(index.type)
        }
        writer.raw("}")
        return writer.bytes
    }

    // MARK: - The collection

    private var parameters: JSON? { info["config"]?["params"] }
    private var dense: JSON? { parameters?["vectors"]?[CollectionSchema.denseName] }
    private var sparse: JSON? { parameters?["sparse_vectors"]?[CollectionSchema.sparseName] }

    /// The fields that have a payload index.
    var indexedFields: Set<String> { Set((info["payload_schema"]?.object ?? [:]).keys) }

    /// A setting of the graph: the vector's own setting takes precedence over the collection's.
    private func graph(_ name: String) -> Int64? {
        dense?["hnsw_config"]?[name]?.integer ?? info["config"]?["hnsw_config"]?[name]?.integer
    }

    /// The quantization, from either place in the same way.
    private var quantization: JSON? {
        [dense?["quantization_config"], info["config"]?["quantization_config"]].lazy
            .compactMap { $0 }.first { !$0.isNull }
    }

    /// Every difference from the schema, the worst first.
    func differences(from schema: CollectionSchema) -> [CollectionState.Difference] {
        var differences: [CollectionState.Difference] = []
        func compare(_ name: String, _ expected: String, _ found: String?, isFatal: Bool = false) {
            guard found != expected else { return }
            differences.append(
                .init(name: name, expected: expected, found: found ?? "missing", isFatal: isFatal)
            )
        }
        let child = "vectors.\(CollectionSchema.denseName)"
        let childSparse = "sparse_vectors.\(CollectionSchema.sparseName)"
        compare("\(child).size", "\(schema.dimensions)", dense?["size"]?.integer.map { "\($0)" }, isFatal: true)
        if let dense { compare("\(child).distance", "Cosine", dense["distance"]?.string, isFatal: true) }
        if let sparse {
            compare("\(childSparse).modifier", "idf", sparse["modifier"]?.string ?? "none")
            compare("\(childSparse).index.on_disk", "true", text(sparse["index"]?["on_disk"]))
        } else {
            compare(childSparse, "idf", nil, isFatal: true)
        }
        if let dense { compare("\(child).on_disk", "true", text(dense["on_disk"])) }
        compare("hnsw_config.m", "\(Self.linksPerNode)", graph("m").map { "\($0)" })
        compare("hnsw_config.ef_construct", "\(Self.buildWidth)", graph("ef_construct").map { "\($0)" })
        compare("quantization_config", "binary", quantization?.object?.keys.sorted().first)
        if let binary = quantization?["binary"] {
            compare("quantization_config.binary.always_ram", "true", text(binary["always_ram"]))
        }
        compare("on_disk_payload", "true", text(parameters?["on_disk_payload"]))
        return differences + strictDifferences
    }

    /// Differences in the payload indexes and the strict mode.
    var strictDifferences: [CollectionState.Difference] {
        let limits = QdrantLimits(info)
        var differences: [CollectionState.Difference] = []
        for index in CollectionSchema.indexes {
            let name = "payload_schema.\(index.field)"
            let found = info["payload_schema"]?[index.field]
            let isFatal = limits.needsIndexes && index.isFiltered
            guard let found else {
                differences.append(.missing(index, isFatal: isFatal))
                continue
            }
            let type = found["data_type"]?.string
            if type != index.type {
                differences.append(
                    .init(name: name, expected: index.type, found: type ?? "unknown", isFatal: isFatal)
                )
            } else if index.isTenant, found["params"]?["is_tenant"]?.bool != true {
                differences.append(
                    .init(name: "\(name).is_tenant", expected: "true", found: "false", isFatal: false)
                )
            }
        }
        for limit in limits.tooLow {
            differences.append(
                .init(
                    name: "strict_mode_config.\(limit.name)",
                    expected: "\(limit.needed) or more",
                    found: "\(limit.found)",
                    isFatal: true
                )
            )
        }
        if let room = limits.roomMax, let points = info["points_count"]?.integer, points >= room {
            differences.append(.noRoom(points: Int(clamping: points), of: room))
        }
        return differences
    }

    private func text(_ value: JSON?) -> String { value?.bool == true ? "true" : "false" }

    /// Its configuration, in lines for people.
    var description: [String] {
        var lines: [String] = []
        if let vectors = parameters?["vectors"]?.object {
            let named = vectors["size"] == nil ? vectors : ["(unnamed)": .object(vectors)]
            for (name, vector) in named.sorted(by: { $0.key < $1.key }) {
                let size = vector["size"]?.integer.map { "\($0)" } ?? "?"
                let disk = vector["on_disk"]?.bool == true ? ", on disk" : ""
                lines.append("vector \(name): \(size) numbers, \(vector["distance"]?.string ?? "?")\(disk)")
            }
        }
        for (name, vector) in (parameters?["sparse_vectors"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            lines.append("sparse vector \(name)" + (vector["modifier"]?.string.map { ", \($0)" } ?? ""))
        }
        if let links = graph("m"), let width = graph("ef_construct") {
            lines.append("graph: m \(links), ef_construct \(width)")
        }
        lines.append("quantization: " + (quantization?.object?.keys.sorted().joined(separator: ", ") ?? "none"))
        for (field, index) in (info["payload_schema"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            let tenant = index["params"]?["is_tenant"]?.bool == true ? ", tenant" : ""
            lines.append("payload index \(field): \(index["data_type"]?.string ?? "?")\(tenant)")
        }
        lines.append("status: \(info["status"]?.string ?? "unknown")")
        return lines
    }
}
