import Conformance
import Fakes
import Foundation
import Migration
import ServedFakes
import Synchronization
import Testing
import TextProcessing

@Suite struct `Qdrant in memory` {
    @Test(arguments: PointStoreConformance.Rule.allCases)
    func `keeps the rules of a point store`(rule: PointStoreConformance.Rule) async throws {
        let engine = QdrantEngine()
        let suite = PointStoreConformance {
            FakeQdrant(engine: engine)
        } writeForeign: { _, id, payload in
            try engine.write(id, payload: JSONParser.parse(Data(payload.utf8)).object ?? [:], into: "memos")
        } restrict: { _, limits in
            FakeQdrant(engine: engine).restrict(try JSONParser.parse(Data(limits.utf8)))
        }
        try await suite.check(rule)
    }

    @Test func `a point that it refuses takes the points of its request along, and no others`() async throws {
        let store = FakeQdrant(pointsPerRequest: 2, refuses: { $0.recordID == 4 })
        _ = try await store.ensure(CollectionSchema(dimensions: 2))
        let failure = await #expect(throws: PortFailure.self) {
            try await store.upsert((1...5).map(Self.parent))
        }
        #expect(failure?.kind == .rejected && failure?.code == "400")
        #expect(try await store.count(nil, owner: nil) == 2)
    }

    @Test func `a fault between two requests leaves the first one written`() async throws {
        let calls = Mutex(0)
        let hook = FaultHook(before: { name throws(PortFailure) in
            guard name == "qdrant.upsert" else { return }
            let call = calls.withLock { count in
                count += 1
                return count
            }
            if call == 2 { throw PortFailure(.unavailable, "down") }
        })
        let store = FakeQdrant(pointsPerRequest: 2, faults: hook)
        _ = try await store.ensure(CollectionSchema(dimensions: 2))
        let failure = await #expect(throws: PortFailure.self) { try await store.upsert((1...5).map(Self.parent)) }
        #expect(failure?.kind == .unavailable)
        #expect(try await store.count(nil, owner: nil) == 2)
        try await store.upsert((1...5).map(Self.parent))
        #expect(try await store.count(nil, owner: nil) == 5)
    }

    @Test func `without its collection every call says so`() async throws {
        let store = FakeQdrant()
        let owner = PointOwner(source: "s", ownsUnmarked: true)
        let failure = await #expect(throws: PortFailure.self) { try await store.points(of: [1], owner: owner) }
        #expect(failure?.kind == .unauthorised)
        #expect(failure?.code == "404")
    }

    private static func parent(_ record: RecordID) -> Point {
        Point(
            id: PointID(high: 0, low: UInt64(record)),
            recordID: record,
            memberCode: "m",
            collectionIDs: [],
            checksum: "c",
            profile: "p",
            source: "s",
            parentIndex: 0,
            body: .parent(text: "t")
        )
    }
}
