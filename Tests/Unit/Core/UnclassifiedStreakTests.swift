import Migration
import Testing

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
