import Migration

/// Ends abandoned claims, so that their batches do not wait for leases to run out.
struct LeftClaims: Sendable {
    private let ports: EnginePorts
    private let job: JobMark
    private let configHash: String
    private let store: StoreCaller
    private let brake: JobBrake?

    init(ports: EnginePorts, state: RunnerState, job: JobMark, configHash: String, brake: JobBrake? = nil) {
        self.brake = brake
        self.ports = ports
        self.job = job
        self.configHash = configHash
        store = StoreCaller(ports: ports, state: state)
    }

    /// Ends every attempt that dead runners of this host have left open; their batches can be claimed at once.
    ///
    /// Each uses one retry of its batch, as after the reaper: the batch may be what kills its runners. A batch with no
    /// retry left is divided into its records, so that the record that kills is found and the others are migrated. The
    /// store does not touch an attempt that was ended before or has a new owner.
    ///
    /// - Returns: the tokens with which they controlled the job, or would have.
    @discardableResult
    func takeOver() async -> [String] {
        let left = await ports.journal.leftBehind(in: job)
        let claims = left.filter { !$0.isControl }
        var reset = 0
        var failed = 0
        var isDone = true
        for claim in claims {
            guard let attempt = claim.attempt else {
                let isAnswered = await giveBack(claim.token, within: nil)
                isDone = isDone && isAnswered
                continue
            }
            guard let answer = await end(attempt, claimID: claim.token) else {
                isDone = false
                continue
            }
            if answer.result != .lost, answer.status == .failed, attempt.records > 1 {
                let isIsolated = await isolate(attempt)
                isDone = isDone && isIsolated
            }
            guard answer.result == .applied else { continue }
            if answer.status == .failed { failed += 1 } else { reset += 1 }
        }
        await ports.journal.settle(isDone: isDone)
        if reset + failed > 0 { ports.report(.reaped(reset: reset, failed: failed)) }
        if failed > 0 { await brake?.checkFailures() }
        return left.filter(\.isControl).map(\.token)
    }

    /// Repeats a claim whose answer was lost, and gives the batches back: no work was done under it.
    ///
    /// - Parameters:
    ///   - claimID: the claim's id.
    ///   - limit: gives up after this time; nil = gives up only at a stop.
    /// - Returns: whether nothing is held under this id any more.
    func giveBack(_ claimID: String, within limit: Duration?) async -> Bool {
        let call = ClaimNextBatch(
            job: job.id,
            worker: "left behind",
            claimId: claimID,
            limit: 1,
            configHash: configHash,
            floor: nil
        )
        let answer = await store.answer(
            within: limit,
            until: .release,
            grace: Self.grace
        ) { store throws(PortFailure) in
            try await store.claim(call)
        }
        guard let answer else { return false }
        for batch in answer.batches {
            let call = FinishBatch(
                job: job.id,
                batchNumber: batch.batchNumber,
                attempt: batch.attempt,
                claimId: claimID,
                outcome: .released,
                counts: nil,
                failedRecords: [],
                retryAfterMs: nil,
                error: .interrupted
            )
            let end = await store.answer(
                within: limit,
                until: .release,
                grace: Self.grace
            ) { store throws(PortFailure) in
                try await store.finish(call)
            }
            if end == nil { return false }
        }
        return true
    }

    /// Divides a failed batch into batches of one record each.
    ///
    /// If the job was ended as failed since the batch failed, it is opened again.
    private func isolate(_ attempt: LeaseNote.Attempt) async -> Bool {
        let call = RequeueFailedBatches(
            job: job.id,
            requestId: ports.entropy.uuid(),
            filter: RequeueFilter(batchNumbers: [attempt.batch]),
            isolate: true,
            limit: 1
        )
        let answer = await store.answer(until: .drain) { store throws(PortFailure) in
            try await store.requeueBatches(call)
        }
        guard let answer else { return false }
        if answer.batches > 0 { ports.report(.isolated(batch: attempt.batch, records: answer.records)) }
        return true
    }

    /// The time that may be spent on giving a batch back once the runner has to leave.
    private static let grace = Duration.seconds(2)

    private func end(_ attempt: LeaseNote.Attempt, claimID: String) async -> FinishBatch.Answer? {
        let call = FinishBatch(
            job: job.id,
            batchNumber: attempt.batch,
            attempt: attempt.attempt,
            claimId: claimID,
            outcome: .failed,
            counts: .allFailed(attempt.records),
            failedRecords: [],
            retryAfterMs: 0,
            error: .runnerDied
        )
        return await store.answer(until: .drain) { store throws(PortFailure) in try await store.finish(call) }
    }
}

extension BatchError {
    static let runnerDied = BatchError(code: "runner_died", message: "the process that worked on the batch died")
}
