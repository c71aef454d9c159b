import Synchronization

/// Plans the job while it holds the controller lease, and takes over from one that died.
package struct Controller: Sendable {
    /// The controller lease and what to plan.
    package struct Order: Sendable {
        package let open: OpenIngestionJob
        package let batchSize: Int
        /// Ids a page of the plan at most.
        package let pageSize: Int

        package init(open: OpenIngestionJob, batchSize: Int, pageSize: Int = PlanPaging.idsMax) {
            self.open = open
            self.batchSize = batchSize
            self.pageSize = pageSize
        }
    }

    /// How often the controller lease is renewed; its TTL is 30 s.
    private static let renewInterval = Duration.seconds(10)
    /// How often a follower asks whether the controller is still there: half the TTL.
    private static let followInterval = Duration.seconds(15)

    private enum PlanEnd { case sealed, lost, stopped }

    private let ports: EnginePorts
    private let state: RunnerState
    private let order: Order
    private let store: StoreCaller

    package init(ports: EnginePorts, state: RunnerState, order: Order) {
        self.ports = ports
        self.state = state
        self.order = order
        store = StoreCaller(ports: ports, state: state)
    }

    /// Plans to the end, or follows until the plan is complete; then keeps the job's copied counters fresh.
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

    /// Asks for the controller lease; nil when the job is not open any more.
    func reopen(_ job: JobID) async -> OpenIngestionJob.Answer? {
        // Opening would begin a new job if ours has ended meanwhile.
        guard await isOpen(job) else { return nil }
        let again = await store.answer(until: .drain) { store throws(PortFailure) in
            try await store.openJob(order.open)
        }
        guard let again, again.job.id == job, again.result == .resumed else { return nil }
        return again
    }

    private func control(_ opened: OpenIngestionJob.Answer) async -> PlanEnd {
        if !opened.job.sealed {
            let end = await plan(opened)
            guard case .sealed = end else { return end }
        }
        while state.stop.level == .run, !Task.isCancelled {
            await pause(Self.renewInterval)
            if state.stop.level == .run, await !renew(opened) { return .lost }
        }
        return .stopped
    }

    private func isOpen(_ job: JobID) async -> Bool {
        let stats = await store.answer(until: .drain) { store throws(PortFailure) in
            try await store.stats(GetIngestionJobStats(job: job))
        }
        return stats?.job?.status.isOpen ?? false
    }

    private func renew(_ opened: OpenIngestionJob.Answer) async -> Bool {
        let call = RenewController(job: opened.job.id, epoch: opened.epoch, token: order.open.token)
        let answer = await store.answer(within: Self.renewInterval, until: .drain) { store throws(PortFailure) in
            try await store.renewController(call)
        }
        return answer?.result == .ok
    }

    /// Reads the ids page by page and stores each before the next is read: the plan is always an exact prefix (I12).
    private func plan(_ opened: OpenIngestionJob.Answer) async -> PlanEnd {
        let job = opened.job
        let limit = job.config[JobConfiguration.limitKey].flatMap { Int($0) }
        let paging = PlanPaging(batchSize: order.batchSize, limit: limit, idsMax: order.pageSize)
        guard let upper = await read({ () async throws(PortFailure) in try await ports.source.highestID() }) else {
            return .stopped
        }
        var cursor = job.planCursor
        var planned = job.totalRecords
        var renewed = ports.time.now
        while let upper, state.stop.level == .run {
            let size = paging.pageSize(planned: planned)
            if size == 0 { break }
            let from = cursor
            let page = await read { () async throws(PortFailure) in
                try await ports.source.ids(after: from, through: upper, limit: size)
            }
            guard let page else { return .stopped }
            if page.isEmpty { break }
            if let end = await append(paging.batches(page), after: cursor, opened) { return end }
            cursor = page.last
            planned += Int64(page.count)
            ports.report(.planned(batches: (page.count + order.batchSize - 1) / order.batchSize, records: planned))
            if ports.time.now - renewed >= Self.renewInterval {
                renewed = ports.time.now
                guard await renew(opened) else { return .lost }
            }
            if page.count < size { break }
        }
        guard state.stop.level == .run else { return .stopped }
        return await seal(opened, cursor: cursor, upper: upper, planned: planned)
    }

    /// Stores one page; nil = stored, go on.
    private func append(
        _ batches: [[RecordID]],
        after cursor: RecordID?,
        _ opened: OpenIngestionJob.Answer
    ) async -> PlanEnd? {
        let call = AppendIngestionBatches(
            job: opened.job.id,
            epoch: opened.epoch,
            token: order.open.token,
            expectedCursor: cursor,
            batches: batches
        )
        let answer = await store.answer(until: .drain) { store throws(PortFailure) in
            try await store.appendBatches(call)
        }
        guard let answer else { return .stopped }
        switch answer.result {
        case .appended, .duplicate: return nil
        // Somebody else has planned meanwhile: ask again who controls, and go on from the stored cursor.
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
        let count =
            upper == nil
            ? 0 : await read { () async throws(PortFailure) in try await ports.source.count(through: upper ?? 0) }
        let call = SealIngestionPlan(
            job: opened.job.id,
            epoch: opened.epoch,
            token: order.open.token,
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

    /// Reads from the source, through outages; a refusal ends the runner.
    private func read<Value: Sendable>(_ operation: () async throws(PortFailure) -> Value) async -> Value? {
        var tries = 0
        while state.stop.level == .run, !Task.isCancelled {
            do throws(PortFailure) {
                return try await operation()
            } catch {
                tries += 1
                switch RetryPolicy.store.decide(error.kind, tries: tries, jitter: ports.entropy.unit()) {
                case .retry(let after), .wait(let after):
                    ports.report(.retrying(.source, error, after: after))
                    await pause(after)
                case .cancelled: return nil
                case .giveBack, .isolate, .stop:
                    state.end(.fatal(.source, error), level: .release)
                    return nil
                }
            }
        }
        return nil
    }

    private func pause(_ duration: Duration) async {
        await ports.time.sleep(for: duration, unless: state.stop, reaches: .drain)
    }
}
