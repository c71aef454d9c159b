import Engine
import Migration
import Terminal

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
