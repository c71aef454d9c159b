import Invariants
import Migration
import Testing
import TextProcessing

@testable import Scenarios

/// Records of simulated texts, as the checks of records are told of them.
struct RecordStage {
    let shape: RecordPoints
    let points: [Point]

    /// A record whose text has several children, with these lists.
    init(_ id: RecordID, lists: [Int64] = []) throws {
        let text = (0..<60).map { "w\($0)v1r\(id)" }.joined(separator: " ")
        let row = SourceRecord(id: id, memberCode: "m", content: .text(text))
        guard case .points(let shape) = SimulatedText.shaper.shape(row) else {
            throw PortFailure(.rejected, "the text has no points")
        }
        self.shape = shape
        points = shape.points(
            vectors: shape.children.map { _ in [Float](repeating: 1, count: SimulatedWorld.dimensions) },
            collectionIDs: lists,
            shaper: SimulatedText.shaper,
            source: SimulatedWorld.owner.source
        )
    }

    var stored: [StoredPoint] { points.map { Self.stored($0) } }

    static func stored(_ point: Point, lists: [Int64]? = nil) -> StoredPoint {
        StoredPoint(
            id: point.id,
            recordID: point.recordID,
            kind: point.kind,
            parentIndex: point.parentIndex,
            chunkIndex: nil,
            checksum: point.checksum,
            profile: point.profile,
            source: point.source,
            memberCode: point.memberCode,
            collectionIDs: lists ?? point.collectionIDs
        )
    }
}

/// I18 and I21: which points are there, and since when.
@Suite struct `The history of records` {
    @Test func `names the deletion of points before the right ones are there`() throws {
        let stage = try RecordStage(7)
        var history = RecordHistory()
        history.learn(stage.shape)
        history.wereDeleted(stage.stored)
        let found = "I18 points of record 7 are deleted before the right ones are there"
        #expect(history.breach(byDeletingFrom: 7, isReplicated: false)?.description == found)
        // The new text of a row that has changed may not have been read yet.
        history.hasChanged(7, isDeleted: false)
        #expect(history.breach(byDeletingFrom: 7, isReplicated: false) == nil)
        history.becomesComplete(7)
        #expect(history.breach(byDeletingFrom: 7, isReplicated: true) == nil)
        #expect(history.breach(byDeletingFrom: 7, isReplicated: false)?.description == found)
        #expect(!history.wasComplete(7))
    }

    @Test func `knows what has become of a row`() throws {
        let stage = try RecordStage(7)
        var history = RecordHistory()
        history.learn(stage.shape)
        #expect(history.shapes[7] == stage.shape && history.owner(of: stage.shape.children[0].text) == 7)
        history.becomesComplete(7)
        history.hasChanged(7, isDeleted: true)
        #expect(history.shapes[7] == nil && !history.wasComplete(7))
        history.vanishes(8)
        history.arrives(9)
        #expect(history.changed == [7] && history.deleted == [7, 8])
        #expect(history.vanished == [8] && history.arrived == [9])
    }

    @Test func `names a text that is paid for although its point was there`() throws {
        let stage = try RecordStage(7)
        let text = stage.shape.children[0].text
        var history = RecordHistory()
        history.learn(stage.shape)
        #expect(history.present(text).isEmpty && history.absent(text) == [7])
        history.wereWritten(stage.points, at: 100)
        // Again with the same version: it was there before.
        history.wereWritten(stage.points, at: 200)
        let there = try #require(history.present(text).first)
        let traffic = RecordTraffic()
        let finding = there.breach(byPayingAgain: "run0.0", under: AttemptLease(claimed: 101, leaseEnd: 200), traffic)
        #expect(
            finding?.description
                == "I21 a text of record 7 is paid again by run0.0, but its point was there before its claim"
        )
        let early = AttemptLease(claimed: 100, leaseEnd: 200)
        #expect(there.breach(byPayingAgain: "run0.0", under: early, traffic) == nil)
        // Without the lists of its record it has to be written anew.
        var found = stage.stored
        let place = try #require(found.firstIndex { $0.id == stage.shape.children[0].id })
        found[place] = RecordStage.stored(stage.points[place], lists: [3])
        found[0] = RecordStage.stored(stage.points[0], lists: [3, 4])
        traffic.hasLooked(at: [7], found, since: 150)
        let uneven = AttemptLease(claimed: 150, leaseEnd: 300)
        #expect(there.breach(byPayingAgain: "run0.0", under: uneven, traffic) == nil)
        history.wereDeleted(stage.stored)
        #expect(history.present(text).isEmpty)
    }

    @Test func `knows the records that share a text`() throws {
        let stage = try RecordStage(7)
        let text = stage.shape.children[0].text
        let words = (0..<60).map { "w\($0)v1r7" }.joined(separator: " ")
        let row = SourceRecord(id: 8, memberCode: "m", content: .text(words))
        guard case .points(let twin) = SimulatedText.shaper.shape(row) else { preconditionFailure("it has points") }
        var history = RecordHistory()
        history.learn(stage.shape)
        for _ in 0..<2 { history.learn(twin) }
        #expect(history.owner(of: text) == nil && history.owners(of: text) == [7, 8])
        #expect(history.absent(text) == [7, 8])
    }
}

/// I18 while it happens: what a process says and writes of records.
@Suite struct `The word of a process about records` {
    private static let rows = [
        SourceRecord(id: 1, memberCode: "m", content: .text("w")), SourceRecord(id: 2, memberCode: "m", content: .null),
    ]

    private static func finding(_ counts: BatchCounts, letters: [RecordID] = [], uncertain: Set<RecordID> = [])
        -> String?
    {
        let traffic = RecordTraffic()
        traffic.wasRead([1, 2, 3], rows)
        let call = FinishBatch(
            job: 1,
            batchNumber: 4,
            attempt: 1,
            claimId: "claim",
            outcome: .completed,
            counts: counts,
            failedRecords: letters.map {
                FailedRecord(recordId: $0, stage: .embed, code: "code", message: "", permanent: false)
            },
            retryAfterMs: nil,
            error: nil
        )
        return traffic.miscount(in: call, of: [1, 2, 3], by: "run0.0", uncertain: uncertain)?.description
    }

    @Test func `counts as it has read`() {
        #expect(Self.finding(.init(processed: 1, skipped: 1, missing: 1)) == nil)
        #expect(
            Self.finding(.init(processed: 1, skipped: 2))
                == "I18 batch 4 of run0.0 counts 0 records as missing, 1 were not there when it read them"
        )
        #expect(
            Self.finding(.init(processed: 2, missing: 1))
                == "I18 batch 4 of run0.0 counts 0 records as skipped, 1 were blank when it read them"
        )
        #expect(Self.finding(.init(processed: 2, failed: 1, missing: 1), letters: [2]) == nil)
        #expect(Self.finding(.init(processed: 1, missing: 2), uncertain: [2]) == nil)
    }

    @Test func `writes the lists that it has just looked up`() throws {
        let stage = try RecordStage(7, lists: [4, 3])
        let traffic = RecordTraffic()
        #expect(
            traffic.wrongLists(of: stage.points, by: "run0.0", workers: 1)?.description
                == "I18 run0.0 writes a point of record 7 with the lists [4, 3], its points have none that it looked at"
        )
        traffic.hasLooked(at: [7], stage.stored, since: 0)
        #expect(traffic.wrongLists(of: stage.points, by: "run0.0", workers: 1) == nil)
        _ = traffic.wasEmbedded(["a"]) { _ in 7 }
        #expect(
            traffic.wrongLists(of: stage.points, by: "run0.0", workers: 1)?.description
                == "I18 run0.0 writes record 7 without a look at the lists of its points"
        )
        let other = stage.points.map { RecordStage.stored($0, lists: [9]) }
        traffic.hasLooked(at: [7], other, since: 1)
        #expect(
            traffic.wrongLists(of: stage.points, by: "run0.0", workers: 1)?.description
                == "I18 run0.0 writes a point of record 7 with the lists [4, 3], its points have [9]"
        )
        // The other one of two workers may have looked since.
        #expect(traffic.wrongLists(of: stage.points, by: "run0.0", workers: 2) == nil)
    }

    @Test func `lets no child arrive before its parent`() throws {
        let stage = try RecordStage(7)
        let traffic = RecordTraffic()
        let children = stage.points.filter { $0.kind == .child }
        let orphan = { (points: [Point], changed: Set<RecordID>, isThere: Bool) in
            traffic.orphan(among: points, by: "run0.0", changed: changed) { _, checksum in
                isThere && checksum == stage.shape.checksum
            }
        }
        #expect(orphan(stage.points, [], false) == nil)
        #expect(orphan(children, [], true) == nil && orphan(children, [7], false) == nil)
        #expect(
            orphan(children, [], false)?.description == "I18 run0.0 writes a child of record 7 before its parent"
        )
        // What the collection has not taken may never come.
        traffic.hasFailed(toWrite: stage.points)
        #expect(orphan(children, [], false) == nil)
        traffic.hasWritten(stage.points)
        #expect(orphan(children, [], false) != nil)
    }
}
