// Longer than 300 lines: the list of all rules, and what their scenes share.

import Foundation
import Migration

/// One rule's own corner of a store: a target and quota that no other rule uses, and short words for the calls.
struct JobScene: Sendable {
    let harness: any JobStoreHarness
    /// Unique, because a real store outlives the rule.
    let target = "conformance-" + JobScene.uuid()
    let hash = "hash-1"

    var store: any JobStore { harness.store }

    /// A fresh identity; real stores demand real UUIDs.
    static func uuid() -> String { UUID().uuidString.lowercased() }

    /// A batch under our lease.
    struct Held {
        let job: JobID
        let batch: ClaimedBatch
        let claimID: String

        var size: Int { batch.recordIds.count }
    }

    /// A job with our controller lease.
    struct Opened {
        let job: JobID
        let epoch: Int
        let token: String
    }

    // MARK: Planning

    func open(
        token: String = JobScene.uuid(),
        hash: String? = nil,
        settings: JobSettings = .usual,
        start: Bool = true,
        target: String? = nil,
        collection: String? = nil
    ) async throws -> OpenIngestionJob.Answer {
        try await store.openJob(
            OpenIngestionJob(
                targetKey: target ?? self.target,
                configHash: hash ?? self.hash,
                config: ["model": hash ?? self.hash, "collection": collection].compactMapValues(\.self),
                settings: settings,
                controllerId: "controller",
                token: token,
                start: start
            )
        )
    }

    func join(
        _ job: JobID,
        token: String = JobScene.uuid(),
        hash: String? = nil
    ) async throws -> JoinIngestionJob.Answer {
        try await store.joinJob(
            JoinIngestionJob(job: job, configHash: hash ?? self.hash, controllerId: "joiner", token: token)
        )
    }

    func addServers(_ job: JobID, _ servers: JobServers) async throws -> AddIngestionServers.Answer {
        try await store.addServers(AddIngestionServers(job: job, servers: servers))
    }

    /// A new job of the target, nothing planned.
    func opened(settings: JobSettings = .usual, start: Bool = true, target: String? = nil) async throws -> Opened {
        let token = Self.uuid()
        let answer = try await open(token: token, settings: settings, start: start, target: target)
        try expectEqual(answer.result, .created, "open")
        return Opened(job: answer.job.id, epoch: answer.epoch, token: token)
    }

    func append(
        _ batches: [[RecordID]],
        to job: Opened,
        after cursor: RecordID?
    ) async throws -> AppendIngestionBatches.Answer {
        try await store.appendBatches(
            AppendIngestionBatches(
                job: job.job,
                epoch: job.epoch,
                token: job.token,
                expectedCursor: cursor,
                batches: batches
            )
        )
    }

    func seal(_ job: Opened, at cursor: RecordID?) async throws -> SealIngestionPlan.Result {
        try await store.sealPlan(
            SealIngestionPlan(
                job: job.job,
                epoch: job.epoch,
                token: job.token,
                expectedCursor: cursor,
                upper: cursor,
                sourceCount: 0
            )
        ).result
    }

    /// A running job with a sealed plan of these batches.
    func planned(
        _ batches: [[RecordID]],
        settings: JobSettings = .usual,
        target: String? = nil
    ) async throws -> Opened {
        let job = try await opened(settings: settings, target: target)
        if !batches.isEmpty {
            try expectEqual(try await append(batches, to: job, after: nil).result, .appended, "append")
        }
        try expectEqual(try await seal(job, at: batches.last?.last), .sealed, "seal")
        return job
    }

    // MARK: Work

    func claim(
        _ job: JobID,
        limit: Int = 1,
        id: String = JobScene.uuid(),
        hash: String? = nil,
        floor: ClaimFloor? = nil
    ) async throws -> ClaimNextBatch.Answer {
        try await store.claim(
            ClaimNextBatch(
                job: job,
                worker: "worker",
                claimId: id,
                limit: limit,
                configHash: hash ?? self.hash,
                floor: floor
            )
        )
    }

    /// Claims one batch and demands to get it.
    func take(_ job: JobID) async throws -> Held {
        let id = Self.uuid()
        let answer = try await claim(job, id: id)
        guard let batch = answer.batches.first, answer.batches.count == 1 else {
            throw RuleBroken("a claim got \(answer.batches.count) batches instead of 1 (\(answer))")
        }
        return Held(job: job, batch: batch, claimID: id)
    }

    /// Demands that there is nothing to claim now.
    func takeNothing(_ job: JobID, _ why: String) async throws {
        let answer = try await claim(job)
        try expectEqual(answer.batches.map(\.batchNumber), [], "batches to claim \(why)")
    }

    func finish(
        _ held: Held,
        _ outcome: BatchOutcome,
        _ counts: BatchCounts? = nil,
        failed: [FailedRecord] = [],
        retryAfterMs: Int? = nil,
        error: BatchError? = nil
    ) async throws -> FinishBatch.Answer {
        try await store.finish(
            FinishBatch(
                job: held.job,
                batchNumber: held.batch.batchNumber,
                attempt: held.batch.attempt,
                claimId: held.claimID,
                outcome: outcome,
                counts: counts,
                failedRecords: failed,
                retryAfterMs: retryAfterMs,
                error: error
            )
        )
    }

    /// Completes a batch with every record processed.
    func complete(_ held: Held) async throws {
        let answer = try await finish(held, .completed, BatchCounts(processed: held.size))
        try expectEqual(answer, .init(result: .applied, status: .completed, outcome: "completed"), "completed")
    }

    /// Fails an attempt with every record failed.
    @discardableResult
    func fail(_ held: Held, code: String = "broken", retryAfterMs: Int? = nil) async throws -> BatchStatus? {
        let answer = try await finish(
            held,
            .failed,
            BatchCounts(failed: held.size),
            retryAfterMs: retryAfterMs,
            error: BatchError(code: code, message: "it broke")
        )
        try expectEqual(answer.result, .applied, "failed")
        return answer.status
    }

    func heartbeat(
        _ held: Held,
        _ counts: BatchCounts = BatchCounts()
    ) async throws -> BumpBatchProgress.Item {
        let item = HeartbeatItem(
            batchNumber: held.batch.batchNumber,
            attempt: held.batch.attempt,
            claimId: held.claimID,
            counts: counts
        )
        let answer = try await store.heartbeat(BumpBatchProgress(job: held.job, worker: "worker", items: [item]))
        guard let first = answer.items.first, answer.items.count == 1 else {
            throw RuleBroken("a heartbeat of one item got \(answer.items.count) answers")
        }
        return first
    }

    func reap(_ job: JobID, limit: Int = 100, full: Bool = false) async throws -> ResetStuckBatches.Answer {
        try await store.resetStuck(ResetStuckBatches(job: job, limit: limit, full: full))
    }

    // MARK: Operation

    func control(
        _ job: JobID,
        _ action: ControlIngestionJob.Action,
        reason: String? = nil
    ) async throws -> ControlIngestionJob.Answer {
        try await store.control(ControlIngestionJob(job: job, action: action, reason: reason))
    }

    func finalize(_ job: JobID) async throws -> FinalizeIngestionJob.Answer {
        try await store.finalize(FinalizeIngestionJob(job: job))
    }

    func requeueBatches(
        _ job: JobID,
        _ filter: RequeueFilter = RequeueFilter(),
        isolate: Bool = false,
        limit: Int = 100,
        request: String = JobScene.uuid()
    ) async throws -> RequeueAnswer {
        try await store.requeueBatches(
            RequeueFailedBatches(job: job, requestId: request, filter: filter, isolate: isolate, limit: limit)
        )
    }

    func requeueRecords(
        _ job: JobID,
        _ filter: RequeueFilter = RequeueFilter(),
        batchSize: Int = 100,
        limit: Int = 100,
        request: String = JobScene.uuid()
    ) async throws -> RequeueAnswer {
        try await store.requeueRecords(
            RequeueFailedRecords(job: job, requestId: request, filter: filter, batchSize: batchSize, limit: limit)
        )
    }

    // MARK: Reading

    func stats(_ job: JobID) async throws -> JobStats { try await store.stats(GetIngestionJobStats(job: job)) }

    func summary(_ job: JobID) async throws -> JobSummary {
        guard let summary = try await stats(job).job else { throw RuleBroken("there is no job \(job)") }
        return summary
    }

    func batch(_ job: JobID, _ number: Int) async throws -> BatchSummary {
        let filter = ListIngestionBatches.Filter(batchNumbers: [number])
        let answer = try await store.batches(ListIngestionBatches(job: job, filter: filter, after: nil, limit: 10))
        guard let batch = answer.rows.first, answer.rows.count == 1 else {
            throw RuleBroken("batch \(number) is listed \(answer.rows.count) times")
        }
        return batch
    }

    func failures(
        _ job: JobID,
        _ filter: ListIngestionFailures.Filter = .init(open: true)
    ) async throws -> [FailureSummary] {
        try await store.failures(ListIngestionFailures(job: job, filter: filter, after: nil, limit: 1000)).rows
    }

    func events(_ job: JobID, of number: Int? = nil) async throws -> [EventSummary] {
        let filter = ListIngestionEvents.Filter(batchNumbers: number.map { [$0] })
        return try await store.events(ListIngestionEvents(job: job, filter: filter, after: nil, limit: 1000)).rows
    }

    /// I13…I16 of every job of the target, whatever the rule did.
    func checkAccounting() async throws {
        let filter = ListIngestionJobs.Filter(targetKey: target)
        let jobs = try await store.jobs(ListIngestionJobs(job: nil, filter: filter, after: nil, limit: 100)).rows
        for job in jobs {
            let exact = try await store.exactStats(GetIngestionJobStatsExact(job: job.id))
            try expectEqual(exact.equal, true, "I15: counters equal the recount of job \(exact)")
            let rows = try await store.batches(
                ListIngestionBatches(job: job.id, filter: .init(), after: nil, limit: 1000)
            ).rows
            let openRecords = rows.filter { $0.status == .pending || $0.status == .processing }
                .reduce(0) { $0 + $1.recordIds.count }
            let known = exact.processed + exact.skipped + exact.failedRecords + exact.missing + Int64(openRecords)
            try expectEqual(known, job.totalRecords, "I14: records accounted for and open")
            for row in rows where row.status == .completed || row.status == .failed {
                try expectEqual(row.counts.total + row.moved, row.recordIds.count, "I13: batch \(row.batchNumber)")
            }
            try expectEqual(Int64(try await failures(job.id).count), exact.failedRecords, "I16: open dead letters")
        }
    }
}

extension JobSettings {
    /// Lease 120 s, deadline 600 s, backoff 30 s … 1,800 s, three retries.
    static let usual = JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600)
    /// The first failed attempt is the last.
    static let noRetries = JobSettings(maxRetries: 0, leaseSeconds: 120, batchTimeoutSeconds: 600)
}
