import Testing
import TextProcessing

@Suite("PointIdentity")
struct PointIdentityTests {
    struct Case: Decodable {
        let namespace: String
        let memberCode: String
        let summaryId: Int64
        let parentIdx: Int
        let chunkIndex: Int
        let parent: String
        let child: String
    }

    @Test func `every golden record has its ids`() throws {
        let cases: [Case] = try goldenCases("point_ids")
        #expect(cases.count == 24)
        for golden in cases {
            let identity = PointIdentity(namespace: golden.namespace)
            let parent = identity.parentID(
                memberCode: golden.memberCode,
                recordID: golden.summaryId,
                parent: golden.parentIdx
            )
            let child = identity.childID(
                memberCode: golden.memberCode,
                recordID: golden.summaryId,
                parent: golden.parentIdx,
                chunk: golden.chunkIndex
            )
            #expect(parent.description == golden.parent)
            #expect(child.description == golden.child)
            #expect(PointID(golden.parent) == parent)
            #expect(PointID(golden.child.uppercased()) == child)
            #expect(PointID(golden.child.replacing("-", with: "")) == child)
        }
    }

    @Test(arguments: [
        "", "10c74b5b", "10c74b5b4e2e5c55854fb3fc46faf35", "10c74b5b-4e2e-5c55-854f-b3fc46faf35",
        "1-0c74b5b4e2e-5c55-854f-b3fc46faf35f",
        "10c74b5b-4e2e-5c55-854f-b3fc46faf35f0", "10c74b5g-4e2e-5c55-854f-b3fc46faf35f",
        "{10c74b5b-4e2e-5c55-854f-b3fc46faf35f}",
    ])
    func `what is no UUID is not read as one`(text: String) {
        #expect(PointID(text) == nil)
    }

    @Test func `ids are ordered as their texts are`() throws {
        let ids = try [
            "ffffffff-0000-0000-0000-000000000000", "00000000-0000-0000-0000-00000000000f",
            "00000000-0000-0000-f000-000000000000",
        ]
        .map { try #require(PointID($0)) }
        #expect(ids.sorted().map(\.description) == ids.map(\.description).sorted())
        #expect(ids[0].bytes.count == 16 && ids[0].bytes.first == 0xFF)
    }
}
