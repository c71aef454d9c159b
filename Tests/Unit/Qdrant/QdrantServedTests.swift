import Adapters
import Conformance
import Fakes
import Migration
import Testing

@Suite struct `The Qdrant adapter on the served stand-in` {
    @Test(arguments: PointStoreConformance.Rule.allCases)
    func `keeps the rules of a point store`(rule: PointStoreConformance.Rule) async throws {
        let served = ServedFakes(qdrant: QdrantEngine())
        let endpoint = try #require(try await served.start().first)
        let client = try CurlClient(CurlClient.Options(environment: [:]))
        let settings = QdrantPointStore.Settings(url: endpoint.url, key: Secret(endpoint.key), collection: "memos")
        let suite = PointStoreConformance {
            QdrantPointStore(settings, http: client)
        } writeForeign: { _, id, payload in
            let body = "{\"points\":[{\"id\":\"\(id)\",\"vector\":{},\"payload\":\(payload)}]}"
            let request = HTTPRequest(
                .put,
                "\(endpoint.url)/collections/memos/points?wait=true",
                headers: ["api-key": endpoint.key, "Content-Type": "application/json"],
                body: Array(body.utf8)
            )
            try #require(try await client.send(request).status == 200)
        }
        do { try await suite.check(rule) } catch {
            await served.stop()
            throw error
        }
        await served.stop()
    }
}
