package import Migration
package import TextProcessing

/// What every point store keeps, the fake and the real ones.
///
/// Each rule gets a store of its own, over a collection that does not exist yet.
package struct PointStoreConformance: Sendable {
    /// One promise of the port.
    package enum Rule: String, CaseIterable, Sendable {
        case ensuringTwiceChangesNothing
        case aWrongSizeIsNamedAndFatal
        case anUpsertReplacesTheWholePoint
        case repeatingAnUpsertIsHarmless
        case deletesOnlyWhatIsStillAsSeen
        case readsAndDeletesPointsOfAnotherApplication
        case readsMoreThanAThousandPoints
        case readsNothingForUnknownRecords
        case countsByKind
        case findsTheRecordOfAText
        case searchesOneTenantOnly
        case keepsIDsExact
        case keepsCollectionIDsAsWritten
        case keepsParentsWithoutVectors
        case splitsLargeUpserts
        case stopsAtAVectorOfAnotherSize
        case stopsWithoutACollection
        case refusesAVectorThatPointsNowhere
        case readsPointsOfItsOwnSourceOnly
        case deletesNoPointsOfAnotherSource
        case countsPointsOfASource
        case marksOnlyPointsWithoutASource
        case marksMoreThanAThousandPoints
        case namesTheOtherSources
        case tellsOddSourcesApart
        case keepsUnderLimitsThatAreStated
        case keepsUnderLimitsThatWereLoweredSince
        case keepsUnderTheFewestConditions
        case stopsAtALimitBelowItsNeeds
        case saysThatACollectionIsFull
        case readsPointsByTheirIDs
        case aProbeChangesNothing
        case aProbeMeetsWhatAnUpsertMeets
    }

    /// A rule that was not kept.
    package struct Broken: Error, CustomStringConvertible {
        package let description: String
    }

    /// Makes a store over a collection that nothing else uses.
    package typealias Make = @Sendable () async throws -> any PointStore

    /// Writes a point without vectors and with this payload (an object as JSON), as another application would.
    package typealias WriteForeign =
        @Sendable (_ store: any PointStore, _ id: PointID, _ payload: String) async throws ->
        Void

    /// Changes the collection's strict mode (an object as JSON), as its operator would.
    package typealias Restrict = @Sendable (_ store: any PointStore, _ limits: String) async throws -> Void

    private let makeStore: Make
    let writeForeign: WriteForeign
    let restrict: Restrict

    package init(makeStore: @escaping Make, writeForeign: @escaping WriteForeign, restrict: @escaping Restrict) {
        self.makeStore = makeStore
        self.writeForeign = writeForeign
        self.restrict = restrict
    }

    /// Checks one rule.
    ///
    /// - Throws: `Broken` when it is not kept, and whatever the store throws.
    package func check(_ rule: Rule) async throws {
        let store = try await makeStore()
        let makesItsOwnCollection: Set<Rule> = [
            .ensuringTwiceChangesNothing, .splitsLargeUpserts, .stopsWithoutACollection,
            .aProbeMeetsWhatAnUpsertMeets,
        ]
        if !makesItsOwnCollection.contains(rule) { _ = try await store.ensure(Self.schema) }
        switch rule {
        case .ensuringTwiceChangesNothing: try await ensuringTwiceChangesNothing(store)
        case .splitsLargeUpserts: try await splitsLargeUpserts(store)
        case .stopsWithoutACollection: try await stopsWithoutACollection(store)
        case .aWrongSizeIsNamedAndFatal: try await aWrongSizeIsNamedAndFatal(store)
        case .anUpsertReplacesTheWholePoint: try await anUpsertReplacesTheWholePoint(store)
        case .repeatingAnUpsertIsHarmless: try await repeatingAnUpsertIsHarmless(store)
        case .deletesOnlyWhatIsStillAsSeen: try await deletesOnlyWhatIsStillAsSeen(store)
        case .readsAndDeletesPointsOfAnotherApplication: try await readsAndDeletesForeignPoints(store)
        case .readsMoreThanAThousandPoints: try await readsMoreThanAThousandPoints(store)
        case .readsNothingForUnknownRecords: try await readsNothingForUnknownRecords(store)
        case .countsByKind: try await countsByKind(store)
        case .findsTheRecordOfAText: try await findsTheRecordOfAText(store)
        case .searchesOneTenantOnly: try await searchesOneTenantOnly(store)
        case .keepsIDsExact: try await keepsIDsExact(store)
        case .keepsCollectionIDsAsWritten: try await keepsCollectionIDsAsWritten(store)
        case .keepsParentsWithoutVectors: try await keepsParentsWithoutVectors(store)
        case .stopsAtAVectorOfAnotherSize: try await refuses(store, [0.5, 0.5], .unauthorised)
        case .refusesAVectorThatPointsNowhere: try await refusesAVectorThatPointsNowhere(store)
        case .readsPointsOfItsOwnSourceOnly: try await readsPointsOfItsOwnSourceOnly(store)
        case .deletesNoPointsOfAnotherSource: try await deletesNoPointsOfAnotherSource(store)
        case .countsPointsOfASource: try await countsPointsOfASource(store)
        case .marksOnlyPointsWithoutASource: try await marksOnlyPointsWithoutASource(store)
        case .marksMoreThanAThousandPoints: try await marksMoreThanAThousandPoints(store)
        case .tellsOddSourcesApart: try await tellsOddSourcesApart(store)
        case .namesTheOtherSources: try await namesTheOtherSources(store)
        case .keepsUnderLimitsThatAreStated: try await keepsUnderLimitsThatAreStated(store)
        case .keepsUnderLimitsThatWereLoweredSince: try await keepsUnderLimitsThatWereLoweredSince(store)
        case .keepsUnderTheFewestConditions: try await keepsUnderTheFewestConditions(store)
        case .stopsAtALimitBelowItsNeeds: try await stopsAtALimitBelowItsNeeds(store)
        case .saysThatACollectionIsFull: try await saysThatACollectionIsFull(store)
        case .readsPointsByTheirIDs: try await readsPointsByTheirIDs(store)
        case .aProbeChangesNothing: try await aProbeChangesNothing(store)
        case .aProbeMeetsWhatAnUpsertMeets: try await aProbeMeetsWhatAnUpsertMeets(store)
        }
    }

    // MARK: - The collection

    private func ensuringTwiceChangesNothing(_ store: any PointStore) async throws {
        let before = try await store.inspect(Self.schema)
        try expect(!before.exists && before.pointCount == 0, "a collection that was not made exists: \(before)")
        let made = try await store.ensure(Self.schema)
        try expect(made.exists && made.pointCount == 0, "the collection was not made: \(made)")
        try expect(made.differences.isEmpty, "a new collection differs: \(made.differences)")
        try expect(!made.description.isEmpty && !made.server.isEmpty, "nothing to show: \(made)")
        try await store.upsert([Self.child(1)])
        let again = try await store.ensure(Self.schema)
        try expect(again.exists && again.pointCount == 1, "ensuring again lost points: \(again)")
        try expect(again.differences.isEmpty, "ensuring again made differences: \(again.differences)")
        let inspected = try await store.inspect(Self.schema)
        try expect(inspected == again, "inspect says \(inspected), ensure \(again)")
    }

    private func aWrongSizeIsNamedAndFatal(_ store: any PointStore) async throws {
        let wider = CollectionSchema(dimensions: Self.schema.dimensions * 2)
        for state in [try await store.inspect(wider), try await store.ensure(wider)] {
            let difference = state.differences.first { $0.name == "vectors.child.size" }
            try expect(difference?.isFatal == true, "vectors.child.size is not named as fatal: \(state.differences)")
            try expect(difference?.expected == "\(wider.dimensions)", "expected size: \(state.differences)")
            try expect(difference?.found == "\(Self.schema.dimensions)", "found size: \(state.differences)")
        }
        let state = try await store.inspect(Self.schema)
        try expect(state.differences.isEmpty, "ensuring another schema changed the collection: \(state.differences)")
    }

    // MARK: - Writing

    private func anUpsertReplacesTheWholePoint(_ store: any PointStore) async throws {
        try await store.upsert([Self.child(1, text: "old words", collections: [7])])
        try await store.upsert([Self.child(1, text: "new words", version: 2)])
        let found = try await store.points(of: [1], owner: Self.owner)
        try expect(found.count == 1, "\(found.count) points after two upserts of one id")
        try expect(found.first?.checksum == "checksum-2", "the older checksum stayed")
        try expect(found.first?.profile == "profile-2", "the older profile stayed")
        try expect(found.first?.collectionIDs == [], "the older collection ids stayed")
        let hits = try await store.search(Self.query("new words"))
        try expect(hits.first?.text == "new words", "the older text stayed")
    }

    private func repeatingAnUpsertIsHarmless(_ store: any PointStore) async throws {
        let points = (1...5).flatMap { [Self.parent($0), Self.child($0)] }
        for _ in 0..<3 { try await store.upsert(points) }
        let count = try await store.count(nil, owner: nil)
        try expect(count == 10, "\(count) points after writing 10 three times")
        try await store.upsert([])
    }

    private func splitsLargeUpserts(_ store: any PointStore) async throws {
        let schema = CollectionSchema(dimensions: 1_536)
        _ = try await store.ensure(schema)
        let text = String(repeating: "some words of a long text ", count: 60)
        let points = (0..<600).map { Self.child(1, index: $0, text: text, dimensions: schema.dimensions) }
        try await store.upsert(points)
        let count = try await store.count(.child, owner: nil)
        try expect(count == 600, "\(count) of 600 large points arrived")
    }

    private func refusesAVectorThatPointsNowhere(_ store: any PointStore) async throws {
        let zero = [Float](repeating: 0, count: Self.schema.dimensions)
        for value in [0, Float.nan, .infinity] {
            var vector = zero
            vector[3] = value
            try await refuses(store, vector, .rejected)
        }
    }

    /// No record could be written then: a person must act, and no record may be counted as failed.
    private func stopsWithoutACollection(_ store: any PointStore) async throws {
        do throws(PortFailure) {
            try await store.upsert([Self.child(1)])
        } catch {
            return try expect(error.kind == .unauthorised, "without a collection it is \(error.kind): \(error)")
        }
        throw Broken(description: "a point was taken without a collection")
    }

    private func aProbeChangesNothing(_ store: any PointStore) async throws {
        try await store.upsert([Self.parent(1), Self.child(1)])
        let before = try await store.points(of: [1], owner: Self.owner).map(\.id).sorted()
        try await store.probe()
        try await store.probe()
        let after = try await store.points(of: [1], owner: Self.owner).map(\.id).sorted()
        let count = try await store.count(nil, owner: nil)
        try expect(after == before && count == 2, "\(count) points are there after the probes, not 2")
    }

    private func aProbeMeetsWhatAnUpsertMeets(_ store: any PointStore) async throws {
        do throws(PortFailure) {
            try await store.probe()
        } catch {
            return try expect(error.kind == .unauthorised, "without a collection a probe is \(error.kind): \(error)")
        }
        throw Broken(description: "a probe went well without a collection")
    }

    private func refuses(_ store: any PointStore, _ vector: [Float], _ kind: PortFailure.Kind) async throws {
        do throws(PortFailure) {
            try await store.upsert([Self.child(1, vector: vector)])
        } catch {
            try expect(error.kind == kind, "a wrong vector is \(error.kind), not \(kind): \(error)")
            let count = try await store.count(nil, owner: nil)
            return try expect(count == 0, "a refused point was written")
        }
        throw Broken(description: "a vector was taken that should not be: \(vector.prefix(8))")
    }

    private func deletesOnlyWhatIsStillAsSeen(_ store: any PointStore) async throws {
        try await store.upsert([Self.child(1), Self.child(2), Self.child(3)])
        let seen = try await store.points(of: [1, 2], owner: Self.owner)
        try expect(seen.count == 2, "\(seen.count) of 2 points found")
        try await store.upsert([Self.child(1, version: 2)])
        try await store.delete(seen)
        let left = try await store.points(of: [1, 2, 3], owner: Self.owner)
        try expect(Set(left.map(\.recordID)) == [1, 3], "left after the delete: \(left.map(\.recordID))")
        guard let point = left.first(where: { $0.recordID == 1 }) else { return }
        for (checksum, profile) in [(nil, "profile-2"), ("checksum-2", nil), ("checksum-2", "profile-1")] {
            try await store.delete([Self.seen(point, checksum: checksum, profile: profile, source: point.source)])
            let count = try await store.count(nil, owner: nil)
            try expect(count == 2, "deleted although it was not as seen: \(checksum ?? "-"), \(profile ?? "-")")
        }
        try await store.delete([point])
        try await store.delete([point])
        try await store.delete([])
        let count = try await store.count(nil, owner: nil)
        try expect(count == 1, "\(count) points left instead of 1")
    }

    private func readsAndDeletesForeignPoints(_ store: any PointStore) async throws {
        let id = PointID(high: 77, low: 78)
        try await writeForeign(store, id, #"{"summary_id": 5, "type": "child", "checksum": "theirs", "text": "x"}"#)
        try await writeForeign(store, PointID(high: 77, low: 79), #"{"summary_id": 5}"#)
        let found = try await store.points(of: [5], owner: Self.owner).sorted { $0.id < $1.id }
        try expect(found.count == 2, "\(found.count) of 2 foreign points found")
        let expected = StoredPoint(
            id: id,
            recordID: 5,
            kind: .child,
            parentIndex: nil,
            chunkIndex: nil,
            checksum: "theirs",
            profile: nil,
            source: nil,
            memberCode: nil,
            collectionIDs: []
        )
        try expect(found.first == expected, "a foreign point is read as \(String(describing: found.first))")
        try expect(found.last?.checksum == nil, "a checksum where there is none")
        try await store.delete([Self.seen(expected, checksum: "theirs", profile: "ours", source: expected.source)])
        try expect(try await store.count(nil, owner: nil) == 2, "deleted although a profile was expected")
        try await store.delete(found)
        try expect(try await store.count(nil, owner: nil) == 0, "points without profile or checksum were not deleted")
    }

    func expect(_ isKept: Bool, _ text: @autoclosure () -> String) throws {
        if !isKept { throw Broken(description: text()) }
    }
}
