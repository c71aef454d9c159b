/// How the work calls the ports: what is repeated, what is waited for, and what ends the work.
extension BatchWork {
    /// Whether the work may go on at all.
    func checkpoint() throws(WorkEnd) {
        if Task.isCancelled || permit.interruption.level == .release { throw .interrupted }
        if !permit.mayStart(at: ports.time.now) { throw .outOfTime }
    }

    /// Whether an external write may start; asked before each one (I20).
    func checkWrite() throws(WorkEnd) {
        try checkpoint()
        if !permit.mayWrite(at: ports.time.now) { throw .untrusted }
    }

    /// Calls a port until it answers; a refusal or a failure that a person must mend ends the work.
    ///
    /// A call that writes needs leave before each try.
    func call<Value: Sendable>(
        _ service: Service,
        writes: Bool = false,
        _ operation: () async throws(PortFailure) -> Value
    ) async throws(WorkEnd) -> Value {
        var tries = 0
        while true {
            if writes { try checkWrite() } else { try checkpoint() }
            do throws(PortFailure) {
                let value = try await operation()
                if writes { state.withWrites { $0.succeeded() } }
                return value
            } catch {
                guard error.kind != .rejected else { throw .fatal(service, error) }
                if writes { noteRefusedWrite(error) }
                tries += 1
                try await pause(after: error, from: service, tries: tries)
            }
        }
    }

    /// The points of some records, by record.
    func storedPoints(_ places: [Int]) async throws(WorkEnd) -> [RecordID: [StoredPoint]] {
        let wanted = places.map { ids[$0] }
        let found = try await call(.points) { () async throws(PortFailure) in
            try await ports.points.points(of: wanted)
        }
        return Dictionary(grouping: found, by: \.summaryID)
    }

    /// Embeds texts; a refusal is an answer, everything else is waited for or ends the work.
    func vectors(for texts: [String], tokens: Int) async throws(WorkEnd) -> Result<Embeddings, PortFailure> {
        let store = StoreCaller(ports: ports, state: state)
        var tries = 0
        var throttles = 0
        while true {
            try await waitForQuota(tokens: tokens, store: store)
            do throws(PortFailure) {
                let answer = try await ports.embedder.embed(texts)
                await plan.quota.learn(answer.limits, store)
                return .success(answer)
            } catch {
                switch error.kind {
                case .rejected: return .failure(error)
                case .throttled:
                    throttles += 1
                    try await throttled(error, tries: throttles, store: store)
                case .outOfMoney, .unauthorised:
                    // First within this runner: telling the others may take a while.
                    state.stopEmbedder(error)
                    await plan.quota.stop(error, store)
                    throw .fatal(.embedder, error)
                case .unavailable, .outcomeUnknown, .cancelled:
                    tries += 1
                    try await pause(after: error, from: .embedder, tries: tries)
                }
            }
        }
    }

    /// Writes points, repeating with the same ids while the outcome is open.
    ///
    /// - Returns: nil when they are applied, or the refusal.
    func upsert(_ points: [Point]) async throws(WorkEnd) -> PortFailure? {
        var tries = 0
        while true {
            try checkWrite()
            do throws(PortFailure) {
                try await ports.points.upsert(points)
                state.withWrites { $0.succeeded() }
                return nil
            } catch {
                if error.kind == .rejected { return error }
                noteRefusedWrite(error)
                tries += 1
                try await pause(after: error, from: .points, tries: tries)
            }
        }
    }

    /// Why no point at all can be written; nil when the collection is as needed.
    func wrongCollection() async throws(WorkEnd) -> PortFailure? {
        let collection = try await call(.points) { () async throws(PortFailure) in
            try await ports.points.inspect(plan.schema)
        }
        guard collection.exists else {
            return PortFailure(.rejected, "the collection does not exist any more: run `migrate setup`")
        }
        return collection.differences.first { $0.isFatal }.map {
            PortFailure(.rejected, "the collection's \($0.name) is \($0.found), needed is \($0.expected)")
        }
    }

    private func noteRefusedWrite(_ failure: PortFailure) {
        guard failure.kind == .unavailable || failure.kind == .outcomeUnknown else { return }
        state.withWrites { $0.failed(at: ports.time.now) }
    }

    /// Vectors that cannot be written are not paid for.
    private func waitForWrites() async throws(WorkEnd) {
        var waited = Duration.zero
        while let wait = state.withWrites({ $0.wait(of: permit, at: ports.time.now) }) {
            if waited + wait > permit.waitMax { throw .deferred(after: WriteBreaker.restMin, by: .points, .unwritable) }
            try await self.wait(for: wait, by: .points)
            waited += wait
            try checkpoint()
        }
    }

    private func waitForQuota(tokens: Int, store: StoreCaller) async throws(WorkEnd) {
        try await waitForWrites()
        try await waitWhilePaused()
        switch await plan.quota.reserve(tokens: tokens, waitMax: permit.waitMax, from: store) {
        case .after(let duration): try await wait(for: duration, by: .embedder)
        case .tooLong(let duration): throw .deferred(after: duration, by: .embedder, .quota)
        case .stopped(let stop): throw .fatal(.embedder, stop.failure)
        }
        // Another worker may have been refused meanwhile.
        try await waitWhilePaused()
    }

    /// Returns when nobody has asked this runner to wait any longer.
    private func waitWhilePaused() async throws(WorkEnd) {
        try checkpoint()
        while state.embedderPausedUntil > ports.time.now {
            try await wait(for: state.embedderPausedUntil - ports.time.now, by: .embedder)
            try checkpoint()
        }
        if let refusal = state.embedderRefusal { throw .fatal(.embedder, refusal) }
    }

    private func throttled(_ failure: PortFailure, tries: Int, store: StoreCaller) async throws(WorkEnd) {
        guard
            case .wait(let wait) = RetryPolicy.provider.decide(
                failure.kind,
                tries: tries,
                jitter: ports.entropy.unit()
            )
        else { return }
        ports.report(.throttled(wait))
        state.pauseEmbedder(until: ports.time.now + wait)
        await plan.quota.throttled(wait, store)
        if wait > permit.waitMax { throw .deferred(after: wait, by: .embedder, .throttled) }
    }

    /// Waits before the next try, or ends the work.
    private func pause(after failure: PortFailure, from service: Service, tries: Int) async throws(WorkEnd) {
        switch RetryPolicy.provider.decide(failure.kind, tries: tries, jitter: ports.entropy.unit()) {
        case .retry(let after):
            ports.report(.retrying(service, failure, after: after))
            try await wait(for: after, by: service)
        case .wait(let duration): try await wait(for: duration, by: service)
        case .giveBack: throw .deferred(after: .seconds(30), by: service, .outage(of: service, failure))
        case .isolate, .stop: throw .fatal(service, failure)
        case .cancelled: throw .interrupted
        }
    }

    /// Waits for others; the time counts as theirs.
    private func wait(for duration: Duration, by service: Service) async throws(WorkEnd) {
        guard duration > .zero else { return }
        if duration > permit.waitMax { throw .deferred(after: duration, by: service, .throttled) }
        permit.addWait(duration)
        await ports.time.sleep(for: duration, unless: permit.interruption, reaches: .release)
    }
}

extension BatchError {
    static let quota = BatchError(code: "quota", message: "the minute quota has no room within half a lease")
    static let throttled = BatchError(code: "throttled", message: "the server asked to wait longer than half a lease")

    static let unwritable = BatchError(code: "points_unavailable", message: "points cannot be written now")

    static func outage(of service: Service, _ failure: PortFailure) -> BatchError {
        BatchError(code: "\(service.rawValue)_unavailable", message: String(failure.detail.prefix(400)))
    }
}
