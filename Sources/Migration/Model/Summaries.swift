/// A job as the store describes it to people and to controllers.
package struct JobSummary: Codable, Sendable, Equatable {
    package var id: JobID
    /// The name of the pair of source table and collection.
    package var targetKey: String
    package var status: JobStatus
    /// SHA-256 of everything that shapes the written points.
    package var configHash: String
    /// The values behind the hash, and `limit` if the job has one.
    package var config: [String: String]
    package var settings: JobSettings
    /// Last planned id; nil before the first page.
    package var planCursor: RecordID?
    /// Highest id that is planned; nil until sealed.
    package var planUpper: RecordID?
    /// Whether the plan is complete.
    package var sealed: Bool
    /// Number of the next planned batch.
    package var nextBatchNumber: Int
    /// Batches planned so far, later rounds included.
    package var totalBatches: Int
    /// Records planned so far; exact.
    package var totalRecords: Int64
    /// Rows that were counted in the source when the plan was complete; used only in the report.
    package var sourceCount: Int64?
    /// Highest round of any requeue.
    package var currentRound: Int
    /// The controller, or the last one.
    package var controllerId: String?
    /// ISO 8601, UTC.
    package var createdAt: String
    /// `metadata.start_time`: when it first ran.
    package var startTime: String?
    /// `metadata.end_time`: when it became final.
    package var endTime: String?
    /// Why it was paused or cancelled, in the operator's words.
    package var reason: String?
    /// The servers that the job has used.
    package var servers: JobServers
    /// When its events were last pruned: earlier events are not listed any more; nil if they are complete.
    package var historyCutAt: String?

    package init(
        id: JobID,
        targetKey: String,
        status: JobStatus,
        configHash: String,
        config: [String: String],
        settings: JobSettings,
        planCursor: RecordID?,
        planUpper: RecordID?,
        sealed: Bool,
        nextBatchNumber: Int,
        totalBatches: Int,
        totalRecords: Int64,
        sourceCount: Int64?,
        currentRound: Int,
        controllerId: String?,
        createdAt: String,
        startTime: String?,
        endTime: String?,
        reason: String?,
        servers: JobServers = JobServers(),
        historyCutAt: String? = nil
    ) {
        self.id = id
        self.targetKey = targetKey
        self.status = status
        self.configHash = configHash
        self.config = config
        self.settings = settings
        self.planCursor = planCursor
        self.planUpper = planUpper
        self.sealed = sealed
        self.nextBatchNumber = nextBatchNumber
        self.totalBatches = totalBatches
        self.totalRecords = totalRecords
        self.sourceCount = sourceCount
        self.currentRound = currentRound
        self.controllerId = controllerId
        self.createdAt = createdAt
        self.startTime = startTime
        self.endTime = endTime
        self.reason = reason
        self.servers = servers
        self.historyCutAt = historyCutAt
    }
}

/// A batch as the store describes it to people and to `verify`.
package struct BatchSummary: Codable, Sendable, Equatable {
    /// Dense from 0 within the job.
    package var batchNumber: Int
    package var status: BatchStatus
    /// 0 = planned from the source, n = made by the n-th requeue.
    package var round: Int
    /// Its records, ascending.
    package var recordIds: [RecordID]
    /// Claims so far.
    package var attempt: Int
    /// Retries since the last requeue.
    package var retryCount: Int
    /// Absolute counts: of the running attempt, or final.
    package var counts: BatchCounts
    /// Records handed to a later round.
    package var moved: Int
    /// The worker that holds it, or held it last.
    package var workerId: String?
    /// Milliseconds until it may be claimed; 0 = now.
    package var nextRetryMs: Int
    /// The outcome of the last attempt, `reaped` included.
    package var lastOutcome: String?
    package var errorCode: String?
    package var errorMessage: String?

    package init(
        batchNumber: Int,
        status: BatchStatus,
        round: Int,
        recordIds: [RecordID],
        attempt: Int,
        retryCount: Int,
        counts: BatchCounts,
        moved: Int,
        workerId: String?,
        nextRetryMs: Int,
        lastOutcome: String?,
        errorCode: String?,
        errorMessage: String?
    ) {
        self.batchNumber = batchNumber
        self.status = status
        self.round = round
        self.recordIds = recordIds
        self.attempt = attempt
        self.retryCount = retryCount
        self.counts = counts
        self.moved = moved
        self.workerId = workerId
        self.nextRetryMs = nextRetryMs
        self.lastOutcome = lastOutcome
        self.errorCode = errorCode
        self.errorMessage = errorMessage
    }
}

/// A dead letter: one record that was given up.
package struct FailureSummary: Codable, Sendable, Equatable {
    package var recordId: RecordID
    package var batchNumber: Int
    /// The attempt that gave it up.
    package var attempt: Int
    package var stage: FailureStage
    /// A short stable word for programs.
    package var code: String
    /// A sentence for people.
    package var message: String
    /// Whether a retry without a change of the record is pointless.
    package var permanent: Bool
    /// ISO 8601, UTC.
    package var firstAt: String
    /// ISO 8601, UTC.
    package var lastAt: String
    /// How often it was given up.
    package var times: Int
    /// Set by a requeue; nil while it is open.
    package var resolvedAt: String?

    package init(
        recordId: RecordID,
        batchNumber: Int,
        attempt: Int,
        stage: FailureStage,
        code: String,
        message: String,
        permanent: Bool,
        firstAt: String,
        lastAt: String,
        times: Int,
        resolvedAt: String?
    ) {
        self.recordId = recordId
        self.batchNumber = batchNumber
        self.attempt = attempt
        self.stage = stage
        self.code = code
        self.message = message
        self.permanent = permanent
        self.firstAt = firstAt
        self.lastAt = lastAt
        self.times = times
        self.resolvedAt = resolvedAt
    }
}

/// One transition of a batch, in the order in which the row locks were held.
package struct EventSummary: Codable, Sendable, Equatable {
    /// Ascending, not dense.
    package var id: Int64
    /// ISO 8601, UTC.
    package var at: String
    /// The batch, or nil for an event of the job.
    package var batchNumber: Int?
    package var attempt: Int?
    /// The claim id.
    package var claimId: String?
    package var workerId: String?
    /// What happened.
    ///
    /// One of `claimed`, `completed`, `failed`, `release`, `defer`, `reaped`, `requeued`, `planned`, `sealed`, `paused`, …
    package var kind: String
    /// Further values, depending on the kind; never record text.
    package var detail: [String: String]

    package init(
        id: Int64,
        at: String,
        batchNumber: Int?,
        attempt: Int?,
        claimId: String?,
        workerId: String?,
        kind: String,
        detail: [String: String]
    ) {
        self.id = id
        self.at = at
        self.batchNumber = batchNumber
        self.attempt = attempt
        self.claimId = claimId
        self.workerId = workerId
        self.kind = kind
        self.detail = detail
    }
}

/// The present state of a quota.
package struct QuotaSummary: Codable, Sendable, Equatable {
    /// The name of host, model, organisation and key.
    package var quota: String
    /// 0 = unknown: nothing is reserved.
    package var tokensPerMinute: Int
    /// 0 = unknown: nothing is reserved.
    package var requestsPerMinute: Int
    /// Share of the limits that is used, at most 0.975.
    package var share: Double
    /// Milliseconds for which all runners still wait.
    package var pauseMs: Int
    /// Milliseconds until everything reserved is sent.
    package var reservedMs: Int
    /// Set while no runner may send requests, with the reason.
    package var stopReason: String?

    package init(
        quota: String,
        tokensPerMinute: Int,
        requestsPerMinute: Int,
        share: Double,
        pauseMs: Int,
        reservedMs: Int,
        stopReason: String?
    ) {
        self.quota = quota
        self.tokensPerMinute = tokensPerMinute
        self.requestsPerMinute = requestsPerMinute
        self.share = share
        self.pauseMs = pauseMs
        self.reservedMs = reservedMs
        self.stopReason = stopReason
    }
}

/// The facts that decide whether a job may be deleted.
package struct RetentionSummary: Codable, Sendable, Equatable {
    package var jobId: JobID
    /// The job; nil if its row was deleted by hand and dead letters, events or counters were left behind.
    package var job: JobSummary?
    /// Milliseconds of the database clock since it became final; nil while it is open.
    package var endedMs: Int64?
    /// Whether its deletion has begun.
    package var deleting: Bool
    /// Whether it has any events.
    package var hasEvents: Bool

    package init(jobId: JobID, job: JobSummary?, endedMs: Int64?, deleting: Bool, hasEvents: Bool) {
        self.jobId = jobId
        self.job = job
        self.endedMs = endedMs
        self.deleting = deleting
        self.hasEvents = hasEvents
    }
}

extension JobSummary {
    /// The source in the job's configuration, which is also in its points.
    package var table: String { config["source"] ?? config["table"] ?? targetKey }
}
