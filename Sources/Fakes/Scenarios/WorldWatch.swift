import Migration
import Simulation
import TextProcessing

/// Watches what leaves the processes and what it does to the fakes: the invariants that no table shows.
///
/// Shares no code with the engine's decisions: it keeps what really happened.
final class WorldWatch {
    private unowned let world: SimulatedWorld
    /// The rows that have always been as they are; of others nothing exact can be said.
    private var changed: Set<RecordID> = []
    /// The records of the texts that may be embedded.
    private var owners: [String: RecordID] = [:]
    private var shapes: [RecordID: RecordPoints] = [:]
    /// Since when all points of a record, as its row is now, are there.
    private var complete: [RecordID: Int64] = [:]
    /// Answered requests that carried a text.
    private(set) var paid: [RecordID: Int] = [:]
    /// Tokens sent, when.
    private var sent: [(at: Int64, tokens: Int)] = []
    /// Whether a reservation got no answer: then a request passes without one.
    private var hasUnreserved = false
    private var lastReapSeen: Int64 = 0
    /// The most records that an attempt has said are done.
    private var said: [String: Int] = [:]
    /// When each claim was sent first.
    private var claimsSent: [String: Int64] = [:]

    init(_ world: SimulatedWorld) {
        self.world = world
        for row in world.source.snapshot { learn(row) }
    }

    private var simulation: Simulation { world.simulation }

    private func fail(_ invariant: String, _ finding: String) { simulation.fail("\(invariant) \(finding)") }

    // MARK: - The source

    private func learn(_ row: SourceRecord) {
        guard case .points(let points) = SimulatedText.shaper.shape(row) else { return }
        shapes[row.id] = points
        for child in points.children { owners[child.text] = row.id }
    }

    /// Somebody has changed, added or deleted a row.
    func rowHasChanged(_ id: RecordID, to row: SourceRecord?) {
        changed.insert(id)
        complete[id] = nil
        shapes[id] = nil
        if let row { learn(row) }
    }

    func hasChanged(_ id: RecordID) -> Bool { changed.contains(id) }

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
        if process.isOutOfMoney { fail("I22", "\(process.name) sends after the account ran out of money") }
        sent.append((now, texts.reduce(0) { $0 + SimulatedText.tokens($1) }))
        checkMinute()
    }

    /// I22: what is sent in any minute is within the limit; the last request of it may reach over its end.
    private func checkMinute() {
        guard let limit = world.statedLimit, !hasUnreserved, let last = sent.last else { return }
        sent.removeAll { $0.at <= last.at - Duration.seconds(60).nanoseconds }
        let sum = sent.dropLast().reduce(0) { $0 + $1.tokens }
        if sum > limit { fail("I22", "\(sum) tokens were sent within a minute, \(limit) are allowed") }
    }

    func reservationFailed() { hasUnreserved = true }

    func requestWasAnswered(_ texts: [String]) {
        for text in texts { if let owner = owners[text] { paid[owner, default: 0] += 1 } }
    }

    func requestWasRefused(_ failure: PortFailure, to process: SimulatedProcess) {
        switch failure.kind {
        case .throttled(let wait):
            process.throttledUntil = simulation.now + (wait ?? .zero).nanoseconds
        case .outOfMoney: process.isOutOfMoney = true
        default: break
        }
    }

    /// I21: nobody pays for a text whose points were all there before the attempt began.
    func textsAreEmbedded(_ texts: [String], for process: SimulatedProcess) {
        for text in texts {
            guard let owner = owners[text], let since = complete[owner], let claim = attempt(at: owner, by: process)
            else {
                continue
            }
            if since < claim.claimed {
                fail(
                    "I21",
                    "record \(owner) is paid again by \(process.name), but its points were there before its claim"
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

    func pointsWereWritten(of ids: [RecordID]) {
        for id in Set(ids).sorted() where complete[id] == nil && isComplete(id) { complete[id] = simulation.now }
    }

    /// I18: old points go only when the new ones are there.
    func pointsWereDeleted(of ids: [RecordID]) {
        for id in Set(ids).sorted() where !isComplete(id) {
            // Of a row that has changed only what was there can be missed: its new text may not have been read yet.
            if changed.contains(id), complete[id] == nil { continue }
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

    // MARK: - The store

    private struct Held {
        let claimed: Int64
        let leaseEnd: Int64
    }

    /// The attempt under which a process works on a record, as the database has it.
    private func attempt(at id: RecordID, by process: SimulatedProcess) -> Held? {
        world.store.read { tables in
            for job in tables.jobs.reversed() {
                for batch in job.batches.atWork.reversed() {
                    guard let worker = batch.workerID, worker.hasPrefix(process.name + "/"),
                        batch.recordIDs.contains(id),
                        let claimed = batch.claimedAt, let end = batch.leaseExpiresAt
                    else { continue }
                    return Held(claimed: claimed.simulated, leaseEnd: end.simulated)
                }
            }
            return nil
        }
    }

    /// I5: no lease outlives its deadline.
    ///
    /// I25: nobody is reaped who lives and reaches the database.
    func storeHasAnswered(_ call: RecordedCall) {
        switch call {
        case .heartbeat(let call):
            checkDeadlines(of: call)
            checkProgress(of: call)
        case .reset: checkReaps()
        default: break
        }
    }

    private func checkDeadlines(of call: BumpBatchProgress) {
        let late = world.store.read { tables in
            guard let index = tables.index(of: call.job) else { return [] as [Int] }
            return call.items.map(\.batchNumber).filter { number in
                let batch = tables.jobs[index].batches[number]
                guard let end = batch.leaseExpiresAt, let deadline = batch.deadlineAt else { return false }
                return deadline < end
            }
        }
        if let number = late.first { fail("I5", "the lease of batch \(number) reaches beyond its deadline") }
    }

    /// I10: the row knows no more than the most that its attempt has said.
    private func checkProgress(of call: BumpBatchProgress) {
        for item in call.items {
            let attempt = "\(item.batchNumber).\(item.attempt)"
            said[attempt] = max(said[attempt] ?? 0, item.counts.total)
            let known = world.store.read { tables -> Int? in
                guard let index = tables.index(of: call.job) else { return nil }
                let batch = tables.jobs[index].batches[item.batchNumber]
                return batch.attempt == item.attempt && batch.status == .processing ? batch.counts.total : nil
            }
            if let known, known > said[attempt] ?? 0 {
                fail("I10", "batch \(item.batchNumber) counts \(known) records, its worker \(said[attempt] ?? 0)")
            }
        }
    }

    private func checkReaps() {
        let reaps = world.store.read { tables in
            tables.jobs.flatMap { job in
                job.events.reversed().prefix { $0.id > lastReapSeen }.filter { $0.kind == "reaped" }
            }
        }
        for reap in reaps {
            lastReapSeen = max(lastReapSeen, reap.id)
            guard reap.detail["code"] == "lease_expired", let worker = reap.workerId, let claimID = reap.claimId,
                let process = world.process(named: worker), process.isAlive, process.node.isRunning,
                let claimed = moment(ofClaim: claimID), !wasOverdue(claimID, claimed),
                process.wasReaching(since: claimed)
            else { continue }
            let batch = reap.batchNumber ?? 0
            fail("I25", "batch \(batch) of \(process.name) was reaped, but it lives and reaches the store")
        }
    }

    private func moment(ofClaim claimID: String) -> Int64? {
        world.store.read { tables in
            for job in tables.jobs {
                let claim = job.events.last { $0.kind == "claimed" && $0.claimId == claimID }
                if let claim { return claim.time.simulated }
            }
            return nil
        }
    }

    /// Whether a claim arrived when its original was answered, beside one that got nothing, or when its sender had given it up.
    ///
    /// It takes a batch that nobody knows of. Only a network does that, and the reaper is there for it.
    private func wasOverdue(_ claimID: String, _ claimed: Int64) -> Bool {
        guard let sent = claimsSent[claimID] else { return true }
        let earlier = world.calls.calls.contains { observed in
            guard case .claim(let call) = observed.call, call.claimId == claimID, let at = observed.at else {
                return false
            }
            if case .claim(let answer)? = observed.answer, answer.batches.isEmpty { return true }
            return at.simulated < claimed
        }
        return earlier || claimed - sent > Duration.seconds(40).nanoseconds
    }

    func claimIsSent(_ claimID: String) {
        if claimsSent[claimID] == nil { claimsSent[claimID] = simulation.now }
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
