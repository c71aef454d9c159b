import Migration
import Terminal

/// `migrate prune` and `migrate delete` with any store.
struct RetentionSession: Sendable {
    let store: any JobStore
    let console: Console
    let isJSON: Bool

    /// Rows per page: takes a fraction of a second, also on a slow disk (docs/operations.md).
    static let pageRows = 1_000

    /// The console for sentences: with JSON on standard error.
    private var prose: Console { isJSON ? console.aside : console }

    /// Deletes what the store may forget, after a question that lists it.
    ///
    /// - Throws: `CommandEnd` when a person answers no, or no person can answer.
    func prune(_ retention: Retention, isDryRun: Bool, isSure: Bool) async throws {
        let plan = retention.plan(try await jobs())
        var report = RetentionReport(isDryRun: isDryRun)
        for departure in plan.departures {
            report.jobs.append(.init(departure.job, departure.reason.rawValue, try await rows(of: departure.job.jobId)))
        }
        for history in plan.histories {
            var count = try await rows(of: history.jobId)
            count = .init(batches: 0, failures: 0, events: count.events, rows: count.events)
            report.histories.append(.init(history, Retention.Reason.old.rawValue, count))
        }
        report.needed = plan.needed.map(\.jobId)
        guard !report.isEmpty else {
            if isJSON { return console.out(try JSONText.of(report)) }
            let age = Format.duration(retention.olderThan)
            return console.out("Nothing to delete: no job that may be deleted ended \(age) ago or earlier.")
        }
        if !isJSON || !isDryRun && !isSure { prose.out(report.text) }
        if !isDryRun {
            try await prose.confirm("Delete \(report.summary) for good?", isSure: isSure, default: false)
            for index in report.jobs.indices {
                // Jobs without a row, and jobs whose deletion has begun, are deleted whatever their age.
                let isOld = report.jobs[index].why == Retention.Reason.old.rawValue
                try await delete(&report.jobs[index], isOld ? retention.olderThanMs : nil)
            }
            for index in report.histories.indices {
                try await cut(&report.histories[index], retention.olderThanMs)
            }
        }
        if isJSON { console.out(try JSONText.of(report)) }
    }

    /// Deletes one job, after a question.
    ///
    /// - Throws: `CommandEnd` when there is no such job, it is open, or a person answers no.
    func delete(_ job: JobID, isSure: Bool) async throws {
        let all = try await jobs()
        guard let row = all.first(where: { $0.jobId == job }) else {
            throw CommandEnd(.incomplete, "there is no job \(job)")
        }
        if let summary = row.job, summary.status.isOpen { throw Self.isOpen(summary) }
        let reason: Retention.Reason = row.job == nil ? .orphaned : row.deleting ? .interrupted : .old
        var line = RetentionReport.Line(row, reason == .old ? "named" : reason.rawValue, try await rows(of: job))
        prose.out(line.sentence)
        if let summary = row.job, !row.deleting, Retention.isNeeded(summary, among: all) {
            prose.out(
                "Only this job knows: a later run of \(summary.targetKey) will ask again which servers are "
                    + "the right ones, and whose points without a source are."
            )
        }
        try await prose.confirm("Delete job \(job) for good?", isSure: isSure, default: false)
        try await delete(&line, nil)
        if line.result == .left { throw CommandEnd(.incomplete, "job \(job) was opened again meanwhile: it stays") }
        if isJSON { console.out(try JSONText.of(line)) }
    }

    private static func isOpen(_ job: JobSummary) -> CommandEnd {
        CommandEnd(
            .incomplete,
            "job \(job.id) is \(job.status.rawValue): let it end, or end it with `migrate cancel --job \(job.id)`"
        )
    }

    private func jobs() async throws -> [RetentionSummary] {
        var all: [RetentionSummary] = []
        var after: JobID?
        repeat {
            let call = ListIngestionRetention(after: after, limit: 500)
            let page = try await patiently { () async throws(PortFailure) in try await store.retention(call) }
            all += page.rows
            after = page.next
        } while after != nil
        return all
    }

    private func rows(of job: JobID) async throws -> GetIngestionJobRows.Answer {
        try await patiently { () async throws(PortFailure) in try await store.countRows(GetIngestionJobRows(job: job)) }
    }

    private func delete(_ line: inout RetentionReport.Line, _ olderThanMs: Int64?) async throws {
        let call = DeleteIngestionJob(job: line.job, limit: Self.pageRows, olderThanMs: olderThanMs)
        try await pages(&line) { () async throws(PortFailure) in try await store.deleteJob(call) }
        let isLeft = line.result == .left
        prose.out("Job \(line.job) \(isLeft ? "was opened again meanwhile: it stays" : "is deleted").")
    }

    private func cut(_ line: inout RetentionReport.Line, _ olderThanMs: Int64) async throws {
        let call = DeleteIngestionEvents(job: line.job, limit: Self.pageRows, olderThanMs: olderThanMs)
        try await pages(&line) { () async throws(PortFailure) in try await store.deleteEvents(call) }
        prose.out(
            line.result == .left
                ? "Job \(line.job) was opened again meanwhile: its history stays."
                : "The history of job \(line.job) is deleted."
        )
    }

    /// Deletes page after page until none is left.
    private func pages(
        _ line: inout RetentionReport.Line,
        _ page: () async throws(PortFailure) -> DeletionAnswer
    ) async throws {
        while true {
            let answer = try await patiently(page)
            switch answer.result {
            case .applied where answer.more: continue
            // Nothing is left: another prune was faster, or the answer to the last page was lost.
            case .applied, .notFound: line.result = .deleted
            case .open, .tooYoung: line.result = .left
            }
            return
        }
    }
}
