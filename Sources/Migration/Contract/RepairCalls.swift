/// Ends attempts that an operator names, in the same way as the reaper ends attempts with expired leases.
///
/// Each uses one retry; the batches may be claimed again at once, and later calls of their workers get `lost`.
package struct ReleaseIngestionBatches: JobCall {
    package static let function = "release_ingestion_batches"

    /// The error code of a batch that was released.
    package static let code = "released_by_operator"
    package static let message = "a person has released it"
    /// The longest age in a filter: ten years, in milliseconds.
    package static let ageMaxMs: Int64 = 315_360_000_000

    package var job: JobID
    /// Selects batches; at least one condition.
    package var filter: Filter
    /// 1…1000 batches per call.
    package var limit: Int
    /// Only report what would be done.
    package var dryRun: Bool

    package init(job: JobID, filter: Filter, limit: Int, dryRun: Bool) {
        self.job = job
        self.filter = filter
        self.limit = limit
        self.dryRun = dryRun
    }

    /// Selects batches at work; every given condition must hold.
    package struct Filter: Codable, Sendable, Equatable {
        /// Batches of this worker, or of all workers of this runner (`host:pid`) or host.
        package var worker: String?
        /// Batches claimed at least this long ago.
        package var olderThanMs: Int64?
        package var batchNumbers: [Int]?
        /// Batches claimed not later than this database time, in ISO 8601: the dry run has answered it.
        package var claimedUntil: String?

        package init(
            worker: String? = nil,
            olderThanMs: Int64? = nil,
            batchNumbers: [Int]? = nil,
            claimedUntil: String? = nil
        ) {
            self.worker = worker
            self.olderThanMs = olderThanMs
            self.batchNumbers = batchNumbers
            self.claimedUntil = claimedUntil
        }
    }

    package struct Answer: Codable, Sendable, Equatable {
        package var result: JobPresence
        /// Batches that may be claimed again.
        package var released: Int
        /// Batches that had no retry left and are given up.
        package var failed: Int
        /// Records of both.
        package var records: Int64
        /// How many of these batches had a valid lease: workers may still process them.
        package var alive: Int
        /// Whether the limit was reached.
        package var more: Bool
        /// The latest claim time of the batches in this answer.
        package var claimedUntil: String

        package init(
            result: JobPresence,
            released: Int,
            failed: Int,
            records: Int64,
            alive: Int,
            more: Bool,
            claimedUntil: String
        ) {
            self.result = result
            self.released = released
            self.failed = failed
            self.records = records
            self.alive = alive
            self.more = more
            self.claimedUntil = claimedUntil
        }
    }
}

/// Sets a job's counters to a recount of its tables; work goes on meanwhile.
package struct RecountIngestionJob: JobCall {
    package static let function = "recount_ingestion_job"

    package var job: JobID

    package init(job: JobID) { self.job = job }

    package struct Answer: Codable, Sendable, Equatable {
        package var result: JobPresence
        /// The counters that were wrong.
        package var changes: [Change]
        /// Batches in a state that no call produces.
        package var batches: Int
        /// Open dead letters of records that are to be processed again.
        package var letters: Int
        /// Whether there are more such batches: call again.
        package var more: Bool

        package init(result: JobPresence, changes: [Change], batches: Int, letters: Int, more: Bool) {
            self.result = result
            self.changes = changes
            self.batches = batches
            self.letters = letters
            self.more = more
        }
    }

    /// One counter.
    package struct Change: Codable, Sendable, Equatable {
        /// The counter's name in the stats, or `total_batches` or `total_records`.
        package var name: String
        package var from: Int64
        package var to: Int64

        package init(name: String, from: Int64, to: Int64) {
            self.name = name
            self.from = from
            self.to = to
        }
    }
}
