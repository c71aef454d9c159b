/// Deletes an ended job with everything that belongs to it, page by page.
///
/// From the first page on the job is cancelled and cannot be opened again. After an interruption the next call
/// continues, also if the job's row was deleted by hand.
package struct DeleteIngestionJob: JobCall {
    package static let function = "delete_ingestion_job"

    package var job: JobID
    /// 1…10000 batches, dead letters and events per call.
    package var limit: Int
    /// Only if it ended at least this long ago; nil = whenever it ended.
    @ExplicitNull package var olderThanMs: Int64?

    package init(job: JobID, limit: Int, olderThanMs: Int64?) {
        self.job = job
        self.limit = limit
        self.olderThanMs = olderThanMs
    }

    package typealias Answer = DeletionAnswer
}

/// Deletes the events of an ended job, page by page, the oldest first; the job stays.
package struct DeleteIngestionEvents: JobCall {
    package static let function = "delete_ingestion_events"

    package var job: JobID
    /// 1…10000 events per call.
    package var limit: Int
    /// Only if the job ended at least this long ago; nil = whenever it ended.
    @ExplicitNull package var olderThanMs: Int64?

    package init(job: JobID, limit: Int, olderThanMs: Int64?) {
        self.job = job
        self.limit = limit
        self.olderThanMs = olderThanMs
    }

    package typealias Answer = DeletionAnswer
}

/// The rows that one page of a deletion has deleted.
package struct DeletionAnswer: Codable, Sendable, Equatable {
    package var result: Result
    /// Batches, each with the list of its records.
    package var batches: Int
    /// Dead letters.
    package var failures: Int
    package var events: Int
    /// Whether there is more: call again.
    package var more: Bool

    package init(result: Result, batches: Int = 0, failures: Int = 0, events: Int = 0, more: Bool = false) {
        self.result = result
        self.batches = batches
        self.failures = failures
        self.events = events
        self.more = more
    }

    package enum Result: String, Codable, Sendable, CaseIterable {
        /// Done; without `more`, everything is deleted.
        case applied
        /// The job is open: nothing was changed.
        case open
        /// The job ended too recently: nothing was changed.
        case tooYoung = "too_young"
        /// Nothing is stored about such a job; also the answer to a repeat of the last page.
        case notFound = "not_found"
    }
}

/// Lists all jobs with the facts that decide whether they may be deleted, newest first.
package struct ListIngestionRetention: TrackingCall {
    package static let function = "list_ingestion_retention"

    /// Continue below this number.
    @ExplicitNull package var after: JobID?
    /// 1…1000 rows per page.
    package var limit: Int

    package init(after: JobID?, limit: Int) {
        self.after = after
        self.limit = limit
    }

    package typealias Answer = ListPage<RetentionSummary, JobID>
}

/// Counts the rows of a job.
package struct GetIngestionJobRows: JobCall {
    package static let function = "get_ingestion_job_rows"

    package var job: JobID

    package init(job: JobID) { self.job = job }

    package struct Answer: Codable, Sendable, Equatable {
        package var batches: Int64
        /// Dead letters, open or not.
        package var failures: Int64
        package var events: Int64
        /// All rows, including the records of the batches, the counters, and the job's own row.
        package var rows: Int64

        package init(batches: Int64, failures: Int64, events: Int64, rows: Int64) {
            self.batches = batches
            self.failures = failures
            self.events = events
            self.rows = rows
        }
    }
}
