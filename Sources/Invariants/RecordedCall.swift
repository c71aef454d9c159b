package import Migration

/// A call of any function of the tracking contract as one value, so that a history is a list that can be kept and replayed.
package indirect enum RecordedCall: Codable, Sendable, Equatable {
    case open(OpenIngestionJob)
    case join(JoinIngestionJob)
    case addServers(AddIngestionServers)
    case renew(RenewController)
    case append(AppendIngestionBatches)
    case seal(SealIngestionPlan)
    case claim(ClaimNextBatch)
    case heartbeat(BumpBatchProgress)
    case finish(FinishBatch)
    case reset(ResetStuckBatches)
    case stats(GetIngestionJobStats)
    case exactStats(GetIngestionJobStatsExact)
    case control(ControlIngestionJob)
    case finalize(FinalizeIngestionJob)
    case requeueBatches(RequeueFailedBatches)
    case requeueRecords(RequeueFailedRecords)
    case reserve(ReserveQuota)
    case report(ReportQuota)
    case jobs(ListIngestionJobs)
    case batches(ListIngestionBatches)
    case failures(ListIngestionFailures)
    case events(ListIngestionEvents)
}

/// What a call answered, or why it did not.
package indirect enum RecordedAnswer: Codable, Sendable, Equatable {
    case open(OpenIngestionJob.Answer)
    case join(JoinIngestionJob.Answer)
    case addServers(AddIngestionServers.Answer)
    case renew(RenewController.Answer)
    case append(AppendIngestionBatches.Answer)
    case seal(SealIngestionPlan.Answer)
    case claim(ClaimNextBatch.Answer)
    case heartbeat(BumpBatchProgress.Answer)
    case finish(FinishBatch.Answer)
    case reset(ResetStuckBatches.Answer)
    case stats(GetIngestionJobStats.Answer)
    case exactStats(GetIngestionJobStatsExact.Answer)
    case control(ControlIngestionJob.Answer)
    case finalize(FinalizeIngestionJob.Answer)
    case requeueBatches(RequeueFailedBatches.Answer)
    case requeueRecords(RequeueFailedRecords.Answer)
    case reserve(ReserveQuota.Answer)
    case report(ReportQuota.Answer)
    case jobs(ListIngestionJobs.Answer)
    case batches(ListIngestionBatches.Answer)
    case failures(ListIngestionFailures.Answer)
    case events(ListIngestionEvents.Answer)
    /// A caller's bug: raised by the functions, and nothing was done.
    case refused
    /// Any other failure: its code, or its kind.
    case failed(String)
}

/// One call at one moment of the database clock.
///
/// The same steps on another store, with the same clock and the same chance, must give the same answers.
package struct RecordedStep: Codable, Sendable, Equatable {
    /// Microseconds of the database clock since it was started.
    package var at: Int64
    /// What `ingestion_random()` gives during the call, again and again: 0..<1.
    package var chance: Double
    package var call: RecordedCall
    /// What was answered, where it is known.
    package var answer: RecordedAnswer?

    package init(at: Int64, chance: Double, call: RecordedCall, answer: RecordedAnswer? = nil) {
        self.at = at
        self.chance = chance
        self.call = call
        self.answer = answer
    }
}

extension RecordedAnswer {
    package init(failure: PortFailure) {
        // 22…: a bad value; 23…: a constraint of the tables.
        let isBug = failure.kind == .rejected && ["22", "23"].contains(failure.code?.prefix(2) ?? "")
        self = isBug ? .refused : .failed(failure.code ?? "\(failure.kind)")
    }

    /// The answer of a call; its type alone does not say of which.
    package init?(_ answer: some Sendable, of call: RecordedCall) {
        let made: Self? =
            switch call {
            case .open: (answer as? OpenIngestionJob.Answer).map(Self.open)
            case .join: (answer as? JoinIngestionJob.Answer).map(Self.join)
            case .addServers: (answer as? AddIngestionServers.Answer).map(Self.addServers)
            case .renew: (answer as? RenewController.Answer).map(Self.renew)
            case .append: (answer as? AppendIngestionBatches.Answer).map(Self.append)
            case .seal: (answer as? SealIngestionPlan.Answer).map(Self.seal)
            case .claim: (answer as? ClaimNextBatch.Answer).map(Self.claim)
            case .heartbeat: (answer as? BumpBatchProgress.Answer).map(Self.heartbeat)
            case .finish: (answer as? FinishBatch.Answer).map(Self.finish)
            case .reset: (answer as? ResetStuckBatches.Answer).map(Self.reset)
            case .stats: (answer as? GetIngestionJobStats.Answer).map(Self.stats)
            case .exactStats: (answer as? GetIngestionJobStatsExact.Answer).map(Self.exactStats)
            case .control: (answer as? ControlIngestionJob.Answer).map(Self.control)
            case .finalize: (answer as? FinalizeIngestionJob.Answer).map(Self.finalize)
            case .requeueBatches: (answer as? RequeueFailedBatches.Answer).map(Self.requeueBatches)
            case .requeueRecords: (answer as? RequeueFailedRecords.Answer).map(Self.requeueRecords)
            case .reserve: (answer as? ReserveQuota.Answer).map(Self.reserve)
            case .report: (answer as? ReportQuota.Answer).map(Self.report)
            case .jobs: (answer as? ListIngestionJobs.Answer).map(Self.jobs)
            case .batches: (answer as? ListIngestionBatches.Answer).map(Self.batches)
            case .failures: (answer as? ListIngestionFailures.Answer).map(Self.failures)
            case .events: (answer as? ListIngestionEvents.Answer).map(Self.events)
            }
        guard let made else { return nil }
        self = made
    }
}

extension RecordedCall {
    /// Nil for a call that changes and tells nothing: the question for the version.
    package init?(_ call: some TrackingCall) {
        switch call {
        case let call as OpenIngestionJob: self = .open(call)
        case let call as JoinIngestionJob: self = .join(call)
        case let call as AddIngestionServers: self = .addServers(call)
        case let call as RenewController: self = .renew(call)
        case let call as AppendIngestionBatches: self = .append(call)
        case let call as SealIngestionPlan: self = .seal(call)
        case let call as ClaimNextBatch: self = .claim(call)
        case let call as BumpBatchProgress: self = .heartbeat(call)
        case let call as FinishBatch: self = .finish(call)
        case let call as ResetStuckBatches: self = .reset(call)
        case let call as GetIngestionJobStats: self = .stats(call)
        case let call as GetIngestionJobStatsExact: self = .exactStats(call)
        case let call as ControlIngestionJob: self = .control(call)
        case let call as FinalizeIngestionJob: self = .finalize(call)
        case let call as RequeueFailedBatches: self = .requeueBatches(call)
        case let call as RequeueFailedRecords: self = .requeueRecords(call)
        case let call as ReserveQuota: self = .reserve(call)
        case let call as ReportQuota: self = .report(call)
        case let call as ListIngestionJobs: self = .jobs(call)
        case let call as ListIngestionBatches: self = .batches(call)
        case let call as ListIngestionFailures: self = .failures(call)
        case let call as ListIngestionEvents: self = .events(call)
        default: return nil
        }
    }

    /// Performs the call once.
    package func perform(on store: any JobStore) async -> RecordedAnswer {
        do throws(PortFailure) { return try await answer(of: store) } catch { return RecordedAnswer(failure: error) }
    }

    private func answer(of store: any JobStore) async throws(PortFailure) -> RecordedAnswer {
        switch self {
        case .open(let call): .open(try await store.openJob(call))
        case .join(let call): .join(try await store.joinJob(call))
        case .addServers(let call): .addServers(try await store.addServers(call))
        case .renew(let call): .renew(try await store.renewController(call))
        case .append(let call): .append(try await store.appendBatches(call))
        case .seal(let call): .seal(try await store.sealPlan(call))
        case .claim(let call): .claim(try await store.claim(call))
        case .heartbeat(let call): .heartbeat(try await store.heartbeat(call))
        case .finish(let call): .finish(try await store.finish(call))
        case .reset(let call): .reset(try await store.resetStuck(call))
        case .stats(let call): .stats(try await store.stats(call))
        case .exactStats(let call): .exactStats(try await store.exactStats(call))
        case .control(let call): .control(try await store.control(call))
        case .finalize(let call): .finalize(try await store.finalize(call))
        case .requeueBatches(let call): .requeueBatches(try await store.requeueBatches(call))
        case .requeueRecords(let call): .requeueRecords(try await store.requeueRecords(call))
        case .reserve(let call): .reserve(try await store.reserveQuota(call))
        case .report(let call): .report(try await store.reportQuota(call))
        case .jobs(let call): .jobs(try await store.jobs(call))
        case .batches(let call): .batches(try await store.batches(call))
        case .failures(let call): .failures(try await store.failures(call))
        case .events(let call): .events(try await store.events(call))
        }
    }
}
