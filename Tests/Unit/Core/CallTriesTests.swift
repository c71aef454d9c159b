import Migration
import Testing

@Suite struct CallTriesTests {
    private static let outage = PortFailure(.unavailable, "out")
    private static let throttle = PortFailure(.throttled(retryAfter: nil), "slower")

    private func wait(_ next: CallTries.Next) -> Duration? {
        if case .again(let wait, _) = next { wait } else { nil }
    }

    private func end(_ next: CallTries.Next) -> PortFailure? {
        if case .end(.failed(let failure)) = next { failure } else { nil }
    }

    @Test func `the last try ends the call, whatever the kind, and draws no chance`() {
        var rules = CallTries.Rules(.policy(.joining))
        rules.triesMax = 2
        var tries = CallTries(rules)
        var draws = 0
        func jitter() -> Double {
            draws += 1
            return 0
        }
        #expect(wait(tries.failed(Self.outage, at: .zero, jitter: jitter())) == .milliseconds(500))
        #expect(end(tries.failed(Self.throttle, at: .zero, jitter: jitter()))?.kind == Self.throttle.kind)
        #expect(draws == 1)
    }

    @Test func `no wait is longer than the longest`() {
        var rules = CallTries.Rules(.policy(.joining))
        rules.waitMax = .seconds(60)
        var tries = CallTries(rules)
        let asked = PortFailure(.throttled(retryAfter: .seconds(500)), "much slower")
        #expect(wait(tries.failed(asked, at: .zero, jitter: 0)) == .seconds(60))
    }

    @Test(arguments: [true, false])
    func `being asked to wait is a try only where the rules say so`(counts: Bool) {
        var rules = CallTries.Rules(.policy(.provider))
        rules.countsThrottles = counts
        var tries = CallTries(rules)
        for _ in 0..<5 { #expect(wait(tries.failed(Self.throttle, at: .zero, jitter: 0)) != nil) }
        let next = tries.failed(Self.outage, at: .zero, jitter: 0)
        if case .end(.giveBack) = next { #expect(counts) } else { #expect(!counts) }
        #expect(tries.count == (counts ? 6 : 1))
    }

    @Test func `fixed waits come one after the other, and then the failure`() {
        var tries = CallTries(CallTries.Rules(.fixed([.seconds(1), .seconds(2)])))
        let missing = PortFailure(.rejected, "no such function")
        #expect(wait(tries.failed(missing, at: .zero, jitter: 0)) == .seconds(1))
        #expect(wait(tries.failed(missing, at: .zero, jitter: 0)) == .seconds(2))
        #expect(end(tries.failed(missing, at: .zero, jitter: 0))?.detail == missing.detail)
    }

    @Test func `a code that nobody knows is repeated for two minutes`() {
        var rules = CallTries.Rules(.policy(.store))
        rules.endsUnclassified = true
        var tries = CallTries(rules)
        let strange = PortFailure(.unclassified, "strange", code: "XX777")
        for second in [0, 30, 60, 90] {
            #expect(wait(tries.failed(strange, at: .seconds(second), jitter: 0)) != nil)
        }
        #expect(end(tries.failed(strange, at: .seconds(120), jitter: 0))?.code == "XX777")
    }
}
