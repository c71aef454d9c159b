import Migration
import Settings

/// `migrate run --dry-run`: everything but embedding and writing.
struct DryRunSession: Sendable {
    let engine: Engine
    let console: Console
    let stop: StopSignal

    func run(limit: Int?, isJSON: Bool) async throws -> CommandEnd {
        let paging = PlanPaging(batchSize: engine.work.batchSize, limit: limit)
        let dryRun = DryRun(ports: engine.ports, stop: stop, plan: engine.plan, paging: paging)
        let report: DryRun.Report
        do {
            report = try await dryRun.run { seen in
                if console.isTerminal, !isJSON {
                    console.live.raw("\r\u{1B}[2K\(Format.plural(Int64(seen.records), "record")) …")
                }
            }
        } catch {
            throw CommandEnd(error)
        }
        if console.isTerminal, !isJSON { console.live.raw("\r\u{1B}[2K") }
        let document = DryRunDocument(report, price: engine.target.pricePerMillionTokens)
        console.out(isJSON ? try JSONText.of(document) : document.text)
        return CommandEnd(.complete)
    }
}

/// The answer of `migrate run --dry-run`.
struct DryRunDocument: Encodable {
    struct Failure: Encodable {
        let recordId: RecordID
        let stage: String
        let code: String
        let message: String
    }

    let records: Int
    let unchanged: Int
    let skipped: Int
    let missing: Int
    let failed: [Failure]
    let points: Int
    let deletes: Int
    let requests: Int
    let tokens: Int
    let cost: Double

    init(_ report: DryRun.Report, price: Double) {
        records = report.records
        unchanged = report.unchanged
        skipped = report.skipped
        missing = report.missing
        failed = report.failed.map {
            Failure(recordId: $0.recordId, stage: $0.stage.rawValue, code: $0.code, message: $0.message)
        }
        points = report.points
        deletes = report.deletes
        requests = report.requests
        tokens = report.tokens
        cost = Double(report.tokens) / 1e6 * price
    }

    var text: String {
        let migrated = records - unchanged - skipped - missing - failed.count
        var lines = [
            "Dry run over \(Format.plural(Int64(records), "record")); nothing was embedded or written. A run would",
            "  migrate  \(Format.plural(Int64(migrated), "record")) as \(Format.plural(Int64(points), "point")), and delete \(Format.count(Int64(deletes))) older ones",
            "  pay for  \(Format.count(Int64(tokens))) tokens in \(Format.plural(Int64(requests), "request")), about \(Format.dollars(cost))",
            "  leave    \(Format.count(Int64(unchanged))) unchanged, \(Format.count(Int64(skipped))) blank, \(Format.count(Int64(missing))) vanished",
            "  fail     \(Format.count(Int64(failed.count)))",
        ]
        lines += failed.prefix(20).map { "    \($0.recordId): \($0.message)" }
        if failed.count > 20 { lines.append("    … and \(failed.count - 20) more; --json lists all") }
        return lines.joined(separator: "\n")
    }
}

extension CommandEnd {
    /// A service that could not be used, with its name and the fitting exit code.
    init(_ failure: ServiceFailure) {
        if failure.failure.code == ServiceFailure.brakedCode {
            // Nothing is wrong with the service.
            self.init(.incomplete, "nothing more was deleted: \(failure.failure.detail)")
            return
        }
        let status = ExitStatus(failure.failure.kind)
        self.init(
            status,
            status == .stopped ? failure.failure.detail : "\(failure.service.words): \(failure.failure.detail)"
        )
    }
}
