import Adapters
import Engine
import Migration
import Testing

/// Numbers that other programs state, of any size: no calculation with them may trap.
@Suite struct `Numbers from outside` {
    private static let numbers = [
        Int.min, -(1 << 62), -1, 0, 1, 83, 84, 1000, 1_000_000_000, 1_000_000_001, 1 << 53, .max / 12, .max / 12 + 1,
        1 << 62, .max - 1, .max,
    ]

    @Test(arguments: numbers)
    func `limit a request to something between one token and all`(limit: Int) {
        let limits = OpenAIEmbedder.requestLimits.sharing(tokensPerMinute: limit)
        #expect((1...290_000).contains(limits.tokensMax))
        #expect(limits.tokensMax == 1 || limit >= 167)
    }

    @Test(arguments: numbers)
    func `are limits only between 1 and a billion`(limit: Int) {
        let limits = EmbedderLimits(tokensPerMinute: limit, requestsPerMinute: limit)
        #expect(limits.isUnknown == !(1...1_000_000_000).contains(limit))
        #expect(limits.tokensPerMinute == limits.requestsPerMinute)
    }

    @Test(arguments: [
        (Duration.seconds(1), 1.0), (.seconds(599), 599), (.seconds(600), 600), (.seconds(601), 600),
        (.seconds(86_400), 600), (.seconds(Int64.max), 600), (.milliseconds(-5), 0.1), (.zero, 0.1),
        (.seconds(Int64.min), 0.1), (.nanoseconds(1), 0.1),
    ])
    func `are waits of ten minutes at most`(asked: Duration, waited: Double) {
        let decision = RetryPolicy.provider.decide(.throttled(retryAfter: asked), tries: 1, jitter: 0)
        #expect(decision == .wait(.seconds(waited)))
    }

    @Test(arguments: [
        (Duration.seconds(1), 1000), (.milliseconds(-1500), -1500), (.seconds(Int64.max), .max),
        (.seconds(Int64.min), .min), (.milliseconds(Int.max), .max), (.milliseconds(Int.min), .min),
        (.nanoseconds(999_999), 0), (.seconds(Int64.max / 1000), Int.max / 1000 * 1000), (.zero, 0),
        (.seconds(Int64.max / 1000 + 1), .max),
    ])
    func `are whole milliseconds, or the nearest there are`(duration: Duration, milliseconds: Int) {
        #expect(duration.milliseconds == milliseconds)
    }

    @Test(arguments: [0, 1, 99, 100, 101, Int64.max / 2, .max - 1, .max], [1, 100, 1000])
    func `are records that an estimate is made for`(records: Int64, batchSize: Int) {
        let estimate = CostEstimate(
            records: records,
            sample: CostEstimate.Sample(
                records: 1,
                unusable: 0,
                bytes: .max,
                tokens: .max,
                chunks: .max,
                sparseTerms: .max
            ),
            batchSize: batchSize,
            limits: OpenAIEmbedder.requestLimits,
            pricePerMillion: 0.02,
            quota: 1
        )
        #expect(estimate.batches == records / Int64(batchSize) + (records % Int64(batchSize) == 0 ? 0 : 1))
        #expect(estimate.tokens >= 0 && estimate.chunks >= 0 && estimate.requests >= 0)
    }
}
