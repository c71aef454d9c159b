import Foundation
import Migration
import Testing

@testable import Adapters

/// Calls of every kind on a job while it is deleted.
@Suite(.needs(.postgres), .serialized, .timeLimit(.minutes(10))) struct `Calls beside a deletion` {
    /// What another process does to the job, again and again.
    enum Rival: String, CaseIterable, Sendable {
        case requeueOfBatches, requeueOfRecords, isolation, resume, claim, heartbeat, finish, reaper, finalize, status,
            lists
        case join, opening, deletion, historyCut
    }

    /// Each with a deletion that begins at the same moment: in the end nothing is left, or everything, if the rival came first.
    @Test(arguments: Rival.allCases)
    func `end in its favour or before it`(rival: Rival) async throws {
        try await TrackingDatabase.use { database in
            let stage = try DeletionStage(database)
            let bystander = try await stage.failedJob(batches: 6)
            let before = try await stage.content(of: bystander)
            var outcomes: Set<String> = []
            for round in 0..<12 {
                let outcome = try await Self.play(rival, stage, limit: [1, 4, 1000][round % 3])
                outcomes.insert(outcome)
            }
            print("\(rival) beside a deletion: \(outcomes.sorted())")
            #expect(try await stage.content(of: bystander) == before)
        }
    }

    private static func play(_ rival: Rival, _ stage: DeletionStage, limit: Int) async throws -> String {
        let held = try await held(in: stage)
        let answers = try await withThrowingTaskGroup(of: [DeletionAnswer].self) { group in
            group.addTask {
                try await stage.delete(held.job, limit: limit, on: stage.database.store(connectionsMax: 1))
            }
            group.addTask {
                let store = try stage.database.store(connectionsMax: 1)
                for _ in 0..<6 {
                    let failure = await trackingFailure { try await call(rival, held, store) }
                    // Contention is no mistake; anything else is.
                    #expect(failure == nil || failure?.kind == .unavailable, "\(rival): \(failure?.detail ?? "")")
                }
                return []
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        if answers.last?.result == .open {
            // The rival has opened it first: nothing was deleted, and all of it adds up.
            #expect(answers.count == 1)
            #expect(try await stage.store.exactStats(GetIngestionJobStatsExact(job: held.job)).equal == true)  // I15
            return "opened again"
        }
        let rows = try await stage.rows(of: held.job)
        #expect(rows.values.allSatisfy { $0 == 0 }, "\(rival) has left \(rows)")
        return "deleted"
    }

    private struct Held: Sendable {
        let job: JobID
        let target: String
        let batch: ClaimedBatch
        let claim: String
    }

    /// A job that has failed, or was cancelled with a batch at work.
    private static func held(in stage: DeletionStage) async throws -> Held {
        let job = try await stage.failedJob(batches: 9)
        // One more batch, which is at work: the job is opened for it, and cancelled where that is not its end.
        _ = try await stage.store.requeueBatches(
            RequeueFailedBatches(
                job: job,
                requestId: UUID().uuidString.lowercased(),
                filter: RequeueFilter(batchNumbers: [0]),
                isolate: false,
                limit: 1
            )
        )
        let plan = PlannedJob(job: job, store: stage.store)
        let (claim, batches) = try await plan.claim()
        let batch = try #require(batches.first)
        let summary = try #require(try await stage.store.stats(GetIngestionJobStats(job: job)).job)
        // An ended job with work in flight, as a cancel leaves it; `failed` so that a requeue may open it.
        try await stage.database.run(
            "UPDATE public.ingestion_job SET status = 'failed', finished_at = now() WHERE id = \(job)"
        )
        return Held(job: job, target: summary.targetKey, batch: batch, claim: claim)
    }

    private static func call(_ rival: Rival, _ held: Held, _ store: RPCJobStore) async throws {
        let job = held.job
        let id = UUID().uuidString.lowercased()
        switch rival {
        case .requeueOfBatches, .isolation:
            let answer = try await store.requeueBatches(
                RequeueFailedBatches(
                    job: job,
                    requestId: id,
                    filter: RequeueFilter(),
                    isolate: rival == .isolation,
                    limit: 2
                )
            )
            #expect([.applied, .refused, .notFound].contains(answer.result))
        case .requeueOfRecords:
            let answer = try await store.requeueRecords(
                RequeueFailedRecords(job: job, requestId: id, filter: RequeueFilter(), batchSize: 2, limit: 2)
            )
            #expect([.applied, .refused, .notFound].contains(answer.result))
        case .resume:
            let answer = try await store.control(ControlIngestionJob(job: job, action: .resume, reason: nil))
            #expect([.refused, .notFound].contains(answer.result))
        case .claim:
            let answer = try await store.claim(
                ClaimNextBatch(job: job, worker: "w", claimId: id, limit: 4, configHash: "hash", floor: nil)
            )
            #expect(answer.batches.isEmpty)
        case .heartbeat:
            let plan = PlannedJob(job: job, store: store)
            let answer = try await plan.heartbeat(held.batch, held.claim, processed: 1)
            #expect([.ok, .lost, .cancel].contains(answer))
        case .finish:
            let answer = try await PlannedJob(job: job, store: store).complete(held.batch, held.claim)
            #expect([.applied, .duplicate, .lost].contains(answer.result))
        case .reaper: _ = try await store.resetStuck(ResetStuckBatches(job: job, limit: 10, full: true))
        case .finalize:
            let answer = try await store.finalize(FinalizeIngestionJob(job: job))
            #expect([.already, .notFound].contains(answer.result))
        case .status:
            _ = try await store.stats(GetIngestionJobStats(job: job))
            _ = try await store.exactStats(GetIngestionJobStatsExact(job: job))
        case .lists:
            _ = try await store.batches(ListIngestionBatches(job: job, filter: .init(), after: nil, limit: 1000))
            _ = try await store.failures(ListIngestionFailures(job: job, filter: .init(), after: nil, limit: 1000))
            _ = try await store.events(ListIngestionEvents(job: job, filter: .init(), after: nil, limit: 1000))
            _ = try await store.retention(ListIngestionRetention(after: nil, limit: 1000))
        case .join:
            let answer = try await store.joinJob(
                JoinIngestionJob(job: job, configHash: "hash", controllerId: "c", token: id)
            )
            #expect([.ended, .notFound].contains(answer.result))
        case .opening:
            let answer = try await store.openJob(
                OpenIngestionJob(
                    targetKey: held.target,
                    configHash: "hash",
                    config: [:],
                    settings: JobSettings(maxRetries: 0, leaseSeconds: 60, batchTimeoutSeconds: 60),
                    controllerId: "c",
                    token: id,
                    start: true
                )
            )
            #expect(answer.job.id != job)
        case .deletion:
            let answer = try await store.deleteJob(DeleteIngestionJob(job: job, limit: 3, olderThanMs: nil))
            #expect([.applied, .notFound].contains(answer.result))
        case .historyCut:
            let answer = try await store.deleteEvents(DeleteIngestionEvents(job: job, limit: 3, olderThanMs: nil))
            #expect([.applied, .notFound].contains(answer.result))
        }
    }

    /// Late ends come while pages go: whatever they write goes with the job.
    @Test func `of twenty workers with batches at work leave nothing behind`() async throws {
        try await TrackingDatabase.use { database in
            let stage = try DeletionStage(database, connectionsMax: 4)
            let plan = try await PlannedJob.make(
                stage.store,
                batches: (0..<200).map { [RecordID(2 * $0), RecordID(2 * $0 + 1)] },
                settings: JobSettings(maxRetries: 0, leaseSeconds: 120, batchTimeoutSeconds: 600)
            )
            let work = try await (0..<13).asyncMap { _ in try await plan.claim(16) }
            _ = try await stage.store.control(ControlIngestionJob(job: plan.job, action: .cancel, reason: nil))
            let results = try await withThrowingTaskGroup(of: [FinishBatch.Result].self) { group in
                group.addTask {
                    _ = try await stage.delete(plan.job, limit: 7, on: database.store(connectionsMax: 1))
                    return []
                }
                for (claim, batches) in work {
                    group.addTask {
                        let mine = PlannedJob(job: plan.job, store: try database.store(connectionsMax: 1))
                        var results: [FinishBatch.Result] = []
                        for batch in batches.reversed() { results.append(try await Self.fail(batch, claim, mine)) }
                        return results
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            let counts = (results.count { $0 == .applied }, results.count { $0 == .lost })
            print("late ends beside a deletion: \(counts.0) applied, \(counts.1) lost")
            #expect(counts.0 > 0 && counts.1 > 0, "the deletion was not beside them")
            #expect(try await stage.rows(of: plan.job).values.allSatisfy { $0 == 0 })
        }
    }

    private static func fail(
        _ batch: ClaimedBatch,
        _ claim: String,
        _ plan: PlannedJob
    ) async throws -> FinishBatch.Result {
        let call = FinishBatch(
            job: plan.job,
            batchNumber: batch.batchNumber,
            attempt: batch.attempt,
            claimId: claim,
            outcome: .failed,
            counts: BatchCounts(failed: batch.recordIds.count),
            failedRecords: [],
            retryAfterMs: nil,
            error: nil
        )
        var result: FinishBatch.Result?
        while result == nil {
            let failure = await trackingFailure { result = try await plan.store.finish(call).result }
            if let failure, failure.kind != .unavailable { throw failure }
        }
        return try #require(result)
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
