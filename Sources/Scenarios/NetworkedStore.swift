import Fakes
import Invariants
import Migration
import Simulation

/// The tracking store over the network, as one process reaches it.
///
/// What the database answers is noted there, at the moment it is decided, for the checks of the invariants.
struct NetworkedStore: JobStore {
    let link: Link

    private func ask<Call: TrackingCall>(
        _ call: Call,
        _ noted: (Call) -> RecordedCall,
        _ answered: @escaping @Sendable (Call.Answer) -> RecordedAnswer,
        _ body: @escaping @Sendable (any JobStore, Call) async throws(PortFailure) -> Call.Answer
    ) async throws(PortFailure) -> Call.Answer {
        let world = link.world
        let note = noted(call)
        let store = world.store
        if case .claim(let claim) = note { world.watch.claimIsSent(claim.claimId) }
        let answer = try await link.ask(Call.function, at: world.db, within: .seconds(10)) {
            () async throws(PortFailure) -> Call.Answer in
            let number = world.calls.begin(note)
            let isClaim = if case .claim = note { true } else { false }
            if isClaim { world.claimBegins() }
            defer { if isClaim { world.claimsUnderWay -= 1 } }
            let answer = try await body(store, call)
            world.calls.end(number, answered(answer))
            world.watch.storeHasAnswered(note)
            return answer
        }
        link.process.reached(at: world.simulation.now)
        return answer
    }

    /// A call that only looks: no check reads it, and there are many.
    private func look<Call: TrackingCall>(
        _ call: Call,
        _ body: @escaping @Sendable (any JobStore, Call) async throws(PortFailure) -> Call.Answer
    ) async throws(PortFailure) -> Call.Answer {
        let store = link.world.store
        let answer = try await link.ask(Call.function, at: link.world.db, within: .seconds(10)) {
            () async throws(PortFailure) -> Call.Answer in
            try await body(store, call)
        }
        link.process.reached(at: link.world.simulation.now)
        return answer
    }

    func schemaVersion(_ call: SchemaVersion) async throws(PortFailure) -> SchemaVersion.Answer {
        try await link.world.store.schemaVersion(call)
    }

    func openJob(_ call: OpenIngestionJob) async throws(PortFailure) -> OpenIngestionJob.Answer {
        let process = link.process
        let world = link.world
        process.isOpening = true
        defer { process.isOpening = false }
        return try await ask(call, RecordedCall.open, RecordedAnswer.open) { store, call throws(PortFailure) in
            let answer = try await store.openJob(call)
            if answer.result == .created { world.jobIsOpened(answer.job.id, by: process) }
            return answer
        }
    }

    func joinJob(_ call: JoinIngestionJob) async throws(PortFailure) -> JoinIngestionJob.Answer {
        // From here on it has a job in mind.
        link.process.mayOpenJob = false
        let answer = try await link.join(call, opening: openJob) { call throws(PortFailure) in
            try await ask(call, RecordedCall.join, RecordedAnswer.join) { store, call throws(PortFailure) in
                try await store.joinJob(call)
            }
        }
        return link.believed(answer)
    }

    func addServers(_ call: AddIngestionServers) async throws(PortFailure) -> AddIngestionServers.Answer {
        try await ask(call, RecordedCall.addServers, RecordedAnswer.addServers) { store, call throws(PortFailure) in
            try await store.addServers(call)
        }
    }

    func renewController(_ call: RenewController) async throws(PortFailure) -> RenewController.Answer {
        try await ask(call, RecordedCall.renew, RecordedAnswer.renew) { store, call throws(PortFailure) in
            try await store.renewController(call)
        }
    }

    func appendBatches(_ call: AppendIngestionBatches) async throws(PortFailure) -> AppendIngestionBatches.Answer {
        link.world.pageIsStored(call.batches.flatMap(\.self))
        return try await link.append(call) { call throws(PortFailure) in
            await link.world.freezeBeforeSending(link.process, 0.03)
            return try await ask(call, RecordedCall.append, RecordedAnswer.append) { store, call throws(PortFailure) in
                try await store.appendBatches(call)
            }
        }
    }

    func sealPlan(_ call: SealIngestionPlan) async throws(PortFailure) -> SealIngestionPlan.Answer {
        try await ask(call, RecordedCall.seal, RecordedAnswer.seal) { store, call throws(PortFailure) in
            try await store.sealPlan(call)
        }
    }

    func claim(_ call: ClaimNextBatch) async throws(PortFailure) -> ClaimNextBatch.Answer {
        try await link.claim(call) { call throws(PortFailure) in
            try await ask(call, RecordedCall.claim, RecordedAnswer.claim) { store, call throws(PortFailure) in
                try await store.claim(call)
            }
        }
    }

    func heartbeat(_ call: BumpBatchProgress) async throws(PortFailure) -> BumpBatchProgress.Answer {
        try await link.heartbeat(call) { call throws(PortFailure) in
            let sent = link.world.simulation.now
            let answer = try await ask(call, RecordedCall.heartbeat, RecordedAnswer.heartbeat) {
                store,
                call throws(PortFailure) in try await store.heartbeat(call)
            }
            for (item, answer) in zip(call.items, answer.items) where answer.result == .ok {
                link.process.deeds.heartbeats[item.claimId] = sent
            }
            return answer
        }
    }

    func finish(_ call: FinishBatch) async throws(PortFailure) -> FinishBatch.Answer {
        try await link.finish(call) { call throws(PortFailure) in
            link.world.watch.finishIsTold(call, by: link.process)
            await link.world.freezeBeforeSending(link.process, 0.12)
            link.world.watch.endIsSent(call, by: link.process)
            let answer = try await ask(call, RecordedCall.finish, RecordedAnswer.finish) {
                store,
                call throws(PortFailure) in try await store.finish(call)
            }
            link.world.watch.endWasAnswered(call, answer, to: link.process)
            return answer
        }
    }

    func resetStuck(_ call: ResetStuckBatches) async throws(PortFailure) -> ResetStuckBatches.Answer {
        try await ask(call, RecordedCall.reset, RecordedAnswer.reset) { store, call throws(PortFailure) in
            try await store.resetStuck(call)
        }
    }

    func stats(_ call: GetIngestionJobStats) async throws(PortFailure) -> GetIngestionJobStats.Answer {
        var stats = try await look(call) { store, call throws(PortFailure) in
            try await store.stats(call)
        }
        if link.world.portBug == .neverBrakes {
            stats.serviceFailuresBaseline = stats.serviceFailures
            stats.removedBaseline = stats.removed
        }
        return stats
    }

    func exactStats(_ call: GetIngestionJobStatsExact) async throws(PortFailure) -> GetIngestionJobStatsExact.Answer {
        try await ask(call, RecordedCall.exactStats, RecordedAnswer.exactStats) { store, call throws(PortFailure) in
            try await store.exactStats(call)
        }
    }

    func control(_ call: ControlIngestionJob) async throws(PortFailure) -> ControlIngestionJob.Answer {
        try await ask(call, RecordedCall.control, RecordedAnswer.control) { store, call throws(PortFailure) in
            try await store.control(call)
        }
    }

    func finalize(_ call: FinalizeIngestionJob) async throws(PortFailure) -> FinalizeIngestionJob.Answer {
        try await ask(call, RecordedCall.finalize, RecordedAnswer.finalize) { store, call throws(PortFailure) in
            try await store.finalize(call)
        }
    }

    func release(_ call: ReleaseIngestionBatches) async throws(PortFailure) -> ReleaseIngestionBatches.Answer {
        try await look(call) { store, call throws(PortFailure) in try await store.release(call) }
    }

    func recount(_ call: RecountIngestionJob) async throws(PortFailure) -> RecountIngestionJob.Answer {
        try await look(call) { store, call throws(PortFailure) in try await store.recount(call) }
    }

    func requeueBatches(_ call: RequeueFailedBatches) async throws(PortFailure) -> RequeueFailedBatches.Answer {
        link.world.watch.divisionIsSent(call, by: link.process)
        return try await ask(call, RecordedCall.requeueBatches, RecordedAnswer.requeueBatches) {
            store,
            call throws(PortFailure) in
            try await store.requeueBatches(call)
        }
    }

    func requeueRecords(_ call: RequeueFailedRecords) async throws(PortFailure) -> RequeueFailedRecords.Answer {
        try await ask(call, RecordedCall.requeueRecords, RecordedAnswer.requeueRecords) {
            store,
            call throws(PortFailure) in
            try await store.requeueRecords(call)
        }
    }

    func reserveQuota(_ call: ReserveQuota) async throws(PortFailure) -> ReserveQuota.Answer {
        if link.world.portBug == .reservesNothing { return .init(granted: true, waitMs: 0, stopReason: nil) }
        let answer: ReserveQuota.Answer
        do throws(PortFailure) {
            answer = try await ask(call, RecordedCall.reserve, RecordedAnswer.reserve) {
                store,
                call throws(PortFailure) in try await store.reserveQuota(call)
            }
        } catch {
            link.world.watch.reservationFailed()
            throw error
        }
        if !answer.granted { link.world.watch.rests(link.process, for: .milliseconds(answer.waitMs)) }
        return answer
    }

    func reportQuota(_ call: ReportQuota) async throws(PortFailure) -> ReportQuota.Answer {
        try await ask(call, RecordedCall.report, RecordedAnswer.report) { store, call throws(PortFailure) in
            try await store.reportQuota(call)
        }
    }

    func quotas(_ call: ListIngestionQuotas) async throws(PortFailure) -> ListIngestionQuotas.Answer {
        try await look(call) { store, call throws(PortFailure) in try await store.quotas(call) }
    }

    func resetQuota(_ call: ResetIngestionQuota) async throws(PortFailure) -> ResetIngestionQuota.Answer {
        try await look(call) { store, call throws(PortFailure) in try await store.resetQuota(call) }
    }

    func jobs(_ call: ListIngestionJobs) async throws(PortFailure) -> ListIngestionJobs.Answer {
        let answer = try await look(call) { store, call throws(PortFailure) in try await store.jobs(call) }
        return link.seen(answer)
    }

    func batches(_ call: ListIngestionBatches) async throws(PortFailure) -> ListIngestionBatches.Answer {
        try await ask(call, RecordedCall.batches, RecordedAnswer.batches) { store, call throws(PortFailure) in
            try await store.batches(call)
        }
    }

    func failures(_ call: ListIngestionFailures) async throws(PortFailure) -> ListIngestionFailures.Answer {
        try await ask(call, RecordedCall.failures, RecordedAnswer.failures) { store, call throws(PortFailure) in
            try await store.failures(call)
        }
    }

    func events(_ call: ListIngestionEvents) async throws(PortFailure) -> ListIngestionEvents.Answer {
        try await ask(call, RecordedCall.events, RecordedAnswer.events) { store, call throws(PortFailure) in
            try await store.events(call)
        }
    }

    func reportRunner(_ call: ReportRunner) async throws(PortFailure) -> ReportRunner.Answer {
        try await look(call) { store, call throws(PortFailure) in try await store.reportRunner(call) }
    }

    func runners(_ call: ListIngestionRunners) async throws(PortFailure) -> ListIngestionRunners.Answer {
        try await look(call) { store, call throws(PortFailure) in try await store.runners(call) }
    }

    func deleteJob(_ call: DeleteIngestionJob) async throws(PortFailure) -> DeleteIngestionJob.Answer {
        try await look(call) { store, call throws(PortFailure) in try await store.deleteJob(call) }
    }

    func deleteEvents(_ call: DeleteIngestionEvents) async throws(PortFailure) -> DeleteIngestionEvents.Answer {
        try await look(call) { store, call throws(PortFailure) in try await store.deleteEvents(call) }
    }

    func retention(_ call: ListIngestionRetention) async throws(PortFailure) -> ListIngestionRetention.Answer {
        try await look(call) { store, call throws(PortFailure) in try await store.retention(call) }
    }

    func countRows(_ call: GetIngestionJobRows) async throws(PortFailure) -> GetIngestionJobRows.Answer {
        try await look(call) { store, call throws(PortFailure) in try await store.countRows(call) }
    }
}
