import GRDB
import Migration

/// A row of `ingestion_job`.
struct SQLiteJob {
    let id: JobID
    let targetKey: String
    let status: JobStatus
    let configHash: String
    let settings: JobSettings
    let planCursor: RecordID?
    let isSealed: Bool
    let nextBatchNumber: Int
    let currentRound: Int
    let epoch: Int
    let lastRequestID: String?
    let lastRequestResult: String?
    let finishedAt: DatabaseTime?
    let isDeleting: Bool
    private let row: Row

    init(_ row: Row) throws {
        self.row = row
        id = row["id"]
        targetKey = row["target_key"]
        guard let status = JobStatus(rawValue: row["status"]) else {
            throw PortFailure(.rejected, "job \(row["id"] as JobID) has an unknown status")
        }
        self.status = status
        configHash = row["config_hash"]
        settings = JobSettings(
            maxRetries: row["max_retries"],
            leaseSeconds: row["lease_seconds"],
            batchTimeoutSeconds: row["batch_timeout_seconds"],
            backoffBaseSeconds: row["backoff_base_seconds"],
            backoffCapSeconds: row["backoff_cap_seconds"],
            recordEvents: row["record_events"]
        )
        planCursor = row["plan_cursor"]
        isSealed = row["is_sealed"]
        nextBatchNumber = row["next_batch_number"]
        currentRound = row["current_round"]
        epoch = row["controller_epoch"]
        lastRequestID = row["last_request_id"]
        lastRequestResult = row["last_request_result"]
        finishedAt = (row["finished_at"] as Int64?).map { DatabaseTime(microseconds: $0) }
        isDeleting = row["is_deleting"]
    }

    var servers: JobServers {
        get throws { try SQLiteTransaction.value(JobServers.self, row["servers"]) }
    }

    var totalBatches: Int { row["total_batches"] }
    var totalRecords: Int64 { row["total_records"] }
    var serviceFailuresBaseline: Int64 { row["service_failures_baseline"] }
    var removedBaseline: Int64 { row["removed_baseline"] }
    var hasWholeHistory: Bool { settings.recordEvents && (row["history_cut_at"] as String?) == nil }

    /// The job as clients see it.
    var summary: JobSummary {
        get throws {
            JobSummary(
                id: id,
                targetKey: targetKey,
                status: status,
                configHash: configHash,
                config: try SQLiteTransaction.value([String: String].self, row["config"]),
                settings: settings,
                planCursor: planCursor,
                planUpper: row["plan_upper"],
                sealed: isSealed,
                nextBatchNumber: nextBatchNumber,
                totalBatches: totalBatches,
                totalRecords: totalRecords,
                sourceCount: row["source_count"],
                currentRound: currentRound,
                controllerId: row["controller_id"],
                createdAt: row["created_at"],
                startTime: row["start_time"],
                endTime: row["end_time"],
                reason: row["reason"],
                servers: try servers,
                historyCutAt: row["history_cut_at"]
            )
        }
    }
}

/// A row of `ingestion_batch`.
struct SQLiteBatch {
    let number: Int
    let round: Int
    let recordCount: Int
    let status: BatchStatus
    let attempt: Int
    let retryCount: Int
    let nextRetryAt: DatabaseTime
    let workerID: String?
    let leaseExpiresAt: DatabaseTime?
    let deadlineAt: DatabaseTime?
    let counts: BatchCounts
    let moved: Int
    let lastOutcome: String?
    let errorCode: String?
    let errorMessage: String?

    init(_ row: Row) throws {
        number = row["batch_number"]
        round = row["round"]
        recordCount = row["record_count"]
        guard let status = BatchStatus(rawValue: row["status"]) else {
            throw PortFailure(.rejected, "batch \(row["batch_number"] as Int) has an unknown status")
        }
        self.status = status
        attempt = row["attempt"]
        retryCount = row["retry_count"]
        nextRetryAt = DatabaseTime(microseconds: row["next_retry_at"])
        workerID = row["worker_id"]
        leaseExpiresAt = (row["lease_expires_at"] as Int64?).map { DatabaseTime(microseconds: $0) }
        deadlineAt = (row["deadline_at"] as Int64?).map { DatabaseTime(microseconds: $0) }
        counts = BatchCounts(
            processed: row["processed_count"],
            skipped: row["skipped_count"],
            failed: row["failed_count"],
            missing: row["missing_count"]
        )
        moved = row["moved_count"]
        lastOutcome = row["last_outcome"]
        errorCode = row["error_code"]
        errorMessage = row["error_message"]
    }
}

/// The counters of a job, or what a call adds to them.
struct SQLiteCounters: Equatable {
    var completedBatches: Int64 = 0
    var failedBatches: Int64 = 0
    var inFlight: Int64 = 0
    var processed: Int64 = 0
    var skipped: Int64 = 0
    var failed: Int64 = 0
    var missing: Int64 = 0
    var claims: Int64 = 0
    var retries: Int64 = 0
    var reaps: Int64 = 0
    var releases: Int64 = 0
    var defers: Int64 = 0
    var serviceFailures: Int64 = 0
    var removed: Int64 = 0
    var billedTokens: Int64 = 0
    var billedNanodollars: Int64 = 0

    /// Adds the records of a batch that has ended, or takes them away.
    mutating func add(_ counts: BatchCounts, sign: Int64 = 1) {
        processed += sign * Int64(counts.processed)
        skipped += sign * Int64(counts.skipped)
        failed += sign * Int64(counts.failed)
        missing += sign * Int64(counts.missing)
    }

    /// The columns of `ingestion_counter`.
    static var columns: [(name: String, path: WritableKeyPath<Self, Int64>)] {
        [
            ("completed_batches", \.completedBatches), ("failed_batches", \.failedBatches), ("in_flight", \.inFlight),
            ("processed", \.processed), ("skipped", \.skipped), ("failed", \.failed), ("missing", \.missing),
            ("claims", \.claims), ("retries", \.retries), ("reaps", \.reaps), ("releases", \.releases),
            ("defers", \.defers), ("service_failures", \.serviceFailures), ("removed", \.removed),
            ("billed_tokens", \.billedTokens), ("billed_nanodollars", \.billedNanodollars),
        ]
    }
}
