/// A job's counters, or the recount of its tables.
///
/// `pending` to `failed` count batches by status, `processed` to `missing` count the records of ended batches, `claims`
/// to `defers` count all attempts and their ends.
package struct JobStats: Codable, Sendable, Equatable {
    package var result: JobPresence
    /// The job; nil when not found.
    package var job: JobSummary?
    package var pending: Int
    package var processing: Int
    package var completed: Int
    package var failed: Int
    package var processed: Int64
    package var skipped: Int64
    package var failedRecords: Int64
    package var missing: Int64
    package var claims: Int64
    package var retries: Int64
    package var reaps: Int64
    package var releases: Int64
    package var defers: Int64
    /// Records that were given up for reasons outside their content; a requeue does not lower this number.
    package var serviceFailures: Int64
    /// `serviceFailures` when the job was last resumed or requeued.
    package var serviceFailuresBaseline: Int64
    /// Records whose points were deleted because the record was gone or blank.
    package var removed: Int64
    /// `removed` when the job was last resumed or requeued.
    package var removedBaseline: Int64
    /// Tokens that the ends of attempts have reported as billed; what dead workers have paid is unknown and not
    /// included.
    package var billedTokens: Int64
    /// Their price when they were billed, in billionths of a dollar.
    package var billedNanodollars: Int64
    /// Only in the recount: whether the counters equal it.
    package var equal: Bool?

    package init(
        result: JobPresence,
        job: JobSummary?,
        pending: Int,
        processing: Int,
        completed: Int,
        failed: Int,
        processed: Int64,
        skipped: Int64,
        failedRecords: Int64,
        missing: Int64,
        claims: Int64,
        retries: Int64,
        reaps: Int64,
        releases: Int64,
        defers: Int64,
        serviceFailures: Int64 = 0,
        serviceFailuresBaseline: Int64 = 0,
        removed: Int64 = 0,
        removedBaseline: Int64 = 0,
        billedTokens: Int64 = 0,
        billedNanodollars: Int64 = 0,
        equal: Bool?
    ) {
        self.result = result
        self.job = job
        self.pending = pending
        self.processing = processing
        self.completed = completed
        self.failed = failed
        self.processed = processed
        self.skipped = skipped
        self.failedRecords = failedRecords
        self.missing = missing
        self.claims = claims
        self.retries = retries
        self.reaps = reaps
        self.releases = releases
        self.defers = defers
        self.serviceFailures = serviceFailures
        self.serviceFailuresBaseline = serviceFailuresBaseline
        self.removed = removed
        self.removedBaseline = removedBaseline
        self.billedTokens = billedTokens
        self.billedNanodollars = billedNanodollars
        self.equal = equal
    }
}
