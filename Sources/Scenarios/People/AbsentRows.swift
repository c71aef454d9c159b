import Fakes
import Migration
import Simulation
import TextProcessing

/// Rows that a lagging replica does not have yet, and rows that lose their text or are deleted after an earlier version
/// was migrated.
extension SimulatedWorld {
    /// Replicas lag by less time than the engine waits before its second look.
    private static let lagMax = Duration.milliseconds(4_500)
    /// The plan is read in the first seconds; only batches that are claimed at once are claimed before every replica
    /// has the row.
    static let arrivalsMax = Duration.seconds(10)
    private static let arrivalPlaces = 24
    /// Fewer than the 100 removals that the brake permits, with room for rows that other changes make blank or delete.
    private static let absentMax = 50

    /// Two replicas behind one address, one of them up to date: a row that the plan has seen may be unknown to the next call.
    static func replicas(of node: SimNode, _ simulation: Simulation, _ plan: FaultPlan) -> FakeMySQL.Replicas? {
        guard plan.has(.replica) else { return nil }
        return FakeMySQL.Replicas(time: Time(node.clock)) {
            simulation.chance.chance(0.5) ? .zero : simulation.chance.duration(.seconds(1)...lagMax)
        }
    }

    /// Points of an earlier text, for rows that are blank now, rows that have lost their tenant, and rows that are
    /// deleted as soon as they are planned.
    func preloadAbsent(_ random: inout SimRandom) {
        guard plan.has(.absences) else { return }
        let known = Set(older.map(\.recordID))
        var left = Self.absentMax
        for row in source.snapshot where !known.contains(row.id) {
            let isBlank = watch.expected(row.id) == nil
            guard left > 0, random.chance(isBlank ? 0.7 : 0.1) else { continue }
            left -= 1
            older += olderPoints(of: row, &random)
            if !isBlank { doomed.insert(row.id) }
            for source in [Self.neighbour.source, nil] where random.chance(0.3) {
                let id = PointID(high: random.next(), low: random.next())
                others.append(OthersPoint(id: id, record: row.id, source: source))
            }
        }
    }

    /// Another application has written points of the same record ids.
    func placeOthers() throws {
        for point in others { try points.engine.write(point.id, payload: point.payload, into: points.collection) }
    }

    /// The application deletes rows after the planner has read their ids, and before a worker can claim them.
    func pageIsStored(_ ids: [RecordID]) {
        for id in ids where doomed.remove(id) != nil {
            source.erase(id)
            watch.rowVanishes(id)
        }
    }

    /// Some rows have just arrived when the run begins: the lagging replica does not have them when the first batches
    /// are read.
    func insertFirstRows() {
        guard plan.has(.replica) else { return }
        for _ in 0..<4 { insertSomeRow() }
    }

    /// Another application inserts a row near the beginning of the table, in front of the planner or behind it.
    func insertSomeRow() {
        let rows = source.snapshot
        guard !rows.isEmpty else { return }
        let (id, overflow) = rows[below(min(rows.count, Self.arrivalPlaces))].id.addingReportingOverflow(1)
        guard !overflow, source.row(id) == nil, !watch.hasChanged(id), !watch.hasVanished(id) else { return }
        var random = simulation.chance.split()
        let row = Workload.row(id, &random)
        source.put(row)
        watch.rowArrives(row)
    }
}

/// A point that the job must not delete.
struct OthersPoint {
    let id: PointID
    let record: RecordID
    /// Nil for a point of the existing application.
    let source: String?

    var payload: [String: JSONValue] {
        var payload: [String: JSONValue] = [
            "summary_id": .integer(record), "type": "child", "member_code": "m", "checksum": "theirs",
        ]
        payload["source"] = source.map(JSONValue.string)
        return payload
    }
}
