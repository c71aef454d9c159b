/// How the work calls the ports: what is repeated, what is waited for, and what ends the work.
extension BatchWork {
    /// Whether the work may go on at all.
    func checkpoint() throws(WorkEnd) {
        if Task.isCancelled || permit.interruption.level == .release { throw .interrupted }
        if !permit.mayStart(at: ports.time.now) { throw .outOfTime }
    }

    /// Whether an external write may start; asked before each one (I20).
    ///
    /// Near the deadline too: what was paid for is kept, so that the next attempt need not pay for it.
    func checkWrite() throws(WorkEnd) {
        try checkInterruption()
        if !permit.mayWrite(at: ports.time.now) { throw .untrusted }
    }

    private func checkInterruption() throws(WorkEnd) {
        if Task.isCancelled || permit.interruption.level == .release { throw .interrupted }
    }

    /// Calls a port until it answers; a refusal or a failure that a person must repair ends the work.
    ///
    /// What is not new but belongs to a write that is due goes on near the deadline.
    func call<Value: Sendable>(
        _ service: Service,
        isNew: Bool = true,
        writes: Bool = false,
        name: String = #function,
        _ operation: () async throws(PortFailure) -> Value
    ) async throws(WorkEnd) -> Value {
        var tries = 0
        while true {
            if isNew { try checkpoint() } else { try checkInterruption() }
            if writes { try checkWrite() }
            let start = ports.time.now
            do throws(PortFailure) {
                let value = try await operation()
                state.answered(ServiceCall(service, name))
                state.withWaits { $0.answered(service, at: ports.time.now) }
                if writes { state.withWrites { $0.succeeded() } }
                return value
            } catch {
                // The time of a call that failed was the service's.
                permit.addWait(ports.time.now - start)
                guard error.kind != .rejected else { throw .fatal(service, error) }
                if let end = state.verdict(on: error, of: ServiceCall(service, name), at: ports.time.now) {
                    throw .fatal(service, end)
                }
                if writes { noteRefusedWrite(error) }
                tries += 1
                try await pause(after: error, from: service, tries: tries)
            }
        }
    }

    /// Our points of some records, by record.
    func storedPoints(_ places: [Int], isNew: Bool = true) async throws(WorkEnd) -> [RecordID: [StoredPoint]] {
        let wanted = places.map { ids[$0] }
        let found = try await call(.points, isNew: isNew) { () async throws(PortFailure) in
            try await ports.points.points(of: wanted, owner: plan.owner)
        }
        return Dictionary(grouping: found, by: \.summaryID)
    }

    /// Why no point at all can be written; nil when the collection is as needed.
    func wrongCollection() async throws(WorkEnd) -> PortFailure? {
        let collection = try await call(.points, isNew: false) { () async throws(PortFailure) in
            try await ports.points.inspect(plan.schema)
        }
        guard collection.exists else {
            return PortFailure(.rejected, "the collection does not exist any more: run `migrate setup`")
        }
        return collection.differences.first { $0.isFatal }.map {
            PortFailure(.rejected, "the collection cannot take these points: \($0.sentence)")
        }
    }

    /// Vectors that cannot be written are not paid for.
    func waitForWrites() async throws(WorkEnd) {
        var waited = Duration.zero
        while let wait = state.withWrites({ $0.wait(of: permit, at: ports.time.now) }) {
            if waited + wait > permit.waitMax { throw .deferred(after: WriteBreaker.restMin, by: .points, .unwritable) }
            try await self.wait(for: wait, by: .points)
            waited += wait
            try checkpoint()
        }
    }

    /// Returns when a request of so many tokens may be sent.
    func waitForQuota(tokens: Int, store: StoreCaller) async throws(WorkEnd) {
        try await waitWhilePaused()
        let start = ports.time.now
        let answer = await plan.quota.reserve(tokens: tokens, waitMax: permit.waitMax, from: store)
        permit.addWait(ports.time.now - start)
        switch answer {
        case .after(let duration):
            state.withWaits { $0.paced(until: ports.time.now + duration) }
            try await wait(for: duration, by: .embedder)
        case .tooLong(let duration):
            state.withWaits { $0.paced(until: ports.time.now + duration) }
            throw .deferred(after: duration, by: .embedder, .quota)
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

    /// The embedder asks everybody to wait.
    func throttled(_ failure: PortFailure, tries: Int) async throws(WorkEnd) {
        guard
            case .wait(let wait) = RetryPolicy.provider.decide(
                failure.kind,
                tries: tries,
                jitter: ports.entropy.unit()
            )
        else { return }
        ports.report(.throttled(wait))
        sayCut(wait, after: failure, from: .embedder)
        state.pauseEmbedder(until: ports.time.now + wait)
        await plan.quota.throttled(wait, StoreCaller(ports: ports, state: state))
        if wait > permit.waitMax { throw .deferred(after: wait, by: .embedder, .throttled) }
    }

    /// Waits before the next try, or ends the work.
    func pause(after failure: PortFailure, from service: Service, tries: Int) async throws(WorkEnd) {
        switch RetryPolicy.provider.decide(failure.kind, tries: tries, jitter: ports.entropy.unit()) {
        case .retry(let after):
            ports.report(.retrying(service, failure, after: after))
            noteWait(for: service, failure, after)
            try await wait(for: after, by: service)
        case .wait(let duration):
            sayCut(duration, after: failure, from: service)
            noteWait(for: service, failure, duration)
            try await wait(for: duration, by: service)
        case .giveBack:
            noteWait(for: service, failure, .seconds(30))
            throw .deferred(after: .seconds(30), by: service, .outage(of: service, failure))
        case .isolate, .stop: throw .fatal(service, failure)
        case .cancelled: throw .interrupted
        }
    }

    private func noteWait(for service: Service, _ failure: PortFailure, _ wait: Duration) {
        let now = ports.time.now
        state.withWaits { $0.failed(service, failure, at: now, nextTry: now + wait) }
    }

    /// A wait that is shorter than the service asked for is told: a person may know why it asks.
    private func sayCut(_ wait: Duration, after failure: PortFailure, from service: Service) {
        guard case .throttled(let asked?) = failure.kind, asked > wait else { return }
        ports.report(.waitCut(service, asked: asked, wait: wait))
    }

    /// Waits for others; the time counts as theirs.
    func wait(for duration: Duration, by service: Service) async throws(WorkEnd) {
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
