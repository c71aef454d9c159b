import Foundation
import Migration
import Testing

@testable import SQLite

/// What no program of ours writes: a damaged page, or a person with another program.
@Suite struct `A tracking file with a value of another kind` {
    /// A file with a job in the middle of its life: batches of each status, a failure, events, a quota and a runner.
    private static func file(in folder: TrackingFolder) async throws -> SQLiteScene {
        let store = try await SQLiteJobStore.open(folder.file)
        let scene = try await SQLiteScene.planned(store, batches: 5, maxRetries: 0)
        for outcome in [BatchOutcome.completed, .failed] {
            let claim = UUID().uuidString
            let batch = try #require(try await scene.claim(claim).batches.first)
            _ = try await scene.finish(batch, claim, outcome)
        }
        _ = try await scene.claim(Self.claim)
        _ = try await store.perform(ReportQuota(quota: "q", report: Self.quota))
        _ = try await store.perform(ReportRunner(job: scene.job, runner: "r", report: Self.runner))
        return scene
    }

    private static let claim = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
    private static let quota = QuotaReport(tokensPerMinute: 1000, requestsPerMinute: 10, throttledMs: 5)
    private static let runner = RunnerReport(
        host: "h",
        workers: 1,
        held: 1,
        batches: 1,
        records: 1,
        state: "working",
        sinceMs: 1,
        startedMs: 1
    )

    /// Every kind of call that reads rows, those that end the job last.
    private static func calls(_ scene: SQLiteScene) -> [any TrackingCall] {
        let job = scene.job
        return [
            GetIngestionJobStats(job: job), GetIngestionJobStatsExact(job: job), GetIngestionJobRows(job: job),
            ListIngestionJobs(job: nil, filter: .init(), after: nil, limit: 10),
            ListIngestionBatches(job: job, filter: .init(), after: nil, limit: 10),
            ListIngestionFailures(job: job, filter: .init(), after: nil, limit: 10),
            ListIngestionEvents(job: job, filter: .init(), after: nil, limit: 10),
            ListIngestionRunners(job: job, filter: .init(), after: nil, limit: 10),
            ListIngestionQuotas(after: nil, limit: 10), ListIngestionRetention(after: nil, limit: 10),
            ReserveQuota(quota: "q", cost: 100, maxWaitMs: 1000), ReportQuota(quota: "q", report: quota),
            ReportRunner(job: job, runner: "r", report: runner),
            JoinIngestionJob(job: job, configHash: "hash", controllerId: "c", token: UUID().uuidString),
            RenewController(job: job, epoch: scene.epoch, token: scene.token),
            SealIngestionPlan(
                job: job,
                epoch: scene.epoch,
                token: scene.token,
                expectedCursor: 5,
                upper: 5,
                sourceCount: nil
            ),
            BumpBatchProgress(
                job: job,
                worker: "worker",
                items: [HeartbeatItem(batchNumber: 2, attempt: 1, claimId: claim, counts: BatchCounts())]
            ),
            ClaimNextBatch(job: job, worker: "w", claimId: claim, limit: 1, configHash: "hash", floor: nil),
            ClaimNextBatch(
                job: job,
                worker: "w",
                claimId: UUID().uuidString,
                limit: 1,
                configHash: "hash",
                floor: nil
            ),
            FinishBatch(
                job: job,
                batchNumber: 2,
                attempt: 1,
                claimId: claim,
                outcome: .released,
                counts: nil,
                failedRecords: [],
                retryAfterMs: nil,
                error: nil
            ),
            ResetStuckBatches(job: job, limit: 10, full: true), RecountIngestionJob(job: job),
            RequeueFailedBatches(
                job: job,
                requestId: UUID().uuidString,
                filter: RequeueFilter(),
                isolate: true,
                limit: 10
            ),
            RequeueFailedRecords(
                job: job,
                requestId: UUID().uuidString,
                filter: RequeueFilter(),
                batchSize: 10,
                limit: 10
            ),
            FinalizeIngestionJob(job: job), ControlIngestionJob(job: job, action: .cancel, reason: nil),
            DeleteIngestionEvents(job: job, limit: 10, olderThanMs: 0),
            DeleteIngestionJob(job: job, limit: 10, olderThanMs: 0),
        ]
    }

    /// The columns of all tables, as `table.column`.
    private static func columns(_ store: SQLiteJobStore) async throws -> [(table: String, column: String)] {
        try await store.run(
            """
            SELECT t.name, c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c
            WHERE t.name LIKE 'ingestion%' AND t.type = 'table' ORDER BY 1, 2
            """
        ).compactMap { row in
            guard let table = row[0], let column = row[1] else { return nil }
            return (table, column)
        }
    }

    /// Makes the tables accept any value.
    private static func unlock(_ store: SQLiteJobStore) async throws {
        for statement in [
            "PRAGMA foreign_keys = OFF", "PRAGMA ignore_check_constraints = ON", "PRAGMA writable_schema = ON",
            """
            UPDATE sqlite_master SET sql = replace(replace(replace(replace(sql, 'IS NOT NULL', 'NOTNULL'),
                ' NOT NULL', ''), ') STRICT, ', ') '), ') STRICT', ')') WHERE type = 'table' AND name LIKE 'ingestion%'
            """,
            "PRAGMA writable_schema = RESET",
        ] { _ = try await store.run(statement) }
    }

    @Test(arguments: ["NULL", "'text'", "x'ff00'", "9223372036854775807", "-9223372036854775808", "-5", "1e300"])
    func `is told in a sentence or does no harm, and never ends the process`(value: String) async throws {
        let original = try TrackingFolder()
        defer { withExtendedLifetime(original) {} }
        let scene = try await Self.file(in: original)
        let director = try #require(scene.store as? SQLiteJobStore)
        let columns = try await Self.columns(director)
        #expect(columns.count > 100)
        var (planted, told) = (0, 0)
        for (table, column) in columns {
            let folder = try TrackingFolder()
            defer { withExtendedLifetime(folder) {} }
            _ = try await director.run("VACUUM INTO '\(folder.file)'")
            do {
                let store = try await SQLiteJobStore.open(folder.file)
                try await Self.unlock(store)
                let update = "UPDATE OR IGNORE \(table) SET \(column) = \(value)"
                if await storeFailure({ _ = try await store.run(update) }) == nil { planted += 1 }
                for call in Self.calls(scene.over(store)) {
                    guard let failure = await storeFailure({ _ = try await store.perform(call) }) else { continue }
                    told += 1
                    // No number is left after the largest one.
                    let isExpected = failure.kind == .rejected || column == "id" && failure.kind == .full
                    #expect(isExpected, "\(table).\(column), \(call): \(failure)")
                    #expect(!failure.detail.contains("\n"))
                }
            }
            // Another boot reads the leases and the clock.
            let boot = MachineClock(
                boot: "other",
                machine: SQLiteClock.system.machineID,
                wall: SQLiteClock.system.wall()
            )
            let failure = await storeFailure { _ = try await SQLiteJobStore.open(folder.file, clock: boot.clock) }
            #expect(failure == nil || failure?.kind == .rejected, "\(table).\(column): \(String(describing: failure))")
        }
        #expect(planted > columns.count * 3 / 4)
        #expect(told > 20)
    }

    @Test func `names the file and the column`() async throws {
        let folder = try TrackingFolder()
        defer { withExtendedLifetime(folder) {} }
        let scene = try await Self.file(in: folder)
        let store = try #require(scene.store as? SQLiteJobStore)
        try await Self.unlock(store)
        _ = try await store.run("UPDATE ingestion_job SET status = NULL")
        let failure = await storeFailure { _ = try await scene.exactStats() }
        #expect(failure?.kind == .rejected)
        for words in [folder.file, "in the column status", "set TRACKING_FILE to a new file"] {
            #expect(failure?.detail.contains(words) == true, "\(String(describing: failure))")
        }
    }

    @Test func `the history of a job that has no events is cut without harm`() async throws {
        let folder = try TrackingFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = try await SQLiteJobStore.open(folder.file)
        let scene = try await SQLiteScene.planned(store, batches: 1)
        let claim = UUID().uuidString
        let batch = try #require(try await scene.claim(claim).batches.first)
        _ = try await scene.finish(batch, claim)
        _ = try await store.perform(FinalizeIngestionJob(job: scene.job))
        for _ in 0..<2 {
            let answer = try await store.perform(DeleteIngestionEvents(job: scene.job, limit: 100, olderThanMs: 0))
            #expect(answer.result == .applied)
        }
    }
}
