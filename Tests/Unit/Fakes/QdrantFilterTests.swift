import Adapters
import Conformance
import Fakes
import Foundation
import Migration
import ServedFakes
import Testing

@Suite struct `Filters and queries of the served Qdrant` {
    private func send(
        _ method: HTTPRequest.Method,
        _ url: String,
        _ key: String,
        _ body: String
    ) async throws -> JSONValue {
        let client = try CurlClient(CurlClient.Options(environment: [:]))
        let headers: HTTPHeaders = ["api-key": key, "content-type": "application/json"]
        let answer = try await client.send(HTTPRequest(method, url, headers: headers, body: Array(body.utf8)))
        try #require(answer.isSuccess, "\(answer.status) \(answer.text)")
        return try JSONParser.parse(Data(answer.body))
    }

    private func withCollection(_ body: (_ url: String, _ key: String) async throws -> Void) async throws {
        let served = ServedFakes(qdrant: QdrantEngine())
        let endpoint = try #require(try await served.start().first)
        let url = endpoint.url + "/collections/filters"
        _ = try await send(.put, url, endpoint.key, PointStoreFilters.collection)
        _ = try await send(.put, url + "/index?wait=true", endpoint.key, PointStoreFilters.index)
        _ = try await send(.put, url + "/points?wait=true", endpoint.key, PointStoreFilters.points)
        try await body(url, endpoint.key)
        await served.stop()
    }

    private func ids(_ answer: JSONValue) -> [String]? {
        answer["result"]?["points"]?.list?.compactMap { $0["id"]?.string ?? $0["id"]?.integer?.description }
    }

    @Test func `find what Qdrant finds`() async throws {
        try await withCollection { url, key in
            for filter in PointStoreFilters.filters {
                let answer = try await send(.post, url + "/points/scroll", key, #"{"filter": \#(filter.json)}"#)
                #expect(ids(answer) == filter.found, "\(filter)")
                let count = try await send(.post, url + "/points/count", key, #"{"filter": \#(filter.json)}"#)
                #expect(count["result"]?["count"]?.integer == Int64(filter.found.count), "\(filter)")
            }
            for query in PointStoreFilters.queries {
                #expect(ids(try await send(.post, url + "/points/query", key, query.json)) == query.found, "\(query)")
            }
        }
    }
}
