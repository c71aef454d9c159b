import Migration

/// Calls that may fail because of their input: a text that a firewall blocks, a point that a server cannot accept, a
/// row that is broken.
///
/// Such a failure looks like an outage. To tell them apart, known-good input is sent right after it: only if that goes
/// well, the request is suspect, and the other workers do not have to wait. If the probe fails, it is an outage.
extension WorkCaller {
    enum Outcome<Value: Sendable>: Sendable {
        case answered(Value)
        /// The service understood the call and refused it.
        case refused(PortFailure)
        /// The call failed while the service was well.
        case suspect(PortFailure)
    }

    /// The input of such a call; it decides which service is called and what is checked before each try.
    enum Input: Sendable {
        case ids
        case texts(tokens: Int)
        /// Points to be written or deleted.
        case points

        var service: Service {
            switch self {
            case .ids: .source
            case .texts: .embedder
            case .points: .points
            }
        }
    }

    /// Writes points, repeating with the same ids as long as the outcome is unknown.
    func upsert(_ points: [Point], isTrial: Bool) async throws(WorkEnd) -> Outcome<Void> {
        let limit = isTrial ? state.patience(with: .points, atLeast: plan.suspicion.patience) : nil
        return try await write(isTrial: isTrial) { () async throws(PortFailure) in
            try await ports.points.upsert(points, within: limit)
        }
    }

    /// Deletes points that no new points have replaced.
    func delete(_ stale: [StoredPoint]) async throws(WorkEnd) {
        if stale.isEmpty { return }
        try await call(.points, writes: true) { () async throws(PortFailure) in try await ports.points.delete(stale) }
        permit.noteProgress()
    }

    /// Deletes older points.
    func delete(_ stale: [StoredPoint], isTrial: Bool) async throws(WorkEnd) -> Outcome<Void> {
        let outcome = try await write(isTrial: isTrial) { () async throws(PortFailure) in
            try await ports.points.delete(stale)
        }
        if case .refused(let refusal) = outcome { throw .fatal(.points, refusal) }
        return outcome
    }

    private func write(
        isTrial: Bool,
        _ operation: () async throws(PortFailure) -> Void
    ) async throws(WorkEnd) -> Outcome<Void> {
        let outcome = try await attempt(.points, isTrial: isTrial, operation)
        if case .answered = outcome { state.withWrites { $0.succeeded() } }
        return outcome
    }

    /// Calls a port until it answers, or until the call is suspect.
    ///
    /// A trial is a single try; if the probe after it fails, the work ends. The permission is checked before each try.
    func attempt<Value: Sendable>(
        _ input: Input,
        isTrial: Bool,
        name: String = #function,
        _ operation: () async throws(PortFailure) -> Value
    ) async throws(WorkEnd) -> Outcome<Value> {
        let call = TrialCall(caller: self, input: input, isTrial: isTrial, name: ServiceCall(input.service, name))
        do throws(TrialEnd) {
            return .answered(try await call.answer(operation))
        } catch {
            switch error {
            case .refused(let failure): return .refused(failure)
            case .suspect(let failure): return .suspect(failure)
            case .work(let end): throw end
            }
        }
    }

    /// Ends all work: first within this runner, because telling the other runners may take a while.
    func stopped(_ service: Service, _ failure: PortFailure) async -> WorkEnd {
        if service == .embedder {
            state.stopEmbedder(failure)
            await plan.quota.stop(failure, store)
        }
        return .fatal(service, failure)
    }
}

/// The end of a call whose input may be at fault.
enum TrialEnd: Error {
    case refused(PortFailure)
    case suspect(PortFailure)
    case work(WorkEnd)
}

/// One call whose input may be at fault.
private struct TrialCall: PortCaller {
    let caller: WorkCaller
    let input: WorkCaller.Input
    let isTrial: Bool
    let name: ServiceCall
    private var failures = 0
    private var throttles = 0

    init(caller: WorkCaller, input: WorkCaller.Input, isTrial: Bool, name: ServiceCall) {
        self.caller = caller
        self.input = input
        self.isTrial = isTrial
        self.name = name
    }

    var rules: CallTries.Rules {
        var rules = CallTries.Rules(.policy(.provider))
        rules.countsThrottles = false
        return rules
    }

    var time: Time { caller.ports.time }
    private var service: Service { input.service }
    private var state: RunnerState { caller.state }

    func jitter() -> Double { caller.ports.entropy.unit() }

    func willTry() async throws(TrialEnd) {
        do throws(WorkEnd) {
            switch input {
            case .ids: try caller.checkpoint()
            case .texts(let tokens):
                try await caller.waitForWrites()
                try await caller.waitForQuota(tokens: tokens)
            case .points:
                if isTrial { try caller.checkpoint() }
                try caller.checkWrite()
            }
        } catch {
            throw .work(error)
        }
    }

    func answered(after took: Duration) {
        state.answered(service, in: took)
        state.answered(name)
        state.withWaits { $0.answered(service, at: time.now) }
        note(refusal: nil)
    }

    mutating func failed(_ failure: PortFailure, after took: Duration) async throws(TrialEnd) -> PortFailure? {
        // The time of a failed call counts as a wait for the service.
        caller.permit.addWait(took)
        switch failure.kind {
        case .rejected where service != .source:
            note(refusal: failure)
            throw .refused(failure)
        case .cancelled: throw .work(.interrupted)
        case .outOfMoney, .full:
            if service == .points { caller.noteRefusedWrite(failure) }
            throw .work(await caller.stopped(service, failure))
        case .throttled where service == .embedder:
            throttles += 1
            do throws(WorkEnd) { try await caller.throttled(failure, tries: throttles) } catch { throw .work(error) }
            return nil
        case .throttled: return failure
        case .unavailable, .outcomeUnknown, .unclassified, .unauthorised, .rejected: break
        }
        let isSuspect: Bool
        do throws(WorkEnd) { isSuspect = try await isInputsFault(failure, took) } catch { throw .work(error) }
        if isSuspect { throw .suspect(failure) }
        // While the service is down, nothing shows whether a refusal was meant for this input.
        return failure.isRefusal ? PortFailure(.unavailable, failure.detail, code: failure.code) : failure
    }

    func pause(_ wait: Duration, isAsked: Bool, after failure: PortFailure, tries: Int) async throws(TrialEnd) {
        do throws(WorkEnd) {
            try await caller.pause(wait, isAsked: isAsked, after: failure, from: service)
        } catch {
            throw .work(error)
        }
    }

    func end(_ end: CallTries.End, after failure: PortFailure) -> TrialEnd {
        .work(caller.end(end, after: failure, from: service))
    }

    // MARK: - Input or service

    /// After this many failures in a row the service is probed, once.
    ///
    /// For a write after fewer: while it is repeated, the breaker keeps all workers of the runner from embedding.
    private var probeAfter: Int { service == .points ? 2 : 3 }

    /// A failure that took this long is followed by a probe at once: the next failure would take as long.
    private static let longFailure = Duration.seconds(30)

    /// Whether the service is well in spite of the failure; false as long as a probe is not worth it.
    private mutating func isInputsFault(_ failure: PortFailure, _ took: Duration) async throws(WorkEnd) -> Bool {
        failures += 1
        if service == .points, !isTrial { caller.noteRefusedWrite(failure) }
        let end = state.verdict(on: failure, of: name, at: time.now)
        let isDue = failures % probeAfter == 0 || took >= Self.longFailure
        guard isTrial || failure.isRefusal || isDue || end != nil else { return false }
        if try await caller.isWell(service, after: failure) {
            state.withWaits { $0.answered(service, at: time.now) }
            return true
        }
        if let end { throw .fatal(service, end) }
        if isTrial { throw .deferred(after: .seconds(30), by: service, .outage(of: service, failure)) }
        return false
    }

    /// Notes whether a service accepted a request, for the brake that tells bad records apart from a service that
    /// refuses everything.
    private func note(refusal: PortFailure?) {
        guard service != .source else { return }
        guard let refusal else {
            state.withRefusals { $0.passed(service) }
            return caller.permit.trials.passed(service)
        }
        let passes = state.withRefusals { $0.passes(of: service) }
        caller.permit.trials.refused(service, code: refusal.code ?? "refused", passesBefore: passes)
    }
}

extension PortFailure {
    fileprivate var isRefusal: Bool { kind == .unauthorised || kind == .rejected }
}
