import Engine
import Migration
import Terminal

/// The answer of `migrate verify`, as JSON and as text; both match the exit code.
struct VerifyDocument: Encodable {
    struct Finding: Encodable {
        let record: RecordID
        let batch: Int
        let kind: String
        let points: Int
        let isRepaired: Bool
    }

    let job: JobID
    /// The job's table and collection.
    let target: String
    let jobStatus: String
    let verdict: String
    let exitCode: Int32
    let isRight: Bool
    let isPlanned: Bool
    let isDeep: Bool
    let addsUp: Bool
    let planned: Int64
    let processed: Int64
    let skipped: Int64
    let failed: Int64
    let missing: Int64
    let open: Int
    let right: Int
    let blank: Int
    let vanished: Int
    let wrong: Int
    let repaired: Int
    let findings: [Finding]
    let openFailures: Int
    let failures: [FailureSummary]
    let keptPoints: Int
    let strangerPoints: Int
    let lateRows: Int64
    let unplannedRows: Int64

    private let report: VerificationReport

    private enum CodingKeys: CodingKey {
        case job, target, jobStatus, verdict, exitCode, isRight, isPlanned, isDeep, addsUp, planned, processed, skipped,
            failed
        case missing, open, right, blank, vanished, wrong, repaired, findings, openFailures, failures, keptPoints
        case strangerPoints, lateRows, unplannedRows
    }

    init(_ report: VerificationReport) {
        self.report = report
        job = report.stats.job?.id ?? 0
        target = report.stats.job?.targetKey ?? ""
        jobStatus = report.stats.job?.status.rawValue ?? "unknown"
        verdict = report.verdict.rawValue
        exitCode = report.verdict.exitStatus.rawValue
        isRight = report.isRight
        isPlanned = report.isPlanned
        isDeep = report.isDeep
        addsUp = report.addsUp
        planned = report.stats.job?.totalRecords ?? 0
        processed = report.stats.processed
        skipped = report.stats.skipped
        failed = report.stats.failedRecords
        missing = report.stats.missing
        open = report.open
        right = report.right
        blank = report.blank
        vanished = report.vanished
        wrong = report.wrong
        repaired = report.findings.count - report.wrong
        findings = report.findings.map {
            Finding(
                record: $0.record,
                batch: $0.batch,
                kind: $0.kind.rawValue,
                points: $0.points,
                isRepaired: $0.isRepaired
            )
        }
        openFailures = report.failures.count
        failures = report.failures
        keptPoints = report.kept
        strangerPoints = report.strangers
        lateRows = report.late
        unplannedRows = report.unplanned
    }

    var status: ExitStatus { report.verdict.exitStatus }

    var text: String {
        ([head] + accounts + compared + failureLines + rest + advice).joined(separator: "\n")
    }

    private var head: String {
        let what =
            switch report.verdict {
            case .complete: "nothing is missing"
            case .wrong: addsUp ? "something is wrong" : "the accounts do not add up"
            case .notPlanned: "not finished planning"
            case .notFinished: "not finished"
            case .failed:
                "\(Format.plural(max(Int64(openFailures), failed), "record")) failed, everything else is right"
            }
        return "Job \(job) (\(jobStatus)): \(what)."
    }

    private var accounts: [String] {
        let sum =
            "\(Format.count(processed)) processed + \(Format.count(skipped)) skipped + \(Format.count(failed)) failed + "
            + "\(Format.count(missing)) missing"
        var lines = [
            "  accounts  \(sum) of \(Format.count(planned)) planned" + (addsUp ? "" : ": THIS DOES NOT ADD UP")
        ]
        if !isPlanned {
            let left = unplannedRows > 0 ? ", \(Format.plural(unplannedRows, "row")) are left" : ""
            lines.append("  plan      not all ids of the source are read yet\(left): `migrate run` goes on with it")
        }
        if open > 0 {
            let next = report.stats.job?.status.isOpen == true ? ": `migrate run`" : ", and this job will not do so"
            lines.append("  open      \(Format.plural(Int64(open), "record")) not worked on yet\(next)")
        }
        return lines
    }

    private var compared: [String] {
        var lines = [
            "  compared  \(Format.count(Int64(right))) right, \(Format.count(Int64(blank))) blank, "
                + "\(Format.count(Int64(vanished))) vanished" + (isDeep ? "; stored texts, too" : "")
        ]
        if vanished > 0 {
            lines.append(
                "  vanished  \(Format.plural(Int64(vanished), "planned row")) not in MySQL any more, asked twice, "
                    + "without points: nothing is lost"
            )
            if SecondLook.suggestsLag(missing: vanished, of: Int(clamping: planned)) {
                lines.append("            more than 1 %: is MYSQL_HOST a replica that lags?")
            }
        }
        lines.append(
            "  wrong     \(Format.plural(Int64(wrong), "finding"))"
                + (repaired > 0 ? ", \(Format.count(Int64(repaired))) repaired" : "")
        )
        lines += report.findings.prefix(20).map { finding in
            "    record \(finding.record) (batch \(finding.batch)): \(Format.plural(Int64(finding.points), "point")) "
                + finding.kind.words + (finding.isRepaired ? ", repaired" : "")
        }
        if findings.count > 20 { lines.append("    … and \(findings.count - 20) more; --json lists all") }
        return lines
    }

    private var failureLines: [String] {
        var lines = [
            "  failures  \(Format.count(Int64(failures.count))) recorded"
                + (failures.isEmpty ? "" : "; `migrate retry` gives them another try")
        ]
        lines += failures.prefix(20).map { "    record \($0.recordId): \($0.message)" }
        if failures.count > 20 { lines.append("    … and \(failures.count - 20) more; `migrate failures` lists all") }
        return lines
    }

    private var rest: [String] {
        var lines: [String] = []
        if keptPoints > 0 {
            lines.append(
                "  kept      \(Format.plural(Int64(keptPoints), "point")) of blank or vanished records, without a source: "
                    + "they may be another application's"
            )
        }
        if strangerPoints > 0 {
            lines.append(
                "  others    \(Format.plural(Int64(strangerPoints), "point")) of records that were not planned"
            )
        }
        if lateRows > 0 {
            lines.append("  late      \(Format.plural(lateRows, "row")) came after the plan: work for the next job")
        }
        return lines
    }

    private var advice: [String] {
        switch report.verdict {
        case .complete: []
        case .wrong where addsUp: ["", "Next: `migrate verify --repair` repairs what is wrong."]
        case .wrong: ["", "Next: `migrate repair-counters` shows which counters are wrong, and corrects them."]
        case .notPlanned, .notFinished: ["", "Next: \(report.stats.job?.status.wayOn ?? "`migrate run`")."]
        case .failed: ["", "Next: `migrate failures` says why; `migrate retry` gives them another try."]
        }
    }
}

extension JobStatus {
    /// The way from an unfinished job of this status to its end.
    fileprivate var wayOn: String {
        switch self {
        case .running, .pending: "`migrate run` works on the rest (it joins other runners), then verify again"
        case .paused: "the job is paused: `migrate resume`, and `migrate run` if no worker is left"
        case .cancelled: "the job was cancelled: `migrate run` plans a new job; existing points cost nothing again"
        case .completed, .failed: "`migrate run`"
        }
    }
}

extension VerificationReport.Verdict {
    /// The exit code of `migrate verify`.
    var exitStatus: ExitStatus {
        switch self {
        case .complete: .complete
        case .wrong, .failed: .incomplete
        case .notPlanned, .notFinished: .stopped
        }
    }
}

extension VerificationReport.Finding.Kind {
    /// The words after "2 points".
    fileprivate var words: String {
        switch self {
        case .missing: "missing"
        case .stale: "stale"
        case .unexpected: "unexpected"
        case .memberCode: "with another member_code"
        case .source: "with another source"
        case .place: "with another record, type or place in it"
        case .text: "with another text"
        }
    }
}
