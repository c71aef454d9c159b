import ArgumentParser
import Migration
import Settings
import Terminal

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Estimates a job's records, requests and tokens, its time and its cost.",
        discussion: """
            Reads a sample of the table and counts its tokens exactly; writes nothing and calls no other service. \
            The time is only known with OPENAI_TPM.

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
        let session = PlanSession(
            estimator: PlanEstimator(try wiring.shaping, source: try wiring.source(where: `where`)),
            table: try wiring.names(where: `where`).table,
            target: wiring.settings.target,
            batchSize: wiring.settings.work.batchSize
        )
        let report = try await session.run(limit: limit)
        Console.standard.out(settings.common.json ? try JSONText.of(report) : report.text)
    }
}
