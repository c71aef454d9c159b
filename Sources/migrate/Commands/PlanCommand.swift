import ArgumentParser
import Migration
import Settings

struct Plan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says how many records, requests and tokens, how long and what it costs.",
        discussion: """
            Reads a sample of the table and counts its tokens exactly; writes nothing and calls no other service. \
            With OPENAI_TPM it also says how many hours.

            EXAMPLES
              migrate plan
              migrate plan --where "member_code = 'M001'" --openai-tpm 1000000 --json
            """
    )

    @Option(name: .long, help: "Plan at most this many records.")
    var limit: Int?

    @Option(name: .long, help: "SQL condition that limits the plan to some rows.")
    var `where`: String?

    @OptionGroup var settings: AllSettings

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
    }

    func run() async throws {
        let wiring = try settings.wiring(.mysql)
        let names = try wiring.names(where: `where`)
        let shaping = try wiring.shaping(names)
        let estimator = PlanEstimator(
            source: try wiring.source(where: `where`),
            shaper: shaping.shaper,
            sparseEncoder: shaping.sparseEncoder
        )
        guard let (records, sample) = try await estimator.measure(limit: limit) else {
            throw CommandEnd(.incomplete, "\(names.table) has no rows: there is nothing to migrate")
        }
        let target = wiring.settings.target
        let estimate = CostEstimate(
            records: records,
            sample: sample,
            batchSize: wiring.settings.work.batchSize,
            limits: .openAI(tokensPerMinute: target.tokensPerMinute),
            pricePerMillion: target.pricePerMillionTokens,
            quota: target.tokensPerMinute
        )
        let report = PlanReport(table: names.table, estimate: estimate, sample: sample)
        Console.standard.out(settings.common.json ? try JSONText.of(report) : report.text)
    }
}
