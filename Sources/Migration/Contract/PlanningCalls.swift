/// Asks which version of the SQL is installed; also the probe for PostgREST's schema cache.
package struct SchemaVersion: TrackingCall {
    package static let function = "schema_version"

    package init() {}

    package struct Answer: Codable, Sendable, Equatable {
        /// The version of the installed SQL.
        package var version: Int
        /// The lowest client version that may use it.
        package var minClient: Int
        /// Missing parts, such as `table ingestion_quota`; nil if nothing is missing.
        package var missing: [String]?

        package init(version: Int, minClient: Int, missing: [String]? = nil) {
            self.version = version
            self.minClient = minClient
            self.missing = missing
        }
    }
}

/// Opens the one open job of a target, or joins it, and asks for its controller lease.
///
/// It opens at most one job per token: repeated after that job has ended, it answers the ended job as `resumed`.
package struct OpenIngestionJob: TrackingCall {
    package static let function = "open_ingestion_job"

    /// The name of the pair of source table and collection.
    package var targetKey: String
    /// SHA-256 of everything that shapes the written points.
    package var configHash: String
    /// The values behind the hash, and `limit` if the job has one.
    package var config: [String: String]
    /// The settings that all workers share; used only when the job is created.
    package var settings: JobSettings
    /// The caller's host and process, for people.
    package var controllerId: String
    /// A UUID that proves later calls come from the same controller.
    package var token: String
    /// Whether to move `pending` to `running`; never resumes a paused job.
    package var start: Bool

    package init(
        targetKey: String,
        configHash: String,
        config: [String: String],
        settings: JobSettings,
        controllerId: String,
        token: String,
        start: Bool
    ) {
        self.targetKey = targetKey
        self.configHash = configHash
        self.config = config
        self.settings = settings
        self.controllerId = controllerId
        self.token = token
        self.start = start
    }

    package struct Answer: Codable, Sendable, Equatable {
        package var result: Result
        /// Whether the caller plans or only works.
        package var role: Role
        /// Number of the present controller lease; it only rises.
        package var epoch: Int
        /// The job; with `config_mismatch`, it has the stored configuration.
        package var job: JobSummary

        package init(result: Result, role: Role, epoch: Int, job: JobSummary) {
            self.result = result
            self.role = role
            self.epoch = epoch
            self.job = job
        }
    }

    /// Whether the job is new, joined or refused.
    package enum Result: String, Codable, Sendable, CaseIterable {
        /// No job was open.
        case created
        /// An open job with the same configuration.
        case resumed
        /// An open job with another configuration: nothing changed.
        case configMismatch = "config_mismatch"
    }

    /// Whether the caller holds the controller lease.
    package enum Role: String, Codable, Sendable, CaseIterable {
        /// The caller plans.
        case controller
        /// Another runner plans; ask again every half TTL.
        case follower
    }
}

/// Extends the controller lease; every 10 seconds.
package struct RenewController: JobCall {
    package static let function = "renew_controller"

    package var job: JobID
    package var epoch: Int
    package var token: String

    package init(job: JobID, epoch: Int, token: String) {
        self.job = job
        self.epoch = epoch
        self.token = token
    }

    package struct Answer: Codable, Sendable, Equatable {
        /// `lost` = stop planning.
        package var result: Result
        /// Milliseconds until it runs out.
        package var ttlMs: Int

        package init(result: Result, ttlMs: Int) {
            self.result = result
            self.ttlMs = ttlMs
        }
    }

    /// Whether the controller lease still belongs to the caller.
    package enum Result: String, Codable, Sendable, CaseIterable {
        /// Extended.
        case ok
        /// Another runner holds it.
        case lost
    }
}

/// Stores one page of the plan: a compare-and-set on the cursor, so the plan is always an exact prefix of the source order.
package struct AppendIngestionBatches: JobCall {
    package static let function = "append_ingestion_batches"

    package var job: JobID
    package var epoch: Int
    package var token: String
    /// The last planned id that the caller knows; nil = before everything.
    @ExplicitNull package var expectedCursor: RecordID?
    /// Ids strictly ascending over the whole page and above the cursor; at most 1 MB.
    package var batches: [[RecordID]]

    package init(job: JobID, epoch: Int, token: String, expectedCursor: RecordID?, batches: [[RecordID]]) {
        self.job = job
        self.epoch = epoch
        self.token = token
        self.expectedCursor = expectedCursor
        self.batches = batches
    }

    package struct Answer: Codable, Sendable, Equatable {
        package var result: Result
        /// The present last planned id.
        package var cursor: RecordID?
        /// Number of the next batch.
        package var nextNumber: Int

        package init(result: Result, cursor: RecordID?, nextNumber: Int) {
            self.result = result
            self.cursor = cursor
            self.nextNumber = nextNumber
        }
    }

    package enum Result: String, Codable, Sendable, CaseIterable {
        case appended
        /// The page was stored before: the first answer was lost.
        case duplicate
        /// The cursor is elsewhere; nothing changed.
        case cursorMismatch = "cursor_mismatch"
        /// The controller lease does not belong to the caller.
        case lost
        /// The plan is complete already.
        case sealed
        /// The job is not open.
        case closed
    }
}

/// Declares the plan complete.
package struct SealIngestionPlan: JobCall {
    package static let function = "seal_ingestion_plan"

    package var job: JobID
    package var epoch: Int
    package var token: String
    /// The last planned id that the caller knows; nil = nothing was planned.
    @ExplicitNull package var expectedCursor: RecordID?
    /// Highest id that was to be planned.
    @ExplicitNull package var upper: RecordID?
    /// Rows counted in the source; used only in the report.
    @ExplicitNull package var sourceCount: Int64?

    package init(
        job: JobID,
        epoch: Int,
        token: String,
        expectedCursor: RecordID?,
        upper: RecordID?,
        sourceCount: Int64?
    ) {
        self.job = job
        self.epoch = epoch
        self.token = token
        self.expectedCursor = expectedCursor
        self.upper = upper
        self.sourceCount = sourceCount
    }

    package struct Answer: Codable, Sendable, Equatable {
        package var result: Result

        package init(result: Result) { self.result = result }
    }

    package enum Result: String, Codable, Sendable, CaseIterable {
        case sealed
        case alreadySealed = "already_sealed"
        /// The cursor is elsewhere; nothing changed.
        case cursorMismatch = "cursor_mismatch"
        /// The controller lease does not belong to the caller.
        case lost
        /// The job is not open.
        case closed
    }
}
