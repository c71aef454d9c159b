import Invariants
import Migration
import Testing
import TextProcessing

@testable import Scenarios

/// What is known at the end of a run: three batches of eight records, of which the last batch is at work.
///
/// Of the records 1 to 5 all but 5 have their points; 5 is a dead letter, because the embedder refuses its text.
private struct EndStage {
    var story = TrackingStory.clean
    var history = RecordHistory()
    var lists = ListHistory()
    var rows: [SourceRecord] = []
    var points: [PointEvidence] = []
    var change: (inout RecordEvidence) -> Void = { _ in }

    init() throws {
        for id in 1...8 as ClosedRange<RecordID> {
            let stage = try RecordStage(id)
            let text = stage.shape.parents.map(\.text).joined()
            rows.append(SourceRecord(id: id, memberCode: "m", content: .text(id == 5 ? "forbidden" + text : text)))
            history.learn(stage.shape)
            if id < 5 { points += stage.points.map { Self.evidence($0) } }
        }
    }

    static func evidence(_ point: Point) -> PointEvidence {
        PointEvidence(
            id: point.id,
            source: point.source,
            record: point.recordID,
            checksum: point.checksum,
            lists: point.collectionIDs
        )
    }

    var evidence: RecordEvidence {
        var evidence = RecordEvidence(
            of: story.evidence,
            history,
            lists,
            rows: rows,
            points: points.sorted { $0.id < $1.id },
            source: SimulatedWorld.owner.source
        )
        evidence.refusedWord = "forbidden"
        evidence.refusalCode = "simulated_refusal"
        evidence.incomplete = [5, 6, 7, 8]
        evidence.neighbourSource = "shop.memos"
        evidence.neighbourList = 9
        change(&evidence)
        return evidence
    }

    var wrongRecord: String? { evidence.wrongRecord?.description }
    var wrongPoint: String? { evidence.wrongPoint?.description }
}

/// I18: what a point is searched by.
@Suite struct `The vectors at the end of a run` {
    @Test func `are those of their texts`() throws {
        let point = PointID(high: 1, low: 2)
        var stage = try EndStage()
        let right = RecordEvidence.Vector(of: point, [1, 0], due: [1, 0])
        stage.change = { $0.vectors = [right] }
        #expect(stage.evidence.wrongVector == nil)
        stage.change = { $0.vectors = [right, .init(of: point, [1, 0], due: [0, 1])] }
        #expect(stage.evidence.wrongVector?.description == "I18 the vector of point \(point) is not that of its text")
        stage.change = { $0.vectors = [.init(of: point, nil, due: [0, 1])] }
        #expect(stage.evidence.wrongVector != nil)
    }
}

/// I10, I12 and I18: what became of the records.
@Suite struct `The records at the end of a run` {
    @Test func `are what they may be`() throws {
        let stage = try EndStage()
        #expect(stage.wrongRecord == nil && stage.wrongPoint == nil)
    }

    @Test func `are all planned, up to a limit`() throws {
        var stage = try EndStage()
        stage.rows.append(SourceRecord(id: 9, memberCode: "m", content: .text("w")))
        #expect(stage.wrongRecord == "I12 record 9 is not in the plan")
        stage.change = { $0.limits = [1: 8] }
        #expect(stage.wrongRecord == nil)
        stage.change = { $0.limits = [1: 7] }
        #expect(stage.wrongRecord == "I12 8 records are planned, the limit is 7")
        stage.change = { _ in }
        stage.history.arrives(9)
        #expect(stage.wrongRecord == nil)
    }

    @Test func `have all their points when they count as processed`() throws {
        var stage = try EndStage()
        stage.change = { $0.incomplete = [2, 5] }
        #expect(stage.wrongRecord == "I18 record 2 of batch 0 counts as processed, but its points are not all there")
        stage.history.hasChanged(2, isDeleted: false)
        #expect(stage.wrongRecord == nil)
    }

    @Test func `are dead letters when they can never be handled`() throws {
        var stage = try EndStage()
        stage.change = { $0.defects = [2: .init("row", isOfRow: true)] }
        #expect(stage.wrongRecord == "I18 record 2 has row and is no dead letter")
        stage.change = { $0.defects = [2: .init("text", isOfRow: false)] }
        #expect(stage.wrongRecord == nil, "all its points were there before")
        stage.change = { ($0.defects, $0.incomplete) = ([2: .init("text", isOfRow: false)], [2]) }
        #expect(stage.wrongRecord == "I18 record 2 has text and is no dead letter")
    }

    @Test func `count as skipped and as missing as they are`() throws {
        var stage = try EndStage()
        stage.story.job.stats.skipped = 1
        #expect(stage.wrongRecord == "I18 1 records count as skipped, 0 are blank")
        stage.story.job.stats.skipped = 0
        stage.story.job.stats.missing = 1
        #expect(stage.wrongRecord == "I18 1 records count as missing, 0 have vanished")
        stage.history.vanishes(2)
        #expect(stage.wrongRecord == nil)
        stage.story.edit(batch: 0) { $0.counts = .init(processed: 1, missing: 2) }
        #expect(stage.wrongRecord == "I18 batch 0 counts 2 records as missing, 1 of its rows were ever deleted")
    }

    @Test func `need a tenant, unless they are NULL`() throws {
        var stage = try EndStage()
        stage.history.vanishes(2)
        stage.story.job.stats.missing = 1
        var history = RecordHistory()
        history.vanishes(2)
        for id in [1, 4] as [RecordID] { history.learn(try RecordStage(id).shape) }
        stage.history = history
        stage.rows[2] = SourceRecord(id: 3, memberCode: nil, content: .text("w"))
        #expect(stage.wrongRecord == "I18 record 3 has no tenant, but no dead letter")
        stage.rows[2] = SourceRecord(id: 3, memberCode: nil, content: .null)
        stage.story.job.stats.skipped = 1
        #expect(stage.wrongRecord == nil)
    }

    @Test func `are dead letters only with a reason`() throws {
        var stage = try EndStage()
        stage.rows[4] = SourceRecord(id: 5, memberCode: "m", content: .text("w"))
        #expect(stage.wrongRecord == "I18 record 5 is a dead letter without a reason")
        stage.change = { $0.defects = [5: .init("text", isOfRow: false)] }
        #expect(stage.wrongRecord == nil)
        stage.change = { _ in }
        stage.story.job.failures[0].code = "simulated_refusal"
        #expect(stage.wrongRecord == nil)
    }

    @Test func `are paid for no more than was billed`() throws {
        var stage = try EndStage()
        stage.story.job.stats.billedTokens = 11
        #expect(stage.evidence.countedTooOften == nil)
        stage.change = { $0.billed = 11 }
        #expect(stage.evidence.countedTooOften == nil)
        stage.change = { $0.billed = 10 }
        #expect(
            stage.evidence.countedTooOften?.description == "I10 11 tokens are counted as paid, of 10 that were billed"
        )
    }
}

/// I18, I19 and I29: what is in the collection.
@Suite struct `The points at the end of a run` {
    private static let strange = PointID(high: 1, low: 2)

    private static func point(
        _ record: RecordID?,
        source: String? = SimulatedWorld.owner.source,
        checksum: String? = "c",
        lists: [Int64] = []
    ) -> PointEvidence {
        PointEvidence(id: strange, source: source, record: record, checksum: checksum, lists: lists)
    }

    @Test func `are of planned records`() throws {
        var stage = try EndStage()
        stage.points.append(Self.point(nil))
        #expect(stage.wrongPoint == "I19 point \(Self.strange) names no record")
        stage.points[stage.points.count - 1] = Self.point(77)
        #expect(stage.wrongPoint == "I19 point \(Self.strange) is of record 77, which is not planned")
        stage.points[stage.points.count - 1] = Self.point(77, source: "shop.memos")
        #expect(stage.wrongPoint == nil)
    }

    @Test func `are of the version of their rows`() throws {
        var stage = try EndStage()
        stage.points.append(Self.point(2))
        let found = "I18 point \(Self.strange) of record 2 should not be there"
        #expect(stage.wrongPoint == found)
        stage.change = { $0.older = [Self.strange] }
        #expect(stage.wrongPoint == found, "of a record that is done every older point must be gone")
        stage.points[stage.points.count - 1] = Self.point(6)
        #expect(stage.wrongPoint == nil, "of another one it may still wait")
        stage.points[stage.points.count - 1] = Self.point(2)
        stage.change = { $0.foreign = [.init(id: Self.strange, record: 2, source: nil, isAsItWas: true)] }
        #expect(stage.wrongPoint == nil)
        stage.change = { _ in }
        stage.history.hasChanged(2, isDeleted: false)
        #expect(stage.wrongPoint == nil)
    }

    @Test func `name their source, and have no list of another table`() throws {
        let shape = try RecordStage(2)
        var stage = try EndStage()
        stage.points.removeAll { $0.record == 2 }
        let point = shape.points[0]
        let with = { (source: String?, lists: [Int64]) in
            PointEvidence(id: point.id, source: source, record: 2, checksum: point.checksum, lists: lists)
        }
        stage.points.append(with(nil, []))
        #expect(stage.wrongPoint == "I29 point \(point.id) of record 2 does not say where it came from")
        stage.points[stage.points.count - 1] = with(SimulatedWorld.owner.source, [9])
        #expect(stage.wrongPoint == "I29 point \(point.id) of record 2 has the list of another table's record")
    }

    @Test func `have the lists that were set on them`() throws {
        var stage = try EndStage()
        stage.lists.wereSet(of: 2, to: [4, 3], at: 0)
        let first = try #require(stage.evidence.wrongPoint?.text)
        #expect(first.hasPrefix("point ") && first.hasSuffix(" of record 2 has the lists [], not [3, 4]"))
        stage.lists.landed([2: 0])
        #expect(stage.wrongPoint == nil)
    }

    @Test func `say what their row says`() throws {
        var stage = try EndStage()
        var content = PointContent(id: Self.strange)
        content.type = "parent"
        stage.change = { evidence in evidence.contents = [(0, content)] }
        let record = try #require(stage.points.min { $0.id < $1.id }?.record)
        #expect(stage.wrongPoint == "I18 record \(record): point \(Self.strange) has no parent_idx")
        stage.history.hasChanged(record, isDeleted: false)
        #expect(stage.wrongPoint == nil)
    }

    @Test func `of others are as they were`() throws {
        let neighbour = try RecordStage(20, lists: [9])
        var stage = try EndStage()
        stage.points += neighbour.points.map { EndStage.evidence($0) }
        stage.change = { $0.neighbours = neighbour.points }
        #expect(stage.evidence.changedNeighbour == nil)
        let id = neighbour.points[1].id
        stage.points.removeAll { $0.id == id }
        let found = "I29 point \(id) of another table's record 20 is gone or changed"
        #expect(stage.evidence.changedNeighbour?.description == found)
        var changed = neighbour.points[1]
        changed.collectionIDs = [9, .min]
        stage.points.append(EndStage.evidence(changed))
        #expect(stage.evidence.changedNeighbour?.description == found)
    }

    @Test func `that look like ours are not touched`() throws {
        var stage = try EndStage()
        let foreign = { RecordEvidence.Foreign(id: Self.strange, record: 2, source: $0, isAsItWas: $1) }
        stage.change = { $0.foreign = [foreign(nil, true), foreign("shop.memos", true)] }
        #expect(stage.evidence.changedForeign == nil)
        stage.change = { $0.foreign = [foreign(nil, false)] }
        #expect(
            stage.evidence.changedForeign?.description
                == "I29 point \(Self.strange) of record 2, which is another application's, was changed or deleted"
        )
        stage.history.hasChanged(2, isDeleted: false)
        #expect(stage.evidence.changedForeign == nil)
        stage.change = { $0.foreign = [foreign("shop.memos", false)] }
        #expect(
            stage.evidence.changedForeign?.description
                == "I29 point \(Self.strange) of record 2, which is shop.memos's, was changed or deleted"
        )
    }
}
