import Migration

/// `migrate verify` over any ports.
struct VerifySession: Sendable {
    let engine: Engine
    let console: Console
    let stop: StopSignal

    func run(_ job: JobSummary, repairs: Bool, isJSON: Bool) async throws -> CommandEnd {
        if job.configHash != engine.configuration.hash {
            let differences = engine.configuration.differences(from: job.config).map {
                "  \($0.name): the job has \($0.stored ?? "nothing"), the settings say \($0.ours ?? "nothing")"
            }
            let head = "job \(job.id) was begun with other settings, so every point would look stale:"
            throw CommandEnd(.badSettings, ([head] + differences).joined(separator: "\n"))
        }
        let verifier = Verifier(ports: engine.ports, stop: stop, plan: engine.plan, repairs: repairs)
        let report: VerificationReport
        do {
            report = try await verifier.run(job.id) { compared in
                guard console.isTerminal, !isJSON else { return }
                console.raw(
                    "\r\u{1B}[2K\(Format.count(Int64(compared))) of \(Format.plural(job.totalRecords, "record")) compared"
                )
            }
        } catch {
            throw CommandEnd(error)
        }
        if console.isTerminal, !isJSON { console.raw("\r\u{1B}[2K") }
        let document = VerifyDocument(report)
        console.out(isJSON ? try JSONText.of(document) : document.text)
        return CommandEnd(document.isRight ? .complete : .incomplete)
    }
}

/// The answer of `migrate verify`.
struct VerifyDocument: Encodable {
    struct Finding: Encodable {
        let record: RecordID
        let batch: Int
        let kind: String
        let points: Int
        let isRepaired: Bool
    }

    let job: JobID
    let isRight: Bool
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
    let findings: [Finding]
    let failures: [FailureSummary]
    let strangerPoints: Int
    let lateRows: Int64

    init(_ report: VerificationReport) {
        job = report.stats.job?.id ?? 0
        isRight = report.isRight
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
        findings = report.findings.map {
            Finding(
                record: $0.record,
                batch: $0.batch,
                kind: $0.kind.rawValue,
                points: $0.points,
                isRepaired: $0.isRepaired
            )
        }
        failures = report.failures
        strangerPoints = report.strangers
        lateRows = report.late
    }

    private var verdict: String {
        if isRight { return "nothing is missing" }
        return addsUp && findings.allSatisfy(\.isRepaired) ? "not finished" : "something is wrong"
    }

    var text: String {
        let wrong = findings.count { !$0.isRepaired }
        let repaired = findings.count - wrong
        var lines = ["Job \(job): \(verdict)."]
        let sum =
            "\(Format.count(processed)) processed + \(Format.count(skipped)) skipped + \(Format.count(failed)) failed + \(Format.count(missing)) missing"
        lines.append(
            "  accounts  \(sum) of \(Format.count(planned)) planned" + (addsUp ? "" : ": THIS DOES NOT ADD UP")
        )
        lines.append(
            "  compared  \(Format.count(Int64(right))) right, \(Format.count(Int64(blank))) blank, \(Format.count(Int64(vanished))) vanished"
        )
        if open > 0 {
            lines.append("  open      \(Format.plural(Int64(open), "record")) not worked on yet: `migrate run`")
        }
        lines.append(
            "  wrong     \(Format.plural(Int64(wrong), "record"))"
                + (repaired > 0 ? ", \(Format.count(Int64(repaired))) repaired" : "")
        )
        lines += findings.prefix(20).map { finding in
            let remark = finding.isRepaired ? ", repaired" : ""
            return
                "    record \(finding.record) (batch \(finding.batch)): \(Format.plural(Int64(finding.points), "point")) \(finding.kind)\(remark)"
        }
        if findings.count > 20 { lines.append("    … and \(findings.count - 20) more; --json lists all") }
        lines.append(
            "  failures  \(Format.count(Int64(failures.count))) recorded"
                + (failures.isEmpty ? "" : "; `migrate retry` gives them another try")
        )
        lines += failures.prefix(20).map { "    record \($0.recordId): \($0.message)" }
        if failures.count > 20 { lines.append("    … and \(failures.count - 20) more; `migrate failures` lists all") }
        if strangerPoints > 0 {
            lines.append(
                "  others    \(Format.plural(Int64(strangerPoints), "point")) of records that were not planned"
            )
        }
        if lateRows > 0 {
            lines.append("  late      \(Format.plural(lateRows, "row")) came after the plan: work for the next job")
        }
        if wrong > 0 { lines += ["", "Next: `migrate verify --repair` mends what is wrong."] }
        return lines.joined(separator: "\n")
    }
}
