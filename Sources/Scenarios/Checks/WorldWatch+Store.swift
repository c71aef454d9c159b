import Fakes
import Invariants
import Migration
import Simulation

/// What the store answers: leases, progress and reaps.
extension WorldWatch {
    struct Held {
        let claimed: Int64
        let leaseEnd: Int64
    }

    struct Attempt: Hashable {
        let job: JobID
        let batch: Int
        let attempt: Int
    }

    /// The attempt under which a process works on a record, as the database has it.
    func attempt(at id: RecordID, by process: SimulatedProcess) -> Held? {
        world.store.read { tables in
            for job in tables.jobs.indices.reversed() {
                for number in tables.jobs[job].batches.working.reversed()
                where tables.jobs[job].batches[number].recordIDs.contains(id) {
                    let batch = tables.jobs[job].batches[number]
                    guard let worker = batch.workerID, process.owns(worker: worker),
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
    func storeHasAnswered(_ call: some TrackingCall) {
        switch call {
        case let call as BumpBatchProgress:
            checkDeadlines(of: call)
            checkProgress(of: call)
        case is ResetStuckBatches: checkReaps()
        case let call as FinishBatch: world.checkBrakes(of: call.job)
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
            let attempt = Attempt(job: call.job, batch: item.batchNumber, attempt: item.attempt)
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
            tables.jobs.indices.flatMap { job in
                tables.jobs[job].events.reversed().prefix { $0.id > lastReapSeen }.filter { $0.kind == "reaped" }
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

    /// Whether a claim arrived when its original was answered, beside one that got nothing, or when its sender had given it up;
    /// or whether its sender has asked for so long without an answer that it gave up.
    ///
    /// It takes a batch that nobody knows of. Only a network or an outage does that, and the reaper is there for it.
    private func wasOverdue(_ claimID: String, _ claimed: Int64) -> Bool {
        guard let (sent, last) = claimsSent[claimID] else { return true }
        if last - sent > Self.claimPatience { return true }
        let earlier = world.calls.calls.contains { observed in
            guard observed.calls(ClaimNextBatch.self), let call = observed.sent(ClaimNextBatch.self),
                call.claimId == claimID, let at = observed.at
            else {
                return false
            }
            if observed.given(ClaimNextBatch.self)?.batches.isEmpty == true { return true }
            return at.simulated < claimed
        }
        return earlier || claimed - sent > Self.claimPatience
    }

    /// Shorter than a process asks again with the same claim (two heartbeat intervals).
    private static let claimPatience = Duration.seconds(40).nanoseconds

    func claimIsSent(_ claimID: String) {
        claimsSent[claimID] = (claimsSent[claimID]?.first ?? simulation.now, simulation.now)
    }
}
