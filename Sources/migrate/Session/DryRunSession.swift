import Engine
import Migration
import Settings
import Terminal

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
