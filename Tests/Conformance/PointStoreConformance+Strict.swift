import Migration
import TextProcessing

/// Servers that refuse what is large or not indexed, and collections that have no room.
extension PointStoreConformance {
    /// Lower than any sensible setting, and just enough for a delete that names what was seen.
    private static let smallLimits = """
        {"max_query_limit": 3, "filter_max_conditions": 4, "condition_max_size": 2, "upsert_max_batchsize": 2,
         "max_timeout": 5, "search_max_oversampling": 1.5, "search_allow_exact": false}
        """

    func keepsUnderLimitsThatAreStated(_ store: any PointStore) async throws {
        try await restrict(store, Self.smallLimits)
        try await doesEverything(store)
    }

    func keepsUnderLimitsThatWereLoweredSince(_ store: any PointStore) async throws {
        // What it knows of the collection is of the time before.
        try await store.upsert([Self.parent(90)])
        _ = try await store.points(of: [90], owner: Self.owner)
        try await restrict(store, Self.smallLimits)
        try await doesEverything(store)
    }

    func keepsUnderTheFewestConditions(_ store: any PointStore) async throws {
        try await restrict(store, #"{"filter_max_conditions": 3, "condition_max_size": 1, "write_rate_limit": 3}"#)
        try await doesEverything(store)
    }

    /// Every call of the port, over more than one request may hold.
    private func doesEverything(_ store: any PointStore) async throws {
        let points = (1...5).flatMap { [Self.parent($0), Self.child($0)] }
        try await store.upsert(points)
        try await writeForeign(store, Self.unmarkedID(1), #"{"summary_id": 3, "type": "child"}"#)
        try await store.upsert([Self.parent(1, index: 5, source: Self.other)])
        let records = (1...5).map { RecordID($0) }
        let found = try await store.points(of: records, owner: Self.owner)
        try expect(found.count == 11, "\(found.count) of 11 points read under small limits")
        try expect(Set(found.map(\.id)).count == 11, "a point was read twice")
        let unmarked = try await store.sample(of: nil, 5)
        try expect(unmarked.map(\.id) == [Self.unmarkedID(1)], "the sample is \(unmarked.map(\.id))")
        try await store.mark(found, source: Self.owner.source)
        let present = try await store.sources(besides: Self.owner.source)
        try expect(
            present.unmarked == 0 && present.others == 1 && present.otherNames == [Self.other],
            "the sources are \(present)"
        )
        let ours = try await store.count(nil, owner: Self.owner)
        try expect(ours == present.own && ours >= 11, "\(ours) points counted, \(present.own) are ours")
        let hits = try await store.search(Self.query(Self.text(4), member: "member-0", limit: 20))
        try expect(hits.first?.recordID == 4, "the search finds \(hits.map(\.recordID))")
        try await store.delete(try await store.points(of: records, owner: Self.owner))
        let left = try await store.points(of: records, owner: Self.owner)
        try expect(left.isEmpty, "left are \(left.map(\.id))")
        let others = try await store.count(nil, owner: PointOwner(source: Self.other, ownsUnmarked: false))
        try expect(others == 1, "the other source's point is gone")
    }

    /// A person must raise the limit: nothing is wrong with any record.
    func stopsAtALimitBelowItsNeeds(_ store: any PointStore) async throws {
        try await store.upsert([Self.parent(1), Self.child(1)])
        let seen = try await store.points(of: [1], owner: Self.owner)
        for limits in [#"{"filter_max_conditions": 1}"#, #"{"filter_max_conditions": 0}"#] {
            try await restrict(store, limits)
            try await fails(.unauthorised, limits) { () async throws(PortFailure) in
                _ = try await store.points(of: [1], owner: Self.owner)
            }
            try await fails(.unauthorised, limits) { () async throws(PortFailure) in try await store.delete(seen) }
        }
        try expect(try await store.inspect(Self.schema).exists, "the collection cannot be inspected any more")
    }

    /// It is about the collection, not about the points that were sent.
    func saysThatACollectionIsFull(_ store: any PointStore) async throws {
        try await store.upsert((1...4).map { Self.parent($0) })
        try await restrict(store, #"{"max_points_count": 4}"#)
        for point in [Self.parent(1), Self.parent(9), Self.child(9)] {
            try await fails(.full, "a full collection") { () async throws(PortFailure) in
                try await store.upsert([point])
            }
        }
        let found = try await store.points(of: [1, 2, 3, 4, 9], owner: Self.owner)
        try expect(found.count == 4, "\(found.count) points in the full collection, not 4")
        try await store.delete(found.filter { $0.recordID == 1 })
        try await store.upsert([Self.parent(9)])
        try await restrict(store, #"{"max_points_count": 400}"#)
        try await store.upsert((10...30).map { Self.child($0) })
        let count = try await store.count(nil, owner: Self.owner)
        try expect(count == 25, "\(count) points after there was room, not 25")
    }

    private func fails(
        _ kind: PortFailure.Kind,
        _ why: String,
        _ operation: () async throws(PortFailure) -> Void
    ) async throws {
        do throws(PortFailure) { try await operation() } catch {
            try expect(error.kind == kind, "\(why) is \(error.kind), not \(kind): \(error)")
            return try expect(!error.detail.isEmpty, "\(why): nothing is said")
        }
        throw Broken(description: "\(why) was no failure")
    }
}
