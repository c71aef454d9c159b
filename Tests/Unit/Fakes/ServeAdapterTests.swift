import Adapters
import Conformance
import Fakes
import Foundation
import Migration
import ServedFakes
import Settings
import Testing
import TextProcessing

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
        } restrict: { _, limits in
            FakeQdrant(engine: engine).restrict(try JSONParser.parse(Data(limits.utf8)))
        }
        try await suite.check(rule)
        await served.stop()
    }

    @Test(arguments: Trouble.allCases)
    func `a point that can never be written arrives as what it would be in an outage, with a code`(trouble: Trouble)
        async throws
    {
        let engine = QdrantEngine()
        engine.fail { payload in payload["text"]?.string?.contains("s3cret") == true ? trouble : nil }
        let served = ServedFakes(qdrant: engine)
        let endpoint = try #require(try await served.start().first)
        let settings = QdrantPointStore.Settings(url: endpoint.url, key: Secret(endpoint.key), collection: "memos")
        let store = QdrantPointStore(settings, http: try http())
        _ = try await store.ensure(CollectionSchema(dimensions: 2))
        func point(_ text: String) -> Point {
            Point(
                id: PointID(high: 1, low: UInt64(text.utf8.count)),
                recordID: 1,
                memberCode: "m",
                collectionIDs: [],
                checksum: "c",
                profile: "p",
                source: "s",
                parentIndex: 0,
                body: .child(
                    parentID: PointID(high: 2, low: 2),
                    chunkIndex: 0,
                    text: text,
                    vectors: Point.Vectors(dense: [1, 0], sparse: SparseVector(indices: [1], values: [1]))
                )
            )
        }
        do throws(PortFailure) {
            try await store.upsert([point("good"), point("s3cret")], within: .seconds(1))
            Issue.record("it was written")
        } catch {
            let mayBeAnOutage = error.kind == .unavailable || error.kind == .outcomeUnknown
            #expect(mayBeAnOutage || error.code == PortFailure.blocked, "\(error.kind): \(error)")
            #expect(error.code != nil)
            #expect(!error.detail.contains("s3cret"))
        }
        try await store.probe()
        try await store.upsert([point("good")])
        #expect(try await store.count(nil, owner: nil) == 1)
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
        let headers: HTTPHeaders = ["api-key": endpoint.key, "content-type": "application/json"]
        let made = try await http().send(HTTPRequest(.put, collection, headers: headers, body: [UInt8](creation.data)))
        try #require(made.isSuccess)
        let schema = CollectionSchema(dimensions: 8)
        let settings = QdrantPointStore.Settings(url: endpoint.url, key: Secret(endpoint.key), collection: "memos")
        let overHTTP = try await QdrantPointStore(settings, http: http()).inspect(schema)
        let inMemory = try await FakeQdrant(engine: engine).inspect(schema)
        #expect(overHTTP.differences.filter(\.isFatal) == inMemory.differences.filter(\.isFatal))
        let names = overHTTP.differences.filter(\.isFatal).map(\.name)
        let indexes = ["member_code", "summary_id", "type", "checksum", "profile", "source"]
        #expect(names == ["vectors.child.size", "vectors.child.distance"] + indexes.map { "payload_schema.\($0)" })
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
