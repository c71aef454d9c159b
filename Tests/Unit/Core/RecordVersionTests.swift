import Migration
import Testing
import TextProcessing

@Suite struct RecordVersionTests {
    func stored(
        _ id: UInt64,
        checksum: String? = "c",
        profile: String? = "p",
        source: String? = "t"
    ) -> StoredPoint {
        StoredPoint(
            id: PointID(high: 0, low: id),
            recordID: 1,
            kind: .child,
            parentIndex: 0,
            chunkIndex: 0,
            checksum: checksum,
            profile: profile,
            source: source,
            memberCode: "m",
            collectionIDs: []
        )
    }

    func compare(_ expected: [UInt64], _ found: [StoredPoint]) -> RecordVersion {
        .compare(expected: expected.map { PointID(high: 0, low: $0) }, checksum: "c", profile: "p", found: found)
    }

    @Test func `exactly the expected points of this version are unchanged`() {
        #expect(compare([1, 2], [stored(2), stored(1)]) == .unchanged)
    }

    @Test
    func `a missing, older or foreign point makes the record new, and only points that are not expected are stale`() {
        let one: Set = [PointID(high: 0, low: 1)]
        #expect(compare([1, 2], [stored(1)]) == .replaced(stale: [], there: one))
        #expect(compare([1, 2], [stored(1), stored(2, checksum: "old")]) == .replaced(stale: [], there: one))
        #expect(compare([1, 2], [stored(1), stored(2, profile: nil)]) == .replaced(stale: [], there: one))
        let older = stored(2, checksum: "old")
        #expect(compare([1], [stored(1, checksum: "old"), older]) == .replaced(stale: [older], there: []))
    }

    @Test func `only points of this version and without a source are marked`() {
        let found = [
            stored(1, source: nil), stored(2), stored(3, checksum: "old", source: nil),
            stored(4, profile: nil, source: nil),
            stored(5, source: nil),
        ]
        let expected = (1...4).map { PointID(high: 0, low: $0) }
        let unmarked = RecordVersion.unmarked(expected: expected, checksum: "c", profile: "p", found: found)
        #expect(unmarked == [stored(1, source: nil)])
        #expect(
            compare([1, 2], [stored(1, source: nil), stored(2)]) == .unchanged,
            "the missing key alone costs nothing"
        )
    }

    @Test(arguments: [("t", true), ("u", false), (nil, true)] as [(String?, Bool)])
    func `a source owns its own points, and unmarked ones where they are its own`(source: String?, isOurs: Bool) {
        let point = stored(1, source: source)
        #expect(PointOwner(source: "t", ownsUnmarked: true).owns(point) == isOurs)
        #expect(PointOwner(source: "t", ownsUnmarked: false).owns(point) == (source == "t"))
        for ownsUnmarked in [true, false] {
            #expect(PointOwner(source: "t", ownsUnmarked: ownsUnmarked).mayRemove(point) == (source == "t"))
        }
    }

    @Test func `older points beside the expected ones only go`() {
        let older = stored(2, checksum: "old")
        #expect(compare([1], [stored(1), older]) == .outlived(stale: [older]))
    }
}
