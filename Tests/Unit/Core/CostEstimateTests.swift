import Migration
import Testing

@Suite struct CostEstimateTests {
    @Test func `a sample is scaled up to all records`() {
        let estimate = CostEstimate(
            records: 1_000_000,
            sample: CostEstimate.Sample(
                records: 100,
                unusable: 2,
                bytes: 200_000,
                tokens: 50_000,
                chunks: 150,
                sparseTerms: 15_000
            ),
            batchSize: 100,
            limits: RequestLimits(inputsMax: 2048, tokensMax: 12_000),
            pricePerMillion: 0.02,
            quota: 1_000_000
        )
        #expect(estimate.batches == 10_000)
        #expect(estimate.tokens == 500_000_000)
        #expect(estimate.requests == 50_000)
        #expect(abs(estimate.cost - 10) < 1e-9)
        #expect(estimate.meanSparseTerms == 100)
        #expect(abs((estimate.hours ?? 0) - 8.547) < 0.001)
    }
}
