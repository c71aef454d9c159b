import Fakes
import Invariants
import Migration
import Simulation

/// How processes end attempts and divide batches: the part of I6 and I7 that no table shows.
extension WorldWatch {
    /// A process reports how an attempt has ended; it is checked when the process sends it, before any network.
    func endIsSent(_ call: FinishBatch, by process: SimulatedProcess) {
        let now = simulation.now
        if call.outcome == .deferred { report(process.deeds.defers(call, by: process.name, at: now)) }
        guard !simulation.isUnwinding, let (attempt, status) = held(call) else { return }
        var end = AttemptEnd(call, of: attempt, by: process.name, at: now)
        end.isOwn = process.owns(worker: attempt.worker)
        if !end.isOwn, let holder = world.process(named: attempt.worker), holder.isAlive { end.holder = holder.name }
        end.hasToStop = process.stop.level > .run || status == .cancelled
        end.mayBrake = world.plan.has(.refusals) || world.plan.has(.emptied)
        end.batchTimeout = .seconds(world.settings.batchTimeoutSeconds)
        report(end.finding(process.deeds, claims, process.contact))
    }

    /// A process does nothing for a while, which is allowed.
    func rests(_ process: SimulatedProcess, for time: Duration) { process.deeds.rests(for: time, at: simulation.now) }

    /// The attempt of a call if it is the current one of its batch, and the status of its job.
    private func held(_ call: FinishBatch) -> (attempt: AttemptEnd.Attempt, status: JobStatus)? {
        world.store.read { tables in
            guard let index = tables.index(of: call.job), tables.jobs[index].batches.indices.contains(call.batchNumber)
            else { return nil }
            let batch = tables.jobs[index].batches[call.batchNumber]
            guard batch.status == .processing, batch.isFenced(by: call.attempt, call.claimId),
                let worker = batch.workerID
            else { return nil }
            let attempt = AttemptEnd.Attempt(
                worker: worker,
                claimID: batch.claimID,
                records: batch.recordIDs,
                claimed: batch.claimedAt?.sinceStart,
                leaseEnd: batch.leaseExpiresAt?.sinceStart
            )
            return (attempt, tables.jobs[index].status)
        }
    }

    /// The store has answered the end of an attempt.
    func endWasAnswered(_ call: FinishBatch, _ answer: FinishBatch.Answer, to process: SimulatedProcess) {
        process.deeds.endWasAnswered(call, answer)
    }

    /// A process knows that something it sent at that time has written or deleted points of these records.
    func wrote(_ ids: [RecordID], by process: SimulatedProcess, at sent: Int64) {
        process.deeds.wrote(ids, at: sent)
    }

    /// I6: a process divides only batches that it knows are given up, and no batch of a single record.
    func divisionIsSent(_ call: RequeueFailedBatches, by process: SimulatedProcess) {
        guard call.isolate, !simulation.isUnwinding else { return }
        let sizes = world.store.read { tables -> [Int] in
            let job = tables.index(of: call.job)
            return (call.filter.batchNumbers ?? []).map { number in
                guard let job, tables.jobs[job].batches.indices.contains(number) else { return 0 }
                return tables.jobs[job].batches[number].recordIDs.count
            }
        }
        report(process.deeds.breach(byDividing: call, of: sizes, process.name))
    }
}
