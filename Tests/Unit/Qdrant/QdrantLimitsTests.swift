import Migration
import Settings
import Synchronization
import Testing
import TextProcessing

@testable import Adapters

@Suite struct `Qdrant's strict mode` {
    private static let owner = PointOwner(source: "app.t", ownsUnmarked: true)
    private static let completed = #"{"result":{"operation_id":1,"status":"completed"},"status":"ok"}"#
    private static let noPoints = #"{"result":{"points":[],"next_page_offset":null}}"#

    private static func info(_ strict: String) -> String {
        #"{"result":{"status":"green","points_count":7,"config":{"strict_mode_config":\#(strict)},"payload_schema":{}}}"#
    }

    private static func refusal(_ text: String) -> String {
        #"{"status":{"error":"\#(text.replacing("\"", with: "\\\""))"},"time":0}"#
    }

    private static func limits(_ json: String) throws -> QdrantLimits {
        QdrantLimits(try JSON(Array(#"{"config":{"strict_mode_config":\#(json)}}"#.utf8)))
    }

    private static func point(_ record: RecordID) -> Point {
        Point(
            id: PointID(high: 1, low: UInt64(bitPattern: record)),
            recordID: record,
            memberCode: "m",
            collectionIDs: [],
            checksum: "c",
            profile: "p",
            source: owner.source,
            parentIndex: 0,
            body: .parent(text: "t")
        )
    }

    private static func stored(_ low: UInt64) -> StoredPoint {
        StoredPoint(
            id: PointID(high: 0, low: low),
            recordID: 1,
            kind: nil,
            parentIndex: nil,
            chunkIndex: nil,
            checksum: "c",
            profile: "p",
            source: owner.source,
            memberCode: nil,
            collectionIDs: []
        )
    }

    /// A server that states one strict mode and answers requests by a script of its own.
    private static func store(
        stating strict: String,
        _ answer: @escaping @Sendable (HTTPRequest) -> (Int, String)
    ) -> (QdrantPointStore, ScriptedExchange) {
        let http = ScriptedExchange { request in
            let (status, body) =
                request.method == .get && request.url.hasSuffix("/collections/memos")
                ? (200, info(strict)) : answer(request)
            return .success(HTTPResponse(status: status, body: Array(body.utf8)))
        }
        let settings = QdrantPointStore.Settings(url: "https://q.example", key: Secret(""), collection: "memos")
        return (QdrantPointStore(settings, http: http), http)
    }

    // MARK: - What is stated

    @Test func `that is off or absent bounds nothing, and odd values do no harm`() throws {
        #expect(try Self.limits(#"{"enabled":false,"max_query_limit":1}"#) == QdrantLimits())
        #expect(try Self.limits("null") == QdrantLimits())
        #expect(try Self.limits("{}") == QdrantLimits())
        #expect(QdrantLimits(.null) == QdrantLimits())
        let odd = try Self.limits(
            #"{"enabled":true,"max_query_limit":-5,"condition_max_size":18446744073709551615,"upsert_max_batchsize":"x"}"#
        )
        #expect(odd.pageMax == 0 && odd.valuesMax == nil && odd.pointsMax == nil)
        let all = try Self.limits(
            #"{"enabled":true,"filter_max_conditions":9223372036854775807,"unindexed_filtering_update":false}"#
        )
        #expect(all.conditionsMax == .max && all.needsIndexes && all.tooLow.isEmpty)
    }

    @Test(arguments: [
        (#"Limit exceeded 256 > 100 for "upsert limit""#, #"{"enabled":true,"upsert_max_batchsize":100}"#),
        (
            #"Bad request: Limit exceeded 1000 > 64 for "limit". Help: Reduce it."#,
            #"{"enabled":true,"max_query_limit":64}"#
        ),
        (#"Limit exceeded 60 > 5 for "timeout""#, #"{"enabled":true,"max_timeout":5}"#),
        ("Filter condition limit reached (12 > 10). Help: Reduce", #"{"enabled":true,"filter_max_conditions":10}"#),
        ("Condition size limit reached (900 > 512). Help: Reduce", #"{"enabled":true,"condition_max_size":512}"#),
        (#"Limit exceeded 3 > 1.5 for "oversampling""#, #"{"enabled":true,"search_max_oversampling":1.5}"#),
        ("Exact search disabled!. Help: Set exact=false.", #"{"enabled":true,"search_allow_exact":false}"#),
    ])
    func `that tells a limit teaches it`(text: String, limits: String) throws {
        let told = try #require(QdrantLimits(toldBy: text))
        #expect(told == (try Self.limits(limits)))
        #expect(QdrantLimits().lowered(by: told) == told)
        #expect(told.lowered(by: QdrantLimits()) == told)
    }

    @Test(arguments: ["", "Help: nothing", "Limit exceeded 5 > x for \"limit\"", "for \"limit\"", "5 > 3"])
    func `that tells nothing we know teaches nothing`(text: String) {
        #expect(QdrantLimits(toldBy: text) == nil)
    }

    @Test(arguments: [
        (#"{"enabled":true,"upsert_max_batchsize":0}"#, "upsert_max_batchsize is 0"),
        (#"{"enabled":true,"max_query_limit":0}"#, "max_query_limit is 0"),
        (#"{"enabled":true,"filter_max_conditions":0}"#, "filter_max_conditions is 0, at least 3"),
        (#"{"enabled":true,"filter_max_conditions":2}"#, "filter_max_conditions is 2, at least 3"),
        (#"{"enabled":true,"condition_max_size":0}"#, "condition_max_size is 0"),
        (#"{"enabled":true,"max_timeout":0}"#, "max_timeout is 0"),
        (#"{"enabled":true,"write_rate_limit":1}"#, "write_rate_limit is 1, at least 3"),
        (#"{"enabled":true,"read_rate_limit":1}"#, "read_rate_limit is 1, at least 4"),
    ])
    func `that allows too little stops the job with a sentence, and is fatal in inspect`(
        strict: String,
        sentence: String
    ) async throws {
        let (store, http) = Self.store(stating: strict) { _ in (500, "nothing else may be asked") }
        let failures = [
            await failure { () async throws(PortFailure) in try await store.points(of: [1], owner: Self.owner) },
            await failure { () async throws(PortFailure) in try await store.upsert([Self.point(1)]) },
            await failure { () async throws(PortFailure) in try await store.delete([Self.stored(1)]) },
            await failure { () async throws(PortFailure) in try await store.mark([Self.stored(1)], source: "s") },
        ]
        #expect(failures.allSatisfy { $0?.kind == .unauthorised })
        #expect(failures.allSatisfy { $0?.detail.contains(sentence) == true })
        #expect(http.requests.count == 1)
        let collection = QdrantCollectionInfo(try JSON(Array(Self.info(strict).utf8))["result"] ?? .null)
        #expect(collection.strictDifferences.contains { $0.isFatal && $0.name.hasPrefix("strict_mode_config.") })
    }

    // MARK: - Requests below the limits

    @Test func `that states limits is asked once, and every request keeps to them`() async throws {
        let strict =
            #"{"enabled":true,"max_query_limit":50,"condition_max_size":3,"upsert_max_batchsize":2,"max_timeout":7}"#
        let (store, http) = Self.store(stating: strict) { request in
            (200, request.url.contains("scroll") ? Self.noPoints : Self.completed)
        }
        _ = try await store.points(of: Array(1...7), owner: Self.owner)
        try await store.upsert((1...5).map(Self.point))
        try await store.delete((1...4).map(Self.stored))
        try await store.mark((1...4).map(Self.stored), source: "s")
        #expect(http.requests.count { $0.method == .get } == 1)
        let bodies = try http.requests.dropFirst().map { try JSON($0.body) }
        let scrolled = bodies.compactMap { $0["filter"]?["must"]?.array?[0]["match"]?["any"]?.array?.count }
        #expect(scrolled == [3, 3, 1])
        #expect(bodies.compactMap { $0["limit"]?.integer } == [50, 50, 50])
        #expect(bodies.compactMap { $0["points"]?.array?.count } == [2, 2, 1])
        #expect(bodies.compactMap { $0["filter"]?["must"]?.array?[0]["has_id"]?.array?.count } == [3, 1, 3, 1])
        let waits = http.requests.filter { $0.url.contains("wait=true") }
        #expect(waits.count == 7 && waits.allSatisfy { $0.url.hasSuffix("&timeout=7") })
    }

    @Test func `that lowers a limit without stating it is obeyed after its first refusal`() async throws {
        let sizes = Mutex<[Int]>([])
        let (store, _) = Self.store(stating: "null") { request in
            guard let points = (try? JSON(request.body))?["points"]?.array else { return (500, "") }
            sizes.withLock { $0.append(points.count) }
            let text = #"Limit exceeded \#(points.count) > 3 for "upsert limit". Help: Reduce it."#
            return points.count > 3 ? (400, Self.refusal(text)) : (200, Self.completed)
        }
        try await store.upsert((1...10).map(Self.point))
        // Repeated once in vain, then halved: two points and three, and three; and from then on three at a time.
        let first = sizes.withLock { $0 }
        #expect(first.filter { $0 <= 3 }.reduce(0, +) == 10)
        sizes.withLock { $0 = [] }
        try await store.upsert((1...10).map(Self.point))
        #expect(sizes.withLock { $0 } == [3, 3, 3, 1])
    }

    @Test func `that refuses for ever ends the call after a bounded number of requests`() async throws {
        let (store, http) = Self.store(stating: "null") { request in
            (400, Self.refusal("Something new disabled! Help: Do without it."))
        }
        let failure = await #expect(throws: PortFailure.self) {
            try await store.points(of: [1], owner: Self.owner)
        }
        #expect(failure?.kind == .unauthorised)
        #expect(http.requests.count <= 6)
        let write = await #expect(throws: PortFailure.self) { try await store.upsert((1...8).map(Self.point)) }
        #expect(write?.kind == .unauthorised, "never a refusal of the points")
    }

    @Test func `that was raised is noticed by inspect`() async throws {
        let strict = Mutex(#"{"enabled":true,"upsert_max_batchsize":1}"#)
        let http = ScriptedExchange { request in
            let body =
                switch (request.method, request.url) {
                case (.get, "https://q.example/"): #"{"version":"1.19.0"}"#
                case (.get, _): Self.info(strict.withLock(\.self))
                case (.post, _): #"{"result":{"count":3}}"#
                default: Self.completed
                }
            return .success(HTTPResponse(status: 200, body: Array(body.utf8)))
        }
        let settings = QdrantPointStore.Settings(url: "https://q.example", key: Secret(""), collection: "memos")
        let store = QdrantPointStore(settings, http: http)
        try await store.upsert((1...3).map(Self.point))
        #expect(http.requests.count { $0.method == .put } == 3)
        strict.withLock { $0 = #"{"enabled":true,"upsert_max_batchsize":100}"# }
        _ = try await store.inspect(CollectionSchema(dimensions: 2))
        try await store.upsert((1...3).map(Self.point))
        #expect(http.requests.count { $0.method == .put } == 4)
    }

    @Test func `that forbids exact counts is counted page by page, and inspected roughly`() async throws {
        let (store, http) = Self.store(stating: #"{"enabled":true,"search_allow_exact":false,"max_query_limit":2}"#) {
            request in
            guard let body = try? JSON(request.body), !request.url.contains("count") else {
                return (200, #"{"result":{"count":99}}"#)
            }
            let next = (body["offset"]?.integer ?? 0) + 2
            let more = next < 6 ? "\(next)" : "null"
            return (
                200, #"{"result":{"points":[{"id":\#(next - 2)},{"id":\#(next - 1)}],"next_page_offset":\#(more)}}"#
            )
        }
        #expect(try await store.count(.child, owner: Self.owner) == 6)
        #expect(try await store.roughCount() == 99)
        let last = try JSON(try #require(http.requests.last).body)
        #expect(last["exact"] == .bool(false))
    }

    @Test func `that allows too few payload indexes says how many, before any is made`() async throws {
        let (store, http) = Self.store(stating: #"{"enabled":true,"max_payload_index_count":5}"#) { _ in (500, "") }
        let failure = await #expect(throws: PortFailure.self) {
            try await store.ensure(CollectionSchema(dimensions: 2))
        }
        #expect(failure?.kind == .unauthorised)
        #expect(failure?.detail.contains("max_payload_index_count") == true)
        #expect(failure?.detail.contains("parent_idx") == true)
        #expect(!http.requests.contains { $0.method == .put })
    }

    @Test func `a search keeps its page and its oversampling within the limits`() throws {
        let query = HybridQuery(
            dense: [1],
            sparse: SparseVector(indices: [3], values: [1]),
            memberCode: nil,
            limit: 30
        )
        func body(_ json: String) throws -> JSON { try JSON(QdrantBody.search(query, within: Self.limits(json))) }
        let small = try body(#"{"enabled":true,"max_query_limit":7,"search_max_oversampling":1.5}"#)
        #expect(small["limit"] == .integer(7))
        #expect(small["prefetch"]?.array?.compactMap { $0["limit"]?.integer } == [7, 7])
        #expect(small["prefetch"]?.array?[0]["params"]?["quantization"]?["oversampling"]?.double == 1.5)
        let none = try body(#"{"enabled":true,"search_max_oversampling":0.5}"#)
        #expect(none["prefetch"]?.array?[0]["params"]?["quantization"]?.object?.keys.sorted() == ["rescore"])
        let free = try body("null")
        #expect(free["prefetch"]?.array?.compactMap { $0["limit"]?.integer } == [50, 50])
        #expect(free["prefetch"]?.array?[0]["params"]?["quantization"]?["oversampling"]?.double == 3)
    }

    @Test(arguments: [true, false])
    func `check names a missing index, as a problem where filters need it`(isStrict: Bool) async throws {
        let strict = #"{"enabled":\#(isStrict),"unindexed_filtering_retrieve":false}"#
        let (store, _) = Self.store(stating: strict) { request in
            (200, request.url.hasSuffix("count") ? #"{"result":{"count":7}}"# : #"{"version":"1.19.0"}"#)
        }
        let found = try await store.inspection()
        let said = isStrict ? found.problems : found.facts
        #expect(said.contains { $0.contains("payload_schema.profile") && $0.contains("`migrate setup` adds") })
        #expect(found.problems.isEmpty == !isStrict)
    }

    @Test func `a missing index is named with its remedy, and fatal only where filters need it`() throws {
        func differences(_ strict: String) throws -> [CollectionState.Difference] {
            QdrantCollectionInfo(try JSON(Array(Self.info(strict).utf8))["result"] ?? .null).strictDifferences
        }
        let strict = try differences(#"{"enabled":true,"unindexed_filtering_update":false}"#)
        #expect(strict.count == CollectionSchema.indexes.count)
        #expect(
            strict.filter { !$0.isFatal }.map(\.name) == ["payload_schema.collection_ids", "payload_schema.parent_idx"]
        )
        #expect(strict.allSatisfy { $0.isAddedBySetup && $0.sentence.contains("`migrate setup`") })
        #expect(try differences("null").allSatisfy { !$0.isFatal && $0.isAddedBySetup })
        #expect(try differences(#"{"enabled":false,"unindexed_filtering_update":false}"#).allSatisfy { !$0.isFatal })
        let full = try differences(#"{"enabled":true,"max_points_count":7}"#)
        #expect(
            full.contains { $0.name == "strict_mode_config.max_points_count" && $0.found == "7 of 7" && !$0.isFatal }
        )
    }
}
