import Foundation
import Migration
import Testing

@testable import Adapters

/// What people and dashboards read of the tracking: the views, and the copies of the counters in the row of a job.
@Suite(.needs(.postgres)) struct `Views of the tracking` {
    private static func report(
        _ plan: PlannedJob,
        _ runner: String = "host:1",
        state: String = "running",
        records: Int64 = 0
    ) async throws {
        let report = RunnerReport(host: "host", workers: 2, held: 1, batches: 0, records: records, state: state)
        let answer = try await plan.store.reportRunner(ReportRunner(job: plan.job, runner: runner, report: report))
        #expect(answer.result == .ok)
    }

    private static func read(_ database: TrackingDatabase, _ columns: String, of job: JobID) async throws -> [String?] {
        let rows = try await database.run("SELECT \(columns) FROM public.ingestion_progress WHERE job_id = \(job)")
        return try #require(rows.first)
    }

    @Test func `tell how far a job is and what it has cost`() async throws {
        try await TrackingDatabase.use { database in
            let plan = try await PlannedJob.make(database.store(), batches: [[1, 2], [3], [4, 5], [6, 7, 8]])
            let columns = """
                status, percent, records_done, processed, failed, completed_batches, batches_in_work, billed_tokens,
                billed_dollars::float8, expected_tokens, expected_dollars::float8
                """
            let new = try await Self.read(database, columns, of: plan.job)
            #expect(new == ["running", "0.0", "0", "0", "0", "0", "0", "0", "0", nil, nil])
            let (claim, batches) = try await plan.claim()
            let paid = Migration.Paid(tokens: 1_000_000, nanodollars: 20_000_000)
            _ = try await plan.fail(#require(batches.first), claim, paid: paid)
            let (next, more) = try await plan.claim(2)
            for batch in more { _ = try await plan.complete(batch, next) }
            _ = try await plan.claim()
            let row = try await Self.read(database, columns, of: plan.job)
            #expect(
                row == ["running", "62.5", "5", "3", "2", "3", "1", "1000000", "0.02", "1600000", "0.032"]
            )
            // The same as the counters say.
            let exact = try await plan.exactStats()
            #expect(exact.equal == true && exact.billedTokens == 1_000_000)
            #expect(exact.processed + exact.failedRecords == 5)
        }
    }

    @Test func `tell rate and end from what the runners say, else from the beginning`() async throws {
        try await TrackingDatabase.use { database in
            let plan = try await PlannedJob.make(database.store(), batches: [[1, 2], [3], [4, 5, 6, 7]])
            let columns = "runners, workers, records_per_minute, round(extract(epoch FROM remaining))"
            #expect(try await Self.read(database, columns, of: plan.job) == ["0", "0", "0", nil])
            let (claim, batches) = try await plan.claim()
            _ = try await plan.complete(#require(batches.first), claim)
            try await database.run(
                """
                UPDATE public.ingestion_job
                SET metadata = jsonb_build_object('start_time', public.ingestion_iso(now() - interval '10 minutes'))
                """
            )
            let sinceStart = try await Self.read(database, "records_per_minute, expected_end IS NULL", of: plan.job)
            #expect(sinceStart == ["0", "t"], "two records in ten minutes")
            for runner in ["a:1", "b:1", "dead:1", "left:1"] { try await Self.report(plan, runner) }
            try await database.run(
                """
                UPDATE public.ingestion_runner SET records_per_minute = 5;
                UPDATE public.ingestion_runner SET seen = now() - interval '3 minutes' WHERE runner = 'dead:1';
                UPDATE public.ingestion_runner SET state = 'left' WHERE runner = 'left:1'
                """
            )
            #expect(try await Self.read(database, columns, of: plan.job) == ["2", "4", "10", "30"])
            let alive = try await database.run(
                "SELECT runner FROM public.ingestion_workers WHERE is_alive ORDER BY runner"
            )
            #expect(alive == [["a:1"], ["b:1"]])
        }
    }

    /// A rate of almost nothing over a plan of almost everything; a plan of nothing.
    @Test(arguments: [(1, 9_000_000_000_000_000_000), (9_000_000_000_000_000_000, 1), (0, 5), (5, 0), (0, 0)])
    func `bear any numbers`(rate: Int64, records: Int64) async throws {
        try await TrackingDatabase.use { database in
            let plan = try await PlannedJob.make(database.store(), batches: [[1, 2]])
            try await Self.report(plan)
            try await database.run(
                """
                UPDATE public.ingestion_job SET total_records = \(records);
                UPDATE public.ingestion_runner SET records_per_minute = \(rate);
                UPDATE public.ingestion_counter SET billed_tokens = 500000000000000000
                """
            )
            let rows = try await database.run("SELECT count(*) FROM public.ingestion_progress")
            #expect(rows == [["1"]])
            let row = try await Self.read(database, "percent, billed_tokens, now() <= expected_end", of: plan.job)
            #expect(row[0] == (records == 0 ? "100.0" : "0.0"))
            #expect(row[1] == "8000000000000000000")
            #expect(row[2] != "f")
        }
    }

    @Test func `group open failures by stage and code, with an example`() async throws {
        try await TrackingDatabase.use { database in
            let plan = try await PlannedJob.make(database.store(), batches: [[1, 2], [3], [4]])
            for code in ["a", "b", "a"] {
                let (claim, batches) = try await plan.claim()
                _ = try await plan.fail(#require(batches.first), claim, code: code)
            }
            let sql = """
                SELECT stage, code, records, permanent_records, example_record_id, example_message
                FROM public.ingestion_failure_groups ORDER BY 2
                """
            #expect(
                try await database.run(sql) == [
                    ["upsert", "a", "3", "1", "1", "no 1"], ["upsert", "b", "1", "0", "3", "no 3"],
                ]
            )
            try await database.run("UPDATE public.ingestion_failure SET resolved_at = now() WHERE code = 'b'")
            #expect(try await database.run(sql).count == 1)
        }
    }

    @Test func `know programs that say nothing of themselves by what they hold`() async throws {
        try await TrackingDatabase.use { database in
            let plan = try await PlannedJob.make(database.store(), batches: [[1], [2], [3], [4]])
            for worker in ["old.example:7/0", "old.example:7/1", "new.example:8/0"] {
                _ = try await plan.store.claim(
                    ClaimNextBatch(
                        job: plan.job,
                        worker: worker,
                        claimId: UUID().uuidString.lowercased(),
                        limit: 1,
                        configHash: "hash",
                        floor: nil
                    )
                )
            }
            try await Self.report(plan, "new.example:8", state: "quota")
            let rows = try await database.run(
                """
                SELECT runner, host, workers, batches_held, state, is_alive FROM public.ingestion_workers
                ORDER BY runner
                """
            )
            #expect(
                rows == [
                    ["new.example:8", "host", "2", "1", "quota", "t"],
                    ["old.example:7", "old.example", "2", "2", "unknown", "t"],
                ]
            )
        }
    }

    @Test func `show the first and the last record of a batch`() async throws {
        try await TrackingDatabase.use { database in
            _ = try await PlannedJob.make(database.store(), batches: [[-5, 0, 7], [.max]])
            let sql = "SELECT start_id, end_id FROM public.ingestion_batch_full ORDER BY batch_number"
            #expect(try await database.run(sql) == [["-5", "7"], ["\(Int64.max)", "\(Int64.max)"]])
        }
    }

    // MARK: Copies of the counters

    private static func copies(_ database: TrackingDatabase, _ job: JobID) async throws -> [String?] {
        let columns = "completed_batches, failed_batches, processed_records, failed_records, missing_records"
        return try #require(
            try await database.run("SELECT \(columns) FROM public.ingestion_job WHERE id = \(job)").first
        )
    }

    enum Change: String, CaseIterable {
        case pause, resume, cancel, requeueBatches, requeueRecords, isolate, finalize, report, leave, renew
    }

    /// The row of a job, for people: right after everything that changes the job, also when no controller is alive.
    @Test(arguments: Change.allCases) func `in the row of a job are right after`(change: Change) async throws {
        try await TrackingDatabase.use { database in
            let settings = JobSettings(maxRetries: 0, leaseSeconds: 120, batchTimeoutSeconds: 600)
            let store = try database.store()
            let plan = try await PlannedJob.make(store, batches: [[1, 2], [3], [4]], settings: settings)
            if change == .resume { _ = try await store.control(.init(job: plan.job, action: .pause, reason: nil)) }
            let paused = change == .resume
            if paused { try await database.run("UPDATE public.ingestion_job SET status = 'running'") }
            let (claim, batches) = try await plan.claim(3)
            _ = try await plan.fail(batches[0], claim)
            _ = try await plan.complete(batches[1], claim)
            _ = try await store.finish(
                FinishBatch(
                    job: plan.job,
                    batchNumber: 2,
                    attempt: 1,
                    claimId: claim,
                    outcome: .failed,
                    counts: BatchCounts(failed: 1),
                    failedRecords: [],
                    retryAfterMs: nil,
                    error: nil
                )
            )
            if paused { try await database.run("UPDATE public.ingestion_job SET status = 'paused'") }
            var expected = ["2", "1", "1", "3", "0"]
            switch change {
            case .pause: _ = try await store.control(.init(job: plan.job, action: .pause, reason: nil))
            case .resume: _ = try await store.control(.init(job: plan.job, action: .resume, reason: nil))
            case .cancel: _ = try await store.control(.init(job: plan.job, action: .cancel, reason: nil))
            case .finalize: _ = try await store.finalize(.init(job: plan.job))
            case .report: try await Self.report(plan)
            case .leave: try await Self.report(plan, state: "left")
            case .renew:
                let sql = "SELECT controller_token, controller_epoch FROM public.ingestion_job"
                let lease = try #require(try await database.run(sql).first)
                let epoch = try #require(Int(lease[1] ?? ""))
                _ = try await store.renewController(.init(job: plan.job, epoch: epoch, token: lease[0] ?? ""))
            case .requeueBatches, .isolate:
                let call = RequeueFailedBatches(
                    job: plan.job,
                    requestId: UUID().uuidString,
                    filter: .init(),
                    isolate: change == .isolate,
                    limit: 10
                )
                #expect(try await store.requeueBatches(call).result == .applied)
                expected = change == .isolate ? ["3", "0", "1", "2", "0"] : ["2", "0", "1", "2", "0"]
            case .requeueRecords:
                let call = RequeueFailedRecords(
                    job: plan.job,
                    requestId: UUID().uuidString,
                    filter: .init(),
                    batchSize: 10,
                    limit: 10
                )
                #expect(try await store.requeueRecords(call).result == .applied)
                expected = ["2", "1", "1", "1", "0"]
            }
            #expect(try await Self.copies(database, plan.job) == expected)
        }
    }

    /// One runner after the other may report; the row of the job, which all calls need, is written every ten seconds.
    @Test func `are copied every ten seconds, and nobody waits for them`() async throws {
        try await TrackingDatabase.use { database in
            try await database.makeClockMovable()
            let plan = try await PlannedJob.make(database.store(), batches: [[1, 2], [3]])
            try await Self.report(plan)
            let (claim, batches) = try await plan.claim()
            _ = try await plan.complete(#require(batches.first), claim)
            try await Self.report(plan, "host:2")
            #expect(try await Self.copies(database, plan.job)[0] == "0")
            try await database.advance(by: .seconds(11))
            let holder = PostgresConnection(try database.login)
            _ = try await holder.run("BEGIN; SELECT 1 FROM public.ingestion_job FOR UPDATE")
            try await Self.report(plan, "host:1")
            _ = try await holder.run("ROLLBACK")
            #expect(try await Self.copies(database, plan.job)[0] == "0", "another call holds the row")
            try await Self.report(plan, "host:1")
            #expect(try await Self.copies(database, plan.job)[0] == "1")
        }
    }

    @Test func `of runners go with their job`() async throws {
        try await TrackingDatabase.use { database in
            let plan = try await PlannedJob.make(database.store(), batches: [[1]])
            try await Self.report(plan)
            try await database.run("DELETE FROM public.ingestion_job")
            #expect(try await database.run("SELECT count(*) FROM public.ingestion_runner") == [["0"]])
        }
    }
}
