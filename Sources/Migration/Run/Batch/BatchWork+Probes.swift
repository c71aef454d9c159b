/// How calls are made that may fail because of what they carry: a text that a firewall stops, a point that a server cannot
/// take, a row that is broken.
///
/// Such a failure looks like an outage. The difference is whether known-good input goes well right after: only then the request
/// is suspect, and only then nobody has to wait. A failure of the probe is an outage, as ever.
extension BatchWork {
    /// How such a call ended.
    enum Outcome<Value: Sendable>: Sendable {
        case answered(Value)
        /// The service understood and said no.
        case refused(PortFailure)
        /// It failed, and the service was well.
        case suspect(PortFailure)
    }

    /// Embeds the texts of one request; those that are suspect with one try, and a short one.
    func vectors(for texts: [String], tokens: Int, isTrial: Bool) async throws(WorkEnd) -> Outcome<Embeddings> {
        let store = StoreCaller(ports: ports, state: state)
        let limit = isTrial ? state.patience(with: .embedder, atLeast: plan.suspicion.patience) : nil
        return try await attempt(.embedder, isTrial: isTrial) { () async throws(WorkEnd) in
            try await waitForWrites()
            try await waitForQuota(tokens: tokens, store: store)
        } _: { () async throws(PortFailure) in
            let answer = try await ports.embedder.embed(texts, within: limit)
            permit.pay(Paid(tokens: answer.tokens ?? tokens, pricePerMillion: plan.pricePerMillion))
            if let lower = await plan.quota.learn(answer.limits, store) { ports.report(.limitsLearned(lower)) }
            return answer
        }
    }

    /// Writes points, repeating with the same ids while the outcome is open.
    func upsert(_ points: [Point], isTrial: Bool) async throws(WorkEnd) -> Outcome<Void> {
        let limit = isTrial ? state.patience(with: .points, atLeast: plan.suspicion.patience) : nil
        return try await write(isTrial: isTrial) { () async throws(PortFailure) in
            try await ports.points.upsert(points, within: limit)
        }
    }

    /// Deletes points that no new ones have replaced.
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
        let outcome = try await attempt(.points, isTrial: isTrial) { () async throws(WorkEnd) in
            if isTrial { try checkpoint() }
            try checkWrite()
        } _: { () async throws(PortFailure) in
            try await operation()
        }
        if case .answered = outcome { state.withWrites { $0.succeeded() } }
        return outcome
    }

    // MARK: - One call

    /// After so many failures in a row the service is probed, once.
    ///
    /// A write sooner: while it is repeated, the breaker keeps all workers of the runner from embedding.
    private func probeAfter(_ service: Service) -> Int { service == .points ? 2 : 3 }

    /// A failure that took this long is probed at once: the next one would take as long.
    private static let longFailure = Duration.seconds(30)

    /// Calls a port until it answers, or until the call is suspect.
    ///
    /// A trial is one try; a failure of the probe after it ends the work. The permission is asked before each try.
    func attempt<Value: Sendable>(
        _ service: Service,
        isTrial: Bool,
        name: String = #function,
        _ permission: () async throws(WorkEnd) -> Void,
        _ operation: () async throws(PortFailure) -> Value
    ) async throws(WorkEnd) -> Outcome<Value> {
        var tries = 0
        var throttles = 0
        while true {
            try await permission()
            let start = ports.time.now
            do throws(PortFailure) {
                let value = try await operation()
                state.answered(service, in: ports.time.now - start)
                state.answered(ServiceCall(service, name))
                state.withWaits { $0.answered(service, at: ports.time.now) }
                note(service, refusal: nil)
                return .answered(value)
            } catch {
                let took = ports.time.now - start
                // The time of a call that failed was the service's.
                permit.addWait(took)
                switch error.kind {
                case .rejected where service != .source:
                    note(service, refusal: error)
                    return .refused(error)
                case .cancelled: throw .interrupted
                case .outOfMoney, .full:
                    if service == .points { noteRefusedWrite(error) }
                    throw await stopped(service, error)
                case .throttled where service == .embedder:
                    throttles += 1
                    try await throttled(error, tries: throttles)
                    continue
                case .throttled:
                    throttles += 1
                    try await pause(after: error, from: service, tries: throttles)
                    continue
                case .unavailable, .outcomeUnknown, .unclassified, .unauthorised, .rejected: break
                }
                tries += 1
                if service == .points, !isTrial { noteRefusedWrite(error) }
                let isRefusal = error.kind == .unauthorised || error.kind == .rejected
                let end = state.verdict(on: error, of: ServiceCall(service, name), at: ports.time.now)
                let isDue = tries % probeAfter(service) == 0 || took >= Self.longFailure
                if isTrial || isRefusal || isDue || end != nil {
                    if try await isWell(service, after: error) {
                        state.withWaits { $0.answered(service, at: ports.time.now) }
                        return .suspect(error)
                    }
                    if let end { throw .fatal(service, end) }
                    if isTrial { throw .deferred(after: .seconds(30), by: service, .outage(of: service, error)) }
                }
                // Nobody can say whether a refusal was meant for us while the service is out.
                let kind = isRefusal ? PortFailure.Kind.unavailable : error.kind
                try await pause(after: error.of(kind), from: service, tries: tries)
            }
        }
    }

    /// Notes whether a service took a request, for the brake that tells bad records from a service that takes nothing.
    private func note(_ service: Service, refusal: PortFailure?) {
        guard service != .source else { return }
        guard let refusal else {
            state.withRefusals { $0.passed(service) }
            return permit.trials.passed(service)
        }
        let passes = state.withRefusals { $0.passes(of: service) }
        permit.trials.refused(service, code: refusal.code ?? "refused", passesBefore: passes)
    }

    func noteRefusedWrite(_ failure: PortFailure) {
        // A store that is full stops the job; until every worker knows, no worker may pay for what cannot be written.
        guard [.unavailable, .outcomeUnknown, .unclassified, .full].contains(failure.kind) else { return }
        state.withWrites { $0.failed(at: ports.time.now) }
    }

    /// The end of all work: first within this runner, because telling the others may take a while.
    private func stopped(_ service: Service, _ failure: PortFailure) async -> WorkEnd {
        if service == .embedder {
            state.stopEmbedder(failure)
            await plan.quota.stop(failure, StoreCaller(ports: ports, state: state))
        }
        return .fatal(service, failure)
    }

    // MARK: - Probes

    /// What is embedded to see whether the embedder is well: no record's text, so that no text is paid for twice.
    package static let probeText = "The quick brown fox jumps over the lazy dog."
    /// More than any tokenizer makes of it.
    private static let probeTokens = 16

    /// Whether a service handles known-good input right now; ends all work when it refuses us altogether.
    private func isWell(_ service: Service, after failure: PortFailure) async throws(WorkEnd) -> Bool {
        switch service {
        case .embedder: try await isEmbedderWell()
        case .points: try await isPointStoreWell(after: failure)
        case .source: try await isSourceWell(after: failure)
        case .store: false
        }
    }

    private func isEmbedderWell() async throws(WorkEnd) -> Bool {
        let store = StoreCaller(ports: ports, state: state)
        var throttles = 0
        while true {
            try await waitForQuota(tokens: Self.probeTokens, store: store)
            let start = ports.time.now
            do throws(PortFailure) {
                let answer = try await ports.embedder.embed([Self.probeText], within: nil)
                permit.pay(Paid(tokens: answer.tokens ?? Self.probeTokens, pricePerMillion: plan.pricePerMillion))
                state.answered(.embedder, in: ports.time.now - start)
                return true
            } catch {
                permit.addWait(ports.time.now - start)
                switch error.kind {
                case .throttled:
                    throttles += 1
                    try await throttled(error, tries: throttles)
                case .outOfMoney, .unauthorised, .full: throw await stopped(.embedder, error)
                case .cancelled: throw .interrupted
                case .unavailable, .outcomeUnknown, .unclassified, .rejected: return false
                }
            }
        }
    }

    private func isPointStoreWell(after failure: PortFailure) async throws(WorkEnd) -> Bool {
        try checkWrite()
        let start = ports.time.now
        do throws(PortFailure) {
            try await ports.points.probe()
        } catch {
            permit.addWait(ports.time.now - start)
            switch error.kind {
            case .outOfMoney, .unauthorised, .full: throw .fatal(.points, error)
            case .cancelled: throw .interrupted
            case .unavailable, .outcomeUnknown, .unclassified, .throttled, .rejected:
                state.withWrites { $0.failed(at: ports.time.now) }
                return false
            }
        }
        // What refuses every point takes a write that changes nothing all the same. What stands before the store has no such
        // reasons.
        if failure.kind == .unauthorised, failure.code != PortFailure.blocked { throw .fatal(.points, failure) }
        state.withWrites { $0.succeeded() }
        return true
    }

    /// Whether a row can be read: one that this runner has read before, or one at an end of the table.
    private func isSourceWell(after failure: PortFailure) async throws(WorkEnd) -> Bool {
        let start = ports.time.now
        var candidates = [state.readableRow].compactMap(\.self)
        do throws(PortFailure) {
            if candidates.isEmpty, let highest = try await ports.source.highestID() {
                candidates = [highest] + (try await ports.source.ids(after: nil, through: highest, limit: 1))
            }
            for (number, id) in candidates.enumerated() {
                do throws(PortFailure) {
                    if try await !ports.source.records([id]).isEmpty { return true }
                    // Somebody has deleted it.
                    state.forgetReadableRow()
                } catch  where number + 1 < candidates.count && error.kind != .cancelled {
                    // It may be the broken one.
                    continue
                }
            }
        } catch {
            permit.addWait(ports.time.now - start)
            if error.kind == .cancelled { throw .interrupted }
        }
        // The same no for other rows: it is not about this one.
        if failure.kind == .rejected || failure.kind == .unauthorised { throw .fatal(.source, failure) }
        return false
    }
}

extension PortFailure {
    fileprivate func of(_ kind: Kind) -> PortFailure { PortFailure(kind, detail, code: code) }
}
