import Fakes
import Invariants
import Migration
import Simulation

/// What the store answers: leases, progress and reaps.
extension WorldWatch {
    /// The attempt under which a process works on a record, as the database has it.
    func attempt(at id: RecordID, by process: SimulatedProcess) -> AttemptLease? {
        world.store.read { tables in
            for job in tables.jobs.indices.reversed() {
                for number in tables.jobs[job].batches.working.reversed()
                where tables.jobs[job].batches[number].recordIDs.contains(id) {
                    // Field by field, because a copy of the row would cost more than all that is asked of it.
                    guard let worker = tables.jobs[job].batches[number].workerID, process.owns(worker: worker),
                        let claimed = tables.jobs[job].batches[number].claimedAt,
                        let end = tables.jobs[job].batches[number].leaseExpiresAt
                    else { continue }
                    return AttemptLease(claimed: claimed.sinceStart, leaseEnd: end.sinceStart)
                }
            }
            return nil
        }
    }

    /// I5: no lease outlives its deadline.
    ///
    /// I25: a worker that lives and reaches the database is not reaped.
    func storeHasAnswered(_ call: some TrackingCall) {
        if let call = call.own(BumpBatchProgress.self) {
            checkDeadlines(of: call)
            checkProgress(of: call)
        } else if let call = call.own(FinishBatch.self) {
            world.checkBrakes(of: call.job)
        } else if type(of: call) == ResetStuckBatches.self {
            checkReaps()
        }
    }

    private func checkDeadlines(of call: BumpBatchProgress) {
        let finding = world.store.read { tables -> Finding? in
            guard let index = tables.index(of: call.job) else { return nil }
            for item in call.items {
                let batch = tables.jobs[index].batches[item.batchNumber]
                let finding = AttemptLease.breach(
                    of: item.batchNumber,
                    leaseEnd: batch.leaseExpiresAt,
                    deadline: batch.deadlineAt
                )
                if let finding { return finding }
            }
            return nil
        }
        report(finding)
    }

    /// I10: the row's counts are not higher than the highest that its attempt has reported.
    private func checkProgress(of call: BumpBatchProgress) {
        for item in call.items {
            let known = world.store.read { tables -> Int? in
                guard let index = tables.index(of: call.job) else { return nil }
                let batch = tables.jobs[index].batches[item.batchNumber]
                return batch.attempt == item.attempt && batch.status == .processing ? batch.counts.total : nil
            }
            report(progress.wasSaid(item, of: call.job, known: known))
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
            guard let worker = reap.workerId, let claimID = reap.claimId,
                let process = world.process(named: worker), process.isAlive, process.node.isRunning,
                let claimed = moment(ofClaim: claimID)
            else { continue }
            let calls = world.calls.calls
            report(
                claims.breach(by: reap, of: process.name, claimed: claimed, process.contact, calls, at: simulation.now)
            )
        }
    }

    private func moment(ofClaim claimID: String) -> Int64? {
        world.store.read { tables in
            for job in tables.jobs {
                let claim = job.events.last { $0.kind == "claimed" && $0.claimId == claimID }
                if let claim { return claim.time.sinceStart }
            }
            return nil
        }
    }
}
