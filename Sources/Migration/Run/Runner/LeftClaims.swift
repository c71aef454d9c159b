/// Ends claims that nobody works on any more, so that their batches do not wait for leases to run out.
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
    /// Each costs its batch a retry, like an attempt that the reaper ends: a batch may be what kills its runners. One that has
    /// no retry left is divided into its records, so that the one that kills is found and the others are migrated. An attempt
    /// that was ended before, or has a new owner, is left alone by the store.
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

    /// Asks again with the id of a claim whose answer nobody has seen, and gives back what comes: no work was done under it.
    ///
    /// - Parameters:
    ///   - claimID: the claim's.
    ///   - limit: gives up after this time; nil = only a stop gives up.
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

    /// Makes each record of a failed batch a batch of its own.
    ///
    /// Between the failure and this somebody may have ended the job as failed: it is opened again.
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

    /// What is given back is worth this much time once the runner has to leave.
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
