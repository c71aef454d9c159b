/// Ends attempts that a person names, as the reaper ends those whose lease has run out.
///
/// The budget pays, the batches may be claimed again at once, and what their workers say later is `lost`.
package struct ReleaseIngestionBatches: JobCall {
    package static let function = "release_ingestion_batches"

    /// The error code of a batch that was released.
    package static let code = "released_by_operator"
    package static let message = "a person has released it"
    /// The longest age that can be named: ten years, in milliseconds.
    package static let ageMaxMs: Int64 = 315_360_000_000

    package var job: JobID
    /// Which batches; at least one condition.
    package var filter: Filter
    /// 1…1000 batches a call.
    package var limit: Int
    /// Only say what would be done.
    package var dryRun: Bool

    package init(job: JobID, filter: Filter, limit: Int, dryRun: Bool) {
        self.job = job
        self.filter = filter
        self.limit = limit
        self.dryRun = dryRun
    }

    /// Which batches at work; every given condition must hold.
    package struct Filter: Codable, Sendable, Equatable {
        /// Of this worker, or of all workers of this runner (`host:pid`) or host.
        package var worker: String?
        /// Claimed so long ago, or longer.
        package var olderThanMs: Int64?
        package var batchNumbers: [Int]?
        /// Claimed at this time of the database or before, in ISO 8601: what the dry run answered.
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
        /// Batches whose budget was used up: given up.
        package var failed: Int
        /// Records of both.
        package var records: Int64
        /// Batches of both whose lease lived: somebody may be at work on them.
        package var alive: Int
        /// Whether the limit cut it short.
        package var more: Bool
        /// Up to when the batches were claimed that this answer is about.
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

/// Makes a job's counters what a recount of its tables says; work goes on meanwhile.
package struct RecountIngestionJob: JobCall {
    package static let function = "recount_ingestion_job"

    package var job: JobID

    package init(job: JobID) { self.job = job }

    package struct Answer: Codable, Sendable, Equatable {
        package var result: JobPresence
        /// The counters that were wrong.
        package var changes: [Change]
        /// Batches that were left as no call leaves them.
        package var batches: Int
        /// Open dead letters of records that are to be done again.
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
        /// As the stats name it, or `total_batches` or `total_records`.
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
