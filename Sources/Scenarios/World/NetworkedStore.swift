import Fakes
import Invariants
import Migration
import Simulation

/// The tracking store over the network, as one process reaches it.
///
/// The database's answers are recorded at the moment of its decision, for the checks of the invariants.
struct NetworkedStore: JobStore {
    let link: Link

    func perform<Call: TrackingCall>(_ call: Call) async throws(PortFailure) -> Call.Answer {
        guard let answer = try await answer(to: call) as? Call.Answer else {
            preconditionFailure("the fake does not know \(Call.function)")
        }
        return answer
    }

    /// Some calls are watched before and after, or get the process's planted mistake.
    private func answer(to call: any TrackingCall) async throws(PortFailure) -> any TrackingAnswer {
        if let call = call.own(BumpBatchProgress.self) { return try await renewLeases(call) }
        if let call = call.own(GetIngestionJobStats.self) { return try await readCounters(call) }
        if let call = call.own(ClaimNextBatch.self) { return try await take(call) }
        if let call = call.own(FinishBatch.self) { return try await end(call) }
        if let call = call.own(ReserveQuota.self) { return try await reserve(call) }
        if let call = call.own(ReportRunner.self) { return try await look(call) }
        if let call = call.own(ListIngestionJobs.self) { return link.seen(own(try await look(call), of: call)) }
        if let call = call.own(AppendIngestionBatches.self) { return try await append(call) }
        if let call = call.own(JoinIngestionJob.self) { return try await join(call) }
        if let call = call.own(OpenIngestionJob.self) { return try await open(call) }
        if let call = call.own(RequeueFailedBatches.self) { return try await divide(call) }
        if let call = call.own(SchemaVersion.self) { return try await link.world.store.run(call) }
        // Frequent calls are named too: the general cast below takes longer than all these comparisons.
        if let call = call.own(ResetStuckBatches.self) { return try await note(call) }
        if let call = call.own(RenewController.self) { return try await note(call) }
        guard let known = call as? any FakeCall else { preconditionFailure("the fake does not know \(call)") }
        return try await note(known)
    }

    /// A call that is recorded.
    private func ask<Call: FakeCall>(_ call: Call) async throws(PortFailure) -> Call.Answer {
        own(try await note(call), of: call)
    }

    /// Records a call, and runs `decided` in the database as soon as the answer is fixed.
    private func note(
        _ call: any FakeCall,
        decided: (@Sendable (any TrackingAnswer) -> Void)? = nil
    ) async throws(PortFailure) -> any TrackingAnswer {
        let world = link.world
        let answer = try await link.ask(type(of: call).function, at: world.db, within: .seconds(10)) {
            () async throws(PortFailure) -> any TrackingAnswer in
            let number = world.calls.begin(call)
            let isClaim = type(of: call) == ClaimNextBatch.self
            if isClaim { world.claimBegins() }
            defer { if isClaim { world.claimsUnderWay -= 1 } }
            let answer = try await world.store.run(call)
            decided?(answer)
            world.calls.end(number, .given(answer))
            world.watch.storeHasAnswered(call)
            return answer
        }
        link.process.reached(at: world.simulation.now)
        return answer
    }

    /// A call that only reads: no check uses it, and there are many.
    private func look(_ call: any FakeCall) async throws(PortFailure) -> any TrackingAnswer {
        let store = link.world.store
        let answer = try await link.ask(type(of: call).function, at: link.world.db, within: .seconds(10)) {
            () async throws(PortFailure) -> any TrackingAnswer in
            try await store.run(call)
        }
        link.process.reached(at: link.world.simulation.now)
        return answer
    }

    private func own<Call: TrackingCall>(_ answer: any TrackingAnswer, of call: Call) -> Call.Answer {
        guard let answer = answer as? Call.Answer else { preconditionFailure("no answer to \(Call.function)") }
        return answer
    }
}

// MARK: - Calls with extra handling

extension NetworkedStore {
    private func open(_ call: OpenIngestionJob) async throws(PortFailure) -> OpenIngestionJob.Answer {
        let process = link.process
        let world = link.world
        process.isOpening = true
        defer { process.isOpening = false }
        let answer = try await note(call) { answer in
            guard let answer = answer as? OpenIngestionJob.Answer, answer.result == .created else { return }
            world.jobIsOpened(answer.job.id, by: process)
        }
        return own(answer, of: call)
    }

    private func join(_ call: JoinIngestionJob) async throws(PortFailure) -> JoinIngestionJob.Answer {
        // From here on the process knows a job.
        link.process.mayOpenJob = false
        let answer = try await link.join(call, opening: open) { call throws(PortFailure) in try await ask(call) }
        return link.believed(answer)
    }

    private func append(_ call: AppendIngestionBatches) async throws(PortFailure) -> AppendIngestionBatches.Answer {
        link.world.pageIsStored(call.batches.flatMap(\.self))
        return try await link.append(call) { call throws(PortFailure) in
            await link.world.freezeBeforeSending(link.process, 0.03)
            return try await ask(call)
        }
    }

    private func take(_ call: ClaimNextBatch) async throws(PortFailure) -> ClaimNextBatch.Answer {
        try await link.claim(call) { call throws(PortFailure) in
            link.world.watch.claimIsSent(call.claimId)
            return try await ask(call)
        }
    }

    private func renewLeases(_ call: BumpBatchProgress) async throws(PortFailure) -> BumpBatchProgress.Answer {
        try await link.heartbeat(call) { call throws(PortFailure) in
            let sent = link.world.simulation.now
            let answer = try await ask(call)
            for (item, answer) in zip(call.items, answer.items) where answer.result == .ok {
                link.process.deeds.heartbeats[item.claimId] = sent
            }
            return answer
        }
    }

    private func end(_ call: FinishBatch) async throws(PortFailure) -> FinishBatch.Answer {
        try await link.finish(call) { call throws(PortFailure) in
            link.world.watch.finishIsTold(call, by: link.process)
            await link.world.freezeBeforeSending(link.process, 0.12)
            link.world.watch.endIsSent(call, by: link.process)
            let answer = try await ask(call)
            link.world.watch.endWasAnswered(call, answer, to: link.process)
            return answer
        }
    }

    private func readCounters(_ call: GetIngestionJobStats) async throws(PortFailure) -> any TrackingAnswer {
        let answer = try await look(call)
        guard link.world.portBug == .neverBrakes else { return answer }
        var stats = own(answer, of: call)
        stats.serviceFailuresBaseline = stats.serviceFailures
        stats.removedBaseline = stats.removed
        return stats
    }

    private func divide(_ call: RequeueFailedBatches) async throws(PortFailure) -> RequeueFailedBatches.Answer {
        link.world.watch.divisionIsSent(call, by: link.process)
        return try await ask(call)
    }

    private func reserve(_ call: ReserveQuota) async throws(PortFailure) -> ReserveQuota.Answer {
        if link.world.portBug == .reservesNothing { return .init(granted: true, waitMs: 0, stopReason: nil) }
        let answer: ReserveQuota.Answer
        do throws(PortFailure) { answer = try await ask(call) } catch {
            link.world.watch.reservationFailed()
            throw error
        }
        if !answer.granted { link.world.watch.rests(link.process, for: .milliseconds(answer.waitMs)) }
        return answer
    }
}

extension TrackingCall {
    /// The call itself if it has this type; comparing the types first is faster than the cast alone.
    func own<Call: TrackingCall>(_ type: Call.Type) -> Call? { Self.self == type ? self as? Call : nil }
}
