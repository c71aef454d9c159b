import Fakes
import Invariants
import Migration
import Simulation
import TextProcessing

/// What else is in the collection: points of another table with equal record ids, and points without a source.
extension SimulatedWorld {
    /// Another table in the same collection.
    static let neighbour = PointOwner(source: "shop.memos", ownsUnmarked: false)
    /// The list in `collection_ids` of its points; the job's points never have it.
    static let neighbourList: Int64 = 9

    /// Points of another table, and points of this very version, written by a program that does not know sources.
    func preloadOtherSources(_ random: inout SimRandom) {
        let old = Set(older.map(\.recordID))
        for row in source.snapshot {
            // Texts that the fake never accepts were not written by the other table's program either.
            if random.chance(0.1), defects[row.id] == nil {
                neighbours += points(of: row, by: SimulatedText.neighbour, Self.neighbour, [Self.neighbourList])
            }
            let isOrdinary = if case .text(let text) = row.content { Workload.isOrdinary(text) } else { false }
            if isOrdinary, !old.contains(row.id), random.chance(0.05) {
                let points = points(of: asRead(row), by: SimulatedText.shaper, Self.owner, [])
                unmarked += withLists(points, isEven: true, &random)
            }
        }
    }

    private func points(
        of row: SourceRecord,
        by shaper: RecordShaper,
        _ owner: PointOwner,
        _ collectionIDs: [Int64]
    ) -> [Point] {
        guard case .points(let shape) = shaper.shape(row) else { return [] }
        let vectors = shape.children.map { WordVectors(dimensions: Self.dimensions).vector(of: $0.text) }
        return shape.points(vectors: vectors, collectionIDs: collectionIDs, shaper: shaper, source: owner.source)
    }

    /// Puts into the collection what it holds before the run.
    func stage() async throws(PortFailure) {
        for points in [points, otherPoints] {
            _ = try await points.ensure(CollectionSchema(dimensions: Self.dimensions))
        }
        // What can never be written was not written before either.
        unmarked.removeAll { defects[$0.recordID] != nil }
        try await points.upsert(older + unmarked + neighbours)
        // Half of the records have an older version without a source too, except absent records: a removal keeps such
        // points.
        let olderUnmarked = older.filter {
            $0.recordID % 2 == 0 && watch.expected($0.recordID) != nil && !doomed.contains($0.recordID)
        }
        points.unmark((unmarked + olderUnmarked).map(\.id))
        watch.pointsWereWritten(unmarked)
        watch.lists.begin(older + unmarked)
    }
}
