import Migration

extension BatchWork {
    /// The text that shows whether the embedder is well: it is no record's text, so that no text is paid for twice.
    package static let probeText = "The quick brown fox jumps over the lazy dog."
}

/// Checks whether a service accepts known-good input now.
extension WorkCaller {
    /// More tokens than any tokenizer makes of the probe's text.
    fileprivate static let probeTokens = 16

    /// Whether a service is well; ends all work when the service refuses everything.
    func isWell(_ service: Service, after failure: PortFailure) async throws(WorkEnd) -> Bool {
        switch service {
        case .embedder: try await isEmbedderWell()
        case .points: try await isPointStoreWell(after: failure)
        case .source: try await isSourceWell(after: failure)
        case .store: false
        }
    }

    private func isEmbedderWell() async throws(WorkEnd) -> Bool { try await probeVector() != nil }

    /// The vector of the probe, embedded now; nil when the embedder is not well.
    func probeVector() async throws(WorkEnd) -> [Float]? {
        do throws(TrialEnd) {
            return try await ProbeCall(caller: self).answer { () async throws(PortFailure) in
                let answer = try await ports.embedder.embed([BatchWork.probeText], within: nil)
                permit.pay(Paid(tokens: answer.tokens ?? Self.probeTokens, pricePerMillion: plan.pricePerMillion))
                return answer.vectors.first ?? []
            }
        } catch {
            switch error {
            case .refused, .suspect: return nil
            case .work(let end): throw end
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
        // A store that refuses every point may still accept a write that changes nothing. A gateway in front of the
        // store has no such reasons.
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
                    // The row was deleted.
                    state.forgetReadableRow()
                } catch  where number + 1 < candidates.count && error.kind != .cancelled {
                    // It may be the broken row.
                    continue
                }
            }
        } catch {
            permit.addWait(ports.time.now - start)
            if error.kind == .cancelled { throw .interrupted }
        }
        // Other rows are refused in the same way, so this row is not the cause.
        if failure.kind == .rejected || failure.kind == .unauthorised { throw .fatal(.source, failure) }
        return false
    }
}

/// One probe of the embedder, repeated for as long as it asks to wait.
private struct ProbeCall: PortCaller {
    let caller: WorkCaller
    private var throttles = 0

    init(caller: WorkCaller) { self.caller = caller }

    var rules: CallTries.Rules { CallTries.Rules(.fixed([])) }
    var time: Time { caller.ports.time }

    func jitter() -> Double { caller.ports.entropy.unit() }

    func willTry() async throws(TrialEnd) {
        do throws(WorkEnd) {
            try await caller.waitForQuota(tokens: WorkCaller.probeTokens)
        } catch {
            throw .work(error)
        }
    }

    func answered(after took: Duration) { caller.state.answered(.embedder, in: took) }

    mutating func failed(_ failure: PortFailure, after took: Duration) async throws(TrialEnd) -> PortFailure? {
        caller.permit.addWait(took)
        switch failure.kind {
        case .throttled:
            throttles += 1
            do throws(WorkEnd) { try await caller.throttled(failure, tries: throttles) } catch { throw .work(error) }
            return nil
        case .outOfMoney, .unauthorised, .full: throw .work(await caller.stopped(.embedder, failure))
        case .cancelled: throw .work(.interrupted)
        case .unavailable, .outcomeUnknown, .unclassified, .rejected: return failure
        }
    }

    func pause(_ wait: Duration, isAsked: Bool, after failure: PortFailure, tries: Int) async throws(TrialEnd) {}

    func end(_ end: CallTries.End, after failure: PortFailure) -> TrialEnd { .suspect(failure) }
}
