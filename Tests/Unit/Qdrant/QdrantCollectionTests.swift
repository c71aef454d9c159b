import Migration
import Settings
import Testing

@testable import Adapters

@Suite struct `A Qdrant collection` {
    private static let schema = CollectionSchema(dimensions: 1_536)

    /// What Qdrant shows, its graph and quantization in the place asked for.
    private static func info(
        child: String = "\"size\":1536,\"distance\":\"Cosine\",\"on_disk\":true",
        sparse: String = "\"child-sparse\":{\"index\":{\"on_disk\":true},\"modifier\":\"idf\"}",
        collection: String = "\"hnsw_config\":{\"m\":16,\"ef_construct\":256},"
            + "\"quantization_config\":{\"binary\":{\"always_ram\":true}}",
        tenant: String = "{\"data_type\":\"keyword\",\"params\":{\"type\":\"keyword\",\"is_tenant\":true},\"points\":0}"
    ) throws -> QdrantCollectionInfo {
        let plain = [
            ("summary_id", "integer"), ("collection_ids", "integer"), ("type", "keyword"), ("checksum", "keyword"),
            ("profile", "keyword"), ("source", "keyword"), ("parent_idx", "integer"),
        ]
        let indexes = plain.map { ",\"\($0.0)\":{\"data_type\":\"\($0.1)\",\"points\":0}" }.joined()
        let text =
            "{\"status\":\"green\",\"config\":{\"params\":{\"vectors\":{\"child\":{\(child)}},\"sparse_vectors\":{\(sparse)},"
            + "\"on_disk_payload\":true},\(collection)},\"payload_schema\":{\"member_code\":\(tenant)\(indexes)}}"
        return QdrantCollectionInfo(try JSON(Array(text.utf8)))
    }

    @Test func `that is as needed has no differences, wherever graph and quantization are set`() throws {
        #expect(try Self.info().differences(from: Self.schema) == [])
        let inside = try Self.info(
            child:
                "\"size\":1536,\"distance\":\"Cosine\",\"on_disk\":true,\"hnsw_config\":{\"m\":16,\"ef_construct\":256},"
                + "\"quantization_config\":{\"binary\":{\"always_ram\":true}}",
            collection: "\"hnsw_config\":{\"m\":0,\"ef_construct\":100},\"quantization_config\":null"
        )
        #expect(inside.differences(from: Self.schema) == [])
    }

    @Test func `that differs names each difference, and which of them is fatal`() throws {
        let other = try Self.info(
            child: "\"size\":768,\"distance\":\"Dot\"",
            sparse: "",
            collection: "\"hnsw_config\":{\"m\":32,\"ef_construct\":100},\"quantization_config\":{\"scalar\":{}}",
            tenant: "{\"data_type\":\"keyword\",\"points\":0}"
        )
        let differences = other.differences(from: Self.schema)
        #expect(
            differences.map(\.name) == [
                "vectors.child.size", "vectors.child.distance", "sparse_vectors.child-sparse", "vectors.child.on_disk",
                "hnsw_config.m", "hnsw_config.ef_construct", "quantization_config",
                "payload_schema.member_code.is_tenant",
            ]
        )
        #expect(differences.filter(\.isFatal).map(\.found) == ["768", "Dot", "missing"])
    }

    @Test func `whose only vector has no name lacks ours`() throws {
        let text =
            "{\"config\":{\"params\":{\"vectors\":{\"size\":1536,\"distance\":\"Cosine\"}}},\"payload_schema\":{}}"
        let info = QdrantCollectionInfo(try JSON(Array(text.utf8)))
        let fatal = info.differences(from: Self.schema).filter(\.isFatal)
        #expect(fatal.map(\.name) == ["vectors.child.size", "sparse_vectors.child-sparse"])
        #expect(info.description.first == "vector (unnamed): 1536 numbers, Cosine")
    }

    @Test func `that somebody else creates at the same moment is compared like any other`() async throws {
        let http = ScriptedExchange { request in
            let answer: (Int, String) =
                switch (request.method, request.url) {
                case (.put, let path) where path.hasSuffix("?timeout=60"): (409, "{\"status\":{\"error\":\"exists\"}}")
                case (.get, "https://q.example/"): (200, "{\"title\":\"qdrant\",\"version\":\"1.9.3\"}")
                case (.get, _): (404, "{\"status\":{\"error\":\"Not found: Collection `memos` doesn't exist!\"}}")
                default: (200, "{\"result\":{\"status\":\"completed\"}}")
                }
            return .success(HTTPResponse(status: answer.0, body: Array(answer.1.utf8)))
        }
        let settings = QdrantPointStore.Settings(url: "https://q.example", key: Secret(""), collection: "memos")
        let state = try await QdrantPointStore(settings, http: http).ensure(Self.schema)
        #expect(!state.exists)
        #expect(state.server == "Qdrant 1.9.3")
        let indexes = http.requests.filter { $0.url.contains("/index?wait=true") }.map {
            String(decoding: $0.body, as: UTF8.self)
        }
        #expect(
            indexes.first
                == "{\"field_name\":\"member_code\",\"field_schema\":{\"type\":\"keyword\",\"is_tenant\":true}}"
        )
        #expect(indexes.count == 8)
        #expect(http.requests.allSatisfy { $0.headers["api-key"] == nil })
    }
}
