import Migration
import Testing

@Suite struct `The limits of the brakes` {
    private static let failureTable: [(Int?, Int64, Int64, Bool)] = [
        // Nothing set: a twentieth of what is done, at least 100.
        (nil, 99, 100, false), (nil, 100, 100, true), (nil, 100, 0, true), (nil, 100, 2_000, true),
        (nil, 100, 2_040, false), (nil, 102, 2_040, true), (nil, 44_758, 895_176, true), (nil, 44_757, 895_176, false),
        (nil, .max, .max, true), (nil, 0, .max, false),
        // A number counts whatever is done.
        (1, 0, 0, false), (1, 1, 1_000_000, true), (500, 499, 10, false), (500, 500, 1_000_000, true),
        // Never.
        (0, 0, 0, false), (0, 1, 1, false), (0, .max, 1, false),
    ]

    @Test(arguments: failureTable)
    func `failures of services`(failuresMax: Int?, failures: Int64, done: Int64, isBraked: Bool) {
        let brake = BrakeLimits(failuresMax: failuresMax).judge(failures: failures, done: done)
        #expect((brake != nil) == isBraked)
        #expect(brake.map { $0.kind == .failures && $0.reason.count <= 500 } ?? true)
    }

    private static let removalTable: [(Int64, Int64, Bool)] = [
        (100, 0, false), (101, 0, true), (101, 2_019, true), (101, 2_020, false), (102, 2_020, true),
        (101, 3_000, false), (150, 3_000, false), (151, 3_000, true), (.max, .max, true), (0, 0, false),
        (44_758, 895_176, false), (44_759, 895_176, true),
    ]

    @Test(arguments: removalTable)
    func `removals`(removals: Int64, done: Int64, isBraked: Bool) {
        #expect((BrakeLimits().judge(removals: removals, done: done) != nil) == isBraked)
        #expect(BrakeLimits(allowsRemovals: true).judge(removals: removals, done: done) == nil)
        // The setting for failures says nothing of them.
        #expect((BrakeLimits(failuresMax: 0).judge(removals: removals, done: done) != nil) == isBraked)
    }

    @Test func `the sentence names the numbers and the flag`() {
        let reason = BrakeLimits().judge(removals: 412, done: 3_000)?.reason
        #expect(
            reason == "412 of 3,000 records are gone or blank: a wrong table or --where? "
                + "Their points are deleted only with --allow-removals"
        )
        // The first batches: more would be removed than are done.
        #expect(BrakeLimits().judge(removals: 1_200, done: 0)?.reason.hasPrefix("1,200 of 1,200 records") == true)
        #expect(
            BrakeLimits().judge(failures: 1_234_567, done: 2_000_000)?.reason.hasPrefix("1,234,567 records") == true
        )
    }
}

@Suite struct `A streak of refusals` {
    /// What became of the requests of a batch: the codes of the refusals, and whether one was taken.
    private func trials(
        _ streak: inout RefusalStreak,
        _ codes: [String] = ["invalid"],
        at service: Service = .embedder,
        takes: Bool = false
    ) -> RequestTrials {
        var trials = RequestTrials()
        for code in codes { trials.refused(service, code: code, passesBefore: streak.passes(of: service)) }
        if takes {
            trials.passed(service)
            streak.passed(service)
        }
        return trials
    }

    private func judge(
        _ streak: inout RefusalStreak,
        _ batch: Int,
        _ codes: [String] = ["invalid"],
        at service: Service = .embedder,
        takes: Bool = false,
        failed: Int = 10,
        of records: Int = 10
    ) -> RefusalStreak.Verdict {
        let trials = trials(&streak, codes, at: service, takes: takes)
        return streak.judge(batch: batch, trials, failed: failed, of: records)
    }

    private func isBrake(_ verdict: RefusalStreak.Verdict) -> Bool {
        if case .service(let brake) = verdict { brake.kind == .refusals && brake.reason.count <= 500 } else { false }
    }

    @Test func `three batches in a row are the service, and none of them is given up`() {
        var streak = RefusalStreak()
        #expect(judge(&streak, 0) == .doubt)
        #expect(judge(&streak, 1) == .doubt)
        #expect(isBrake(judge(&streak, 2)))
    }

    @Test func `a request that passes in between clears the service`() {
        var streak = RefusalStreak()
        #expect(judge(&streak, 0) == .doubt)
        #expect(judge(&streak, 1) == .doubt)
        streak.passed(.embedder)
        #expect(judge(&streak, 2) == .doubt)
        #expect(judge(&streak, 3) == .doubt)
        #expect(isBrake(judge(&streak, 4)))
    }

    @Test func `a request that passes at another service clears nothing`() {
        var streak = RefusalStreak()
        for batch in 0...1 { _ = judge(&streak, batch, at: .points) }
        streak.passed(.embedder)
        #expect(isBrake(judge(&streak, 2, at: .points)))
    }

    @Test func `a batch of which one request passes is given up as far as it was refused`() {
        var streak = RefusalStreak()
        for batch in 0..<9 { #expect(judge(&streak, batch, takes: true, failed: 9) == .records) }
    }

    @Test func `a batch during which another worker's request passed is given up`() {
        var streak = RefusalStreak()
        let trials = trials(&streak)
        streak.passed(.embedder)
        #expect(streak.judge(batch: 0, trials, failed: 10, of: 10) == .records)
    }

    @Test func `one batch of nothing but bad records is given up at the second time, however often others pass`() {
        var streak = RefusalStreak()
        #expect(judge(&streak, 0) == .doubt)
        for _ in 0..<5 { streak.passed(.embedder) }
        #expect(judge(&streak, 0) == .records)
    }

    @Test func `a job of two bad batches ends`() {
        var streak = RefusalStreak()
        #expect([judge(&streak, 0), judge(&streak, 1)] == [.doubt, .doubt])
        #expect([judge(&streak, 0), judge(&streak, 1)] == [.records, .records])
    }

    @Test func `the same batch three times is one batch`() {
        var streak = RefusalStreak()
        #expect(judge(&streak, 0) == .doubt)
        for _ in 1...3 { #expect(judge(&streak, 0) == .records) }
    }

    @Test func `batches of single records need ten`() {
        var streak = RefusalStreak()
        for batch in 0..<9 { #expect(judge(&streak, batch, failed: 1, of: 1) == .doubt) }
        #expect(isBrake(judge(&streak, 9, failed: 1, of: 1)))
    }

    @Test func `a job of three small bad batches ends`() {
        var streak = RefusalStreak()
        for batch in 0..<3 { #expect(judge(&streak, batch, failed: 2, of: 2) == .doubt) }
        // At the second time the six records are the same six.
        for batch in 0..<3 { #expect(judge(&streak, batch, failed: 2, of: 2) == .records) }
    }

    @Test func `another reason begins another streak, and two reasons in a batch are no reason`() {
        var streak = RefusalStreak()
        #expect(judge(&streak, 0, ["a"]) == .doubt)
        #expect(judge(&streak, 1, ["a"]) == .doubt)
        #expect(judge(&streak, 2, ["b"]) == .doubt)
        #expect(judge(&streak, 3, ["a", "b"]) == .records)
        #expect(judge(&streak, 4, ["b"]) == .doubt)
        #expect(isBrake(judge(&streak, 5, ["b"])))
    }

    @Test func `a few refused among many unchanged records are the records`() {
        var streak = RefusalStreak()
        for batch in 0..<50 { #expect(judge(&streak, batch, failed: 1, of: 100) == .records) }
        for batch in 0..<50 { #expect(judge(&streak, batch, failed: 49, of: 100) == .records) }
    }

    @Test func `failures of the records' own content do not count`() {
        var streak = RefusalStreak()
        for batch in 0..<9 { #expect(judge(&streak, batch, failed: 0) == .records) }
    }

    @Test func `what was paid for and cannot be written is the point store`() {
        var streak = RefusalStreak()
        for batch in 0..<3 {
            streak.passed(.embedder)
            var trials = trials(&streak, ["disk"], at: .points)
            trials.passed(.embedder)
            let verdict = streak.judge(batch: batch, trials, failed: 10, of: 10)
            #expect(batch == 2 ? isBrake(verdict) : verdict == .doubt)
        }
    }
}
