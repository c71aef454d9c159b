import Foundation
import Migration
import Testing

@testable import Adapters

@Suite(.needs(.postgres)) struct `Tracking on a real PostgreSQL` {
    @Test func `ids keep every bit on their way through every function`() async throws {
        try await TrackingDatabase.use { database in
            let ids: [RecordID] = [.min, -1, 0, 1, 1 << 53 + 1, 1_823_456_789_012_345_679, .max - 1, .max]
            let plan = try await PlannedJob.make(database.store(), batches: [ids])
            let (claim, batches) = try await plan.claim()
            let batch = try #require(batches.first)
            #expect(batch.recordIds == ids)
            let failed = ids.map {
                FailedRecord(
                    recordId: $0,
                    stage: .embed,
                    code: "x",
                    message: "a \"quoted\" word, 字, 😀",
                    permanent: true
                )
            }
            let finished = try await plan.store.finish(
                FinishBatch(
                    job: plan.job,
                    batchNumber: 0,
                    attempt: 1,
                    claimId: claim,
                    outcome: .completed,
                    counts: BatchCounts(failed: ids.count),
                    failedRecords: failed,
                    retryAfterMs: nil,
                    error: nil
                )
            )
            #expect(finished.result == .applied)
            let letters = try await plan.store.failures(
                ListIngestionFailures(job: plan.job, filter: .init(open: true), after: nil, limit: 100)
            )
            #expect(letters.rows.map(\.recordId) == ids)
            #expect(letters.rows.first?.message == failed.first?.message)
            let rest = try await plan.store.failures(
                ListIngestionFailures(job: plan.job, filter: .init(), after: .max - 1, limit: 1)
            )
            #expect(rest.rows.map(\.recordId) == [.max])
            let listed = try await plan.store.batches(
                ListIngestionBatches(job: plan.job, filter: .init(), after: nil, limit: 1)
            )
            #expect(listed.rows.first?.recordIds == ids)
            let jobs = try await plan.store.jobs(
                ListIngestionJobs(job: plan.job, filter: .init(), after: nil, limit: 1)
            )
            #expect(jobs.rows.first?.planCursor == .max)
        }
    }

    @Test func `counters equal a recount after ends of every kind at the same time`() async throws {
        try await TrackingDatabase.use { database in
            let settings = JobSettings(
                maxRetries: 1,
                leaseSeconds: 60,
                batchTimeoutSeconds: 60,
                backoffBaseSeconds: 0,
                backoffCapSeconds: 0
            )
            let plan = try await PlannedJob.make(
                database.store(),
                batches: (0..<120).map { Array(RecordID(3 * $0)..<RecordID(3 * $0 + 3)) },
                settings: settings
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        let mine = PlannedJob(job: plan.job, store: try database.store(connectionsMax: 1))
                        var turn = worker
                        while true {
                            let (claim, batches) = try await mine.claim(2)
                            if batches.isEmpty { return }
                            for batch in batches {
                                turn += 1
                                try await Self.end(batch, claim, turn, mine)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let stats = try await plan.exactStats()
            #expect(stats.equal == true)  // I15
            #expect(stats.pending == 0)
            #expect(stats.processing == 0)
            let sum = stats.processed + stats.skipped + stats.failedRecords + stats.missing
            #expect(sum == 360)  // I14
            let final = try await plan.store.finalize(FinalizeIngestionJob(job: plan.job))
            #expect(final.result == .finalized)
            #expect(final.status == (stats.failed > 0 ? .failed : .completed))  // I17
        }
    }

    /// Ends an attempt in one of several ways, and repeats the call, as after a lost answer.
    private static func end(
        _ batch: ClaimedBatch,
        _ claim: String,
        _ turn: Int,
        _ plan: PlannedJob
    ) async throws {
        let outcome: BatchOutcome =
            batch.attempt > 3 ? .completed : [.completed, .failed, .released, .deferred][turn % 4]
        let ends = outcome == .completed || outcome == .failed
        let failed = FailedRecord(
            recordId: batch.recordIds[0],
            stage: .fetch,
            code: "test",
            message: "",
            permanent: false
        )
        let call = FinishBatch(
            job: plan.job,
            batchNumber: batch.batchNumber,
            attempt: batch.attempt,
            claimId: claim,
            outcome: outcome,
            counts: ends ? BatchCounts(processed: 1, failed: 1, missing: 1) : nil,
            failedRecords: ends ? [failed] : [],
            retryAfterMs: 0,
            error: nil
        )
        #expect(try await plan.store.finish(call).result == .applied)
        let again = try await plan.store.finish(call).result
        // Another worker may have claimed it in between.
        #expect(again == .duplicate || (again == .lost && !(outcome == .completed)))
    }
}
