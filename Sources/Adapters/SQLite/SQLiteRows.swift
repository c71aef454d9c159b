import FoundationEssentials
import GRDB
import Migration

/// A row of an answer, whose columns are read by name.
///
/// A damaged page or another program may have put anything there. GRDB's own subscript ends the process where a column has
/// another kind of value than is expected, and arithmetic ends it where a number is too large.
struct SQLiteRow {
    /// Larger than any time, count or amount that is written: sums of a few still fit into 64 bits.
    private static let largest: Int64 = 1 << 60
    /// The columns that may hold any number of 64 bits: ids of records, and limits as a server tells them.
    private static let anyNumber: Set<String> = [
        "record_id", "plan_cursor", "plan_upper", "first", "last", "tokens_per_minute", "requests_per_minute",
    ]

    private let row: Row

    init(_ row: Row) { self.row = row }

    /// The value of a column; an optional is nil for NULL.
    ///
    /// - Throws: `UnreadableColumn` when the column has another kind of value, or a number that is never written.
    subscript<Value: DatabaseValueConvertible>(column: String) -> Value {
        get throws {
            guard let value = try? row.decode(Value.self, forColumn: column), Self.isPossible(value, column) else {
                throw UnreadableColumn(name: column)
            }
            return value
        }
    }

    /// The value of a column that holds JSON.
    func json<Value: Decodable>(_ column: String) throws -> Value {
        let text: String = try self[column]
        guard let value = try? JSONDecoder().decode(Value.self, from: Data(text.utf8)) else {
            throw UnreadableColumn(name: column)
        }
        return value
    }

    private static func isPossible(_ value: some DatabaseValueConvertible, _ column: String) -> Bool {
        switch value {
        case let number as Int64: number.magnitude <= largest.magnitude || anyNumber.contains(column)
        case let number as Int: Int32(exactly: number) != nil || anyNumber.contains(column)
        default: true
        }
    }
}

/// A column has a value that this program does not write.
struct UnreadableColumn: Error { let name: String }

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
    let totalBatches: Int
    let totalRecords: Int64
    let serviceFailuresBaseline: Int64
    let removedBaseline: Int64
    let historyCutAt: String?
    private let row: SQLiteRow

    init(_ row: SQLiteRow) throws {
        self.row = row
        id = try row["id"]
        targetKey = try row["target_key"]
        guard let status = JobStatus(rawValue: try row["status"]) else {
            throw UnreadableColumn(name: "status")
        }
        self.status = status
        configHash = try row["config_hash"]
        settings = try JobSettings(
            maxRetries: row["max_retries"],
            leaseSeconds: row["lease_seconds"],
            batchTimeoutSeconds: row["batch_timeout_seconds"],
            backoffBaseSeconds: row["backoff_base_seconds"],
            backoffCapSeconds: row["backoff_cap_seconds"],
            recordEvents: row["record_events"]
        )
        planCursor = try row["plan_cursor"]
        isSealed = try row["is_sealed"]
        nextBatchNumber = try row["next_batch_number"]
        currentRound = try row["current_round"]
        epoch = try row["controller_epoch"]
        lastRequestID = try row["last_request_id"]
        lastRequestResult = try row["last_request_result"]
        finishedAt = try (row["finished_at"] as Int64?).map { DatabaseTime(microseconds: $0) }
        isDeleting = try row["is_deleting"]
        totalBatches = try row["total_batches"]
        totalRecords = try row["total_records"]
        serviceFailuresBaseline = try row["service_failures_baseline"]
        removedBaseline = try row["removed_baseline"]
        historyCutAt = try row["history_cut_at"]
    }

    var servers: JobServers {
        get throws { try row.json("servers") }
    }

    var hasWholeHistory: Bool { settings.recordEvents && historyCutAt == nil }

    /// The job as clients see it.
    var summary: JobSummary {
        get throws {
            try JobSummary(
                id: id,
                targetKey: targetKey,
                status: status,
                configHash: configHash,
                config: row.json("config"),
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
                servers: servers,
                historyCutAt: historyCutAt
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

    init(_ row: SQLiteRow) throws {
        number = try row["batch_number"]
        round = try row["round"]
        recordCount = try row["record_count"]
        guard let status = BatchStatus(rawValue: try row["status"]) else {
            throw UnreadableColumn(name: "status")
        }
        self.status = status
        attempt = try row["attempt"]
        retryCount = try row["retry_count"]
        nextRetryAt = DatabaseTime(microseconds: try row["next_retry_at"])
        workerID = try row["worker_id"]
        leaseExpiresAt = try (row["lease_expires_at"] as Int64?).map { DatabaseTime(microseconds: $0) }
        deadlineAt = try (row["deadline_at"] as Int64?).map { DatabaseTime(microseconds: $0) }
        counts = try BatchCounts(
            processed: row["processed_count"],
            skipped: row["skipped_count"],
            failed: row["failed_count"],
            missing: row["missing_count"]
        )
        moved = try row["moved_count"]
        lastOutcome = try row["last_outcome"]
        errorCode = try row["error_code"]
        errorMessage = try row["error_message"]
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
