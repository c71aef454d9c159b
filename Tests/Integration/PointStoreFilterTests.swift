import Adapters
import Conformance
import Fakes
import Foundation
import Migration
import ServedFakes
import Testing

/// The table that the stand-in of Qdrant keeps, asked of Qdrant's own engine.
@Suite(.needs(.qdrant)) struct `Filters and queries of Qdrant's engine` {
    private func send(_ method: HTTPRequest.Method, _ path: String, _ body: String = "") async throws -> JSONValue {
        let qdrant = try #require(TestEnvironment.qdrant)
        let client = try CurlClient(CurlClient.Options(allowsPlaintext: true, environment: [:]))
        let headers: HTTPHeaders = ["api-key": qdrant.apiKey, "content-type": "application/json"]
        let answer = try await client.send(
            HTTPRequest(method, qdrant.url + path, headers: headers, body: Array(body.utf8))
        )
        try #require(answer.isSuccess, "\(answer.status) \(answer.text)")
        return try JSONParser.parse(Data(answer.body))
    }

    private func ids(_ answer: JSONValue) -> [String]? {
        answer["result"]?["points"]?.list?.compactMap { $0["id"]?.string ?? $0["id"]?.integer?.description }
    }

    @Test func `find what the table says`() async throws {
        let path = "/collections/filters-\(SystemEntropy().uuid())"
        _ = try await send(.put, path, PointStoreFilters.collection)
        _ = try await send(.put, path + "/index?wait=true", PointStoreFilters.index)
        _ = try await send(.put, path + "/points?wait=true", PointStoreFilters.points)
        for filter in PointStoreFilters.filters {
            let answer = try await send(.post, path + "/points/scroll", #"{"filter": \#(filter.json)}"#)
            #expect(ids(answer) == filter.found, "\(filter)")
        }
        for query in PointStoreFilters.queries {
            #expect(ids(try await send(.post, path + "/points/query", query.json)) == query.found, "\(query)")
        }
        _ = try await send(.delete, path)
    }
}
