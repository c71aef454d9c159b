import Fakes
import Invariants
import Migration
import Simulation
import TextProcessing

/// Another application keeps lists of records in `collection_ids`.
extension SimulatedWorld {
    /// The lists of a record: none, one or two.
    static func lists(_ random: inout SimRandom) -> [Int64] {
        (0..<random.below(3)).map { Int64(20 * ($0 + 1) + random.below(20)) }
    }

    /// Points with lists that another application has set: those of their record, and in a fifth of the cases one more
    /// on the last point.
    func withLists(_ points: [Point], isEven: Bool, _ random: inout SimRandom) -> [Point] {
        let lists = Self.lists(&random)
        var points = points
        for place in points.indices { points[place].collectionIDs = lists }
        if !isEven, random.chance(0.2), let last = points.indices.last { points[last].collectionIDs.append(7) }
        return points
    }

    /// Another application sets the lists of a record, on all its points.
    func setSomeLists() {
        let rows = source.snapshot
        guard !rows.isEmpty else { return }
        let id = rows[below(rows.count)].id
        var random = simulation.chance.split()
        let lists = Self.lists(&random)
        let foreign = Set(others.filter { $0.record == id }.map(\.id))
        guard points.setLists(of: id, Self.owner, sparing: foreign, to: lists) else { return }
        watch.lists.wereSet(of: id, to: lists, at: simulation.now)
        coverage.add(.listsSet)
    }
}
