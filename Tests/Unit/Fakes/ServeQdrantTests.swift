import Foundation
import Migration
import Testing

@testable import Fakes
@testable import ServedFakes

@Suite struct `Qdrant's interface, served` {
    private struct Answer {
        let status: Int
        let json: JSONValue
        let text: String
    }

    /// A service without a socket, with a collection `c` of four numbers.
    private func service() async throws -> QdrantService {
        let service = QdrantService(engine: QdrantEngine(), key: "k")
        let body = #"""
            {"vectors": {"child": {"size": 2, "distance": "Dot"}}, "strict_mode_config": {"enabled": false}}
            """#
        try #require(await send(service, "PUT", "collections/c", body).status == 200)
        return service
    }

    private func send(
        _ service: QdrantService,
        _ method: String,
        _ path: String,
        _ body: String = "",
        query: [String: String] = ["wait": "true"],
        type: String? = "application/json"
    ) async -> Answer {
        var headers = ["api-key": "k"]
        headers["content-type"] = type
        let request = ServedRequest(
            method: method,
            path: path.split(separator: "/").map(String.init),
            query: query,
            headers: headers,
            body: Data(body.utf8)
        )
        let answer = await service.answer(request)
        let text = String(decoding: answer.body, as: UTF8.self)
        return Answer(status: answer.status, json: (try? JSONParser.parse(answer.body)) ?? .null, text: text)
    }

    @Test func `has a shape for every name, and a place for everything that it does not serve`() {
        let shapes = QdrantRoutes.check.shapes
        for route in QdrantRoutes.all {
            if let body = route.body { #expect(shapes[body] != nil, "\(route.name)") }
        }
        let names = Set(QdrantRoutes.all.map(\.name))
        #expect(QdrantRoutes.served.subtracting(names).isEmpty)
        for place in Array(QdrantRoutes.unserved) + QdrantRoutes.withoutEffect {
            let parts = place.split(separator: ".").map(String.init)
            guard let shape = shapes[parts[0]] else {
                Issue.record("no shape \(parts[0])")
                continue
            }
            guard parts.count == 2, case .object(let members, _) = shape else {
                #expect(parts.count == 1, "\(place)")
                continue
            }
            #expect(members.contains { $0.name == parts[1] }, "\(place)")
        }
    }

    @Test(arguments: [
        (
            "PUT", "collections/c/points", #"{"points": [{"id": -1, "vector": {}}]}"#, 400,
            "value -1 is not a valid point ID"
        ),
        (
            "PUT", "collections/c/points", #"{"points": [{"id": "x", "vector": {}}]}"#, 400,
            "value x is not a valid point ID"
        ),
        ("PUT", "collections/c/points", #"{"points": [{"id": 1}]}"#, 400, "missing field `vector`"),
        (
            "PUT", "collections/c/points", #"{"points": [{"id": 1, "vector": {"child": [1]}}]}"#, 400,
            "for vector 'child'"
        ),
        (
            "PUT", "collections/c/points", #"{"points": [{"id": 1, "vector": {"child": [1e39, 0]}}]}"#, 400,
            "Format error"
        ),
        ("PUT", "collections/c/points", "[]", 400, "Format error"),
        ("PUT", "collections/c/points", "", 400, "Format error"),
        (
            "POST", "collections/c/points/query", #"{"query": [1, 2], "using": "child", "offset": -1}"#, 400,
            "Format error"
        ),
        (
            "POST", "collections/c/points/query", #"{"prefetch": [{"query": [1], "limit": 0}]}"#, 422,
            "must be 1 or larger"
        ),
        ("POST", "collections/c/points/query", #"{"query": {"recommend": {"positive": [1]}}}"#, 501, "RecommendQuery"),
        ("POST", "collections/c/points/query", #"{"query": 7, "using": "child"}"#, 404, "No point with id 7 found"),
        ("POST", "collections/c/points/query", #"{"lookup_from": {"collection": "d"}}"#, 501, "LookupLocation"),
        ("POST", "collections/c/points/scroll", #"{"limit": 0}"#, 422, "must be 1 or larger"),
        ("POST", "collections/c/points/scroll", #"{"order_by": "n"}"#, 400, "No range index for `order_by` key: `n`"),
        ("POST", "collections/c/points/scroll", #"{"filter": {"must": [{"key": "a"}]}}"#, 422, "field condition"),
        ("POST", "collections/c/points/scroll", #"{"filter": {"all": []}}"#, 400, "unknown field `all`"),
        (
            "POST", "collections/c/points/scroll", #"{"filter": {"must": [{"key": "a[", "is_null": true}]}}"#, 400,
            "json path"
        ),
        ("POST", "collections/c/points/count", #"{"exact": 1}"#, 400, "expected a boolean"),
        ("POST", "collections/c/points/payload", #"{"payload": {}, "points": [9]}"#, 404, "No point with id 9 found"),
        ("POST", "collections/c/points/payload/clear", #"{"points": [9]}"#, 404, "No point with id 9 found"),
        ("PUT", "collections/c/points/vectors", #"{"points": [{"id": 1, "vector": {}}]}"#, 501, "does not serve"),
        ("POST", "collections/c/facet", #"{"key": "a"}"#, 501, "does not serve"),
        ("GET", "collections/c/nonsense", "", 404, ""), ("DELETE", "collections/c/points", "", 404, ""),
        (
            "PUT", "collections/e", #"{"vectors": {"size": 4, "distance": "Cosine", "datatype": "float16"}}"#, 501,
            "datatype"
        ),
        ("PUT", "collections/e", #"{"vectors": {"size": 0, "distance": "Cosine"}}"#, 422, "must be 1 or larger"),
        ("PUT", "collections/e", #"{"vectors": {"size": 4, "distance": "cosine"}}"#, 400, "Format error"),
        (
            "POST", "collections/aliases",
            #"{"actions": [{"create_alias": {"collection_name": "x", "alias_name": "a"}}]}"#, 404, "x"
        ),
        (
            "POST", "collections/aliases",
            #"{"actions": [{"create_alias": {"collection_name": "c", "alias_name": "c"}}]}"#, 409, "c"
        ),
    ])
    func `refuses as Qdrant does`(method: String, path: String, body: String, status: Int, text: String) async throws {
        let answer = await send(try await service(), method, path, body)
        #expect(
            answer.status == status && (text.isEmpty || answer.text.contains(text)),
            "\(answer.status) \(answer.text)"
        )
    }

    @Test(arguments: [
        (["wait": "1"], 400), (["timeout": "x"], 400), (["timeout": "0"], 422), (["ordering": "all"], 400),
    ])
    func `reads what stands behind the question mark`(query: [String: String], status: Int) async throws {
        let answer = await send(try await service(), "POST", "collections/c/points/count", "{}", query: query)
        #expect(answer.status == status, "\(answer.text)")
    }

    @Test(arguments: [nil, "text/plain"]) func `refuses a body that is not said to be JSON`(type: String?) async throws
    {
        let answer = await send(try await service(), "POST", "collections/c/points/count", "{}", type: type)
        #expect(answer.status == 400 && answer.text.contains("Content type error"), "\(answer.text)")
    }

    @Test func `changes aliases all at once, and reads through them`() async throws {
        let service = try await service()
        let point = #"{"points": [{"id": 1, "vector": {"child": [1, 0]}}]}"#
        func change(_ actions: String) async -> Int {
            await send(service, "POST", "collections/aliases", #"{"actions": [\#(actions)]}"#).status
        }
        #expect(await change(#"{"create_alias": {"collection_name": "c", "alias_name": "a"}}"#) == 200)
        #expect(await send(service, "PUT", "collections/a/points", point).status == 200)
        #expect(await send(service, "GET", "collections/c/points/1").status == 200)
        let broken =
            #"{"rename_alias": {"old_alias_name": "a", "new_alias_name": "b"}}, {"rename_alias": {"old_alias_name": "z", "new_alias_name": "y"}}"#
        #expect(await change(broken) == 404)
        let listed = await send(service, "GET", "aliases").json["result"]?["aliases"]
        #expect(listed == [["alias_name": "a", "collection_name": "c"]])
        #expect(await change(#"{"delete_alias": {"alias_name": "none"}}"#) == 200)
        #expect(await send(service, "PUT", "collections/a", "{}").status == 400)
        #expect(await send(service, "DELETE", "collections/c").status == 200)
        #expect(await send(service, "GET", "aliases").json["result"]?["aliases"] == [])
    }

    @Test func `numbers come back as they were sent, and vectors as the shortest floats`() async throws {
        let service = try await service()
        let point = #"""
            {"points": [{"id": 1, "vector": {"child": [0.1, 3]}, "payload": {"n": [9, 0.25], "u": 18446744073709551615}}]}
            """#
        #expect(await send(service, "PUT", "collections/c/points", point).status == 200)
        let text = await send(service, "GET", "collections/c/points/1").text
        #expect(
            text.contains("[9,0.25]") && text.contains("18446744073709551615") && text.contains("[0.1,3.0]"),
            "\(text)"
        )
    }
}

@Suite struct `Paths and dates of Qdrant` {
    @Test(arguments: [
        ("a.b", [JSONValue.integer(1)]), ("l[].x", [1, 2]), ("l[1].x", [2]), ("l.x", []), ("\"a.b\"", ["dotted"]),
        ("l[9].x", []),
        ("a.b.c", []), ("none", []),
    ])
    func `lead to values`(path: String, values: [JSONValue]) throws {
        let payload: [String: JSONValue] = ["a": ["b": 1], "l": [["x": 1], ["x": 2]], "a.b": "dotted"]
        #expect(try #require(PayloadPath(reading: path)).values(in: payload) == values)
    }

    @Test(arguments: ["", "a.", ".a", "a[", "a[x]", "a b", "\"a", "a]"]) func `are refused when malformed`(path: String)
    {
        #expect(PayloadPath(reading: path) == nil)
    }

    @Test(arguments: [
        ("2024-01-01T00:00:00Z", 1_704_067_200_000_000), ("2024-01-01", 1_704_067_200_000_000),
        ("2024-01-01 00:00:00.5", 1_704_067_200_500_000), ("2024-01-01T02:30:00+02:30", 1_704_067_200_000_000),
        ("1969-12-31T23:59:59Z", -1_000_000),
    ])
    func `are moments`(text: String, microseconds: Int64) {
        #expect(QdrantDate(text)?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", "2024-02-30", "2024-1-1", "2024-01-01T25:00:00", "2024-01-01T00:00:00+2", "now", "2024-01-01T",
    ])
    func `are not moments`(text: String) {
        #expect(QdrantDate(text) == nil)
    }
}
