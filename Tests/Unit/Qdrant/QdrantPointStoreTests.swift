import Foundation
import Migration
import Settings
import Testing
import TextProcessing

@testable import Adapters

@Suite struct `Qdrant over REST` {
    private static let completed =
        "{\"result\":{\"operation_id\":1,\"status\":\"completed\"},\"status\":\"ok\",\"time\":0.1}"

    private static func store(
        _ http: any HTTPExchange,
        collection: String = "memos",
        pointsPerRequestMax: Int = 256,
        requestBytesMax: Int = 5_000_000,
        limits: QdrantLimits? = QdrantLimits()
    ) -> QdrantPointStore {
        let settings = QdrantPointStore.Settings(
            url: "https://q.example/base/",
            key: Secret("k3y"),
            collection: collection,
            timeout: .seconds(30),
            pointsPerRequestMax: pointsPerRequestMax,
            requestBytesMax: requestBytesMax
        )
        return QdrantPointStore(settings, http: http, limits: limits)
    }

    private static let owner = PointOwner(source: "app.t\"", ownsUnmarked: true)

    private static func child(_ record: RecordID, dense: [Float] = [0.5, -0.25], text: String = "a \"b\"\n\u{1}")
        -> Point
    {
        Point(
            id: PointID(high: 1, low: UInt64(bitPattern: record)),
            recordID: record,
            memberCode: "m\\1",
            collectionIDs: [9_007_199_254_740_993],
            checksum: "c",
            profile: "p",
            source: "app.t\"",
            parentIndex: 2,
            body: .child(
                parentID: PointID(high: 7, low: 8),
                chunkIndex: 3,
                text: text,
                vectors: Point.Vectors(dense: dense, sparse: SparseVector(indices: [5, .max], values: [0.1, 1.25]))
            )
        )
    }

    private static func parent(_ record: RecordID, text: String = "t") -> Point {
        Point(
            id: PointID(high: 2, low: UInt64(bitPattern: record)),
            recordID: record,
            memberCode: "m",
            collectionIDs: [],
            checksum: "c",
            profile: "p",
            source: "app.t\"",
            parentIndex: 0,
            body: .parent(text: text)
        )
    }

    @Test func `a write holds exactly the payload of the contract, and waits`() async throws {
        let http = ScriptedExchange(body: Self.completed)
        try await Self.store(http).upsert([Self.child(.max), Self.parent(-1)])
        let request = try #require(http.requests.first)
        #expect(http.requests.count == 1)
        #expect(request.method == .put)
        #expect(request.url == "https://q.example/base/collections/memos/points?wait=true&timeout=30")
        #expect(request.headers["api-key"] == "k3y")
        #expect(request.totalTimeout > .seconds(30))
        let points = try #require(try JSON(request.body)["points"]?.array)
        #expect(points[0]["id"] == .string("00000000-0000-0001-7fff-ffffffffffff"))
        #expect(points[0]["vector"]?["child"] == .array([.number("0.5"), .number("-0.25")]))
        #expect(points[0]["vector"]?["child-sparse"]?["indices"] == .array([.integer(5), .integer(4_294_967_295)]))
        #expect(points[0]["vector"]?["child-sparse"]?["values"]?.array?.compactMap(\.double) == [0.1, 1.25])
        #expect(
            points[0]["payload"]
                == .object([
                    "type": .string("child"), "summary_id": .integer(.max), "member_code": .string("m\\1"),
                    "collection_ids": .array([.integer(9_007_199_254_740_993)]), "checksum": .string("c"),
                    "profile": .string("p"), "source": .string("app.t\""), "parent_idx": .integer(2),
                    "chunk_index": .integer(3),
                    "parent_id": .string("00000000-0000-0007-0000-000000000008"), "text": .string("a \"b\"\n\u{1}"),
                ])
        )
        #expect(points[1]["vector"] == .object([:]))
        #expect(
            points[1]["payload"]
                == .object([
                    "type": .string("parent"), "summary_id": .integer(-1), "member_code": .string("m"),
                    "collection_ids": .array([]), "checksum": .string("c"), "profile": .string("p"),
                    "source": .string("app.t\""),
                    "parent_idx": .integer(0), "parent_text": .string("t"),
                ])
        )
    }

    @Test func `writes are bounded by count and by bytes, and one long point goes alone`() async throws {
        let http = ScriptedExchange(body: Self.completed)
        try await Self.store(http, pointsPerRequestMax: 3).upsert((1...7).map { Self.parent($0) })
        func counts() throws -> [Int] { try http.requests.map { try JSON($0.body)["points"]?.array?.count ?? 0 } }
        #expect(try counts() == [3, 3, 1])
        let long = Self.parent(8, text: String(repeating: "x", count: 5_000))
        try await Self.store(http, requestBytesMax: 1_000).upsert([
            Self.parent(1), long, Self.parent(2), Self.parent(3),
        ])
        #expect(try counts().dropFirst(3) == [1, 1, 2])
        #expect(http.requests.dropFirst(3).allSatisfy { $0.body.count < 1_016 || $0.body.count > 5_000 })
    }

    @Test(.heavy) func `a point longer than Qdrant takes is rejected and not sent`() async throws {
        let http = ScriptedExchange(body: Self.completed)
        let long = Self.parent(8, text: String(repeating: "x", count: 33 << 20))
        let failure = await failure { () async throws(PortFailure) in try await Self.store(http).upsert([long]) }
        #expect(failure?.kind == .rejected)
        #expect(http.requests.isEmpty)
    }

    @Test func `a request that the server finds too large is halved`() async throws {
        let http = ScriptedExchange { request in
            let count = (try? JSON(request.body))?["points"]?.array?.count ?? 0
            let error =
                "{\"status\":{\"error\":\"Payload error: JSON payload (9 bytes) is larger than allowed (limit: 8 bytes).\"}}"
            let isTaken = count <= 2
            return .success(
                HTTPResponse(status: isTaken ? 200 : 400, body: Array((isTaken ? Self.completed : error).utf8))
            )
        }
        try await Self.store(http).upsert((1...5).map { Self.parent($0) })
        #expect(try http.requests.map { try JSON($0.body)["points"]?.array?.count } == [5, 2, 3, 1, 2])
    }

    @Test(arguments: ["wait_timeout", "acknowledged"])
    func `a write that is queued but not applied has an unknown outcome`(status: String) async {
        let http = ScriptedExchange(body: Self.completed.replacingOccurrences(of: "completed", with: status))
        let failure = await failure { () async throws(PortFailure) in
            try await Self.store(http).upsert([Self.parent(1)])
        }
        #expect(failure?.kind == .outcomeUnknown)
    }

    @Test(arguments: [[0, 0], [.nan, 1], [.infinity, 1]] as [[Float]])
    func `a vector that points nowhere is not sent`(dense: [Float]) async {
        let http = ScriptedExchange(body: Self.completed)
        let failure = await failure { () async throws(PortFailure) in
            try await Self.store(http).upsert([Self.child(1, dense: dense)])
        }
        #expect(failure?.kind == .rejected)
        #expect(http.requests.isEmpty)
    }

    @Test func `reads page by page, ids exact, points of others left out`() async throws {
        let http = ScriptedExchange { request in
            let offset = (try? JSON(request.body))?["offset"]
            let page =
                switch offset {
                case nil:
                    "{\"points\":[{\"id\":7,\"payload\":{\"summary_id\":1}}],\"next_page_offset\":18446744073709551615}"
                case .number("18446744073709551615"):
                    "{\"points\":[{\"id\":\"00000000-0000-0000-0000-00000000000a\",\"payload\":{\"summary_id\":9223372036854775807,"
                        + "\"type\":\"child\",\"parent_idx\":0,\"chunk_index\":4,\"checksum\":\"c\",\"profile\":\"p\","
                        + "\"collection_ids\":[9007199254740993]}}],\"next_page_offset\":\"00000000-0000-0000-0000-00000000000b\"}"
                default:
                    "{\"points\":[{\"id\":\"00000000-0000-0000-0000-00000000000b\",\"payload\":{\"summary_id\":2,"
                        + "\"collection_ids\":null}},{\"id\":\"00000000-0000-0000-0000-00000000000c\",\"payload\":{}}],"
                        + "\"next_page_offset\":null}"
                }
            return .success(HTTPResponse(status: 200, body: Array("{\"result\":\(page),\"status\":\"ok\"}".utf8)))
        }
        let points = try await Self.store(http).points(of: [.max, -3], owner: Self.owner)
        #expect(points.map(\.recordID) == [.max, 2])
        #expect(points[0].chunkIndex == 4)
        #expect(points[0].collectionIDs == [9_007_199_254_740_993])
        #expect(points[1].checksum == nil)
        #expect(http.requests.count == 3)
        let body = try JSON(http.requests[0].body)
        #expect(body["filter"]?["must"]?.array?[0]["match"]?["any"] == .array([.integer(.max), .integer(-3)]))
        #expect(body["with_vector"] == .bool(false))
        let filter = String(decoding: http.requests[0].body, as: UTF8.self)
        let ours = #"],"should":[{"key":"source","match":{"value":"app.t\""}},{"is_empty":{"key":"source"}}]},"limit""#
        #expect(filter.contains(ours))
    }

    @Test func `pages that go round are an error`() async {
        let page = "{\"result\":{\"points\":[{\"id\":7}],\"next_page_offset\":7},\"status\":\"ok\"}"
        let http = ScriptedExchange(body: page)
        let failure = await failure { () async throws(PortFailure) in
            try await Self.store(http).points(of: [1], owner: Self.owner)
        }
        #expect(failure?.kind == .outcomeUnknown)
        #expect(http.requests.count == 2)
    }

    @Test func `a delete names the ids and what was seen, one request per version`() async throws {
        let http = ScriptedExchange(body: Self.completed)
        func seen(_ low: UInt64, _ checksum: String?, _ profile: String?, _ source: String?) -> StoredPoint {
            StoredPoint(
                id: PointID(high: 0, low: low),
                recordID: 1,
                kind: nil,
                parentIndex: nil,
                chunkIndex: nil,
                checksum: checksum,
                profile: profile,
                source: source,
                memberCode: nil,
                collectionIDs: []
            )
        }
        try await Self.store(http).delete([
            seen(1, "a", "p", "s"), seen(2, "a", nil, nil), seen(3, "a", "p", "s"), seen(4, "a", "p", nil),
        ])
        try await Self.store(http).delete([])
        let bodies = http.requests.map { String(decoding: $0.body, as: UTF8.self) }
        let id = "\"00000000-0000-0000-0000-00000000000"
        #expect(
            bodies == [
                "{\"filter\":{\"must\":[{\"has_id\":[\(id)1\",\(id)3\"]},{\"key\":\"checksum\",\"match\":{\"value\":\"a\"}},"
                    + "{\"key\":\"profile\",\"match\":{\"value\":\"p\"}},{\"key\":\"source\",\"match\":{\"value\":\"s\"}}]}}",
                "{\"filter\":{\"must\":[{\"has_id\":[\(id)2\"]},{\"key\":\"checksum\",\"match\":{\"value\":\"a\"}},"
                    + "{\"is_empty\":{\"key\":\"profile\"}},{\"is_empty\":{\"key\":\"source\"}}]}}",
                "{\"filter\":{\"must\":[{\"has_id\":[\(id)4\"]},{\"key\":\"checksum\",\"match\":{\"value\":\"a\"}},"
                    + "{\"key\":\"profile\",\"match\":{\"value\":\"p\"}},{\"is_empty\":{\"key\":\"source\"}}]}}",
            ]
        )
        #expect(http.requests.allSatisfy { $0.url.hasSuffix("/points/delete?wait=true&timeout=30") })
    }

    @Test func `a collection's name is encoded in the address`() async throws {
        let http = ScriptedExchange(body: "{\"result\":{\"count\":3}}")
        #expect(try await Self.store(http, collection: "a/b ?é").count(.child, owner: nil) == 3)
        #expect(http.requests[0].url == "https://q.example/base/collections/a%2Fb%20%3F%C3%A9/points/count")
        let body = String(decoding: http.requests[0].body, as: UTF8.self)
        #expect(body == "{\"exact\":true,\"filter\":{\"must\":[{\"key\":\"type\",\"match\":{\"value\":\"child\"}}]}}")
    }

    @Test(arguments: ["", "[]", "{}", "{\"result\":null}", "{\"result\":{\"count\":1.5}}", "<html>"])
    func `an answer that is not Qdrant's is none`(body: String) async {
        let store = Self.store(ScriptedExchange(body: body))
        #expect(
            await failure { () async throws(PortFailure) in try await store.count(nil, owner: nil) }?.kind
                == .outcomeUnknown
        )
    }
}
