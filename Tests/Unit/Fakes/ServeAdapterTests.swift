import Adapters
import Conformance
import Fakes
import Foundation
import Migration
import Testing

/// The production adapters over HTTP against the served fakes: the same rules that the fakes keep in memory.
@Suite struct `Production adapters over the served fakes` {
    private func http() throws -> CurlClient { try CurlClient(CurlClient.Options(environment: [:])) }

    @Test(arguments: EmbedderConformance.Rule.allCases)
    func `OpenAI's adapter keeps the rules of an embedder`(rule: EmbedderConformance.Rule) async throws {
        let openAI = FakeOpenAI(dimensions: 64, time: Time(ContinuousClock()))
        let served = ServedFakes(openAI: openAI)
        let endpoint = try #require(try await served.start().first)
        let http = try http()
        let suite = EmbedderConformance(dimensions: 64) { account in
            try await openAI.become(account)
            let key = Secret(endpoint.key)
            return OpenAIEmbedder(.init(baseURL: endpoint.url, key: key, dimensions: 64), http: http)
        }
        try await suite.check(rule)
        await served.stop()
    }

    @Test(arguments: PointStoreConformance.Rule.allCases)
    func `Qdrant's adapter keeps the rules of a point store`(rule: PointStoreConformance.Rule) async throws {
        let engine = QdrantEngine()
        let served = ServedFakes(qdrant: engine)
        let endpoint = try #require(try await served.start().first)
        let http = try http()
        let suite = PointStoreConformance {
            QdrantPointStore(.init(url: endpoint.url, key: Secret(endpoint.key), collection: "memos"), http: http)
        } writeForeign: { _, id, payload in
            try engine.write(id, payload: JSONParser.parse(Data(payload.utf8)).object ?? [:], into: "memos")
        }
        try await suite.check(rule)
        await served.stop()
    }

    @Test func `Qdrant's adapter and the stand-in see the same differences`() async throws {
        let engine = QdrantEngine()
        let served = ServedFakes(qdrant: engine)
        let endpoint = try #require(try await served.start().first)
        let collection = endpoint.url + "/collections/memos"
        let creation: JSONValue = [
            "vectors": ["child": ["size": 4, "distance": "Dot", "on_disk": true]],
            "sparse_vectors": ["child-sparse": ["index": ["on_disk": true]]],
        ]
        let headers: HTTPHeaders = ["api-key": endpoint.key]
        let made = try await http().send(HTTPRequest(.put, collection, headers: headers, body: [UInt8](creation.data)))
        try #require(made.isSuccess)
        let schema = CollectionSchema(dimensions: 8)
        let settings = QdrantPointStore.Settings(url: endpoint.url, key: Secret(endpoint.key), collection: "memos")
        let overHTTP = try await QdrantPointStore(settings, http: http()).inspect(schema)
        let inMemory = try await FakeQdrant(engine: engine).inspect(schema)
        #expect(overHTTP.differences.filter(\.isFatal) == inMemory.differences.filter(\.isFatal))
        #expect(overHTTP.differences.count { $0.isFatal } == 2)
        #expect(Set(inMemory.differences.map(\.name)).isSubset(of: overHTTP.differences.map(\.name)))
        await served.stop()
    }

    @Test func `a request above the minute's limit is rejected, not waited for`() async throws {
        let openAI = FakeOpenAI(dimensions: 8, time: Time(ContinuousClock()), countTokens: { _ in 2_000 })
        openAI.update { $0.tokensPerMinute = 1_000 }
        let inMemory = await #expect(throws: PortFailure.self) { try await openAI.embed(["a"]) }
        let served = ServedFakes(openAI: openAI)
        let endpoint = try #require(try await served.start().first)
        let settings = OpenAIEmbedder.Settings(baseURL: endpoint.url, key: Secret(endpoint.key), dimensions: 8)
        let embedder = OpenAIEmbedder(settings, http: try http())
        let overHTTP = await #expect(throws: PortFailure.self) { try await embedder.embed(["a"]) }
        #expect(overHTTP?.kind == .rejected)
        #expect(inMemory?.kind == overHTTP?.kind)
        await served.stop()
    }
}
