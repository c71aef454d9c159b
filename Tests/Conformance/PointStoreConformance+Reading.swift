import Migration
import TextProcessing

extension PointStoreConformance {
    // MARK: - Reading

    func readsMoreThanAThousandPoints(_ store: any PointStore) async throws {
        let points = (1...3).flatMap { record in (0..<700).map { Self.parent(RecordID(record), index: $0) } }
        try await store.upsert(points)
        let found = try await store.points(of: [1, 3], owner: Self.owner)
        let expected = Set(points.filter { $0.recordID != 2 }.map(\.id))
        try expect(found.count == 1_400, "\(found.count) of 1,400 points read")
        try expect(Set(found.map(\.id)) == expected, "other points were read than those asked for")
    }

    func readsNothingForUnknownRecords(_ store: any PointStore) async throws {
        try await store.upsert([Self.parent(1)])
        let found = try await store.points(of: [2, -1, .max], owner: Self.owner)
        try expect(found.isEmpty, "points of records that were not written: \(found)")
    }

    func countsByKind(_ store: any PointStore) async throws {
        try await store.upsert([Self.parent(1), Self.child(1, index: 0), Self.child(1, index: 1), Self.parent(2)])
        for (kind, expected) in [(PointKind.parent, 2), (.child, 2), (nil, 4)] {
            let count = try await store.count(kind, owner: nil)
            try expect(count == expected, "\(count) points of kind \(String(describing: kind)), not \(expected)")
        }
    }

    func keepsIDsExact(_ store: any PointStore) async throws {
        let ids: [RecordID] = [.max, .max - 1, 9_007_199_254_740_993, 9_007_199_254_740_992, 0, -5, .min]
        try await store.upsert(ids.map { Self.child($0) })
        for id in ids {
            let found = try await store.points(of: [id], owner: Self.owner)
            try expect(found.map(\.recordID) == [id], "record \(id) is read as \(found.map(\.recordID))")
            try expect(found.map(\.id) == [Self.child(id).id], "record \(id) has the point \(found.map(\.id))")
        }
        let hits = try await store.search(Self.query(Self.text(.max)))
        try expect(hits.first?.recordID == .max, "the search reads Int64.max as \(hits.map(\.recordID))")
    }

    func keepsCollectionIDsAsWritten(_ store: any PointStore) async throws {
        let lists: [[Int64]] = [[], [5], [3, 1, .max, 1, -2]]
        for (index, list) in lists.enumerated() {
            try await store.upsert([Self.child(RecordID(index), collections: list)])
            let found = try await store.points(of: [RecordID(index)], owner: Self.owner)
            try expect(found.first?.collectionIDs == list, "\(list) is read as \(String(describing: found.first))")
        }
    }

    func keepsParentsWithoutVectors(_ store: any PointStore) async throws {
        try await store.upsert([Self.parent(1, index: 2), Self.child(1, index: 4)])
        let found = try await store.points(of: [1], owner: Self.owner)
        let parent = found.first { $0.kind == .parent }
        try expect(
            parent?.parentIndex == 2 && parent?.chunkIndex == nil,
            "the parent is read as \(String(describing: parent))"
        )
        let child = found.first { $0.kind == .child }
        try expect(child?.chunkIndex == 4, "the child is read as \(String(describing: child))")
        let hits = try await store.search(Self.query(Self.text(1)))
        try expect(
            hits.map(\.id) == [Self.child(1, index: 4).id],
            "a search finds \(hits.count) points, not the child alone"
        )
    }

    // MARK: - Searching

    func findsTheRecordOfAText(_ store: any PointStore) async throws {
        try await store.upsert((1...40).flatMap { [Self.parent($0), Self.child($0)] })
        for record: RecordID in [1, 17, 40] {
            let hits = try await store.search(Self.query(Self.text(record), limit: 5))
            try expect((1...5).contains(hits.count), "\(hits.count) hits, at most 5 were wanted")
            try expect(hits.first?.recordID == record, "the text of \(record) finds \(hits.map(\.recordID))")
            try expect(hits.first?.text == Self.text(record), "the hit has another text")
            try expect(hits.first?.memberCode == "member-\(record % 2)", "the hit has another tenant")
            let scores = hits.map(\.score)
            try expect(scores == scores.sorted(by: >), "the hits are not in the order of their scores: \(scores)")
        }
    }

    func searchesOneTenantOnly(_ store: any PointStore) async throws {
        try await store.upsert((1...20).map { Self.child($0) })
        let hits = try await store.search(Self.query(Self.text(4), member: "member-1", limit: 20))
        try expect(!hits.isEmpty, "nothing was found for the tenant")
        try expect(hits.allSatisfy { $0.memberCode == "member-1" }, "points of another tenant were found")
        let nobody = try await store.search(Self.query(Self.text(4), member: "nobody"))
        try expect(nobody.isEmpty, "points were found for a tenant who has none")
    }

    // MARK: - Points

    static let schema = CollectionSchema(dimensions: 16)
    static let owner = PointOwner(source: "app.memos", ownsUnmarked: true)

    static func text(_ record: RecordID) -> String { "the text of record number\(record)" }

    static func parent(_ record: RecordID, index: Int = 0, source: String = owner.source) -> Point {
        Point(
            id: PointID(high: 1 << 63 | UInt64(index), low: UInt64(bitPattern: record)),
            recordID: record,
            memberCode: member(record),
            collectionIDs: [],
            checksum: "checksum-1",
            profile: "profile-1",
            source: source,
            parentIndex: index,
            body: .parent(text: text(record))
        )
    }

    static func child(
        _ record: RecordID,
        index: Int = 0,
        text: String? = nil,
        version: Int = 1,
        collections: [Int64] = [],
        vector: [Float]? = nil,
        dimensions: Int = schema.dimensions,
        source: String = owner.source
    ) -> Point {
        let text = text ?? Self.text(record)
        let dense = vector ?? Self.dense(text + (dimensions == schema.dimensions ? "" : "\(index)"), dimensions)
        return Point(
            id: PointID(high: UInt64(index), low: UInt64(bitPattern: record)),
            recordID: record,
            memberCode: member(record),
            collectionIDs: collections,
            checksum: "checksum-\(version)",
            profile: "profile-\(version)",
            source: source,
            parentIndex: 0,
            body: .child(
                parentID: parent(record).id,
                chunkIndex: index,
                text: text,
                vectors: Point.Vectors(dense: dense, sparse: sparse(text))
            )
        )
    }

    static func query(_ text: String, member: String? = nil, limit: Int = 10) -> HybridQuery {
        HybridQuery(dense: dense(text, schema.dimensions), sparse: sparse(text), memberCode: member, limit: limit)
    }

    private static func member(_ record: RecordID) -> String { "member-\(record.magnitude % 2)" }

    /// A vector that depends on every byte of the text: equal texts are near, others are not.
    private static func dense(_ text: String, _ dimensions: Int) -> [Float] {
        var state = hash(text.utf8)
        return (0..<dimensions).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 33)) / Float(Int32.max) - 0.5
        }
    }

    /// One weight a word.
    private static func sparse(_ text: String) -> SparseVector {
        let terms = Set(text.split(separator: " ").map { UInt32(truncatingIfNeeded: hash($0.utf8)) >> 1 }).sorted()
        return SparseVector(indices: terms, values: terms.map { _ in 1 })
    }

    private static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    }
}
