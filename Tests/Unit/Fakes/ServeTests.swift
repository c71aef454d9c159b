import Adapters
import Conformance
import Fakes
import Foundation
import Migration
import ServedFakes
import Testing

/// A served fake for the time of a test.
private func withServed(
    openAI: FakeOpenAI? = nil,
    qdrant: QdrantEngine? = nil,
    supabase: (any JobStore)? = nil,
    faults: FaultHook = .none,
    _ body: (ServedFakes.Endpoint, CurlClient) async throws -> Void
) async throws {
    let served = ServedFakes(openAI: openAI, qdrant: qdrant, supabase: supabase, faults: faults)
    let endpoints = try await served.start()
    do {
        try await body(try #require(endpoints.first), try CurlClient(CurlClient.Options(environment: [:])))
    } catch {
        await served.stop()
        throw error
    }
    await served.stop()
}

private func request(_ method: HTTPRequest.Method, _ url: String, key: String, _ body: JSONValue? = nil) -> HTTPRequest
{
    HTTPRequest(
        method,
        url,
        headers: ["Authorization": "Bearer \(key)", "apikey": key, "Content-Type": "application/json"],
        body: body.map { [UInt8]($0.data) } ?? []
    )
}

extension HTTPResponse {
    fileprivate var json: JSONValue { (try? JSONParser.parse(Data(body))) ?? .null }
}

@Suite struct `Served fakes` {
    private let time = Time(ContinuousClock())

    @Test func `answer on loopback, each on its own port, with the settings that lead there`() async throws {
        let store = FakeSupabase(time: time, entropy: SystemEntropy())
        let served = ServedFakes(openAI: FakeOpenAI(time: time), qdrant: QdrantEngine(), supabase: store)
        let endpoints = try await served.start()
        #expect(endpoints.map(\.kind) == [.openai, .qdrant, .supabase])
        #expect(Set(endpoints.map(\.url)).count == 3)
        #expect(endpoints.allSatisfy { $0.url.hasPrefix("http://127.0.0.1:") })
        #expect(Set(endpoints.map(\.key)).count == 3)
        let names = endpoints.flatMap { $0.environment.map(\.name) }
        let expected = [
            "OPENAI_BASE_URL", "OPENAI_API_KEY", "QDRANT_URL", "QDRANT_API_KEY", "SUPABASE_URL", "SUPABASE_KEY",
        ]
        #expect(names == expected)
        await served.stop()
        await served.run()
    }

    @Test func `a port that is taken is said at once`() async throws {
        let first = ServedFakes(qdrant: QdrantEngine())
        let url = try #require(try await first.start().first?.url)
        let port = try #require(URL(string: url)?.port.flatMap(UInt16.init(exactly:)))
        let second = ServedFakes(qdrant: QdrantEngine(), port: port)
        let failure = await #expect(throws: PortFailure.self) { try await second.start() }
        #expect(failure?.kind == .unavailable)
        await first.stop()
    }

    @Test func `a fault before the call is 503, and one after it 504 with the work done`() async throws {
        let openAI = FakeOpenAI(dimensions: 8, time: time)
        let body: JSONValue = ["model": "text-embedding-3-small", "input": "hello"]
        let before = FaultHook(before: { _ throws(PortFailure) in throw PortFailure(.unavailable, "down") })
        try await withServed(openAI: openAI, faults: before) { endpoint, client in
            let answer = try await client.send(request(.post, endpoint.url + "/embeddings", key: endpoint.key, body))
            #expect(answer.status == 503)
            #expect(openAI.totals.requests == 0)
        }
        let after = FaultHook(after: { _ throws(PortFailure) in throw PortFailure(.outcomeUnknown, "lost") })
        try await withServed(openAI: openAI, faults: after) { endpoint, client in
            let answer = try await client.send(request(.post, endpoint.url + "/embeddings", key: endpoint.key, body))
            #expect(answer.status == 504)
            #expect(openAI.totals.requests == 1)
        }
    }

    // MARK: - OpenAI

    @Test func `OpenAI answers floats or base64 of the same vectors, with usage`() async throws {
        let openAI = FakeOpenAI(dimensions: 16, time: time)
        let expected = try await openAI.embed(["hello world", "東京"])
        try await withServed(openAI: openAI) { endpoint, client in
            for format: JSONValue in ["float", "base64", .null] {
                let body: JSONValue = [
                    "model": "text-embedding-3-small", "input": ["hello world", "東京"], "encoding_format": format,
                ]
                let answer = try await client.send(
                    request(.post, endpoint.url + "/embeddings", key: endpoint.key, body)
                )
                #expect(answer.status == 200)
                #expect(answer.json["object"] == "list")
                #expect(answer.json["usage"]?["total_tokens"]?.integer == expected.tokens.map { Int64($0) })
                let data = try #require(answer.json["data"]?.list)
                #expect(data.compactMap { $0["index"]?.integer } == [0, 1])
                for (item, vector) in zip(data, expected.vectors) {
                    if let text = item["embedding"]?.string {
                        let raw = try #require(Data(base64Encoded: text))
                        let bytes = vector.flatMap { number in
                            (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * $0)) }
                        }
                        #expect(raw == Data(bytes))
                    } else {
                        #expect(item["embedding"]?.floats == vector)
                    }
                }
            }
        }
    }

    @Test func `OpenAI refuses in its own words`() async throws {
        let openAI = FakeOpenAI(dimensions: 8, time: time)
        try await withServed(openAI: openAI) { endpoint, client in
            func answer(_ body: JSONValue, key: String? = nil) async throws -> HTTPResponse {
                try await client.send(request(.post, endpoint.url + "/embeddings", key: key ?? endpoint.key, body))
            }
            let model: JSONValue = "text-embedding-3-small"
            let wrongKey = try await answer(["model": model, "input": "a"], key: "sk-wrong")
            #expect(wrongKey.status == 401)
            #expect(wrongKey.json["error"]?["code"] == "invalid_api_key")
            let unknown = try await answer(["model": model, "input": "a", "truncate": true])
            #expect(unknown.status == 400)
            #expect(unknown.json["error"]?["param"] == "truncate")
            let blank = try await answer(["model": model, "input": ["a", " "]])
            #expect(blank.status == 400)
            #expect(blank.json["error"]?["message"]?.string?.hasPrefix("'$.input' is invalid") == true)
            #expect(try await answer(["model": "gpt-9", "input": "a"]).status == 404)
            #expect(
                try await answer(["model": model, "input": .list(Array(repeating: "a", count: 2_049))]).status == 400
            )
            openAI.update { $0.isOutOfMoney = true }
            let noMoney = try await answer(["model": model, "input": "a"])
            #expect(noMoney.status == 429)
            #expect(noMoney.json["error"]?["code"] == "insufficient_quota")
            #expect(noMoney.headers["retry-after"] == nil)
        }
    }

    @Test func `OpenAI states its limits in headers and its wait in a 429`() async throws {
        // On a clock that stands still: the bucket would refill while the answers travel.
        let openAI = FakeOpenAI(dimensions: 8, time: Time(SteppedClock()), countTokens: { _ in 600 })
        openAI.update { $0.tokensPerMinute = 1_000 }
        try await withServed(openAI: openAI) { endpoint, client in
            let body: JSONValue = ["model": "text-embedding-3-small", "input": "a"]
            let call = request(.post, endpoint.url + "/embeddings", key: endpoint.key, body)
            let first = try await client.send(call)
            #expect(first.status == 200)
            #expect(first.headers["x-ratelimit-limit-tokens"] == "1000")
            #expect(first.headers["x-ratelimit-remaining-tokens"] == "400")
            #expect(first.headers["x-ratelimit-limit-requests"] == nil)
            let second = try await client.send(call)
            #expect(second.status == 429)
            #expect(second.json["error"]?["type"] == "tokens")
            let wait = try #require(second.headers["retry-after-ms"].flatMap(Int.init))
            #expect((1..<12_001).contains(wait))
            #expect(second.headers["retry-after"] == "\((wait + 999) / 1_000)")
            #expect(second.json["error"]?["message"]?.string?.contains("Limit 1000, Used 600") == true)
        }
    }

    // MARK: - Qdrant

    @Test func `Qdrant keeps, filters, counts and deletes points over REST`() async throws {
        try await withServed(qdrant: QdrantEngine()) { endpoint, client in
            let collection = endpoint.url + "/collections/memos"
            func call(_ method: HTTPRequest.Method, _ path: String, _ body: JSONValue? = nil) async throws
                -> HTTPResponse
            {
                try await client.send(request(method, collection + path, key: endpoint.key, body))
            }
            let creation: JSONValue = [
                "vectors": ["child": ["size": 3, "distance": "Cosine"]],
                "sparse_vectors": ["child-sparse": ["modifier": "idf"]],
            ]
            #expect(try await call(.get, "").status == 404)
            #expect(try await call(.put, "", creation).json["result"] == true)
            #expect(try await call(.put, "", creation).status == 409)
            let index: JSONValue = ["field_name": "summary_id", "field_schema": "integer"]
            #expect(try await call(.put, "/index?wait=true", index).json["result"]?["status"] == "completed")
            let points: [JSONValue] = (1...5).map { number in
                [
                    "id": .integer(number),
                    "vector": [
                        "child": [.number(Double(number)), 1, 0.5],
                        "child-sparse": ["indices": [7, 3], "values": [1, .integer(number)]],
                    ],
                    "payload": ["summary_id": .integer(.max - number), "type": number < 3 ? "a" : "b"],
                ]
            }
            let upsert = try await call(.put, "/points?wait=true", ["points": .list(points)])
            #expect(upsert.json["result"]?["status"] == "completed")
            let filter: JSONValue = [
                "must": ["key": "summary_id", "match": ["any": [.integer(.max - 2), .integer(.max - 3)]]],
                "must_not": ["key": "type", "match": ["value": "a"]],
            ]
            for path in ["/points/scroll", "/points/count", "/points/delete?wait=true"] {
                let refused = try await call(.post, path, ["filter": filter])
                #expect(refused.status == 400)
                let text = refused.json["status"]?["error"]?.string ?? ""
                #expect(
                    text.contains(#"Index required but not found for "type" of one of the following types: [keyword"#)
                )
                #expect(text.contains("Help: Create an index for this key"))
            }
            let kind: JSONValue = ["field_name": "type", "field_schema": "keyword"]
            #expect(try await call(.put, "/index?wait=true", kind).json["result"]?["status"] == "completed")
            let found = try await call(.post, "/points/scroll", ["filter": filter, "with_payload": ["summary_id"]])
            #expect(found.json["result"]?["points"] == [["id": 3, "payload": ["summary_id": .integer(.max - 3)]]])
            let page = try await call(.post, "/points/scroll", ["limit": 2, "offset": 2, "with_payload": false])
            #expect(page.json["result"] == ["points": [["id": 2], ["id": 3]], "next_page_offset": 4])
            _ = try await call(.post, "/points/delete?wait=true", ["filter": filter])
            #expect(try await call(.post, "/points/count", ["exact": true]).json["result"] == ["count": 4])
        }
    }

    @Test func `Qdrant refuses in its own words`() async throws {
        try await withServed(qdrant: QdrantEngine()) { endpoint, client in
            let collection = endpoint.url + "/collections/c"
            let creation: JSONValue = [
                "vectors": ["child": ["size": 3, "distance": "Cosine"]], "sparse_vectors": ["sparse": .object([:])],
            ]
            _ = try await client.send(request(.put, collection, key: endpoint.key, creation))
            func refusal(_ vector: JSONValue) async throws -> (Int, String?) {
                let body: JSONValue = ["points": [["id": 1, "vector": vector]]]
                let answer = try await client.send(request(.put, collection + "/points", key: endpoint.key, body))
                return (answer.status, answer.json["status"]?["error"]?.string)
            }
            let size = "Wrong input: Vector dimension error: expected dim: 3, got 2 for vector 'child'"
            #expect(try await refusal(["child": [1, 2]]) == (400, size))
            #expect(try await refusal(["x": [1, 2, 3]]) == (400, "Wrong input: Not existing vector name error: x"))
            let double = try await refusal(["sparse": ["indices": [1, 1], "values": [1, 2]]])
            #expect(double.0 == 422)
            let empty = try await client.send(request(.put, collection + "/points", key: endpoint.key, ["points": []]))
            #expect(empty.status == 400)
            let noKey = try await client.send(HTTPRequest(.get, collection))
            #expect(noKey.status == 401)
            #expect(noKey.text == "Must provide an API key or an Authorization bearer token")
            #expect(try await client.send(request(.get, collection, key: "x")).text == "Invalid API key or JWT")
            #expect(try await client.send(HTTPRequest(.get, endpoint.url + "/readyz")).text == "all shards are ready")
            let huge = HTTPRequest(
                .put,
                collection + "/points",
                headers: ["api-key": endpoint.key],
                body: Array(repeating: 32, count: 33 << 20)
            )
            let tooLarge = try await client.send(huge)
            #expect(tooLarge.status == 400)
            #expect(tooLarge.text.contains("is larger than allowed (limit: 33554432 bytes)"))
        }
    }

    // MARK: - Supabase

    @Test func `Supabase calls the store's functions and knows no others`() async throws {
        let store = FakeSupabase(time: time, entropy: SystemEntropy())
        try await withServed(supabase: store) { endpoint, client in
            let functions = endpoint.url + "/rest/v1/rpc/"
            #expect(endpoint.key.hasPrefix("sb_secret_"))
            let version = try await client.send(
                request(.post, functions + SchemaVersion.function, key: endpoint.key, .object([:]))
            )
            #expect(version.status == 200)
            let answer = try TrackingJSON.decodeAnswer(SchemaVersion.Answer.self, from: Data(version.body))
            #expect(answer == FakeSupabase.schemaVersion)
            let unknown = try await client.send(request(.post, functions + "drop_everything", key: endpoint.key, [:]))
            #expect(unknown.status == 404)
            #expect(unknown.json["code"] == "PGRST202")
            let claim = try await client.send(
                request(.post, functions + ClaimNextBatch.function, key: endpoint.key, ["p_job": 1])
            )
            #expect(claim.json["code"] == "PGRST202")
            let wrongKey = try await client.send(request(.post, functions + "x", key: "sb_secret_wrong"))
            #expect(wrongKey.status == 401)
            #expect(wrongKey.json["code"] == "PGRST301")
        }
    }
}
