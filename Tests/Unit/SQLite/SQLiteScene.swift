import Foundation
import Migration

@testable import SQLite

/// A job in a tracking file, and short words for the calls.
struct SQLiteScene: Sendable {
    let store: any JobStore
    let job: JobID
    let epoch: Int
    let token: String

    /// Opens a job with a sealed plan of batches of one record each.
    static func planned(
        _ store: any JobStore,
        batches: Int = 3,
        maxRetries: Int = 3
    ) async throws -> Self {
        let token = UUID().uuidString
        let opened = try await store.openJob(
            OpenIngestionJob(
                targetKey: "target",
                configHash: "hash",
                config: ["collection": "c"],
                settings: JobSettings(maxRetries: maxRetries, leaseSeconds: 120, batchTimeoutSeconds: 600),
                controllerId: "controller",
                token: token,
                start: true
            )
        )
        let scene = Self(store: store, job: opened.job.id, epoch: opened.epoch, token: token)
        for first in stride(from: 0, to: batches, by: 500) {
            _ = try await scene.append((first..<min(first + 500, batches)).map { [RecordID($0 + 1)] })
        }
        _ = try await store.sealPlan(
            SealIngestionPlan(
                job: scene.job,
                epoch: scene.epoch,
                token: token,
                expectedCursor: RecordID(batches),
                upper: RecordID(batches),
                sourceCount: nil
            )
        )
        return scene
    }

    /// The same job through another store.
    func over(_ store: any JobStore) -> Self { Self(store: store, job: job, epoch: epoch, token: token) }

    func append(_ batches: [[RecordID]]) async throws(PortFailure) -> AppendIngestionBatches.Answer {
        let first = batches.first?.first ?? 1
        return try await store.appendBatches(
            AppendIngestionBatches(
                job: job,
                epoch: epoch,
                token: token,
                expectedCursor: first == 1 ? nil : first - 1,
                batches: batches
            )
        )
    }

    func claim(_ id: String = UUID().uuidString, worker: String = "worker") async throws(PortFailure)
        -> ClaimNextBatch.Answer
    {
        try await store.claim(
            ClaimNextBatch(job: job, worker: worker, claimId: id, limit: 1, configHash: "hash", floor: nil)
        )
    }

    func finish(
        _ batch: ClaimedBatch,
        _ claim: String,
        _ outcome: BatchOutcome = .completed
    ) async throws(PortFailure) -> FinishBatch.Answer {
        try await store.finish(
            FinishBatch(
                job: job,
                batchNumber: batch.batchNumber,
                attempt: batch.attempt,
                claimId: claim,
                outcome: outcome,
                counts: outcome == .completed
                    ? BatchCounts(processed: batch.recordIds.count)
                    : outcome == .failed ? BatchCounts(failed: batch.recordIds.count) : nil,
                failedRecords: [],
                retryAfterMs: nil,
                error: nil
            )
        )
    }

    func heartbeat(_ batch: ClaimedBatch, _ claim: String) async throws(PortFailure) -> BumpBatchProgress.Item? {
        let item = HeartbeatItem(
            batchNumber: batch.batchNumber,
            attempt: batch.attempt,
            claimId: claim,
            counts: BatchCounts()
        )
        return try await store.heartbeat(BumpBatchProgress(job: job, worker: "worker", items: [item])).items.first
    }

    func reap() async throws(PortFailure) -> ResetStuckBatches.Answer {
        try await store.resetStuck(ResetStuckBatches(job: job, limit: 100, full: false))
    }

    func exactStats() async throws(PortFailure) -> JobStats {
        try await store.exactStats(GetIngestionJobStatsExact(job: job))
    }

    func batches() async throws(PortFailure) -> [BatchSummary] {
        try await store.batches(ListIngestionBatches(job: job, filter: .init(), after: nil, limit: 1000)).rows
    }
}

/// The failure that a call ends with, or nil when it does not fail.
func storeFailure(_ body: () async throws -> Void) async -> PortFailure? {
    do {
        try await body()
        return nil
    } catch {
        return error as? PortFailure
    }
}
