import Fakes
import Migration
import Simulation

/// What the checks of ends and of pace remember of one process.
struct Deeds {
    /// The job that it works on.
    var job: JobID?
    /// Batches that the store has told it are given up.
    var givenUp: Set<Int> = []
    /// When the last successful write or deletion of a record's points was sent.
    var written: [RecordID: Int64] = [:]
    /// When its last write failed or was doubtful; nil when it went well.
    var writeFailedAt: Int64?
    /// When the last heartbeat that extended a lease was sent, by claim id.
    var heartbeats: [String: Int64] = [:]
    /// It has been told, or has said, that it does nothing before then.
    var restsUntil: Int64 = 0
    /// Since when there is work for it, and it does none.
    var idleSince: Int64?
    /// How often it was seen running after it had to stop.
    var looksAfterStop = 0
    /// When it was given a batch last, for a planted mistake.
    var claimedAt: Int64?
    /// Until when the embedder has told it to wait, for a planted mistake.
    var pausedUntil: Int64 = 0
}

/// I7, as far as no table shows it: a retry is used by a death or by a deadline that passed without a write, and a batch is given
/// back for nothing only for a reason.
///
/// What the reaper ends is judged by I25.
extension WorldWatch {
    /// A process reports how an attempt has ended; judged when it sends this, before any network.
    func endIsSent(_ call: FinishBatch, by process: SimulatedProcess) {
        if call.outcome == .deferred { checkDeferral(call, by: process) }
        guard !simulation.isUnwinding, let (batch, status) = held(call), let worker = batch.workerID else { return }
        let name = "batch \(call.batchNumber) attempt \(call.attempt)"
        let reason = call.error?.code ?? "no reason"
        let isOwn = process.owns(worker: worker)
        switch call.outcome {
        case .failed where isOwn:
            if let finding = whyNotLate(batch, reason, process) {
                fail("I7", "\(process.name) uses a retry of \(name) for \(reason), but \(finding)")
            }
        case .failed where reason == "runner_died", .released where !isOwn:
            guard let holder = world.process(named: worker), holder.isAlive else { return }
            fail("I7", "\(process.name) ends \(name) for \(holder.name) (\(reason)), but that process lives")
        case .failed: fail("I7", "\(process.name) uses a retry of \(name) of \(worker) for \(reason)")
        case .released where isOwn:
            let isExcused = isBraked(reason) || hasLostItsLease(reason, batch, process)
            guard !isExcused, process.stop.level == .run, status != .cancelled else { return }
            fail("I7", "\(process.name) gives \(name) back for \(reason), but has neither to stop nor another reason")
        case .released, .deferred, .completed: break
        }
    }

    /// I7: a batch is deferred for as long as its reason needs, and no longer.
    private func checkDeferral(_ call: FinishBatch, by process: SimulatedProcess) {
        let wait = Duration.milliseconds(call.retryAfterMs ?? 0)
        let reason = call.error?.code ?? "no reason"
        let most: Duration =
            switch reason {
            case "deadline": .seconds(1)
            // As long as the account's quota or the embedder says.
            case "quota", "throttled": .seconds(600)
            case "suspects": .seconds(120)
            default: .seconds(30)
            }
        if wait > most { fail("I7", "\(process.name) defers batch \(call.batchNumber) for \(wait): \(reason)") }
        rests(process, for: min(wait, most))
    }

    private func isBraked(_ reason: String) -> Bool {
        reason == "braked" && (world.plan.has(.refusals) || world.plan.has(.emptied))
    }

    /// Whether a process may doubt its lease: it ends soon, no heartbeat of the last minute has extended it, or there was a
    /// time without any answer, after which a worker may end before it hears of the heartbeat that came next.
    private func hasLostItsLease(_ reason: String, _ batch: BatchRow, _ process: SimulatedProcess) -> Bool {
        guard reason == "lease_expired", let claimed = batch.claimedAt, let end = batch.leaseExpiresAt else {
            return false
        }
        let minute = Duration.seconds(60).nanoseconds
        // It counts from when it sent its claim, or the last heartbeat for it.
        let sent = batch.claimID.flatMap { process.deeds.heartbeats[$0] ?? claimsSent[$0]?.first }
        let known = sent ?? claimed.simulated
        return end.simulated < simulation.now + minute || known < simulation.now - minute
            || !process.wasReaching(since: claimed.simulated)
    }

    /// A process does nothing for a while, and may.
    func rests(_ process: SimulatedProcess, for time: Duration) {
        process.deeds.restsUntil = max(process.deeds.restsUntil, simulation.now + time.nanoseconds)
    }

    /// Why a worker's own attempt should not have been ended as failed; nil when it should.
    private func whyNotLate(_ batch: BatchRow, _ reason: String, _ process: SimulatedProcess) -> String? {
        guard reason == "deadline" else { return "no deadline has passed" }
        guard let claimed = batch.claimedAt?.simulated else { return nil }
        let timeout = Duration.seconds(world.settings.batchTimeoutSeconds)
        // Nothing new begins in the last minute; and the claim may have been sent up to a minute before it was answered.
        let earliest = max(timeout - .seconds(60), timeout / 2) - .seconds(61)
        let age = Duration.nanoseconds(simulation.now - claimed)
        if age < earliest { return "it is only \(age) old" }
        let isWritten = batch.recordIDs.contains { (process.deeds.written[$0] ?? .min) >= claimed }
        return isWritten ? "it has written points" : nil
    }

    /// The batch of a call that is about its current attempt, and the status of its job.
    private func held(_ call: FinishBatch) -> (batch: BatchRow, status: JobStatus)? {
        world.store.read { tables in
            guard let index = tables.index(of: call.job), tables.jobs[index].batches.indices.contains(call.batchNumber)
            else { return nil }
            let batch = tables.jobs[index].batches[call.batchNumber]
            guard batch.status == .processing, batch.isFenced(by: call.attempt, call.claimId) else { return nil }
            return (batch, tables.jobs[index].status)
        }
    }

    /// The store has answered the end of an attempt.
    func endWasAnswered(_ call: FinishBatch, _ answer: FinishBatch.Answer, to process: SimulatedProcess) {
        if answer.status == .failed { process.deeds.givenUp.insert(call.batchNumber) }
    }

    /// A process knows that what it sent at that time has written or deleted points of these records.
    func wrote(_ ids: [RecordID], by process: SimulatedProcess, at sent: Int64) {
        process.deeds.writeFailedAt = nil
        for id in ids { process.deeds.written[id] = max(sent, process.deeds.written[id] ?? sent) }
    }

    /// I6: a process divides only batches of which it knows that they are given up, and none of a single record.
    func divisionIsSent(_ call: RequeueFailedBatches, by process: SimulatedProcess) {
        guard call.isolate, !simulation.isUnwinding else { return }
        guard let numbers = call.filter.batchNumbers else {
            return fail("I6", "\(process.name) divides batches without a list of their numbers")
        }
        for number in numbers {
            if !process.deeds.givenUp.contains(number) {
                fail("I6", "\(process.name) divides batch \(number), of which nobody has told it that it is given up")
            }
            let records = world.store.read { tables in
                tables.index(of: call.job).map { index in
                    let batches = tables.jobs[index].batches
                    return batches.indices.contains(number) ? batches[number].recordIDs.count : 0
                } ?? 0
            }
            if records == 1 { fail("I6", "\(process.name) divides batch \(number) of a single record") }
        }
    }
}
