import Migration

/// Calls the ports for a piece of work: decides what is repeated, what is waited for, and what ends the work.
///
/// Waits for services do not count as the work's own time; a wait that is longer than the permit allows gives the work
/// back.
final class WorkCaller: Sendable {
    let ports: EnginePorts
    let state: RunnerState
    let plan: BatchWork.Plan
    let permit: any WorkPermit
    /// For calls of its own, such as those about the quota.
    let store: StoreCaller

    init(ports: EnginePorts, state: RunnerState, plan: BatchWork.Plan, permit: any WorkPermit) {
        self.ports = ports
        self.state = state
        self.plan = plan
        self.permit = permit
        store = StoreCaller(ports: ports, state: state)
    }

    /// Whether the work may go on at all.
    func checkpoint() throws(WorkEnd) {
        try checkInterruption()
        if !permit.mayStart(at: ports.time.now) { throw .outOfTime }
    }

    /// Whether an external write may start; asked before each one (I20).
    ///
    /// Also near the deadline: what was paid for is kept, so that the next attempt need not pay for it.
    func checkWrite() throws(WorkEnd) {
        try checkInterruption()
        if !permit.mayWrite(at: ports.time.now) { throw .untrusted }
    }

    fileprivate func checkInterruption() throws(WorkEnd) {
        if Task.isCancelled || permit.interruption.level == .release { throw .interrupted }
    }

    /// Calls a port until it answers; a refusal, or a failure that a person must fix, ends the work.
    ///
    /// A call that belongs to a write that is due, and not to new work, goes on near the deadline.
    func call<Value: Sendable>(
        _ service: Service,
        isNew: Bool = true,
        writes: Bool = false,
        name: String = #function,
        _ operation: () async throws(PortFailure) -> Value
    ) async throws(WorkEnd) -> Value {
        let name = ServiceCall(service, name)
        let call = WorkCall(caller: self, service: service, isNew: isNew, writes: writes, name: name)
        return try await call.answer(operation)
    }

    /// The owner's points of some records, by record.
    func storedPoints(of records: [RecordID], isNew: Bool = true) async throws(WorkEnd) -> [RecordID: [StoredPoint]] {
        let found = try await call(.points, isNew: isNew) { () async throws(PortFailure) in
            try await ports.points.points(of: records, owner: plan.owner)
        }
        return Dictionary(grouping: found, by: \.recordID)
    }

    /// Why no point can be written; nil when the collection matches the schema.
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

    // MARK: - Waits

    /// Waits while writes fail: vectors that cannot be written are not paid for.
    func waitForWrites() async throws(WorkEnd) {
        var waited = Duration.zero
        while let wait = state.withWrites({ $0.wait(of: permit, at: ports.time.now) }) {
            if waited + wait > permit.waitMax { throw .deferred(after: WriteBreaker.restMin, by: .points, .unwritable) }
            try await self.wait(for: wait, by: .points)
            waited += wait
            try checkpoint()
        }
    }

    /// Returns when a request with this many tokens may be sent.
    func waitForQuota(tokens: Int) async throws(WorkEnd) {
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

    /// Returns when no service asks this runner to wait any longer.
    private func waitWhilePaused() async throws(WorkEnd) {
        try checkpoint()
        while state.embedderPausedUntil > ports.time.now {
            try await wait(for: state.embedderPausedUntil - ports.time.now, by: .embedder)
            try checkpoint()
        }
        if let refusal = state.embedderRefusal { throw .fatal(.embedder, refusal) }
    }

    /// The embedder asks all callers to wait.
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
        await plan.quota.throttled(wait, store)
        if wait > permit.waitMax { throw .deferred(after: wait, by: .embedder, .throttled) }
    }

    /// Waits before the next try, or gives the work back.
    func pause(
        _ wait: Duration,
        isAsked: Bool,
        after failure: PortFailure,
        from service: Service
    ) async throws(WorkEnd) {
        if isAsked {
            sayCut(wait, after: failure, from: service)
        } else {
            ports.report(.retrying(service, failure, after: wait))
        }
        noteWait(for: service, failure, wait)
        try await self.wait(for: wait, by: service)
    }

    /// The meaning of a call's end for the work.
    func end(_ end: CallTries.End, after failure: PortFailure, from service: Service) -> WorkEnd {
        switch end {
        case .giveBack:
            noteWait(for: service, failure, .seconds(30))
            return .deferred(after: .seconds(30), by: service, .outage(of: service, failure))
        case .failed(let failure): return .fatal(service, failure)
        case .cancelled: return .interrupted
        }
    }

    private func noteWait(for service: Service, _ failure: PortFailure, _ wait: Duration) {
        let now = ports.time.now
        state.withWaits { $0.failed(service, failure, at: now, nextTry: now + wait) }
    }

    /// Reports a wait that is shorter than the service asked for: a person may know why it asks.
    private func sayCut(_ wait: Duration, after failure: PortFailure, from service: Service) {
        guard case .throttled(let asked?) = failure.kind, asked > wait else { return }
        ports.report(.waitCut(service, asked: asked, wait: wait))
    }

    /// Waits for a service; the time does not count as the work's own.
    func wait(for duration: Duration, by service: Service) async throws(WorkEnd) {
        guard duration > .zero else { return }
        if duration > permit.waitMax { throw .deferred(after: duration, by: service, .throttled) }
        permit.addWait(duration)
        await ports.time.sleep(for: duration, unless: permit.interruption, reaches: .release)
    }

    func noteRefusedWrite(_ failure: PortFailure) {
        // A full store stops the job; until every worker knows that, no worker may pay for what cannot be written.
        guard [.unavailable, .outcomeUnknown, .unclassified, .full].contains(failure.kind) else { return }
        state.withWrites { $0.failed(at: ports.time.now) }
    }
}

/// One call of a piece of work whose input cannot be the cause of a failure.
private struct WorkCall: PortCaller {
    let caller: WorkCaller
    let service: Service
    let isNew: Bool
    let writes: Bool
    let name: ServiceCall

    var rules: CallTries.Rules { CallTries.Rules(.policy(.provider)) }
    var time: Time { caller.ports.time }

    func jitter() -> Double { caller.ports.entropy.unit() }

    func willTry() async throws(WorkEnd) {
        if isNew { try caller.checkpoint() } else { try caller.checkInterruption() }
        if writes { try caller.checkWrite() }
    }

    func answered(after took: Duration) {
        caller.state.answered(name)
        caller.state.withWaits { $0.answered(service, at: time.now) }
        if writes { caller.state.withWrites { $0.succeeded() } }
    }

    func failed(_ failure: PortFailure, after took: Duration) async throws(WorkEnd) -> PortFailure? {
        // The time of a failed call counts as a wait for the service.
        caller.permit.addWait(took)
        guard failure.kind != .rejected else { throw .fatal(service, failure) }
        if let end = caller.state.verdict(on: failure, of: name, at: time.now) { throw .fatal(service, end) }
        if writes { caller.noteRefusedWrite(failure) }
        return failure
    }

    func pause(_ wait: Duration, isAsked: Bool, after failure: PortFailure, tries: Int) async throws(WorkEnd) {
        try await caller.pause(wait, isAsked: isAsked, after: failure, from: service)
    }

    func end(_ end: CallTries.End, after failure: PortFailure) -> WorkEnd {
        caller.end(end, after: failure, from: service)
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
