import Adapters
import Conformance
import Migration
import Settings
import Testing

/// Qdrant's adapter over HTTP against Qdrant itself, or its engine behind our façade.
@Suite(.needs(.qdrant)) struct `Qdrant's adapter over Qdrant's engine` {
    @Test(arguments: PointStoreConformance.Rule.allCases)
    func `keeps the rules of a point store`(rule: PointStoreConformance.Rule) async throws {
        let qdrant = try #require(TestEnvironment.qdrant)
        let http = try CurlClient(CurlClient.Options(allowsPlaintext: true, environment: [:]))
        let name = "conformance-" + SystemEntropy().uuid()
        let url = "\(qdrant.url)/collections/\(name)"
        let headers: HTTPHeaders = ["api-key": qdrant.apiKey, "content-type": "application/json"]
        let suite = PointStoreConformance {
            let key = Secret(qdrant.apiKey)
            return QdrantPointStore(.init(url: qdrant.url, key: key, collection: name), http: http)
        } writeForeign: { _, id, payload in
            let body = #"{"points": [{"id": "\#(id)", "vector": {}, "payload": \#(payload)}]}"#
            let request = HTTPRequest(.put, url + "/points?wait=true", headers: headers, body: Array(body.utf8))
            let answer = try await http.send(request)
            try #require(answer.isSuccess, "\(answer.status) \(answer.text)")
        } restrict: { _, limits in
            let body = #"{"strict_mode_config": \#(limits)}"#
            let answer = try await http.send(HTTPRequest(.patch, url, headers: headers, body: Array(body.utf8)))
            try #require(answer.isSuccess, "\(answer.status) \(answer.text)")
        }
        try await suite.check(rule)
        _ = try await http.send(HTTPRequest(.delete, url, headers: headers))
    }
}
