package import Migration

/// The tables of the tracking contract as values: `docs/tracking.md` §3.
///
/// Every function of the contract is one mutating method. It decides by the present rows, and either throws before its
/// first write or writes everything. Nothing here waits or knows a clock.
package struct TrackingTables: Sendable {
    /// `ingestion_job`, with the rows that belong to it; the id is the index + 1.
    package var jobs: [JobRow] = []
    /// Deleted jobs: their places in `jobs` stay, because the id is the index + 1.
    package var deletedJobs: Set<JobID> = []
    /// `ingestion_quota`, by its name.
    var quotas: [String: QuotaRow] = [:]
    /// The next id of `ingestion_event`.
    var nextEventID: Int64 = 1
    let policy: TrackingPolicy

    /// The index of a job, or nil when there is none.
    package func index(of job: JobID) -> Int? {
        job >= 1 && job <= jobs.count && !deletedJobs.contains(job) ? Int(job) - 1 : nil
    }

    /// The index of the target's one open job.
    func indexOfOpenJob(target: String) -> Int? {
        jobs.lastIndex { $0.targetKey == target && $0.status.isOpen }
    }
}

/// What one call brings to the tables: its time, its random number, and the rows it has locked.
package struct Transaction: Sendable {
    /// The transaction's start, as PostgreSQL's `now()`.
    let now: DatabaseTime
    /// The random number for the backoff: one per call, so that a call can be replayed.
    let chance: Double
    /// The batches that this call read before it locked any, in order; nil = calls do not overlap.
    let seen: [Int]?
    /// The batches this call has locked; nil = every row is free, since calls do not overlap.
    let locked: Set<Int>?

    /// Whether this call may change the row; rows that another call holds are skipped.
    func holds(_ batchNumber: Int) -> Bool { locked?.contains(batchNumber) ?? true }
}

/// A row of `ingestion_job`.
package struct JobRow: Sendable {
    package let id: JobID
    let targetKey: String
    let configHash: String
    let config: [String: String]
    let settings: JobSettings
    let createdAt: DatabaseTime
    package var status: JobStatus
    package var reason: String?
    var servers: JobServers
    let openedToken: String
    var startedAt: DatabaseTime?
    var finishedAt: DatabaseTime?

    var planCursor: RecordID?
    var planUpper: RecordID?
    var sourceCount: Int64?
    var planSealedAt: DatabaseTime?
    var totalRecords: Int64 = 0
    var currentRound = 0
    package var serviceFailuresBaseline: Int64 = 0
    package var removedBaseline: Int64 = 0

    var controllerID: String
    var controllerEpoch: Int
    var controllerToken: String
    var controllerExpiresAt: DatabaseTime

    var lastRequestID: String?
    var lastRequestAnswer: RequeueAnswer?

    /// `ingestion_batch`: the batch number is the index.
    package var batches = BatchTable()
    /// `ingestion_failure`, by record id.
    package var failures: [RecordID: FailureRow] = [:]
    /// `ingestion_counter`: sixteen rows, so that concurrent calls rarely meet on one row.
    var shards = [Counters](repeating: Counters(), count: 16)
    /// `ingestion_event`, ascending by id.
    package var events: [EventSummary] = []
    /// `ingestion_runner`, by name.
    var runners: [String: RunnerRow] = [:]

    /// How many batches, from the last one on, a deletion in progress has deleted.
    var deletedBatches = 0
    /// Whether the first page of its deletion is done; `deletion` is not NULL.
    var isBeingDeleted = false
    /// When events were last deleted.
    var historyCutAt: DatabaseTime?

    /// Batches planned so far.
    var totalBatches: Int { batches.count + deletedBatches }

    package var lease: Duration { .seconds(settings.leaseSeconds) }
    var batchTimeout: Duration { .seconds(settings.batchTimeoutSeconds) }
    var isSealed: Bool { planSealedAt != nil }

    /// The sum of the shards.
    package var counters: Counters { shards.reduce(into: Counters()) { $0 += $1 } }

    /// Sets the baselines of the brakes to the present counters: a person wants the work to go on.
    mutating func resetBrakes() {
        let counters = counters
        serviceFailuresBaseline = counters.serviceFailures
        removedBaseline = counters.removed
    }

    /// Adds to one shard, as every call does once.
    mutating func count(_ delta: Counters, at batchNumber: Int) {
        shards[batchNumber % shards.count] += delta
    }
}

/// A row of `ingestion_batch` with its record ids.
package struct BatchRow: Sendable {
    package let number: Int
    let round: Int
    package let recordIDs: [RecordID]
    package var status = BatchStatus.pending
    var nextRetryAt: DatabaseTime
    package var attempt = 0
    var retryCount = 0
    package var claimID: String?
    package var workerID: String?
    package var claimedAt: DatabaseTime?
    package var leaseExpiresAt: DatabaseTime?
    package var deadlineAt: DatabaseTime?
    var finishedAt: DatabaseTime?
    package var counts = BatchCounts()
    var moved = 0
    /// `completed`, `failed`, `release`, `defer` or `reaped`; stays until the next end.
    var lastOutcome: String?
    var error: BatchError?

    /// Whether (attempt, claim id) is the row's current or last claim: the fence.
    package func isFenced(by attempt: Int, _ claimID: String) -> Bool {
        self.attempt == attempt && self.claimID == claimID
    }
}

/// A row of `ingestion_failure`.
package struct FailureRow: Sendable {
    var batchNumber: Int
    var attempt: Int
    var stage: FailureStage
    var code: String
    var message: String
    var permanent: Bool
    var firstAt: DatabaseTime
    var lastAt: DatabaseTime
    var times: Int
    var resolvedAt: DatabaseTime?
}

/// A row of `ingestion_counter`, or a change of one.
package struct Counters: Sendable, Equatable {
    var completedBatches = 0
    var failedBatches = 0
    var inFlight = 0
    package var processed: Int64 = 0
    package var skipped: Int64 = 0
    package var failed: Int64 = 0
    package var missing: Int64 = 0
    var claims: Int64 = 0
    var retries: Int64 = 0
    var reaps: Int64 = 0
    var releases: Int64 = 0
    var defers: Int64 = 0
    package var serviceFailures: Int64 = 0
    package var removed: Int64 = 0
    var billedTokens: Int64 = 0
    var billedNanodollars: Int64 = 0

    static func += (left: inout Self, right: Self) {
        left.completedBatches += right.completedBatches
        left.failedBatches += right.failedBatches
        left.inFlight += right.inFlight
        left.processed += right.processed
        left.skipped += right.skipped
        left.failed += right.failed
        left.missing += right.missing
        left.claims += right.claims
        left.retries += right.retries
        left.reaps += right.reaps
        left.releases += right.releases
        left.defers += right.defers
        left.serviceFailures += right.serviceFailures
        left.removed += right.removed
        left.billedTokens += right.billedTokens
        left.billedNanodollars += right.billedNanodollars
    }

    /// Adds a batch's records, or subtracts them.
    mutating func addRecords(_ counts: BatchCounts, sign: Int64 = 1) {
        processed += sign * Int64(counts.processed)
        skipped += sign * Int64(counts.skipped)
        failed += sign * Int64(counts.failed)
        missing += sign * Int64(counts.missing)
    }
}

extension PortFailure {
    /// A mistake of the caller, as the SQL functions raise it: invalid_parameter_value.
    static func invalid(_ detail: String) -> Self { Self(.rejected, detail, code: "22023") }
}

/// Throws the error for a caller's mistake unless the condition holds.
func require(_ condition: Bool, _ detail: @autoclosure () -> String) throws(PortFailure) {
    if !condition { throw .invalid(detail()) }
}

/// Throws unless a text is a UUID in the usual form.
func requireUUID(_ text: String, _ parameter: String) throws(PortFailure) {
    let bytes = text.utf8.span
    var isUUID = bytes.count == 36
    for place in bytes.indices where isUUID {
        switch place {
        case 8, 13, 18, 23: isUUID = bytes[place] == UInt8(ascii: "-")
        default:
            // Digits; or letters, whose case is one bit.
            isUUID = (0x30...0x39).contains(bytes[place]) || (0x61...0x66).contains(bytes[place] | 0x20)
        }
    }
    try require(isUUID, "\(parameter) must be a UUID")
}
