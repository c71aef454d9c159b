import Adapters
import Migration
import Testing
import TextProcessing

@Suite struct RetryPolicyTests {
    let policy = RetryPolicy(base: .seconds(1), cap: .seconds(10), triesMax: 3)

    @Test func `every kind of failure has its own answer`() {
        func decide(_ kind: PortFailure.Kind) -> RetryPolicy.Decision { policy.decide(kind, tries: 1, jitter: 0) }
        #expect(decide(.unavailable) == .retry(after: .milliseconds(500)))
        #expect(decide(.outcomeUnknown) == .retry(after: .milliseconds(500)))
        #expect(decide(.unclassified) == .retry(after: .milliseconds(500)))
        #expect(decide(.throttled(retryAfter: .seconds(7))) == .wait(.seconds(7)))
        #expect(decide(.throttled(retryAfter: nil)) == .wait(.milliseconds(500)))
        #expect(decide(.rejected) == .isolate)
        #expect(decide(.unauthorised) == .stop)
        #expect(decide(.outOfMoney) == .stop)
        #expect(decide(.full) == .stop)
        #expect(decide(.cancelled) == .cancelled)
    }

    @Test func `a server that states no time to wait is still not asked at once`() {
        guard case .wait(let wait) = policy.decide(.throttled(retryAfter: .zero), tries: 1, jitter: 0) else {
            Issue.record("a throttle is waited for")
            return
        }
        #expect(wait >= .milliseconds(100))
    }

    @Test func `waits double up to the cap and lie between half and all of a step`() {
        let endless = RetryPolicy(base: .seconds(1), cap: .seconds(10), triesMax: nil)
        for (tries, step) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (99, 10)] {
            #expect(endless.decide(.unavailable, tries: tries, jitter: 0) == .retry(after: .seconds(step) * 0.5))
            #expect(endless.decide(.unavailable, tries: tries, jitter: 1) == .retry(after: .seconds(step) * 1.0))
        }
    }

    @Test func `the last try gives the work back, and being throttled costs no try`() {
        #expect(policy.decide(.unavailable, tries: 3, jitter: 0) == .giveBack)
        #expect(policy.decide(.throttled(retryAfter: .seconds(1)), tries: 1000, jitter: 0) == .wait(.seconds(1)))
    }
}

@Suite struct UnclassifiedStreakTests {
    let strange = PortFailure(.unclassified, "strange", code: "65000")

    @Test func `ends after two minutes of nothing else`() {
        var streak = UnclassifiedStreak()
        for second in [10, 11, 60, 129] { #expect(streak.verdict(on: strange, at: .seconds(second)) == nil) }
        let end = streak.verdict(on: strange, at: .seconds(130))
        #expect(end?.code == "65000" && end?.kind == .unclassified)
        #expect(end?.detail.contains("two minutes") == true)
    }

    @Test(
        arguments: [
            .unavailable, .outcomeUnknown, .throttled(retryAfter: nil), .rejected, .unauthorised, .cancelled,
        ] as [PortFailure.Kind]
    )
    func `begins anew after an answer, and after a failure that is known`(kind: PortFailure.Kind) {
        var streak = UnclassifiedStreak()
        #expect(streak.verdict(on: strange, at: .zero) == nil)
        streak.answered()
        #expect(streak.verdict(on: strange, at: .seconds(121)) == nil)
        #expect(streak.verdict(on: PortFailure(kind, "known"), at: .seconds(122)) == nil)
        for second in [242, 243, 244, 245] { #expect(streak.verdict(on: strange, at: .seconds(second)) == nil) }
        #expect(streak.verdict(on: strange, at: .seconds(362)) != nil)
    }

    @Test func `a few failures are no streak, however far apart`() {
        var streak = UnclassifiedStreak()
        for minute in 0..<4 { #expect(streak.verdict(on: strange, at: .seconds(minute * 600)) == nil) }
        #expect(streak.verdict(on: strange, at: .seconds(2400)) != nil)
    }
}

@Suite struct RequestPackerTests {
    func chunk(_ tokens: Int, bytes: Int = 1) -> ChunkToEmbed {
        ChunkToEmbed(record: 0, chunk: 0, tokens: tokens, bytes: bytes)
    }

    @Test func `requests keep inputs, tokens and bytes under their limits`() {
        let limits = RequestLimits(inputsMax: 3, tokensMax: 100)
        #expect(EmbeddingRequest.pack([], limits: limits).isEmpty)
        #expect(
            EmbeddingRequest.pack(Array(repeating: chunk(1), count: 7), limits: limits).map(\.chunks.count) == [
                3, 3, 1,
            ]
        )
        #expect(EmbeddingRequest.pack([chunk(60), chunk(40), chunk(1)], limits: limits).map(\.tokens) == [100, 1])
        #expect(EmbeddingRequest.pack([chunk(1, bytes: 300), chunk(1, bytes: 200)], limits: limits).count == 2)
    }

    @Test func `a text above the limit still gets a request, for the server to judge`() {
        let limits = RequestLimits(inputsMax: 3, tokensMax: 100)
        #expect(EmbeddingRequest.pack([chunk(5), chunk(500), chunk(5)], limits: limits).map(\.tokens) == [5, 500, 5])
    }

    @Test func `a request is at most 1.2 % of the minute's quota`() {
        #expect(OpenAIEmbedder.requestLimits.sharing(tokensPerMinute: 1_000_000).tokensMax == 12_000)
        #expect(OpenAIEmbedder.requestLimits.sharing(tokensPerMinute: nil).tokensMax == 290_000)
        #expect(OpenAIEmbedder.requestLimits.sharing(tokensPerMinute: 10).tokensMax == 1)
    }
}

@Suite struct PlanPagingTests {
    @Test func `a page holds whole batches`() {
        #expect(PlanPaging(batchSize: 100, limit: nil).pageSize(planned: 0) == 10_000)
        #expect(PlanPaging(batchSize: 300, limit: nil).pageSize(planned: 0) == 9_900)
        #expect(PlanPaging(batchSize: 1_000, limit: nil).pageSize(planned: 0) == 10_000)
    }

    @Test func `a limit is never exceeded, also by a successor`() {
        let paging = PlanPaging(batchSize: 100, limit: 10_050)
        #expect(paging.pageSize(planned: 0) == 10_000)
        #expect(paging.pageSize(planned: 10_000) == 50)
        #expect(paging.pageSize(planned: 10_050) == 0)
        #expect(paging.pageSize(planned: 20_000) == 0)
    }

    @Test func `batches partition the page in order`() {
        let batches = PlanPaging(batchSize: 3, limit: nil).batches([1, 2, 3, 4, 5, 6, 7])
        #expect(batches == [[1, 2, 3], [4, 5, 6], [7]])
    }
}

@Suite struct LeaseTrustTests {
    @Test func `a lease shorter than the margin can still be worked under`() {
        let trust = LeaseTrust(sent: .zero, lease: .seconds(2), deadline: .seconds(600))
        #expect(trust.mayWrite(at: .seconds(1)))
        #expect(!trust.mayWrite(at: .milliseconds(1600)))
    }

    @Test func `a lease is trusted from when the claim was sent, less a margin`() {
        let trust = LeaseTrust(sent: .seconds(10), lease: .seconds(120), deadline: .seconds(600))
        #expect(trust.mayWrite(at: .milliseconds(124_999)))
        #expect(!trust.mayWrite(at: .seconds(125)))
    }

    @Test func `a heartbeat extends the trust and an overtaken one never shortens it`() {
        var trust = LeaseTrust(sent: .zero, lease: .seconds(120), deadline: .seconds(600))
        trust.extend(sent: .seconds(60), lease: .seconds(120))
        trust.extend(sent: .seconds(30), lease: .seconds(120))
        #expect(trust.mayWrite(at: .seconds(174)))
        #expect(!trust.mayWrite(at: .seconds(175)))
    }

    @Test func `nothing is started in the last minute before the deadline`() {
        let trust = LeaseTrust(sent: .zero, lease: .seconds(120), deadline: .seconds(600))
        #expect(trust.mayStart(at: .milliseconds(539_999)))
        #expect(!trust.mayStart(at: .seconds(540)))
        #expect(LeaseTrust(sent: .zero, lease: .seconds(8), deadline: .seconds(30)).mayStart(at: .seconds(14)))
    }
}

@Suite struct JobConfigurationTests {
    @Test func `the hash depends on every value and on nothing else`() {
        let base = JobConfiguration(values: ["model": "a", "table": "t"])
        #expect(base.hash == JobConfiguration(values: ["table": "t", "model": "a"]).hash)
        #expect(base.hash != JobConfiguration(values: ["model": "b", "table": "t"]).hash)
        #expect(base.hash.count == 64)
    }

    @Test func `values cannot be moved between names without changing the hash`() {
        let crlf = JobConfiguration(values: ["a": "1\r\nb=\u{338}"])
        #expect(crlf.hash != JobConfiguration(values: ["a": "1\r", "b": "\u{338}"]).hash)
        let one = JobConfiguration(values: ["a": "1\nb=2"])
        let other = JobConfiguration(values: ["a": "1", "b": "2"])
        #expect(one.hash != other.hash)
    }

    @Test func `differences are named, and the limit is none of them`() {
        let ours = JobConfiguration(values: ["model": "a", "table": "t", "new": "1"])
        let stored = ["model": "b", "table": "t", "old": "2", JobConfiguration.limitKey: "10"]
        #expect(ours.differences(from: stored).map(\.name) == ["model", "new", "old"])
        #expect(ours.differences(from: ours.stored(limit: 5)).isEmpty)
    }
}

@Suite struct RecordVersionTests {
    func stored(
        _ id: UInt64,
        checksum: String? = "c",
        profile: String? = "p",
        source: String? = "t"
    ) -> StoredPoint {
        StoredPoint(
            id: PointID(high: 0, low: id),
            recordID: 1,
            kind: .child,
            parentIndex: 0,
            chunkIndex: 0,
            checksum: checksum,
            profile: profile,
            source: source,
            memberCode: "m",
            collectionIDs: []
        )
    }

    func compare(_ expected: [UInt64], _ found: [StoredPoint]) -> RecordVersion {
        .compare(expected: expected.map { PointID(high: 0, low: $0) }, checksum: "c", profile: "p", found: found)
    }

    @Test func `exactly the expected points of this version are unchanged`() {
        #expect(compare([1, 2], [stored(2), stored(1)]) == .unchanged)
    }

    @Test
    func `a missing, older or foreign point makes the record new, and only points that are not expected are stale`() {
        let one: Set = [PointID(high: 0, low: 1)]
        #expect(compare([1, 2], [stored(1)]) == .replaced(stale: [], there: one))
        #expect(compare([1, 2], [stored(1), stored(2, checksum: "old")]) == .replaced(stale: [], there: one))
        #expect(compare([1, 2], [stored(1), stored(2, profile: nil)]) == .replaced(stale: [], there: one))
        let older = stored(2, checksum: "old")
        #expect(compare([1], [stored(1, checksum: "old"), older]) == .replaced(stale: [older], there: []))
    }

    @Test func `only points of this version and without a source are marked`() {
        let found = [
            stored(1, source: nil), stored(2), stored(3, checksum: "old", source: nil),
            stored(4, profile: nil, source: nil),
            stored(5, source: nil),
        ]
        let expected = (1...4).map { PointID(high: 0, low: $0) }
        let unmarked = RecordVersion.unmarked(expected: expected, checksum: "c", profile: "p", found: found)
        #expect(unmarked == [stored(1, source: nil)])
        #expect(
            compare([1, 2], [stored(1, source: nil), stored(2)]) == .unchanged,
            "the missing key alone costs nothing"
        )
    }

    @Test(arguments: [("t", true), ("u", false), (nil, true)] as [(String?, Bool)])
    func `a source owns its own points, and unmarked ones where they are its own`(source: String?, isOurs: Bool) {
        let point = stored(1, source: source)
        #expect(PointOwner(source: "t", ownsUnmarked: true).owns(point) == isOurs)
        #expect(PointOwner(source: "t", ownsUnmarked: false).owns(point) == (source == "t"))
        for ownsUnmarked in [true, false] {
            #expect(PointOwner(source: "t", ownsUnmarked: ownsUnmarked).mayRemove(point) == (source == "t"))
        }
    }

    @Test func `older points beside the expected ones only go`() {
        let older = stored(2, checksum: "old")
        #expect(compare([1], [stored(1), older]) == .outlived(stale: [older]))
    }
}

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

@Suite struct WriteBreakerTests {
    private final class Work: Sendable {}
    private let first = Work()
    private let second = Work()

    @Test func `lets everything pass until a write fails, and again when one succeeds`() {
        var breaker = WriteBreaker()
        #expect(breaker.wait(of: first, at: .zero) == nil)
        breaker.failed(at: .seconds(1))
        #expect(breaker.wait(of: first, at: .seconds(1)) == .seconds(1), "asked again each second")
        #expect(breaker.wait(at: .seconds(15.5)) == .milliseconds(500))
        breaker.succeeded()
        #expect(breaker.wait(of: first, at: .seconds(2)) == nil)
    }

    @Test func `lets one find out at a time, later each time`() {
        var breaker = WriteBreaker()
        breaker.failed(at: .zero)
        breaker.failed(at: .seconds(10))
        #expect(breaker.wait(at: .seconds(24)) != nil, "another writer found the same")
        var now = Duration.seconds(25)
        for rest in [30, 60, 60] {
            #expect(breaker.wait(of: first, at: now) == nil)
            #expect(breaker.wait(of: second, at: now) != nil)
            #expect(breaker.wait(of: first, at: now) == nil, "it goes on with its next request")
            breaker.failed(at: now)
            #expect(breaker.wait(at: now + .seconds(rest) - .seconds(1)) != nil)
            now += .seconds(rest)
            #expect(breaker.wait(at: now) == nil)
        }
    }

    @Test func `a write that ends late does not shorten the rest after a probe`() {
        var breaker = WriteBreaker()
        breaker.failed(at: .zero)
        #expect(breaker.wait(of: first, at: .seconds(15)) == nil)
        breaker.failed(at: .seconds(15))
        breaker.failed(at: .seconds(16))
        #expect(breaker.wait(at: .seconds(44)) != nil)
        #expect(breaker.wait(at: .seconds(45)) == nil)
    }

    @Test func `a probe that has written lets everybody go on, and the next outage begins anew`() {
        var breaker = WriteBreaker()
        breaker.failed(at: .zero)
        #expect(breaker.wait(of: first, at: .seconds(15)) == nil)
        breaker.failed(at: .seconds(15))
        #expect(breaker.wait(of: first, at: .seconds(45)) == nil)
        breaker.succeeded()
        #expect(!breaker.isStopped)
        #expect(breaker.wait(at: .seconds(45)) == nil, "to claim")
        for _ in 0..<3 { #expect(breaker.wait(of: Work(), at: .seconds(45)) == nil, "to pay, each new piece of work") }
        breaker.failed(at: .seconds(46))
        #expect(breaker.wait(at: .seconds(60)) != nil)
        #expect(breaker.wait(at: .seconds(61)) == nil, "the rest is the shortest again")
    }

    @Test func `takes no later work for the probe, wherever in memory it is`() {
        var breaker = WriteBreaker()
        breaker.failed(at: .zero)
        #expect(breaker.wait(of: Work(), at: .seconds(15)) == nil, "a probe that ends at once")
        for _ in 0..<100 { #expect(breaker.wait(of: Work(), at: .seconds(16)) != nil) }
    }

    @Test func `gives up a probe that writes nothing`() {
        var breaker = WriteBreaker()
        breaker.failed(at: .zero)
        #expect(breaker.wait(of: first, at: .seconds(15)) == nil)
        #expect(breaker.wait(of: second, at: .seconds(74)) != nil)
        #expect(breaker.wait(of: second, at: .seconds(75)) == nil)
        #expect(breaker.wait(of: first, at: .seconds(75)) != nil)
    }
}
