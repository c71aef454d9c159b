import Fakes
import Invariants
import Migration
import Simulation
import Testing
import TextProcessing

@testable import Scenarios

/// The contract of a record, written down a second time: it must pass what is right and name each thing that is not.
@Suite struct `The contract of simulated records` {
    private static let member = "m1"
    private static let long = (0..<120).map { "w\($0)v77r5" }.joined(separator: " ")

    private static func shape(_ content: String) throws -> RecordPoints {
        let record = SourceRecord(id: 5, memberCode: member, content: .text(content))
        guard case .points(let points) = SimulatedText.shaper.shape(record) else {
            throw PortFailure(.rejected, "the text has no points")
        }
        return points
    }

    /// The points of a text as the collection would have them.
    private static func stored(_ content: String) throws -> [PointContent] {
        let shape = try shape(content)
        let vectors = shape.children.map { _ in [Float](repeating: 1, count: SimulatedWorld.dimensions) }
        return try shape.points(
            vectors: vectors,
            collectionIDs: [],
            shaper: SimulatedText.shaper,
            source: SimulatedWorld.owner.source
        ).map { PointContent($0.id, try QdrantPoint($0).payload) }
    }

    private static func finding(
        _ content: String,
        _ change: (inout [PointContent]) -> Void = { _ in }
    ) throws -> String? {
        var points = try stored(content)
        change(&points)
        return RecordContract(id: 5, memberCode: member, content: content).finding(points)
    }

    @Test(arguments: Workload.separators)
    func `every sign between words becomes what the engine makes of it, once and twice`(separator: String) {
        let raw = "w0v1r5x" + separator + "w1v1r5x" + separator + "w2v1r5 \n"
        let once = Normaliser().normalise(raw)
        #expect(RecordContract.normalised(raw) == once)
        #expect(RecordContract.normalised(once) == Normaliser().normalise(once))
    }

    @Test func `what the engine makes of any simulated text is right`() throws {
        var random = SimRandom(seed: 3)
        for _ in 0..<200 {
            let content = Workload.text(5, &random, length: 1 + random.below(40))
            #expect(try Self.finding(content) == nil, "\(content)")
        }
    }

    @Test(arguments: ["w0v1r5&nbsp;w1v1r5", "w0v1r5 &amp;amp; w1v1r5"])
    func `a checksum of the raw text, or of the text that is not normalised once more, is named`(content: String) throws
    {
        for text in [content, Normaliser().normalise(content)] {
            let finding = try Self.finding(content) { points in
                for place in points.indices {
                    points[place].checksum = RecordContract.checksum(of: text)
                }
            }
            #expect(finding?.contains("does not have the checksum") == true, "\(finding ?? "nothing")")
        }
    }

    @Test func `ids of another namespace, tenant or place are named`() throws {
        let other = PointIdentity(namespace: "another").parentID(memberCode: Self.member, recordID: 5, parent: 0)
        #expect(try Self.finding(Self.long) { $0[0].id = other }?.contains("should have the id") == true)
        #expect(try Self.finding(Self.long) { $0[1].memberCode = "m2" }?.contains("another tenant") == true)
        let finding = try Self.finding(Self.long) { points in
            let last = points.count - 1
            points[last].parentID = points[0].id.description
        }
        #expect(finding?.contains("has another parent") == true)
    }

    @Test func `a text that is not whole is named`() throws {
        #expect(try Self.stored(Self.long).count > 6)
        #expect(try Self.finding(Self.long) { $0.removeLast() }?.contains("are not the whole of it") == true)
        #expect(try Self.finding(Self.long) { $0.removeFirst() }?.contains("are not its text") == true)
        let cut = try Self.finding(Self.long) { points in
            let last = points.count - 1
            points[last].text?.removeLast(3)
        }
        #expect(cut?.contains("are not the whole of it") == true)
    }
}

/// What must be in `collection_ids` in the end.
@Suite struct `The lists of simulated records` {
    @Test func `what lands with the lists of before leaves nothing certain, until they are set again`() {
        var lists = ListHistory()
        #expect(lists.expected(1) == [])
        lists.wereSet(of: 1, to: [4], at: 100)
        lists.landed([1: 101, 2: 5])
        #expect(lists.expected(1) == [4] && lists.expected(2) == [])
        lists.landed([1: 99])
        #expect(lists.expected(1) == nil)
        lists.wereSet(of: 1, to: [], at: 200)
        #expect(lists.expected(1) == [])
    }
}

/// What a process has seen of a row decides what it may count.
@Suite struct `The rows that a process has read` {
    private let text = SourceRecord(id: 1, memberCode: "m", content: .text("w"))
    private let blank = SourceRecord(id: 2, memberCode: "m", content: .text(" \u{3000}\n"))

    @Test func `are there, blank, or absent`() {
        let traffic = RecordTraffic()
        traffic.wasRead([1, 2, 3], [text, blank])
        #expect(traffic.sight(of: 1) == .text && traffic.sight(of: 2) == .blank && traffic.sight(of: 3) == .absent)
        #expect(traffic.sight(of: 4) == nil)
        traffic.wasRead([3], [])
        #expect(traffic.sight(of: 3) == .absent)
    }

    @Test func `are not certain when one was read differently by itself, as a probe reads it`() {
        let traffic = RecordTraffic()
        traffic.wasRead([1, 3], [text])
        traffic.wasRead([1], [])
        #expect(traffic.sight(of: 1) == nil)
        traffic.wasRead([1, 3], [])
        #expect(traffic.sight(of: 1) == .absent)
    }

    private static func written(_ record: RecordID) -> Point {
        Point(
            id: PointID(high: 1, low: 2),
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

    private static func point(_ number: UInt64, of record: RecordID = 1, lists: [Int64]) -> StoredPoint {
        StoredPoint(
            id: PointID(high: 1, low: number),
            recordID: record,
            kind: .child,
            parentIndex: 0,
            chunkIndex: 0,
            checksum: nil,
            profile: nil,
            source: nil,
            memberCode: nil,
            collectionIDs: lists
        )
    }

    @Test func `a point lacks lists of its record from the look that finds it so`() {
        let traffic = RecordTraffic()
        let uneven = Self.point(1, lists: [3])
        traffic.hasLooked(
            at: [1, 2],
            [
                uneven, Self.point(2, lists: [4, 3]), Self.point(3, lists: [3, 4, 4]), Self.point(4, of: 2, lists: [3]),
            ],
            since: 10
        )
        #expect(traffic.wasUneven(uneven.id, since: 10) && !traffic.wasUneven(uneven.id, since: 11))
        for number: UInt64 in 2...4 { #expect(!traffic.wasUneven(PointID(high: 1, low: number), since: 0)) }
    }

    @Test func `points were looked at after the last vector, or there were none`() {
        let traffic = RecordTraffic()
        let point = Self.point(1, lists: [3, 4])
        traffic.hasLooked(at: [1, 2], [point], since: 10)
        #expect(traffic.wasEmbedded(["a"]) { _ in 1 } == false)
        #expect(!traffic.isFresh(1) && traffic.isFresh(2))
        #expect(traffic.wasEmbedded(["b"]) { _ in 1 }, "its record has had another text in the request before")
        traffic.hasLooked(at: [1], [point], since: 20)
        #expect(traffic.isFresh(1))
        #expect(traffic.lists(of: 1, workers: 1) == [[3, 4]] && traffic.lists(of: 2, workers: 1) == [[]])
        // Record 2 has points as soon as some were written, until a look finds none.
        _ = traffic.wasEmbedded(["c"]) { _ in 2 }
        traffic.hasWritten([Self.written(2)])
        #expect(!traffic.isFresh(2))
        traffic.hasLooked(at: [2], [], since: 30)
        _ = traffic.wasEmbedded(["d"]) { _ in 2 }
        #expect(traffic.isFresh(2))
    }
}
