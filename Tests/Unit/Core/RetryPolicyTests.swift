import Migration
import Testing

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
