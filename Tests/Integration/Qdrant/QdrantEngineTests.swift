import Adapters
import Conformance
import Foundation
import Migration
import Testing

@Suite(.needs(.qdrant)) struct `The Qdrant adapter on Qdrant's engine` {
    @Test(arguments: PointStoreConformance.Rule.allCases)
    func `keeps the rules of a point store`(rule: PointStoreConformance.Rule) async throws {
        let server = try #require(TestEnvironment.qdrant)
        let client = try CurlClient(CurlClient.Options(allowsPlaintext: true, environment: [:]))
        let collection = "rules-\(UUID().uuidString.lowercased())"
        let settings = QdrantPointStore.Settings(url: server.url, key: Secret(server.apiKey), collection: collection)
        @Sendable func send(_ method: HTTPRequest.Method, _ path: String, _ body: String = "") async throws -> Int {
            let request = HTTPRequest(
                method,
                "\(server.url)/collections/\(collection)\(path)",
                headers: ["api-key": server.apiKey, "Content-Type": "application/json"],
                body: Array(body.utf8)
            )
            return try await client.send(request).status
        }
        let suite = PointStoreConformance {
            QdrantPointStore(settings, http: client)
        } writeForeign: { _, id, payload in
            let body = "{\"points\":[{\"id\":\"\(id)\",\"vector\":{},\"payload\":\(payload)}]}"
            try #require(try await send(.put, "/points?wait=true", body) == 200)
        }
        do { try await suite.check(rule) } catch {
            _ = try await send(.delete, "")
            throw error
        }
        _ = try await send(.delete, "")
    }
}
