package import Migration

/// How a process gets its job: it finds the unfinished job of its target or opens a new one, after asking the necessary
/// questions.
///
/// The program and the simulated processes share it, so that the simulation shows what people do to each other's jobs
/// here.
package struct Joining: Sendable {
    let ports: EnginePorts
    let order: Order
    let stop: StopSignal
    let ask: @Sendable (Question) async -> Reply
    let tell: @Sendable (Notice) -> Void

    /// Makes a value for one process.
    ///
    /// - Parameters:
    ///   - ports: the ports; the embedder is not used.
    ///   - order: what to join.
    ///   - stop: raised from outside; ends joining.
    ///   - ask: puts a question to a person, if one can answer.
    ///   - tell: prints a message for a person.
    package init(
        ports: EnginePorts,
        order: Order,
        stop: StopSignal,
        ask: @escaping @Sendable (Question) async -> Reply = { _ in .nobody },
        tell: @escaping @Sendable (Notice) -> Void = { _ in }
    ) {
        self.ports = ports
        self.order = order
        self.stop = stop
        self.ask = ask
        self.tell = tell
    }

    /// Joins the unfinished job of the target as one that may plan it, or opens a new one.
    ///
    /// - Returns: the job, open at that moment, and the owner of its points.
    /// - Throws: why there is no job. Nothing was changed, unless a notice has said so.
    package func run() async throws(End) -> Joined {
        let (unfinished, isReplaced) = try await decide()
        let collection = try await checkCollection()
        let joined: (job: JoinedJob, owner: PointOwner)
        if let unfinished, !isReplaced {
            joined = try await resume(unfinished)
        } else {
            joined = try await begin(closing: unfinished)
        }
        return Joined(job: joined.job, owner: joined.owner, lacksRoom: collection.lacksRoom)
    }

    /// Joins the job by its number: a call that opens would start another job if this one has ended meanwhile (I27).
    private func resume(_ job: JobSummary) async throws(End) -> (job: JoinedJob, owner: PointOwner) {
        let owner = try await examine(job)
        let goesOn = try await agreeToUnpause(job)
        try await noteServers(of: job)
        let call = JoinIngestionJob(
            job: job.id,
            configHash: order.configuration.hash,
            controllerId: order.runner,
            token: ports.entropy.uuid()
        )
        let answer = try await self.call(.store) { () async throws(PortFailure) in try await ports.store.joinJob(call) }
        if answer.result == .configMismatch { throw mismatch(answer.job ?? job) }
        guard let opened = answer.opened else { throw .refused(.endedMeanwhile(job.id)) }
        return (try await join(opened, token: call.token, goesOn: goesOn), owner)
    }

    /// Checks whether this process may work on an open job, and stores its servers with the job.
    ///
    /// - Returns: the owner of the job's points.
    private func admission(to job: JobSummary) async throws(End) -> PointOwner {
        let owner = try await examine(job)
        try await noteServers(of: job)
        return owner
    }

    /// The same, but nothing is stored yet: a person may still leave a question unanswered.
    private func examine(_ job: JobSummary) async throws(End) -> PointOwner {
        if job.configHash != order.configuration.hash { throw mismatch(job) }
        try await checkServers(of: job)
        return owner(try await unmarkedPoints(of: job))
    }

    private func owner(_ unmarked: UnmarkedPoints) -> PointOwner {
        PointOwner(source: order.source, ownsUnmarked: unmarked == .ours)
    }

    /// Opens a new job, in place of another one if there is one.
    private func begin(closing unfinished: JobSummary?) async throws(End) -> (job: JoinedJob, owner: PointOwner) {
        let unmarked = try await unmarkedPoints(of: nil)
        var settings = order.settings
        settings.servers = try await serversOfNewJob(after: lastJob())
        try await confirmNew()
        // Only after it is certain that a new job can be started.
        if let unfinished {
            try await close(unfinished, "replaced by a new job")
        }
        let call = OpenIngestionJob(
            targetKey: order.target,
            configHash: order.configuration.hash,
            config: order.configuration.stored(limit: order.limit, unmarked: unmarked),
            settings: settings,
            controllerId: order.runner,
            token: ports.entropy.uuid(),
            start: true
        )
        let opened = try await self.call(.store) { () async throws(PortFailure) in try await ports.store.openJob(call) }
        if opened.result == .configMismatch { throw mismatch(opened.job) }
        // The answer was lost, and the job was ended before the call was repeated.
        guard opened.job.status.isOpen else { throw .refused(.endedMeanwhile(opened.job.id)) }
        // Another process has opened it in between.
        let owner = opened.result == .created ? owner(unmarked) : try await admission(to: opened.job)
        try await giveWay(opened.job)
        return (try await join(opened, token: call.token, goesOn: false), owner)
    }

    private func join(
        _ opened: OpenIngestionJob.Answer,
        token: String,
        goesOn: Bool
    ) async throws(End) -> JoinedJob {
        let isNew = opened.result == .created
        ports.report(.jobOpened(opened.job, isNew: isNew))
        tell(isNew ? .opened(opened.job) : .joined(opened.job))
        switch opened.job.status {
        case .pending: try await control(opened.job, .resume, nil)
        case .paused:
            if goesOn { try await control(opened.job, .resume, nil) } else { tell(.staysPaused(opened.job)) }
        case .running, .completed, .failed, .cancelled: break
        }
        return .controlling(
            opened,
            Controller.Order(
                token: token,
                configHash: order.configuration.hash,
                runner: order.runner,
                batchSize: order.batchSize,
                pageSize: order.pageSize
            )
        )
    }

    /// Joins a job that another process plans.
    ///
    /// - Parameter job: the job, as the store has just listed it.
    /// - Returns: the job to work on, and the owner of its points.
    /// - Throws: why it cannot be worked on; nothing was changed.
    package func work(on job: JobSummary) async throws(End) -> Joined {
        guard job.status.isOpen else { throw .refused(.notOpen(job)) }
        if job.configHash != order.configuration.hash { throw mismatch(job) }
        let collection = try await checkCollection()
        let owner = try await admission(to: job)
        tell(.joined(job))
        return Joined(job: .working(job), owner: owner, lacksRoom: collection.lacksRoom)
    }

    // MARK: - Which job

    /// The unfinished job, nil if there is none, and whether a new one is to replace it.
    private func decide() async throws(End) -> (unfinished: JobSummary?, isReplaced: Bool) {
        let filter = ListIngestionJobs.Filter(targetKey: order.target, open: true)
        let list = ListIngestionJobs(job: nil, filter: filter, after: nil, limit: 1)
        let jobs = try await call(.store) { () async throws(PortFailure) in try await ports.store.jobs(list) }
        let job = jobs.rows.first
        switch Decision(job: job, choice: order.choice) {
        case .planNew: return (nil, false)
        case .resume: return (job, false)
        case .replace:
            if let job { try await agreeToClose(job, hasSaidNo: false) }
            return (job, true)
        case .nothingToResume: throw .refused(.nothingToResume)
        case .ask:
            guard let job else { return (nil, false) }
            switch try await reply(to: .resume(job)) {
            case .yes: return (job, false)
            case .no:
                try await agreeToClose(job, hasSaidNo: true)
                return (job, true)
            case .nobody, .left:
                tell(.resuming(job))
                return (job, false)
            }
        }
    }

    /// The newest job of the target, ended or not.
    private func lastJob() async throws(End) -> JobSummary? {
        let list = ListIngestionJobs(job: nil, filter: .init(targetKey: order.target), after: nil, limit: 1)
        return try await call(.store) { () async throws(PortFailure) in try await ports.store.jobs(list) }.rows.first
    }

    func close(_ job: JobSummary, _ reason: String) async throws(End) {
        let answer = try await control(job, .cancel, reason)
        // The job may have ended by itself meanwhile.
        if answer.status == .cancelled { tell(.closed(job)) }
    }

    @discardableResult
    private func control(
        _ job: JobSummary,
        _ action: ControlIngestionJob.Action,
        _ reason: String?
    ) async throws(End) -> ControlIngestionJob.Answer {
        let control = ControlIngestionJob(job: job.id, action: action, reason: reason)
        return try await call(.store) { () async throws(PortFailure) in try await ports.store.control(control) }
    }

    /// Asks before the job is joined, so that a no changes nothing.
    ///
    /// - Parameter job: the job that is to be resumed.
    /// - Returns: whether to resume the job, if it is paused.
    /// - Throws: `staysPaused` when the answer is no, `left` when there is none.
    private func agreeToUnpause(_ job: JobSummary) async throws(End) -> Bool {
        guard job.status == .paused else { return false }
        switch try await reply(to: .unpause(job)) {
        case .yes: return true
        case .no: throw .refused(.staysPaused(job))
        case .nobody, .left: return false
        }
    }

    private func mismatch(_ job: JobSummary) -> End {
        .refused(.otherSettings(job, order.configuration.differences(from: job.config)))
    }

    // MARK: - Checks of collection and source

    private func checkCollection() async throws(End) -> CollectionState {
        let state = try await call(.points) { () async throws(PortFailure) in
            try await ports.points.inspect(order.schema)
        }
        guard state.exists else { throw .refused(.noCollection) }
        let fatal = state.differences.filter(\.isFatal)
        if !fatal.isEmpty { throw .refused(.unfitCollection(fatal)) }
        return state
    }

    private func confirmNew() async throws(End) {
        let upper = try await call(.source) { () async throws(PortFailure) in try await ports.source.highestID() }
        guard let upper else { throw .refused(.emptySource) }
        // Finds missing columns before a job is opened that depends on them.
        _ = try await readable { source throws(PortFailure) in try await source.sample(1) }
        // Counting reads the whole index, so it is done only if a person sees the number.
        guard order.canAsk else { return }
        let count = try await call(.source) { () async throws(PortFailure) in
            try await ports.source.count(through: upper)
        }
        let records = min(count, order.limit.map(Int64.init) ?? count)
        if try await reply(to: .migrate(records: records)) == .no { throw .refused(.declined) }
    }
}
