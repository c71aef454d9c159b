import Migration
import Terminal

/// A job's counters, for the report at the end of a run and for `migrate status`.
struct JobReport {
    let stats: JobStats
    /// Tokens that this process has embedded; nil if unknown.
    let tokens: Int64?
    let pricePerMillionTokens: Double
    /// How long this process has worked; nil if unknown.
    let elapsed: Duration?

    init(_ stats: JobStats, tokens: Int64? = nil, pricePerMillionTokens: Double = 0, elapsed: Duration? = nil) {
        self.stats = stats
        self.tokens = tokens
        self.pricePerMillionTokens = pricePerMillionTokens
        self.elapsed = elapsed
    }

    /// The exit code for the job's state.
    var exitStatus: ExitStatus {
        switch stats.job?.status {
        case .completed: stats.failedRecords == 0 ? .complete : .incomplete
        case .failed, .cancelled, nil: .incomplete
        case .pending, .running, .paused: .stopped
        }
    }

    var text: String { text(saysNext: true) }

    func text(saysNext: Bool) -> String {
        guard let job = stats.job else { return "There is no such job." }
        let planned = job.sealed ? "planned" : "planned so far"
        let records = [
            "\(Format.count(job.totalRecords)) \(planned)", "\(Format.count(stats.processed)) processed",
            "\(Format.count(stats.skipped)) skipped", "\(Format.count(stats.failedRecords)) failed",
            "\(Format.count(stats.missing)) missing",
        ]
        let left = job.totalRecords - stats.recordsDone
        var lines = ["Job \(job.id): \(job.status.rawValue)" + (job.reason.map { " (\($0))" } ?? "")]
        var batches = "\(Format.count(Int64(job.totalBatches))): \(stats.completed) completed, \(stats.failed) failed"
        if job.status.isOpen { batches += ", \(stats.processing) processing, \(stats.pending) pending" }
        lines.append("  batches  \(batches)")
        lines.append(
            "  records  " + records.joined(separator: ", ") + (left > 0 ? ", \(Format.count(left)) to do" : "")
        )
        if stats.retries + stats.reaps + stats.defers > 0 {
            // Attempts that the reaper has ended use the budget too: they are among the retries.
            let tries = Format.plural(stats.retries, "attempt")
            lines.append("  again    \(tries), \(stats.reaps) after a dead runner; \(stats.defers) deferred")
        }
        if let tokens {
            let cost = Double(tokens) / 1e6 * pricePerMillionTokens
            lines.append("  tokens   \(Format.count(tokens)) embedded by this run, about \(Format.dollars(cost))")
        }
        if stats.billedTokens > 0 {
            let dollars = Format.dollars(Double(stats.billedNanodollars) / 1e9)
            lines.append("  paid     \(Format.count(stats.billedTokens)) tokens by all runs, \(dollars)")
        }
        if let elapsed { lines.append("  took     \(Format.duration(elapsed))" + speed(over: elapsed)) }
        lines.append("  times    started \(Format.time(job.startTime)), ended \(Format.time(job.endTime))")
        if saysNext, let next { lines += ["", next] }
        return lines.joined(separator: "\n")
    }

    /// The next step for a person.
    var next: String? {
        switch stats.job?.status {
        case .completed where stats.failedRecords == 0: "Next: `migrate verify` proves that nothing is missing."
        case .completed, .failed: "Next: `migrate failures` names what failed, `migrate retry` gives it another try."
        case .paused: "Next: `migrate resume` hands out its batches again."
        case .pending, .running: "Next: `migrate run` goes on with it."
        case .cancelled, nil: nil
        }
    }

    private func speed(over elapsed: Duration) -> String {
        let seconds = elapsed / .seconds(1)
        guard let tokens, tokens > 0, seconds > 1 else { return "" }
        return ", \(Format.short(Double(tokens) / seconds * 60)) tokens/min"
    }
}

/// The report for programs.
struct JobReportDocument: Encodable {
    let type = "summary"
    let stats: JobStats
    let tokens: Int64?
    let cost: Double?
    let seconds: Double?
    let exitCode: Int32

    /// - Parameters:
    ///   - report: the report in the document.
    ///   - status: the exit code, if it is not that of the job's state.
    init(_ report: JobReport, _ status: ExitStatus? = nil) {
        stats = report.stats
        tokens = report.tokens
        cost = report.tokens.map { Double($0) / 1e6 * report.pricePerMillionTokens }
        seconds = report.elapsed.map { $0 / .seconds(1) }
        exitCode = (status ?? report.exitStatus).rawValue
    }
}
