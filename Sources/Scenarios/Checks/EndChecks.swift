import Fakes
import Invariants
import Migration
import Simulation

/// The state of all four fakes when everything is over: I1–I19, each planned record exactly one of what it may be.
struct EndChecks {
    let world: SimulatedWorld

    init(_ world: SimulatedWorld) { self.world = world }

    func run() {
        let evidence = evidence
        if let first = evidence.violations().first { return world.simulation.fail("\(first)") }
        for job in evidence.jobs {
            checkPlan(of: job)
            checkRecords(of: job)
        }
        let payloads = world.points.payloads
        checkStrangers(evidence, payloads)
        checkNeighbours()
        if let finding = checkOthers() { return fail(finding, "I29") }
        if let finding = checkPaid(evidence) { return fail(finding, "I10") }
        Observations(evidence, world).count()
    }

    private var evidence: TrackingEvidence {
        var evidence = world.store.evidence(calls: world.calls.calls)
        evidence.slack = slack
        return evidence
    }

    /// The invariants of the store that are broken now, but for the one that is known already.
    func others(than finding: String) -> String? {
        let names = Set(evidence.violations().map(\.invariant.description)).filter { !finding.hasPrefix($0 + " ") }
        return names.isEmpty ? nil : "(also \(names.sorted().joined(separator: ", ")))"
    }

    /// While calls overlap, time passes between a call's decision and its event.
    private var slack: Duration { world.plan.has(.interleaving) ? .seconds(3) : .zero }

    /// I10: what was paid is counted once, however often ends are told: no more than the embedder has billed.
    private func checkPaid(_ evidence: TrackingEvidence) -> String? {
        // The answers that this one invents are billed by nobody.
        if world.portBug == .blamesWithoutAProbe { return nil }
        let counted = evidence.jobs.reduce(Int64(0)) { $0 + $1.stats.billedTokens }
        let billed = world.embedder.totals.tokens
        return counted > billed ? "\(counted) tokens are counted as paid, of \(billed) that were billed" : nil
    }

    /// I12: the plan holds every row that was there from the beginning to the end, and no other but those of others' making.
    ///
    /// Of a job with a limit: the first rows, as many as the limit says.
    private func checkPlan(of job: TrackingEvidence.Job) {
        let planned = Set(job.batches.filter { $0.round == 0 }.flatMap(\.recordIds))
        let limit = world.limits[job.summary.id]
        if let limit, planned.count > limit {
            return fail("\(planned.count) records are planned, the limit is \(limit)", "I12")
        }
        guard job.summary.sealed else { return }
        let isFull = planned.count == limit
        let last = planned.max() ?? .min
        for row in world.source.snapshot where !planned.contains(row.id) {
            if world.watch.hasChanged(row.id) || world.watch.hasArrived(row.id) || isFull && row.id > last { continue }
            return fail("record \(row.id) is not in the plan", "I12")
        }
    }

    /// I18: processed with all points right; skipped; missing; or an open dead letter.
    private func checkRecords(of job: TrackingEvidence.Job) {
        let letters = Set(job.failures.filter { $0.resolvedAt == nil }.map(\.recordId))
        if let finding = checkMissing(of: job) { return fail(finding) }
        var blank: Int64 = 0
        var missing: Int64 = 0
        var isExact = true
        for batch in job.batches where batch.status == .completed && batch.moved == 0 {
            for id in batch.recordIds {
                if world.watch.hasChanged(id) {
                    isExact = false
                    continue
                }
                if letters.contains(id) { continue }
                if world.watch.hasVanished(id) {
                    missing += 1
                    continue
                }
                // Some records had all their points before the run began: nothing of them has to work but their rows.
                if let defect = world.defects[id], defect == .row || !world.watch.isComplete(id) {
                    return fail("record \(id) has \(defect) and is no dead letter")
                }
                let row = world.source.row(id)
                if world.watch.expected(id) == nil {
                    blank += 1
                    if row?.memberCode == nil, row?.content != .null {
                        return fail("record \(id) has no tenant, but no dead letter")
                    }
                } else if !world.watch.isComplete(id) {
                    return fail(
                        "record \(id) of batch \(batch.batchNumber) counts as processed, but its points are not all there"
                    )
                }
            }
        }
        let stats = job.stats
        if isExact, stats.skipped != blank {
            fail("\(stats.skipped) records count as skipped, \(blank) are blank")
        }
        if isExact, stats.missing != missing {
            fail("\(stats.missing) records count as missing, \(missing) have vanished")
        }
        checkLetters(letters, job)
    }

    /// A dead letter needs a reason: what the embedder refuses, a tenant that is missing, or a batch that failed as a whole.
    private func checkLetters(_ letters: Set<RecordID>, _ job: TrackingEvidence.Job) {
        var failed = Set(job.batches.filter { $0.status == .failed }.flatMap(\.recordIds))
        failed.formUnion(job.failures.filter { $0.code == ServiceFaults.refusalCode }.map(\.recordId))
        for id in letters.sorted() where !failed.contains(id) && !world.watch.hasChanged(id) {
            guard let row = world.source.row(id) else { continue }
            let isRefused =
                if case .text(let text) = row.content { text.hasPrefix(Workload.refusedWord) } else { false }
            if world.defects[id] != nil { continue }
            if !isRefused, row.memberCode != nil || world.watch.expected(id) != nil {
                fail("record \(id) is a dead letter without a reason")
            }
        }
    }

    /// I19 and I18 from the other side: every point is of a planned record, and right.
    private func checkStrangers(_ evidence: TrackingEvidence, _ payloads: Payloads) {
        let planned = Set(evidence.jobs.flatMap { $0.batches.flatMap(\.recordIds) })
        let older = Set((world.older + world.unmarked).map(\.id))
        // Of these every older point must be gone; of others it may still wait.
        let letters = Set(evidence.jobs.flatMap { $0.failures.filter { $0.resolvedAt == nil }.map(\.recordId) })
        let settled = Set(
            evidence.jobs.flatMap { job in
                job.batches.filter { $0.status == .completed && $0.moved == 0 }.flatMap(\.recordIds)
            }
        ).subtracting(letters)
        let others = Set(world.others.map(\.id))
        for (id, payload) in payloads where !others.contains(id) {
            if payload["source"]?.string == SimulatedWorld.neighbour.source { continue }
            guard let record = payload["summary_id"]?.integer else { return fail("point \(id) names no record", "I19") }
            if older.contains(id), !settled.contains(record) { continue }
            guard planned.contains(record) else {
                return fail("point \(id) is of record \(record), which nobody planned", "I19")
            }
            if world.watch.hasChanged(record) { continue }
            guard let shape = world.watch.expected(record), shape.pointIDs.contains(id),
                payload["checksum"]?.string == shape.checksum
            else { return fail("point \(id) of record \(record) should not be there") }
            if payload["source"]?.string != SimulatedWorld.owner.source {
                return fail("point \(id) of record \(record) does not say where it came from", "I29")
            }
            if payload["collection_ids"]?.list?.contains(.integer(SimulatedWorld.neighbourList)) == true {
                return fail("point \(id) of record \(record) has the list of another table's record", "I29")
            }
        }
        if let finding = checkPoints(payloads, of: settled) { return fail(finding) }
        guard
            let vector = world.points.firstWrongVector(
                dimensions: SimulatedWorld.dimensions,
                oneOf: 4,
                at: Int(world.simulation.seed % 4)
            )
        else { return }
        fail("the vector of point \(vector) is not that of its text")
    }

    /// I29: no point of another source is changed or deleted.
    private func checkNeighbours() {
        for point in world.neighbours {
            let isThere = world.points.all([point.id]) { payload in
                payload["checksum"]?.string == point.checksum && payload["source"]?.string == point.source
                    && payload["summary_id"]?.integer == point.recordID
                    && payload["collection_ids"]?.list == [.integer(SimulatedWorld.neighbourList)]
            }
            guard isThere else {
                return fail("point \(point.id) of another table's record \(point.recordID) is gone or changed", "I29")
            }
        }
    }

    private func fail(_ finding: String, _ invariant: String = "I18") {
        world.simulation.fail("\(invariant) \(finding)")
    }
}
