import Fakes
import Migration
import Simulation
import TextProcessing

/// Watches what leaves the processes and what it does to the fakes: the invariants that no table shows.
///
/// Shares no code with the engine's decisions: it keeps what really happened.
final class WorldWatch {
    unowned let world: SimulatedWorld
    /// The rows that have always been as they are; of others nothing exact can be said.
    private var changed: Set<RecordID> = []
    /// The records of the texts that may be embedded.
    private var owners: [String: RecordID] = [:]
    /// The points of these texts, and the version that they are of.
    private var targets: [String: (point: PointID, checksum: String)] = [:]
    /// Since when a point of some version is there.
    private var present: [PointID: (checksum: String, at: Int64)] = [:]
    /// The lists that each record's points must have.
    var lists = ListWatch()
    /// What failed by itself, and was followed by good input: I32.
    let suspects: SuspectWatch
    private var shapes: [RecordID: RecordPoints] = [:]
    private var absences = Absences()
    /// Since when all points of a record, as its row is now, are there.
    private var complete: [RecordID: Int64] = [:]
    /// Answered requests that carried a text.
    private(set) var paid: [RecordID: Int] = [:]
    /// Tokens sent, when.
    private var sent: [(at: Int64, tokens: Int)] = []
    /// When a reservation got no answer last: then a request passes without one.
    private var unreservedAt: Int64?
    var lastReapSeen: Int64 = 0
    /// The most records that an attempt has said are done.
    var said: [Attempt: Int] = [:]
    /// The processes that were told that the collection is full.
    private var full: Set<String> = []
    /// When each claim was sent first.
    var claimsSent: [String: (first: Int64, last: Int64)] = [:]

    init(_ world: SimulatedWorld) {
        self.world = world
        suspects = SuspectWatch(world.simulation)
        for row in world.source.snapshot { learn(row) }
    }

    var simulation: Simulation { world.simulation }

    func fail(_ invariant: String, _ finding: String) { simulation.fail("\(invariant) \(finding)") }

    // MARK: - The source

    private func learn(_ row: SourceRecord) {
        guard case .points(let points) = SimulatedText.shaper.shape(world.asRead(row)) else { return }
        shapes[row.id] = points
        for child in points.children {
            owners[child.text] = row.id
            targets[child.text] = (child.id, points.checksum)
        }
    }

    /// Somebody has changed, added or deleted a row.
    func rowHasChanged(_ id: RecordID, to row: SourceRecord?) {
        changed.insert(id)
        if row == nil { absences.deleted.insert(id) }
        complete[id] = nil
        shapes[id] = nil
        if let row { learn(row) }
    }

    func hasChanged(_ id: RecordID) -> Bool { changed.contains(id) }

    /// Somebody has inserted a row that was not there before.
    func rowArrives(_ row: SourceRecord) {
        absences.arrived.insert(row.id)
        learn(row)
    }

    /// Somebody has deleted a row before anybody could read it.
    func rowVanishes(_ id: RecordID) {
        absences.vanished.insert(id)
        absences.deleted.insert(id)
        complete[id] = nil
        shapes[id] = nil
    }

    /// Whether it may be missing in the plan.
    func hasArrived(_ id: RecordID) -> Bool { absences.arrived.contains(id) }
    func hasVanished(_ id: RecordID) -> Bool { absences.vanished.contains(id) }
    func wasDeleted(_ id: RecordID) -> Bool { absences.deleted.contains(id) }

    /// The points that a record must have; nil where it must have none.
    func expected(_ id: RecordID) -> RecordPoints? { shapes[id] }

    // MARK: - The embedder

    func requestIsSent(_ texts: [String], by process: SimulatedProcess) {
        let now = simulation.now
        // A clock that runs too slow by 200 parts of a million waits that much too long, never too short by more.
        let slack = Duration.milliseconds(20).nanoseconds
        if now + slack < process.throttledUntil {
            fail("I22", "\(process.name) sends \(Duration.nanoseconds(process.throttledUntil - now)) before it may")
        }
        if full.contains(process.name) { fail("I22", "\(process.name) pays although the collection is full") }
        if process.isOutOfMoney { fail("I22", "\(process.name) sends after the account ran out of money") }
        sent.append((now, texts.reduce(0) { $0 + SimulatedText.tokens($1) }))
        checkMinute()
    }

    /// I22: what is sent in any minute is within the limit; the last request of it may reach over its end.
    ///
    /// Not while a request may count that had no reservation: the store had not answered in time.
    private func checkMinute() {
        guard let limit = world.statedLimit, let last = sent.last else { return }
        let minute = Duration.seconds(60).nanoseconds
        sent.removeAll { $0.at <= last.at - minute }
        if let unreservedAt, last.at < unreservedAt + 2 * minute { return }
        let sum = sent.dropLast().reduce(0) { $0 + $1.tokens }
        if sum > limit { fail("I22", "\(sum) tokens were sent within a minute, \(limit) are allowed") }
    }

    func reservationFailed() { unreservedAt = simulation.now }

    func requestWasAnswered(_ texts: [String]) {
        for text in texts { if let owner = owners[text] { paid[owner, default: 0] += 1 } }
    }

    func requestWasRefused(_ failure: PortFailure, to process: SimulatedProcess) {
        switch failure.kind {
        case .throttled(let wait):
            // The later of two: another worker of the process may have been told to wait for longer.
            process.throttledUntil = max(process.throttledUntil, simulation.now + (wait ?? .zero).nanoseconds)
        case .outOfMoney: process.isOutOfMoney = true
        default: break
        }
    }

    /// The record of a text.
    func owner(of text: String) -> RecordID? { owners[text] }

    /// I21: nobody pays for a text whose point was there before the attempt began, with the lists of its record.
    func textsAreEmbedded(_ texts: [String], for process: SimulatedProcess) {
        for text in texts {
            guard let owner = owners[text], let target = targets[text], let there = present[target.point],
                there.checksum == target.checksum, let claim = attempt(at: owner, by: process)
            else { continue }
            if there.at < claim.claimed, !process.traffic.wasUneven(target.point, since: claim.claimed) {
                fail(
                    "I21",
                    "a text of record \(owner) is paid again by \(process.name), but its point was there before its claim"
                )
            }
        }
    }

    // MARK: - The collection

    /// I20: no external write begins outside a lease.
    func writeBegins(of ids: [RecordID], by process: SimulatedProcess) {
        guard let id = ids.first else { return }
        guard let claim = attempt(at: id, by: process) else {
            return fail("I20", "\(process.name) writes record \(id) without a lease")
        }
        if claim.leaseEnd < simulation.now { fail("I20", "\(process.name) writes record \(id) after its lease") }
    }

    func writeLands(of ids: [RecordID], by process: SimulatedProcess) {
        if let id = ids.first, attempt(at: id, by: process) == nil { world.coverage.add(.staleWriteLanded) }
        process.hasWritten = true
    }

    func writeWasRefused(_ failure: PortFailure, to process: SimulatedProcess) {
        process.deeds.writeFailedAt = simulation.now
        guard failure.kind == .full else { return }
        full.insert(process.name)
        world.coverage.add(.foundFull)
    }

    func pointsWereWritten(_ points: [Point]) {
        for point in points where present[point.id]?.checksum != point.checksum {
            present[point.id] = (point.checksum, simulation.now)
        }
        let ids = points.map(\.recordID)
        for id in Set(ids).sorted() where complete[id] == nil && isComplete(id) { complete[id] = simulation.now }
    }

    /// I18: old points go only when the new ones are there.
    func pointsWereDeleted(_ points: [StoredPoint]) {
        for point in points where present[point.id]?.checksum == point.checksum { present[point.id] = nil }
        let ids = points.map(\.recordID)
        for id in Set(ids).sorted() where !isComplete(id) {
            // Of a row that has changed only what was there can be missed: its new text may not have been read yet.
            if changed.contains(id), complete[id] == nil || world.plan.has(.replica) { continue }
            complete[id] = nil
            fail("I18", "points of record \(id) are deleted before the right ones are there")
        }
    }

    /// Whether every point of a record is there, as its row is now.
    func isComplete(_ id: RecordID) -> Bool {
        guard let shape = shapes[id] else { return true }
        return world.points.all(shape.pointIDs) { payload in
            payload["checksum"]?.string == shape.checksum && payload["profile"]?.string == SimulatedText.shaper.profile
        }
    }

    // MARK: - The processes

    func happened(_ event: MigrationEvent, in process: SimulatedProcess) {
        switch event {
        case .finished(_, let batch, let attempt, let outcome, _, _):
            process.hasWritten = false
            simulation.note("\(process.name) batch \(batch) attempt \(attempt) \(outcome.rawValue)")
            if outcome == .released, process.wasSignalled { world.coverage.add(.releasedOnSignal) }
            if outcome == .deferred { world.coverage.add(.deferred) }
        case .claimed(let worker, let batch, let attempt, _):
            simulation.note("\(process.name)/\(worker) claims batch \(batch) attempt \(attempt)")
        case .planned, .sealed: process.readsPlan = false
        case .pointsRemoved(let records, _): world.coverage.add(.absentPointsRemoved, records)
        case .leaseLost(_, let batch, let attempt):
            simulation.note("\(process.name) lost batch \(batch) attempt \(attempt)")
        default: break
        }
    }
}

extension DatabaseTime {
    /// On the simulation's clock.
    var simulated: Int64 { (microseconds - DatabaseTime.start.microseconds) * 1000 }
}
