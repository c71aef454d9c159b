package import Migration

/// One claiming loop: claims a batch, works on it, reports how it ended, and starts again.
package struct Worker: Sendable {
    /// What all workers of a runner share.
    package struct Order: Sendable {
        package let job: JobMark
        package let configHash: String
        /// The name of the process in the store: host and process id.
        package let runner: String
        /// The shortest wait between claims that find nothing.
        package let pollInterval: Duration
        /// The longest time for which one claim id is repeated: half a lease.
        package let claimMax: Duration
        package let plan: BatchWork.Plan
        /// Pauses the job when failures are not caused by the records; nil = no brake.
        package let brake: JobBrake?

        package init(
            job: JobMark,
            configHash: String,
            runner: String,
            pollInterval: Duration,
            claimMax: Duration,
            plan: BatchWork.Plan,
            brake: JobBrake? = nil
        ) {
            self.job = job
            self.configHash = configHash
            self.runner = runner
            self.pollInterval = pollInterval
            self.claimMax = claimMax
            self.plan = plan
            self.brake = brake
        }
    }

    private let number: Int
    private let order: Order
    private let ports: EnginePorts
    private let state: RunnerState
    private let keeper: LeaseKeeper
    private let store: StoreCaller

    package init(number: Int, order: Order, ports: EnginePorts, state: RunnerState, keeper: LeaseKeeper) {
        self.number = number
        self.order = order
        self.ports = ports
        self.state = state
        self.keeper = keeper
        store = StoreCaller(ports: ports, state: state)
    }

    /// Works until the job is final, the runner stops or the task is cancelled.
    ///
    /// A claim that finds nothing is never a reason to leave (I24).
    package func run() async {
        var claimer = Claimer(order: order, worker: "\(order.runner)/\(number)", ports: ports, state: state)
        while state.stop.level == .run, !Task.isCancelled {
            // While the embedder asks all callers to wait, a claim would only let a lease run down.
            await pause(state.embedderPausedUntil - ports.time.now)
            while state.stop.level == .run, !Task.isCancelled, let wait = state.writes.wait(at: ports.time.now) {
                await pause(wait)
            }
            guard state.stop.level == .run else { return }
            guard let answer = await claimer.claim() else {
                // Given up, for example because the store asks to wait for longer than a claim may take.
                await pause(ports.entropy.jittered(order.pollInterval, by: 0.2))
                continue
            }
            if let lease = answer.lease {
                await work(under: lease)
            } else {
                state.foundNothing(at: ports.time.now)
                if await !idle(answer) { return }
            }
        }
    }

    /// Nothing was claimed: ends the job if it is drained, otherwise waits.
    ///
    /// Returns false when the job is final.
    private func idle(_ claimed: Claimer.Claimed) async -> Bool {
        var status = claimed.status
        if status.isOpen, claimed.isSealed {
            let call = FinalizeIngestionJob(job: order.job.id)
            let answer = await store.answer(within: .seconds(60), until: .drain) { store throws(PortFailure) in
                try await store.finalize(call)
            }
            status = answer?.status ?? status
        }
        guard status.isOpen else {
            state.end(.jobEnded(status), level: .drain)
            return false
        }
        // The monitor reports the reason.
        if status != .paused { state.withWaits { $0.saw(status, reason: nil) } }
        if status == .paused, number == 0 { ports.report(.paused) }
        await pause(ports.entropy.jittered(max(claimed.wait, order.pollInterval), by: 0.2))
        return true
    }

    private func pause(_ duration: Duration) async {
        await ports.time.sleep(for: duration, unless: state.stop, reaches: .drain)
    }

    private func work(under lease: HeldLease) async {
        let batch = lease.batch
        ports.report(
            .claimed(
                worker: number,
                batch: batch.batchNumber,
                attempt: batch.attempt,
                records: batch.recordIds.count
            )
        )
        keeper.add(lease)
        state.withWaits { $0.claimed(at: ports.time.now) }
        let end = await perform(lease)
        if await report(end, of: lease) { await ports.journal.strike(lease.claimID) }
        order.brake?.removed(lease.removals)
        keeper.remove(lease)
        // The next batch would wait for the same service, after it was read and perhaps paid for.
        if case .failure(.deferred(let after, _, _)) = end { await pause(after) }
    }

    /// Runs the work as a child task that is cancelled as soon as the lease is lost or the runner must leave.
    private func perform(_ lease: HeldLease) async -> Result<WorkDone, WorkEnd> {
        let work = BatchWork(
            ports: ports,
            state: state,
            plan: order.plan,
            ids: lease.batch.recordIds,
            permit: lease
        )
        return await withTaskGroup(of: Result<WorkDone, WorkEnd>?.self) { group in
            group.addTask { await work.run() }
            group.addTask {
                await lease.interruption.wait(for: .release)
                return nil
            }
            group.addTask {
                await state.stop.wait(for: .release)
                return nil
            }
            var end: Result<WorkDone, WorkEnd>?
            while let result = await group.next() {
                end = end ?? result
                group.cancelAll()
            }
            return end ?? .failure(.interrupted)
        }
    }

    /// Reports to the store how the attempt ended.
    ///
    /// - Returns: whether the store has accepted it.
    private func report(_ end: Result<WorkDone, WorkEnd>, of lease: HeldLease) async -> Bool {
        if lease.verdict == .lost {
            lost(lease)
            return true
        }
        switch end {
        case .success(let done):
            return await complete(lease, done)
        case .failure(.deferred(let after, _, let reason)), .failure(.suspects(let after, _, let reason)):
            return await finish(lease, .deferred, retryAfter: after, error: reason)
        case .failure(.outOfTime):
            return await finishLate(lease)
        case .failure(.untrusted):
            return await finish(lease, .released, error: .untrusted)
        case .failure(.interrupted):
            if case .cancel(let reason) = lease.verdict, reason == "deadline" { return await finishLate(lease) }
            return await finish(lease, .released, error: .interrupted)
        case .failure(.braked):
            return await finish(lease, .released, error: .braked)
        case .failure(.fatal(let service, let failure)):
            state.end(.fatal(service, failure), level: .release)
            return await finish(lease, .released, error: .stopped(service, failure))
        }
    }

    /// Reports that every record is accounted for; but a service that refused everything proves nothing about the
    /// records.
    private func complete(_ lease: HeldLease, _ done: WorkDone) async -> Bool {
        switch order.brake?.judge(lease, done.failures) {
        case .doubt:
            return await finish(lease, .deferred, retryAfter: RefusalStreak.rest, error: .doubted)
        case .service(let brake):
            // Given back first, so that no lease runs out while pausing takes a while.
            let isKnown = await finish(lease, .released, error: .braked)
            await order.brake?.pull(brake)
            return isKnown
        case .records, nil:
            let isKnown = await finish(lease, .completed, counts: done.counts, failures: done.failures)
            if isKnown, done.failures.contains(where: \.isServiceFailure) { await order.brake?.checkFailures() }
            return isKnown
        }
    }

    /// The deadline is near: an attempt uses a retry only if its own work was slow, not because services were.
    ///
    /// An attempt that has written something uses no retry either: the next one has less to do, so a record that needs
    /// several deadlines is completed in the end.
    private func finishLate(_ lease: HeldLease) async -> Bool {
        let worked = ports.time.now - lease.started
        if lease.hasProgressed || lease.waited * 2 >= worked {
            return await finish(lease, .deferred, retryAfter: .seconds(1), error: .deadline)
        }
        let isKnown = await finish(lease, .failed, counts: .allFailed(lease.batch.recordIds.count), error: .deadline)
        // The batch was given up if that was its last retry.
        if isKnown { await order.brake?.checkFailures() }
        return isKnown
    }

    private func finish(
        _ lease: HeldLease,
        _ outcome: BatchOutcome,
        counts: BatchCounts? = nil,
        failures: [FailedRecord] = [],
        retryAfter: Duration? = nil,
        error: BatchError? = nil
    ) async -> Bool {
        let batch = lease.batch
        let call = FinishBatch(
            job: order.job.id,
            batchNumber: batch.batchNumber,
            attempt: batch.attempt,
            claimId: lease.claimID,
            outcome: outcome,
            counts: account(counts, paid: lease.paid),
            failedRecords: failures,
            retryAfterMs: retryAfter?.milliseconds,
            error: error
        )
        // A lost answer is repeated for as long as the runner lives, because the end of an attempt is worth waiting
        // for. When everything is given back there is little time, but one failed call must not cost a lease and a
        // retry.
        let answer = await store.answer(until: .release, grace: .seconds(2)) { store throws(PortFailure) in
            try await store.finish(call)
        }
        guard let answer else { return false }
        if answer.result == .lost {
            lost(lease)
            return true
        }
        if outcome == .completed { state.withWaits { $0.completed(records: batch.recordIds.count) } }
        for failure in failures { ports.report(.recordFailed(batch: batch.batchNumber, failure)) }
        if let missing = counts?.missing, SecondLook.suggestsLag(missing: missing, of: batch.recordIds.count) {
            ports.report(
                .manyMissing(batch: batch.batchNumber, missing: missing, records: batch.recordIds.count)
            )
        }
        ports.report(
            .finished(
                worker: number,
                batch: batch.batchNumber,
                attempt: batch.attempt,
                outcome: outcome,
                counts: counts ?? lease.counts,
                reason: error
            )
        )
        return true
    }

    /// The counts at the end of an attempt; a batch that is given back has only what was paid, if anything was.
    private func account(_ counts: BatchCounts?, paid: Paid) -> BatchCounts? {
        guard var counts = counts ?? (paid == .nothing ? nil : BatchCounts()) else { return nil }
        counts.paid = paid
        return counts
    }

    private func lost(_ lease: HeldLease) {
        ports.report(.leaseLost(worker: number, batch: lease.batch.batchNumber, attempt: lease.batch.attempt))
    }
}

extension BatchError {
    static let untrusted = BatchError(code: "lease_expired", message: "no heartbeat was accepted in time")
    static let interrupted = BatchError(code: "interrupted", message: "the runner was told to stop")
    static let braked = BatchError(code: "braked", message: "the job is paused")
    static let doubted = BatchError(code: "refused_altogether", message: "every request was refused: tried once more")
    static let deadline = BatchError(code: "deadline", message: "the batch did not end before its deadline")

    static func stopped(_ service: Service, _ failure: PortFailure) -> BatchError {
        BatchError(code: "\(service.rawValue)_stopped", message: String(failure.detail.prefix(400)))
    }
}

extension BatchCounts {
    /// The counts of an attempt that failed as a whole.
    static func allFailed(_ records: Int) -> BatchCounts { BatchCounts(failed: records) }
}
