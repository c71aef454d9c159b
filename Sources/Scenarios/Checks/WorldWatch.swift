import Fakes
import Invariants
import Migration
import Simulation
import TextProcessing

/// Watches what leaves the processes and what it does to the fakes, for the invariants that no table shows.
///
/// It gathers the input of the checks in `Invariants`, and ends the run with what they find.
final class WorldWatch {
    unowned let world: SimulatedWorld
    /// What became of the rows and of their points.
    private(set) var records = RecordHistory()
    /// The lists that each record's points must have.
    var lists = ListHistory()
    /// What failed by itself and was followed by good input: I32.
    let suspects: SuspectWatch
    /// The tokens sent per minute, if the settings state a limit.
    private var minute: TokenMinute?
    var lastReapSeen: Int64 = 0
    /// What the attempts have reported.
    var progress = ProgressHistory()
    /// When each claim was sent.
    private(set) var claims = ClaimHistory()

    init(_ world: SimulatedWorld) {
        self.world = world
        suspects = SuspectWatch(world.simulation)
        minute = world.statedLimit.map(TokenMinute.init)
        for row in world.source.snapshot { learn(row) }
    }

    var simulation: Simulation { world.simulation }

    func report(_ finding: Finding?) { simulation.report(finding) }

    // MARK: - The source

    private func learn(_ row: SourceRecord) {
        guard case .points(let points) = SimulatedText.shaper.shape(world.asRead(row)) else { return }
        records.learn(points)
    }

    /// Another application has changed, added or deleted a row.
    func rowHasChanged(_ id: RecordID, to row: SourceRecord?) {
        records.hasChanged(id, isDeleted: row == nil)
        if let row { learn(row) }
    }

    func hasChanged(_ id: RecordID) -> Bool { records.changed.contains(id) }

    /// Another application has inserted a new row.
    func rowArrives(_ row: SourceRecord) {
        records.arrives(row.id)
        learn(row)
    }

    /// Another application has deleted a row before any process could read it.
    func rowVanishes(_ id: RecordID) { records.vanishes(id) }

    func hasVanished(_ id: RecordID) -> Bool { records.vanished.contains(id) }

    /// The points that a record must have; nil where it must have none.
    func expected(_ id: RecordID) -> RecordPoints? { records.shapes[id] }

    // MARK: - The embedder

    func requestIsSent(_ texts: [String], by process: SimulatedProcess) {
        let now = simulation.now
        report(process.terms.breach(bySendingAt: now, process.name))
        report(process.traffic.breach(bySending: texts, process.name) { records.isKnown($0) })
        for text in texts { report(breach(byPayingFor: text, process)) }
        guard minute != nil else { return }
        report(minute?.send(texts.reduce(0) { $0 + SimulatedText.tokens($1) }, at: now))
    }

    func reservationFailed() { minute?.reservationFailed(at: simulation.now) }

    func requestWasRefused(_ failure: PortFailure, to process: SimulatedProcess) {
        process.terms.wasRefused(failure, at: simulation.now)
    }

    /// The record of a text; nil if several have it.
    func owner(of text: String) -> RecordID? { records.owner(of: text) }

    /// I21: no process pays for a text whose point, with the lists of its record, existed before the attempt began,
    /// unless another record that it works on has the same text.
    ///
    /// Judged when the request is sent: when it arrives, or arrives twice, the process may work under another lease.
    private func breach(byPayingFor text: String, _ process: SimulatedProcess) -> Finding? {
        var finding: Finding?
        for there in records.present(text) {
            guard let lease = attempt(at: there.record, by: process) else { continue }
            finding = there.breach(byPayingAgain: process.name, under: lease, process.traffic)
            if finding == nil { return nil }
        }
        guard finding != nil else { return nil }
        return records.absent(text).contains { attempt(at: $0, by: process) != nil } ? nil : finding
    }

    // MARK: - The collection

    /// I20: no external write begins outside a lease.
    func writeBegins(of ids: [RecordID], by process: SimulatedProcess) {
        guard let id = ids.first else { return }
        let lease = attempt(at: id, by: process)
        report(AttemptLease.breach(lease, byWriting: id, process.name, at: simulation.now))
    }

    func writeLands(of ids: [RecordID], by process: SimulatedProcess) {
        if let id = ids.first, attempt(at: id, by: process) == nil { world.coverage.add(.staleWriteLanded) }
        process.hasWritten = true
    }

    func writeWasRefused(_ failure: PortFailure, to process: SimulatedProcess) {
        process.deeds.writeFailedAt = simulation.now
        guard failure.kind == .full else { return }
        process.terms.foundFull()
        world.coverage.add(.foundFull)
    }

    func pointsWereWritten(_ points: [Point]) {
        records.wereWritten(points, at: simulation.now)
        var last: RecordID?
        for place in points.indices where points[place].recordID != last {
            let id = points[place].recordID
            last = id
            if !records.wasComplete(id), isComplete(id) { records.becomesComplete(id) }
        }
    }

    /// Whether the collection has this version of a point.
    func isThere(_ point: Point) -> Bool {
        world.points.all([point.id]) { $0["checksum"]?.string == point.checksum }
    }

    /// I18: old points are deleted only when the new ones exist.
    func pointsWereDeleted(_ points: [StoredPoint]) {
        records.wereDeleted(points)
        let ids = points.map(\.recordID)
        for id in Set(ids).sorted() where !isComplete(id) {
            report(records.breach(byDeletingFrom: id, isReplicated: world.plan.has(.replica)))
        }
    }

    /// Whether every point of a record exists as its current row demands.
    func isComplete(_ id: RecordID) -> Bool {
        guard let shape = records.shapes[id] else { return true }
        return world.points.all(shape.pointIDs) { payload in
            payload["checksum"]?.string == shape.checksum && payload["profile"]?.string == SimulatedText.shaper.profile
        }
    }

    // MARK: - The store

    func claimIsSent(_ claimID: String) { claims.wasSent(claimID, at: simulation.now) }

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
        case .embedded(_, _, let shared, let recalled):
            if world.plan.repeatShare > 0 { world.coverage.add(.equalTextShared, shared) }
            world.coverage.add(.vectorRecalled, recalled)
        case .cacheGivenUp(let reason):
            world.coverage.add(.cacheGivenUp)
            process.cacheTraffic.wasGivenUp()
            simulation.note("\(process.name) gives the cache up: \(reason)")
        case .leaseLost(_, let batch, let attempt):
            simulation.note("\(process.name) lost batch \(batch) attempt \(attempt)")
        default: break
        }
    }
}
