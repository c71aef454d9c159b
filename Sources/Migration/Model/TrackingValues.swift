/// What may happen to a job now.
package enum JobStatus: String, Codable, Sendable, CaseIterable {
    /// Opened, not started: claims are refused.
    case pending
    /// Batches are handed out.
    case running
    /// No batch is handed out until the job is resumed.
    case paused
    /// Final: no batch failed. There may still be dead letters.
    case completed
    /// Final until a requeue: at least one batch failed.
    case failed
    /// Final: an operator ended it.
    case cancelled
}

extension JobStatus {
    /// Whether the job is open: a target has at most one open job.
    package var isOpen: Bool { self == .pending || self == .running || self == .paused }
}

/// The state of a batch.
package enum BatchStatus: String, Codable, Sendable, CaseIterable {
    /// Waiting to be claimed, now or later.
    case pending
    /// Under a lease.
    case processing
    /// Done; changes only through a requeue of its failed records.
    case completed
    /// The retry budget is used up.
    case failed
}

/// The outcome with which a worker ends an attempt.
package enum BatchOutcome: String, Codable, Sendable, CaseIterable {
    /// Every record is accounted for.
    case completed
    /// The attempt failed: uses one retry.
    case failed
    /// Given back, available at once; uses no retry.
    case released = "release"
    /// Given back, available later; uses no retry.
    case deferred = "defer"
}

/// The step at which a record was given up.
package enum FailureStage: String, Codable, Sendable, CaseIterable {
    case fetch
    case decode
    case chunk
    case embed
    case upsert
    case batch
}

/// Settings that all workers of a job share; stored with the job when it is opened.
package struct JobSettings: Codable, Sendable, Equatable {
    /// The number of retries per batch.
    package var maxRetries: Int
    /// Seconds for which a lease lasts without a heartbeat.
    package var leaseSeconds: Int
    /// Seconds from the claim to the deadline.
    package var batchTimeoutSeconds: Int
    /// Seconds of the first backoff.
    package var backoffBaseSeconds: Int
    /// Seconds that no backoff exceeds.
    package var backoffCapSeconds: Int
    /// Whether each transition is appended to `ingestion_event`.
    package var recordEvents: Bool
    /// The servers with which the job is opened; the present ones are in the job itself (`JobSummary.servers`).
    package var servers: JobServers

    package init(
        maxRetries: Int,
        leaseSeconds: Int,
        batchTimeoutSeconds: Int,
        backoffBaseSeconds: Int = 30,
        backoffCapSeconds: Int = 1800,
        recordEvents: Bool = true,
        servers: JobServers = JobServers()
    ) {
        self.maxRetries = maxRetries
        self.leaseSeconds = leaseSeconds
        self.batchTimeoutSeconds = batchTimeoutSeconds
        self.backoffBaseSeconds = backoffBaseSeconds
        self.backoffCapSeconds = backoffCapSeconds
        self.recordEvents = recordEvents
        self.servers = servers
    }

    /// The settings of a stored job contain no servers.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        maxRetries = try container.decode(Int.self, forKey: .maxRetries)
        leaseSeconds = try container.decode(Int.self, forKey: .leaseSeconds)
        batchTimeoutSeconds = try container.decode(Int.self, forKey: .batchTimeoutSeconds)
        backoffBaseSeconds = try container.decode(Int.self, forKey: .backoffBaseSeconds)
        backoffCapSeconds = try container.decode(Int.self, forKey: .backoffCapSeconds)
        recordEvents = try container.decode(Bool.self, forKey: .recordEvents)
        servers = try container.decodeIfPresent(JobServers.self, forKey: .servers) ?? JobServers()
    }
}

/// The outcomes of the records of one batch; when it ends, the four add up to its number of records.
package struct BatchCounts: Codable, Sendable, Equatable {
    /// Records whose points are all present, unchanged ones included.
    package var processed: Int
    /// Records with blank content.
    package var skipped: Int
    /// Records given up, each with a failure.
    package var failed: Int
    /// Records that had vanished from the source.
    package var missing: Int
    /// The number of skipped and missing records whose points were deleted, because the record is blank or gone.
    ///
    /// It is included in those two counts, and so not part of the sum. In JSON it is left out when it is 0.
    package var removed: Int
    /// What the attempt has paid; also reported when a batch is given back.
    ///
    /// In JSON it is left out when it is nothing.
    package var paid: Paid

    package init(
        processed: Int = 0,
        skipped: Int = 0,
        failed: Int = 0,
        missing: Int = 0,
        removed: Int = 0,
        paid: Paid = .nothing
    ) {
        self.paid = paid
        self.processed = processed
        self.skipped = skipped
        self.failed = failed
        self.missing = missing
        self.removed = removed
    }

    /// Absent `removed` is 0, absent `paid` is nothing.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        processed = try container.decode(Int.self, forKey: .processed)
        skipped = try container.decode(Int.self, forKey: .skipped)
        failed = try container.decode(Int.self, forKey: .failed)
        missing = try container.decode(Int.self, forKey: .missing)
        removed = try container.decodeIfPresent(Int.self, forKey: .removed) ?? 0
        paid = try container.decodeIfPresent(Paid.self, forKey: .paid) ?? .nothing
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(processed, forKey: .processed)
        try container.encode(skipped, forKey: .skipped)
        try container.encode(failed, forKey: .failed)
        try container.encode(missing, forKey: .missing)
        if removed != 0 { try container.encode(removed, forKey: .removed) }
        if paid != .nothing { try container.encode(paid, forKey: .paid) }
    }

    private enum CodingKeys: String, CodingKey { case processed, skipped, failed, missing, removed, paid }
}

extension BatchCounts {
    /// Records accounted for.
    package var total: Int { processed + skipped + failed + missing }

    /// The counts of two lists of records together.
    package static func + (left: BatchCounts, right: BatchCounts) -> BatchCounts {
        BatchCounts(
            processed: left.processed + right.processed,
            skipped: left.skipped + right.skipped,
            failed: left.failed + right.failed,
            missing: left.missing + right.missing,
            removed: left.removed + right.removed,
            paid: left.paid + right.paid
        )
    }

    /// Absolute progress only rises, so lost, repeated and reordered heartbeats cannot count twice.
    package mutating func raise(to other: Self) {
        processed = max(processed, other.processed)
        skipped = max(skipped, other.skipped)
        failed = max(failed, other.failed)
        missing = max(missing, other.missing)
    }
}

/// A record that could not be migrated, and why; never its text.
package struct FailedRecord: Codable, Sendable, Equatable {
    package var recordId: RecordID
    package var stage: FailureStage
    /// A short stable word for programs, for example `too_long`.
    package var code: String
    /// A sentence for people, at most 500 characters.
    package var message: String
    /// Whether a retry without a change of the record is pointless.
    package var permanent: Bool

    package init(recordId: RecordID, stage: FailureStage, code: String, message: String, permanent: Bool) {
        self.recordId = recordId
        self.stage = stage
        self.code = code
        self.message = message
        self.permanent = permanent
    }
}

extension FailedRecord {
    /// The codes of failures whose cause is the record's own content: no service could have prevented them.
    ///
    /// `ingestion_content_codes()` returns the same list in SQL.
    package static let contentCodes = ["no_member_code", "too_long", "invalid_utf8"]

    /// Whether the record was given up for a reason outside its content.
    package var isServiceFailure: Bool { !Self.contentCodes.contains(code) }
}

/// Why an attempt failed as a whole.
package struct BatchError: Codable, Sendable, Equatable {
    /// A short stable word for programs, for example `deadline`.
    package var code: String
    /// A sentence for people, at most 500 characters.
    package var message: String

    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// A batch under the caller's lease.
package struct ClaimedBatch: Codable, Sendable, Equatable {
    /// Dense from 0 within the job.
    package var batchNumber: Int
    /// The fence: it grows by 1 with each claim.
    package var attempt: Int
    /// Retries so far.
    package var retryCount: Int
    /// Exactly these records, ascending.
    package var recordIds: [RecordID]
    /// Milliseconds until the lease runs out, by the database clock.
    package var leaseMs: Int
    /// Milliseconds until the deadline, by the database clock.
    package var deadlineMs: Int

    package init(batchNumber: Int, attempt: Int, retryCount: Int, recordIds: [RecordID], leaseMs: Int, deadlineMs: Int)
    {
        self.batchNumber = batchNumber
        self.attempt = attempt
        self.retryCount = retryCount
        self.recordIds = recordIds
        self.leaseMs = leaseMs
        self.deadlineMs = deadlineMs
    }
}

/// A hint for the next claim: no claimable batch comes before it.
///
/// Opaque to clients, which only return it.
package struct ClaimFloor: Codable, Sendable, Equatable {
    /// A database timestamp, as text.
    package var nextRetryAt: String
    /// The batch number at that time.
    package var batchNumber: Int

    package init(nextRetryAt: String, batchNumber: Int) {
        self.nextRetryAt = nextRetryAt
        self.batchNumber = batchNumber
    }
}
