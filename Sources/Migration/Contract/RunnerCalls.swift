/// Says what a runner does, or what it waits for.
///
/// It decides nothing and is never repeated: a report that is lost is made good by the next one.
package struct ReportRunner: TrackingCall {
    package static let function = "report_runner"

    /// The job.
    package var job: JobID
    /// Names the process: host and process id.
    package var runner: String
    /// What it says of itself.
    package var report: RunnerReport

    /// All fields, in order.
    package init(job: JobID, runner: String, report: RunnerReport) {
        self.job = job
        self.runner = runner
        self.report = report
    }

    /// Whether it was noted.
    package struct Answer: Codable, Sendable, Equatable {
        package var result: Result

        /// All fields, in order.
        package init(result: Result) { self.result = result }
    }

    /// Whether a report was noted.
    package enum Result: String, Codable, Sendable, CaseIterable {
        /// It was.
        case ok
        /// There is no such job.
        case notFound = "not_found"
    }
}

/// What a runner says of itself; times are ages in milliseconds, by its own clock.
package struct RunnerReport: Codable, Sendable, Equatable {
    /// Where it runs.
    package var host: String
    /// Its claiming loops.
    package var workers: Int
    /// Batches under its leases.
    package var held: Int
    /// Batches that it has completed.
    package var batches: Int64
    /// Their records.
    package var records: Int64
    /// `RunnerActivity.word`, or `left`.
    package var state: String
    /// The service that it waits for.
    package var service: String?
    /// Why, at most 500 characters: a code, a person's words.
    package var reason: String?
    /// For how long it has been so; the store believes it when the state is new.
    package var sinceMs: Int
    /// When the wait ends, where that is known.
    package var untilMs: Int?
    /// For how long the process has been at work.
    package var startedMs: Int

    /// All fields, in order.
    package init(
        host: String,
        workers: Int,
        held: Int,
        batches: Int64,
        records: Int64,
        state: String,
        service: String? = nil,
        reason: String? = nil,
        sinceMs: Int = 0,
        untilMs: Int? = nil,
        startedMs: Int = 0
    ) {
        self.host = host
        self.workers = workers
        self.held = held
        self.batches = batches
        self.records = records
        self.state = state
        self.service = service
        self.reason = reason
        self.sinceMs = sinceMs
        self.untilMs = untilMs
        self.startedMs = startedMs
    }
}

/// Lists a job's runners by name: who is at work, who is silent, and why they wait.
package struct ListIngestionRunners: TrackingCall {
    package static let function = "list_ingestion_runners"

    /// The job.
    package var job: JobID
    /// Which rows; every given condition must hold.
    package var filter: Filter
    /// Go on above this name.
    @ExplicitNull package var after: String?
    /// 1…1000 rows a page.
    package var limit: Int

    /// All fields, in order.
    package init(job: JobID, filter: Filter = Filter(), after: String? = nil, limit: Int = 1000) {
        self.job = job
        self.filter = filter
        self.after = after
        self.limit = limit
    }

    /// One page.
    package struct Answer: Codable, Sendable, Equatable {
        /// At most `limit` rows, ordered by name.
        package var rows: [RunnerSummary]
        /// The name to go on after; nil at the end.
        package var next: String?

        /// All fields, in order.
        package init(rows: [RunnerSummary], next: String?) {
            self.rows = rows
            self.next = next
        }
    }

    /// Which rows.
    package struct Filter: Codable, Sendable, Equatable {
        /// Only runners that were seen within so many milliseconds.
        package var seenWithinMs: Int?

        /// All fields, in order.
        package init(seenWithinMs: Int? = nil) { self.seenWithinMs = seenWithinMs }
    }
}

/// A runner as the store knows it; times are ages in milliseconds, by the database clock.
package struct RunnerSummary: Codable, Sendable, Equatable {
    /// Names the process: host and process id.
    package var runner: String
    /// Where it runs.
    package var host: String
    /// Its claiming loops.
    package var workers: Int
    /// Batches under its leases, when it was seen.
    package var held: Int
    /// Batches that it has completed.
    package var batches: Int64
    /// Their records.
    package var records: Int64
    /// `RunnerActivity.word`, or `left`.
    package var state: String
    /// The service that it waits for.
    package var service: String?
    /// Why.
    package var reason: String?
    /// For how long it has been so.
    package var sinceMs: Int
    /// When the wait ends, where that is known.
    package var untilMs: Int?
    /// Since when it has been at work.
    package var startedMs: Int
    /// When it was heard of last.
    package var seenMs: Int
    /// Records per minute lately; nil before the first minute.
    package var recordsPerMinute: Int64?

    /// All fields, in order.
    package init(
        runner: String,
        host: String,
        workers: Int,
        held: Int,
        batches: Int64,
        records: Int64,
        state: String,
        service: String?,
        reason: String?,
        sinceMs: Int,
        untilMs: Int?,
        startedMs: Int,
        seenMs: Int,
        recordsPerMinute: Int64?
    ) {
        self.runner = runner
        self.host = host
        self.workers = workers
        self.held = held
        self.batches = batches
        self.records = records
        self.state = state
        self.service = service
        self.reason = reason
        self.sinceMs = sinceMs
        self.untilMs = untilMs
        self.startedMs = startedMs
        self.seenMs = seenMs
        self.recordsPerMinute = recordsPerMinute
    }

    /// Whether it is at work: three of its reports cannot have been lost in a row.
    package var isAlive: Bool { state != RunnerActivity.leftWord && seenMs < Self.silentMs }

    /// A runner that is silent for longer is taken for dead; it reports every half minute.
    package static let silentMs = 90_000
}
