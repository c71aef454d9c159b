import Migration
import TextProcessing

/// Several sources in one collection, with equal record ids, beside points that carry no source.
extension PointStoreConformance {
    static let other = "shop.memos"
    /// Like `owner`, but the unmarked points belong to another source.
    static let marked = PointOwner(source: owner.source, ownsUnmarked: false)

    /// Writes two points of each kind: ours, another source's, and without a source, all of record 1.
    private func writeAll(_ store: any PointStore) async throws {
        try await store.upsert([Self.parent(1), Self.child(1)])
        try await store.upsert([
            Self.parent(1, index: 5, source: Self.other), Self.child(1, index: 5, source: Self.other),
        ])
        try await writeForeign(store, Self.unmarkedID(1), #"{"summary_id": 1, "type": "child", "checksum": "c"}"#)
        try await writeForeign(store, Self.unmarkedID(2), #"{"summary_id": 1, "source": null}"#)
    }

    func readsPointsByTheirIDs(_ store: any PointStore) async throws {
        try await writeAll(store)
        let theirs = Self.parent(1, index: 5, source: Self.other)
        let absent = PointID(high: 1, low: 1)
        let wanted = [Self.parent(1).id, Self.child(1).id, theirs.id, Self.unmarkedID(1), absent]
        let found = try await store.contents(of: wanted)
        let byID = Dictionary(found.map { ($0.point.id, $0) }) { first, _ in first }
        try expect(Set(byID.keys) == Set(wanted.dropLast()) && found.count == 4, "read \(found.map(\.point.id))")
        try expect(byID[theirs.id]?.point.source == Self.other, "the other's source is not read")
        try expect(byID[Self.unmarkedID(1)]?.text == nil, "a text where there is none")
        guard case .parent(let parent) = Self.parent(1).body,
            case .child(let parentID, _, let text, _) = Self.child(1).body
        else { return }
        let read = byID[Self.child(1).id]
        try expect(byID[Self.parent(1).id]?.text == parent, "the parent's text is not read")
        try expect(
            read?.text == text && read?.parentID == parentID.description,
            "the child is read as \(String(describing: read))"
        )
        let many = (0..<PointContents.most).map { Self.parent(2, index: $0) }
        try await store.upsert(many)
        let count = try await store.contents(of: many.map(\.id)).count
        try expect(count == PointContents.most, "\(count) of \(PointContents.most) points read")
    }

    static func unmarkedID(_ number: UInt64) -> PointID { PointID(high: 77, low: number) }

    func readsPointsOfItsOwnSourceOnly(_ store: any PointStore) async throws {
        try await writeAll(store)
        let ours = Set([Self.parent(1).id, Self.child(1).id])
        let theirs = Set([Self.parent(1, index: 5).id, Self.child(1, index: 5).id])
        let nobodys = Set([Self.unmarkedID(1), Self.unmarkedID(2)])
        for (owner, expected) in [
            (Self.owner, ours.union(nobodys)), (Self.marked, ours),
            (PointOwner(source: Self.other, ownsUnmarked: false), theirs),
            (PointOwner(source: "nobody's", ownsUnmarked: true), nobodys),
            (PointOwner(source: "", ownsUnmarked: false), Set<PointID>()),
        ] as [(PointOwner, Set<PointID>)] {
            let found = try await store.points(of: [1, 2], owner: owner)
            try expect(Set(found.map(\.id)) == expected, "\(owner) reads \(found.map { ($0.id, $0.source ?? "-") })")
            try expect(found.allSatisfy(owner.owns), "\(owner) reads what it does not own")
        }
        let read = try await store.points(of: [1], owner: Self.marked).map { ($0.source, $0.memberCode) }
        try expect(
            read.allSatisfy { $0.0 == Self.owner.source && $0.1 == "member-1" },
            "source and tenant are read as \(read)"
        )
    }

    func deletesNoPointsOfAnotherSource(_ store: any PointStore) async throws {
        try await writeAll(store)
        for point in try await store.points(of: [1], owner: PointOwner(source: Self.other, ownsUnmarked: true)) {
            // The same points, as seen by a process that takes them for another source's.
            for source in [Self.owner.source, point.source == nil ? Self.other : nil] {
                try await store.delete([
                    Self.seen(point, checksum: point.checksum, profile: point.profile, source: source)
                ])
            }
        }
        try expect(try await store.count(nil, owner: nil) == 6, "points were deleted whose source was not as seen")
        try await store.delete(try await store.points(of: [1], owner: Self.owner))
        let left = try await store.points(of: [1], owner: PointOwner(source: Self.other, ownsUnmarked: true))
        try expect(left.map(\.source) == [Self.other, Self.other], "left are \(left)")
        try expect(try await store.count(nil, owner: nil) == 2, "points of the other source were deleted")
    }

    func countsPointsOfASource(_ store: any PointStore) async throws {
        try await writeAll(store)
        for (kind, owner, expected) in [
            (nil, Self.owner, 4), (nil, Self.marked, 2), (.child, Self.owner, 2), (.parent, Self.owner, 1),
            (.child, PointOwner(source: Self.other, ownsUnmarked: false), 1),
            (nil, PointOwner(source: "nobody's", ownsUnmarked: false), 0),
        ] as [(PointKind?, PointOwner, Int)] {
            let count = try await store.count(kind, owner: owner)
            try expect(count == expected, "\(count) points of \(owner), not \(expected)")
        }
    }

    func marksOnlyPointsWithoutASource(_ store: any PointStore) async throws {
        try await writeAll(store)
        let before = try await store.points(of: [1], owner: Self.owner).filter { $0.source == nil }
        let theirs = try await store.points(of: [1], owner: PointOwner(source: Self.other, ownsUnmarked: false))
        try await store.mark(before + theirs, source: Self.owner.source)
        try await store.mark([], source: Self.owner.source)
        let after = try await store.points(of: [1], owner: Self.marked)
        for point in before {
            var expected = point
            expected.source = Self.owner.source
            try expect(after.contains(expected), "\(point) was marked as \(after.filter { $0.id == point.id })")
        }
        let unchanged = try await store.points(of: [1], owner: PointOwner(source: Self.other, ownsUnmarked: true))
        try expect(
            unchanged.sorted { $0.id < $1.id } == theirs.sorted { $0.id < $1.id },
            "marking changed points of another source: \(unchanged)"
        )
        try await store.mark(before, source: Self.other)
        let again = try await store.count(nil, owner: Self.marked)
        try expect(again == 4, "points that had a source were marked anew: \(again) are ours")
    }

    func marksMoreThanAThousandPoints(_ store: any PointStore) async throws {
        let points = (0..<1_001).map { Self.parent(1, index: $0) }
        let unmarked = points.map { point in
            StoredPoint(
                id: point.id,
                recordID: 1,
                kind: .parent,
                parentIndex: nil,
                chunkIndex: nil,
                checksum: nil,
                profile: nil,
                source: nil,
                memberCode: nil,
                collectionIDs: []
            )
        }
        for point in [unmarked[0], unmarked[1_000]] {
            try await writeForeign(store, point.id, #"{"summary_id": 1, "source": []}"#)
        }
        try await store.mark(unmarked, source: Self.owner.source)
        let count = try await store.count(nil, owner: nil)
        try expect(count == 2, "marking made points: \(count) instead of 2")
        let marked = try await store.count(nil, owner: Self.marked)
        try expect(marked == 2, "\(marked) of 2 points marked")
    }

    /// Whatever another application has written there, it is neither ours nor unmarked unless it says so exactly.
    func tellsOddSourcesApart(_ store: any PointStore) async throws {
        let long = String(repeating: "s", count: 3_000)
        let odd = [
            "null", "[]", #""""#, "7", "true", "0.5", #"["other"]"#, #"{"name": "app.memos"}"#, #""APP.MEMOS""#,
            #"" app.memos""#, #""app.memos ""#, #""app""#, #""app.memos2""#, #""app\u0000memos""#, "\"\(long)\"",
        ]
        try await store.upsert([Self.parent(1)])
        for (number, source) in odd.enumerated() {
            let payload = #"{"summary_id": 1, "source": \#(source)}"#
            try await writeForeign(store, Self.unmarkedID(UInt64(number)), payload)
        }
        let unmarked = Set([Self.unmarkedID(0), Self.unmarkedID(1)])
        let found = Set(try await store.points(of: [1], owner: Self.owner).map(\.id))
        try expect(found == unmarked.union([Self.parent(1).id]), "found are \(found)")
        try await store.mark(try await store.points(of: [1], owner: Self.owner), source: Self.owner.source)
        let ours = try await store.count(nil, owner: Self.marked)
        try expect(ours == 3, "\(ours) points are ours after marking, not 3")
        let present = try await store.sources(besides: Self.owner.source)
        try expect(present.others == odd.count - 2 && present.unmarked == 0, "the sources are \(present)")
        try await store.delete(try await store.points(of: [1], owner: Self.owner))
        let left = try await store.count(nil, owner: nil)
        try expect(left == odd.count - 2, "\(left) points left, not \(odd.count - 2)")
        try await store.upsert([Self.parent(2, source: long)])
        let theirs = try await store.points(of: [1, 2], owner: PointOwner(source: long, ownsUnmarked: false))
        try expect(theirs.count == 2, "\(theirs.count) points of a source with a long name")
    }

    func namesTheOtherSources(_ store: any PointStore) async throws {
        let none = try await store.sources(besides: Self.owner.source)
        try expect(
            none == SourcesPresent(own: 0, unmarked: 0, others: 0, otherNames: []),
            "an empty collection has \(none)"
        )
        try await writeAll(store)
        let found = try await store.sources(besides: Self.owner.source)
        try expect(
            found == SourcesPresent(own: 2, unmarked: 2, others: 2, otherNames: [Self.other]),
            "the sources are \(found)"
        )
        let sample = try await store.sample(of: nil, 10)
        try expect(
            sample.map(\.id).sorted() == [Self.unmarkedID(1), Self.unmarkedID(2)],
            "the sample is \(sample.map(\.id))"
        )
        try expect(try await store.sample(of: nil, 1).count == 1, "the sample is longer than asked for")
        let theirs = try await store.sample(of: Self.other, 10)
        try expect(
            theirs.count == 2 && theirs.allSatisfy { $0.source == Self.other },
            "the sample of the other source is \(theirs)"
        )
        try expect(try await store.sample(of: "nobody's", 10).isEmpty, "a source without points has a sample")
        // Many sources, and some whose name is no text.
        try await store.upsert((0..<9).map { Self.parent(RecordID($0), index: 10, source: "many-\($0)") })
        try await writeForeign(store, PointID(high: 0, low: 99), #"{"summary_id": 9, "source": 7}"#)
        let many = try await store.sources(besides: Self.owner.source)
        try expect(many.others == 12 && many.own == 2 && many.unmarked == 2, "the sources are \(many)")
        try expect(many.otherNames.count <= SourcesPresent.namesMax, "\(many.otherNames.count) names")
        try expect(many.otherNames == many.otherNames.sorted(), "the names are in no order: \(many.otherNames)")
    }

    static func seen(_ point: StoredPoint, checksum: String?, profile: String?, source: String?) -> StoredPoint {
        StoredPoint(
            id: point.id,
            recordID: point.recordID,
            kind: point.kind,
            parentIndex: point.parentIndex,
            chunkIndex: point.chunkIndex,
            checksum: checksum,
            profile: profile,
            source: source,
            memberCode: point.memberCode,
            collectionIDs: point.collectionIDs
        )
    }
}
