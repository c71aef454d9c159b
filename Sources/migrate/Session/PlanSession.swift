import Migration
import Settings
import Terminal

/// `migrate plan`: an estimate for the whole table from a sample.
struct PlanSession: Sendable {
    let estimator: PlanEstimator
    let table: String
    let target: Settings.Target
    let batchSize: Int

    /// - Throws: `CommandEnd` when there are no rows.
    func run(limit: Int?) async throws -> PlanReport {
        guard let (records, sample) = try await estimator.measure(limit: limit) else {
            throw CommandEnd(.incomplete, "\(table) has no rows: there is nothing to migrate")
        }
        let estimate = CostEstimate(
            records: records,
            sample: sample,
            batchSize: batchSize,
            limits: Wiring.requestLimits.sharing(tokensPerMinute: target.tokensPerMinute),
            pricePerMillion: target.pricePerMillionTokens,
            quota: target.tokensPerMinute
        )
        return PlanReport(table: table, estimate: estimate, sample: sample)
    }
}
