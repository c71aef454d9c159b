package import Migration

/// Plans the job while it holds the controller lease, and takes over from a controller that died.
package struct Controller: Sendable {
    /// The controller lease and what to plan.
    package struct Order: Sendable {
        /// Proves that the controller lease belongs to this runner.
        package var token: String
        /// SHA-256 of everything that shapes the written points.
        package let configHash: String
        /// The name of the process in the store.
        package let runner: String
        package let batchSize: Int
        /// The highest number of ids per page of the plan.
        package let pageSize: Int

        package init(
            token: String,
            configHash: String,
            runner: String,
            batchSize: Int,
            pageSize: Int = PlanPaging.idsMax
        ) {
            self.token = token
            self.configHash = configHash
            self.runner = runner
            self.batchSize = batchSize
            self.pageSize = pageSize
        }

        /// The order that matches the call that opened the job.
        package init(open: OpenIngestionJob, batchSize: Int, pageSize: Int = PlanPaging.idsMax) {
            self.init(
                token: open.token,
                configHash: open.configHash,
                runner: open.controllerId,
                batchSize: batchSize,
                pageSize: pageSize
            )
        }
    }

    /// How often the controller lease is renewed; its TTL is 30 s.
    static let renewInterval = Duration.seconds(10)
    /// How often a follower asks whether the controller is still alive: half the TTL.
    private static let followInterval = Duration.seconds(15)

    private enum PlanEnd { case sealed, lost, stopped }

    enum Renewal { case renewed, lost, unanswered }

    let ports: EnginePorts
    let state: RunnerState
    private let order: Order
    private let store: StoreCaller

    package init(ports: EnginePorts, state: RunnerState, order: Order) {
        self.ports = ports
        self.state = state
        self.order = order
        store = StoreCaller(ports: ports, state: state)
    }

    /// Plans to the end, or follows until the plan is complete; then refreshes the copies of the counters in the job.
    ///
    /// - Parameter opened: the answer with which this runner joined the job.
    package func run(_ opened: OpenIngestionJob.Answer) async {
        var opened = opened
        while state.stop.level == .run, !Task.isCancelled {
            switch opened.role {
            case .controller:
                ports.report(.controlling(true, epoch: opened.epoch))
                if case .lost = await control(opened) { ports.report(.controlling(false, epoch: opened.epoch)) }
            case .follower:
                if opened.job.sealed { return }
            }
            await pause(Self.followInterval)
            guard state.stop.level == .run, !Task.isCancelled else { return }
            guard let again = await reopen(opened.job.id) else { return }
            opened = again
        }
    }

    /// Asks for the controller lease of a job; nil when the job is not open any more.
    ///
    /// The call names the job: an opening call that is repeated after the job has ended would start another job
    /// unintentionally.
    func reopen(_ job: JobID) async -> OpenIngestionJob.Answer? {
        let call = JoinIngestionJob(
            job: job,
            configHash: order.configHash,
            controllerId: order.runner,
            token: order.token
        )
        let again = await store.answer(until: .drain) { store throws(PortFailure) in try await store.joinJob(call) }
        return again?.opened
    }

    private func control(_ opened: OpenIngestionJob.Answer) async -> PlanEnd {
        if !opened.job.sealed {
            let end = await plan(opened)
            guard case .sealed = end else { return end }
        }
        while state.stop.level == .run, !Task.isCancelled {
            await pause(Self.renewInterval)
            if state.stop.level == .run, await renew(opened) != .renewed { return .lost }
        }
        return .stopped
    }

    func renew(_ opened: OpenIngestionJob.Answer) async -> Renewal {
        let call = RenewController(job: opened.job.id, epoch: opened.epoch, token: order.token)
        let answer = await store.answer(within: Self.renewInterval, until: .drain) { store throws(PortFailure) in
            try await store.renewController(call)
        }
        return answer.map { $0.result == .ok ? .renewed : .lost } ?? .unanswered
    }

    /// Reads the ids page by page and stores each page before the next is read: the plan is always an exact prefix
    /// (I12).
    private func plan(_ opened: OpenIngestionJob.Answer) async -> PlanEnd {
        let job = opened.job
        let limit = job.config[JobConfiguration.limitKey].flatMap { Int($0) }
        let paging = PlanPaging(batchSize: order.batchSize, limit: limit, idsMax: order.pageSize)
        let highest = await holding(opened) {
            await read { () async throws(PortFailure) in try await ports.source.highestID() }
        }
        guard case .done(let found) = highest else { return .lost }
        guard let upper = found else { return .stopped }
        var cursor = job.planCursor
        var planned = job.totalRecords
        var renewed = ports.time.now
        while let upper, state.stop.level == .run {
            let size = paging.pageSize(planned: planned)
            if size == 0 { break }
            let from = cursor
            let reading = await holding(opened) {
                await read { () async throws(PortFailure) in
                    try await ports.source.ids(after: from, through: upper, limit: size)
                }
            }
            guard case .done(let ids) = reading else { return .lost }
            guard let page = ids else { return .stopped }
            if page.isEmpty { break }
            if let end = await append(paging.batches(page), after: cursor, opened) { return end }
            cursor = page.last
            planned += Int64(page.count)
            ports.report(.planned(batches: (page.count + order.batchSize - 1) / order.batchSize, records: planned))
            if ports.time.now - renewed >= Self.renewInterval {
                renewed = ports.time.now
                guard await renew(opened) == .renewed else { return .lost }
            }
            if page.count < size { break }
        }
        guard state.stop.level == .run else { return .stopped }
        return await seal(opened, cursor: cursor, upper: upper, planned: planned)
    }

    /// Stores one page; nil = stored, continue.
    private func append(
        _ batches: [[RecordID]],
        after cursor: RecordID?,
        _ opened: OpenIngestionJob.Answer
    ) async -> PlanEnd? {
        let call = AppendIngestionBatches(
            job: opened.job.id,
            epoch: opened.epoch,
            token: order.token,
            expectedCursor: cursor,
            batches: batches
        )
        let answer = await store.answer(until: .drain) { store throws(PortFailure) in
            try await store.appendBatches(call)
        }
        guard let answer else { return .stopped }
        switch answer.result {
        case .appended, .duplicate: return nil
        // Another controller has planned meanwhile: ask again which runner controls the job, and continue from the
        // stored cursor.
        case .cursorMismatch, .lost, .sealed: return .lost
        case .closed: return .stopped
        }
    }

    private func seal(
        _ opened: OpenIngestionJob.Answer,
        cursor: RecordID?,
        upper: RecordID?,
        planned: Int64
    ) async -> PlanEnd {
        var count: Int64? = 0
        if let upper {
            guard case .done(let counted) = await holding(opened, { await self.count(through: upper) }) else {
                return .lost
            }
            count = counted
        }
        let call = SealIngestionPlan(
            job: opened.job.id,
            epoch: opened.epoch,
            token: order.token,
            expectedCursor: cursor,
            upper: upper,
            sourceCount: count
        )
        let answer = await store.answer(until: .drain) { store throws(PortFailure) in try await store.sealPlan(call) }
        guard let answer else { return .stopped }
        switch answer.result {
        case .sealed, .alreadySealed:
            ports.report(
                .sealed(batches: Int((planned + Int64(order.batchSize) - 1) / Int64(order.batchSize)), records: planned)
            )
            return .sealed
        case .cursorMismatch, .lost: return .lost
        case .closed: return .stopped
        }
    }

    func pause(_ duration: Duration) async {
        await ports.time.sleep(for: duration, unless: state.stop, reaches: .drain)
    }
}
