/// Reports what a runner does, or what it waits for.
///
/// It decides nothing and is never repeated: the next report replaces a lost one.
package struct ReportRunner: JobCall {
    package static let function = "report_runner"

    package var job: JobID
    /// The name of the process: host and process id.
    package var runner: String
    package var report: RunnerReport

    package init(job: JobID, runner: String, report: RunnerReport) {
        self.job = job
        self.runner = runner
        self.report = report
    }

    package struct Answer: Codable, Sendable, Equatable {
        package var result: JobPresence

        package init(result: JobPresence) { self.result = result }
    }
}

/// Lists a job's runners by name: which ones are at work or silent, and why they wait.
package struct ListIngestionRunners: JobCall {
    package static let function = "list_ingestion_runners"

    package var job: JobID
    package var filter: Filter
    /// Continue above this name.
    @ExplicitNull package var after: String?
    /// 1…1000 rows per page.
    package var limit: Int

    package init(job: JobID, filter: Filter = Filter(), after: String? = nil, limit: Int = 1000) {
        self.job = job
        self.filter = filter
        self.after = after
        self.limit = limit
    }

    package typealias Answer = ListPage<RunnerSummary, String>

    /// Every given condition must hold.
    package struct Filter: Codable, Sendable, Equatable {
        /// Only runners that were seen within this many milliseconds.
        package var seenWithinMs: Int?

        package init(seenWithinMs: Int? = nil) { self.seenWithinMs = seenWithinMs }
    }
}
