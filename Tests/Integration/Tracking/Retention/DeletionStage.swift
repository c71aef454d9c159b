import Foundation
import Migration
import Testing

@testable import Adapters

/// Jobs with something in every table, and what the database has of each.
struct DeletionStage: Sendable {
    let database: TrackingDatabase
    let store: RPCJobStore

    init(_ database: TrackingDatabase, connectionsMax: Int = 8) throws {
        self.database = database
        store = try database.store(connectionsMax: connectionsMax)
    }

    /// Every table with rows of jobs, also tables that are added later, and the column that names the job.
    static func tables(_ database: TrackingDatabase) async throws -> [(name: String, column: String)] {
        let rows = try await database.run(
            """
            SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
                AND (a.attname = 'job_id' OR c.relname = 'ingestion_job' AND a.attname = 'id')
            ORDER BY 1
            """
        )
        return try rows.map { (try #require($0[0]), try #require($0[1])) }
    }

    /// How many rows each table has of a job.
    func rows(of job: JobID) async throws -> [String: Int] {
        var found: [String: Int] = [:]
        for table in try await Self.tables(database) {
            let rows = try await database.run(
                "SELECT count(*) FROM public.\(table.name) WHERE \(table.column) = \(job)"
            )
            found[table.name] = Int(try #require(rows[0][0]))
        }
        return found
    }

    /// Everything of a job as text, whatever the tables are.
    func content(of job: JobID) async throws -> String {
        var text = ""
        for table in try await Self.tables(database) {
            let rows = try await database.run(
                "SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM public.\(table.name) t WHERE \(table.column) = \(job)"
            )
            text += "\(table.name) \(rows[0][0] ?? "-")\n"
        }
        return text
    }

    /// A failed job: of so many batches of three records every third has failed, every third has two dead letters, and the
    /// others are completed.
    func failedJob(batches: Int) async throws -> JobID {
        let plan = try await PlannedJob.make(
            store,
            batches: (0..<batches).map { Array(RecordID(3 * $0)..<RecordID(3 * $0 + 3)) },
            settings: JobSettings(maxRetries: 0, leaseSeconds: 120, batchTimeoutSeconds: 600)
        )
        while true {
            let (claim, taken) = try await plan.claim(16)
            if taken.isEmpty { break }
            for batch in taken { try await Self.end(batch, claim, plan) }
        }
        let report = RunnerReport(host: "h", workers: 1, held: 0, batches: 1, records: 3, state: "idle")
        let noted = try await store.reportRunner(ReportRunner(job: plan.job, runner: "h:1", report: report))
        try #require(noted.result == .ok)
        let end = try await store.finalize(FinalizeIngestionJob(job: plan.job))
        try #require(end.status == .failed)
        return plan.job
    }

    private static func end(_ batch: ClaimedBatch, _ claim: String, _ plan: PlannedJob) async throws {
        let kind = batch.batchNumber % 3
        let letters = batch.recordIds.prefix(kind == 1 ? 2 : 0).map {
            FailedRecord(recordId: $0, stage: .embed, code: "c", message: "m", permanent: false)
        }
        let counts = [BatchCounts(failed: 3), BatchCounts(processed: 1, failed: 2), BatchCounts(processed: 3)][kind]
        let answer = try await plan.store.finish(
            FinishBatch(
                job: plan.job,
                batchNumber: batch.batchNumber,
                attempt: batch.attempt,
                claimId: claim,
                outcome: kind == 0 ? .failed : .completed,
                counts: counts,
                failedRecords: Array(letters),
                retryAfterMs: nil,
                error: nil
            )
        )
        try #require(answer.result == .applied)
    }

    /// Deletes a job to its end, page by page, on a connection of its own; contention is waited for.
    func delete(_ job: JobID, limit: Int, on store: RPCJobStore) async throws -> [DeletionAnswer] {
        var answers: [DeletionAnswer] = []
        while answers.last.map({ $0.more }) ?? true {
            let failure = await trackingFailure {
                answers.append(try await store.deleteJob(DeleteIngestionJob(job: job, limit: limit, olderThanMs: nil)))
            }
            if let failure, failure.kind != .unavailable, failure.kind != .outcomeUnknown { throw failure }
        }
        return answers
    }
}
