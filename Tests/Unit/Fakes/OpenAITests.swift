import Conformance
import Fakes
import Migration
import Synchronization
import Testing

@Suite struct `OpenAI in memory` {
    @Test(arguments: EmbedderConformance.Rule.allCases)
    func `keeps the rules of an embedder`(rule: EmbedderConformance.Rule) async throws {
        let suite = EmbedderConformance(dimensions: 64) { account in
            let openAI = FakeOpenAI(dimensions: 64, time: Time(ContinuousClock()))
            try await openAI.become(account)
            return openAI
        }
        try await suite.check(rule)
    }

    private func similarity(_ left: String, _ right: String) async throws -> Float {
        let openAI = FakeOpenAI(time: Time(ContinuousClock()))
        let vectors = try await openAI.embed([left, right]).vectors
        return zip(vectors[0], vectors[1]).reduce(0) { $0 + $1.0 * $1.1 }
    }

    @Test(arguments: [
        ("the pump house by the river", "a river runs past the pump house", "quarterly figures of the bakery"),
        ("東京駅の近くの図書館", "図書館は東京駅にあります", "魚を焼く方法"),
        ("Насос стоит у реки", "у РЕКИ стоит насос", "Отчёт пекарни за квартал"),
    ])
    func `texts that share words are nearer than others`(text: String, like: String, unlike: String) async throws {
        let near = try await similarity(text, like)
        let far = try await similarity(text, unlike)
        #expect(near > 0.4)
        #expect(far < 0.25)
    }

    @Test func `refuses an input, a request or a count above the limits, and charges nothing`() async throws {
        let openAI = FakeOpenAI(dimensions: 8, time: Time(ContinuousClock()), countTokens: { $0.utf8.count })
        for texts in [
            [String(repeating: "a", count: 8_193)], Array(repeating: String(repeating: "a", count: 8_000), count: 38),
            ["  \n"], [],
        ] {
            let failure = await #expect(throws: PortFailure.self) { try await openAI.embed(texts) }
            #expect(failure?.kind == .rejected)
        }
        #expect(openAI.totals.refusals == 4)
        #expect(openAI.totals.tokens == 0)
    }

    @Test func `a minute's tokens come back continuously, after exactly the stated wait`() async throws {
        let clock = ManualClock()
        let openAI = FakeOpenAI(dimensions: 8, time: Time(clock), countTokens: { _ in 7_000 })
        openAI.update { $0.tokensPerMinute = 10_000 }
        let limits = try await openAI.embed(["a"]).limits
        #expect(limits == EmbedderLimits(tokensPerMinute: 10_000, requestsPerMinute: nil))
        let failure = await #expect(throws: PortFailure.self) { try await openAI.embed(["a"]) }
        guard case .throttled(let wait?)? = failure?.kind else {
            Issue.record("not throttled: \(String(describing: failure))")
            return
        }
        // (used + requested − limit) / limit · 60 s, as in OpenAI's own answers.
        #expect(abs(wait / .seconds(1) - (7_000 + 7_000 - 10_000) / 10_000.0 * 60) < 0.001)
        clock.advance(by: wait - .milliseconds(20))
        await #expect(throws: PortFailure.self) { try await openAI.embed(["a"]) }
        clock.advance(by: .milliseconds(21))
        _ = try await openAI.embed(["a"])
    }

    @Test func `a request above the minute's limit is rejected, not waited for`() async throws {
        let openAI = FakeOpenAI(dimensions: 8, time: Time(ContinuousClock()), countTokens: { _ in 2_000 })
        openAI.update { $0.tokensPerMinute = 1_000 }
        let failure = await #expect(throws: PortFailure.self) { try await openAI.embed(["a"]) }
        #expect(failure?.kind == .rejected)
    }

    @Test func `the log says what was paid, up to its bound`() async throws {
        let openAI = FakeOpenAI(
            dimensions: 8,
            time: Time(ContinuousClock()),
            effectsMax: 3,
            countTokens: { $0.utf8.count }
        )
        _ = try await openAI.embed(["a", "bb"])
        _ = try await openAI.embed(["a", "bb"])
        let effects = openAI.effects
        #expect(effects.map(\.text) == ["a", "bb", "a"].map(FakeOpenAI.hash))
        #expect(effects.map(\.tokens) == [1, 2, 1])
        #expect(effects.map(\.request) == [1, 1, 2])
        #expect(openAI.totals.tokens == 6)
    }
}

extension FakeOpenAI {
    /// Makes the account what a conformance rule asks for.
    func become(_ account: EmbedderConformance.Account) async throws {
        switch account {
        case .usual: break
        case .throttled:
            update { $0.requestsPerMinute = 2 }
            for _ in 0..<2 { _ = try await embed(["a"]) }
        case .refusing: update { $0.refusesText = { $0 == EmbedderConformance.refused } }
        case .outOfMoney: update { $0.isOutOfMoney = true }
        case .badKey: update { $0.refusesKey = true }
        }
    }
}

/// Time that moves only when it is told to.
private final class ManualClock: Clock {
    typealias Instant = ContinuousClock.Instant

    private let start = ContinuousClock.now
    private let elapsed = Mutex(Duration.zero)

    var now: Instant { start + elapsed.withLock { $0 } }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {}
    func advance(by duration: Duration) { elapsed.withLock { $0 += duration } }
}
