import Fakes
import Invariants
import Migration
import Simulation

/// The tracking store over the network, as one process reaches it.
///
/// What the database answers is noted there, at the moment it is decided, for the checks of the invariants.
struct NetworkedStore: JobStore {
    let link: Link

    func perform<Call: TrackingCall>(_ call: Call) async throws(PortFailure) -> Call.Answer {
        // Around some calls something is watched, or the process makes its mistake.
        if Call.self == BumpBatchProgress.self { return try await call.answer(by: renewLeases) }
        if Call.self == GetIngestionJobStats.self { return try await call.answer(by: readCounters) }
        if Call.self == ClaimNextBatch.self { return try await call.answer(by: take) }
        if Call.self == FinishBatch.self { return try await call.answer(by: end) }
        if Call.self == ReserveQuota.self { return try await call.answer(by: reserve) }
        if Call.self == ReportRunner.self { return try await call.answer(by: tell) }
        if Call.self == ListIngestionJobs.self { return try await call.answer(by: list) }
        if Call.self == AppendIngestionBatches.self { return try await call.answer(by: append) }
        if Call.self == JoinIngestionJob.self { return try await call.answer(by: join) }
        if Call.self == OpenIngestionJob.self { return try await call.answer(by: open) }
        if Call.self == RequeueFailedBatches.self { return try await call.answer(by: divide) }
        if Call.self == SchemaVersion.self { return try await call.answer(by: readVersion) }
        guard let known = call as? any FakeCall, let answer = try await ask(known) as? Call.Answer else {
            preconditionFailure("the fake does not know \(Call.function)")
        }
        return answer
    }

    /// A call that is noted; what is to be done in the database as soon as it has answered comes with it.
    private func ask<Call: FakeCall>(
        _ call: Call,
        decided: @escaping @Sendable (Call.Answer) -> Void = { _ in }
    ) async throws(PortFailure) -> Call.Answer {
        let world = link.world
        let store = world.store
        let answer = try await link.ask(Call.function, at: world.db, within: .seconds(10)) {
            () async throws(PortFailure) -> Call.Answer in
            let number = world.calls.begin(call)
            let isClaim = Call.self == ClaimNextBatch.self
            if isClaim { world.claimBegins() }
            defer { if isClaim { world.claimsUnderWay -= 1 } }
            let answer = try await store.run(call)
            decided(answer)
            world.calls.end(number, .given(answer))
            world.watch.storeHasAnswered(call)
            return answer
        }
        link.process.reached(at: world.simulation.now)
        return answer
    }

    /// A call that only looks: no check reads it, and there are many.
    private func look<Call: FakeCall>(_ call: Call) async throws(PortFailure) -> Call.Answer {
        let store = link.world.store
        let answer = try await link.ask(Call.function, at: link.world.db, within: .seconds(10)) {
            () async throws(PortFailure) -> Call.Answer in
            try await store.run(call)
        }
        link.process.reached(at: link.world.simulation.now)
        return answer
    }
}

// MARK: - Calls with something of their own

extension NetworkedStore {
    private func readVersion(_ call: SchemaVersion) async throws(PortFailure) -> SchemaVersion.Answer {
        try await link.world.store.run(call)
    }

    private func open(_ call: OpenIngestionJob) async throws(PortFailure) -> OpenIngestionJob.Answer {
        let process = link.process
        let world = link.world
        process.isOpening = true
        defer { process.isOpening = false }
        return try await ask(call) { answer in
            if answer.result == .created { world.jobIsOpened(answer.job.id, by: process) }
        }
    }

    private func join(_ call: JoinIngestionJob) async throws(PortFailure) -> JoinIngestionJob.Answer {
        // From here on it has a job in mind.
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

    private func readCounters(_ call: GetIngestionJobStats) async throws(PortFailure) -> GetIngestionJobStats.Answer {
        var stats = try await look(call)
        if link.world.portBug == .neverBrakes {
            stats.serviceFailuresBaseline = stats.serviceFailures
            stats.removedBaseline = stats.removed
        }
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

    private func list(_ call: ListIngestionJobs) async throws(PortFailure) -> ListIngestionJobs.Answer {
        link.seen(try await look(call))
    }

    private func tell(_ call: ReportRunner) async throws(PortFailure) -> ReportRunner.Answer { try await look(call) }
}

extension TrackingCall {
    /// What the function for calls of this type answers.
    fileprivate func answer<Call: TrackingCall>(
        by function: (Call) async throws(PortFailure) -> Call.Answer
    ) async throws(PortFailure) -> Answer {
        guard let call = self as? Call, let answer = try await function(call) as? Answer else {
            preconditionFailure("\(Self.function) is not \(Call.function)")
        }
        return answer
    }
}
