import Migration
import Terminal

/// The result of `migrate prune`, or of its dry run.
struct RetentionReport: Encodable, Equatable {
    /// What happened to a job.
    enum Result: String, Encodable {
        case deleted
        /// It was opened again meanwhile, and stays.
        case left
    }

    /// A job, or its events.
    struct Line: Encodable, Equatable {
        let job: JobID
        /// Nil if the job's row does not exist any more.
        let target: String?
        let status: JobStatus?
        let endTime: String?
        /// `old`, `interrupted`, `orphaned`, or `named` if the command has named the job.
        let why: String
        let batches: Int64
        let failures: Int64
        let events: Int64
        let rows: Int64
        /// Nil as long as nothing was deleted.
        var result: Result?

        init(_ row: RetentionSummary, _ why: String, _ count: GetIngestionJobRows.Answer) {
            job = row.jobId
            target = row.job?.targetKey
            status = row.job?.status
            endTime = row.job?.endTime
            self.why = why
            (batches, failures, events, rows) = (count.batches, count.failures, count.events, count.rows)
        }

        /// The job and its number of rows.
        var sentence: String {
            let size = [
                Format.plural(batches, "batch", "batches"), Format.plural(failures, "failure"),
                Format.plural(events, "event"),
            ].joined(separator: ", ")
            let name = target.map { "of \($0)" } ?? "has no row any more"
            let state = status.map { ", \($0.rawValue)\(endTime.map { " at " + Format.time($0) } ?? "")" } ?? ""
            return "Job \(job) \(name)\(state): \(size); \(Format.plural(rows, "row"))."
        }
    }

    let isDryRun: Bool
    var jobs: [Line] = []
    /// Jobs that stay and lose their events.
    var histories: [Line] = []
    /// Old jobs that stay because other jobs need their information.
    var needed: [JobID] = []

    init(isDryRun: Bool) { self.isDryRun = isDryRun }

    var isEmpty: Bool { jobs.isEmpty && histories.isEmpty }

    private enum CodingKeys: String, CodingKey {
        case isDryRun = "dry_run"
        case jobs, histories, needed
    }

    /// A short summary: `2 jobs and the history of 1 (1,234 rows)`.
    var summary: String {
        var parts: [String] = []
        if !jobs.isEmpty { parts.append(Format.plural(Int64(jobs.count), "job")) }
        if !histories.isEmpty { parts.append("the history of \(Format.plural(Int64(histories.count), "job"))") }
        let rows = (jobs + histories).reduce(Int64(0)) { $0 + $1.rows }
        return "\(parts.joined(separator: " and ")) (\(Format.plural(rows, "row")))"
    }

    /// What is deleted, and what stays for another reason than its age.
    var text: String {
        var lines: [String] = []
        if !jobs.isEmpty {
            let header = ["JOB", "TABLE AND COLLECTION", "STATUS", "ENDED", "BATCHES", "FAILURES", "EVENTS", "ROWS"]
            lines.append(Table(header: header, rows: jobs.map(Self.cells)).text)
        }
        lines += histories.map {
            "Job \($0.job) of \($0.target ?? "-") stays and loses its history: \(Format.plural($0.events, "event"))."
        }
        lines += needed.map { "Job \($0) stays, although it is old: it has information that later jobs need." }
        if isDryRun { lines.append("This would delete \(summary). Nothing was changed.") }
        return lines.joined(separator: "\n")
    }

    private static func cells(_ line: Line) -> [String] {
        let state =
            switch line.why {
            case Retention.Reason.interrupted.rawValue: "being deleted"
            case Retention.Reason.orphaned.rawValue: "row is gone"
            default: line.status?.rawValue ?? "-"
            }
        let numbers = [line.batches, line.failures, line.events, line.rows].map(Format.count)
        return ["\(line.job)", line.target ?? "-", state, Format.time(line.endTime)] + numbers
    }
}
