import Migration
import Testing

/// What is said of a runner, by what it knows of itself; the time is 1,000 s.
@Suite struct `What a runner does` {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let facts: @Sendable (inout RunnerActivity.Facts) -> Void
        let activity: RunnerActivity

        init(
            _ description: String,
            is activity: RunnerActivity,
            _ facts: @escaping @Sendable (inout RunnerActivity.Facts) -> Void
        ) {
            testDescription = description
            self.facts = facts
            self.activity = activity
        }
    }

    private static let now = Duration.seconds(1_000)

    private static func outage(_ seconds: Int, _ code: String = "503", next: Int? = nil) -> RunnerActivity.Outage {
        .init(since: .seconds(seconds), code: code, nextTry: next.map { .seconds($0) })
    }

    static let cases = [
        Case("nothing is known yet", is: .running) { _ in },
        Case("batches in hand", is: .running) { ($0.held, $0.movedAt) = (3, .seconds(999)) },
        Case("batches in hand for long, something moves", is: .running) { ($0.held, $0.movedAt) = (1, .seconds(821)) },
        Case("batches in hand, nothing moves", is: .stalled(since: .seconds(820), because: .noAnswer)) {
            ($0.held, $0.movedAt) = (1, .seconds(820))
        },
        Case("a claim found nothing just now", is: .idle) { $0.nothingFoundAt = .seconds(990) },
        Case("a claim found nothing long ago", is: .running) { $0.nothingFoundAt = .seconds(900) },
        Case("one worker found nothing, another works", is: .running) {
            ($0.nothingFoundAt, $0.held, $0.movedAt) = (.seconds(999), 1, .seconds(990))
        },
        Case("the quota has room in a while", is: .quota(until: .seconds(1_004))) {
            ($0.quotaUntil, $0.held) = (.seconds(1_004), 2)
        },
        Case("the quota had room a moment ago", is: .running) { ($0.quotaUntil, $0.held, $0.movedAt) = (now, 2, now) },
        Case("a long wait for the quota is no stall", is: .quota(until: .seconds(1_001))) {
            ($0.quotaUntil, $0.held, $0.movedAt) = (.seconds(1_001), 2, .zero)
        },
        Case("throttled", is: .throttled(.embedder, until: .seconds(1_060))) {
            ($0.throttled[.embedder], $0.quotaUntil) = (.seconds(1_060), .seconds(1_010))
        },
        Case("throttled until just now", is: .running) { $0.throttled[.embedder] = now },
        Case("a call that failed", is: .running) { $0.outages[.embedder] = outage(998) },
        Case(
            "calls that fail",
            is: .serviceAway(.embedder, since: .seconds(997), code: "503", nextTry: .seconds(1_004))
        ) { $0.outages[.embedder] = outage(997, next: 1_004) },
        Case(
            "the store and others away",
            is: .serviceAway(.store, since: .seconds(990), code: "57P03", nextTry: nil)
        ) {
            ($0.outages[.source], $0.outages[.points]) = (outage(1), outage(2))
            $0.outages[.store] = outage(990, "57P03")
        },
        Case(
            "the point store away and the embedder throttled",
            is: .serviceAway(.points, since: .seconds(5), code: "no_answer", nextTry: nil)
        ) {
            ($0.outages[.points], $0.throttled[.embedder]) = (outage(5, "no_answer"), .seconds(2_000))
        },
        Case(
            "one call of the store failed, the source is away",
            is: .serviceAway(.source, since: .seconds(900), code: "2006", nextTry: nil)
        ) { ($0.outages[.store], $0.outages[.source]) = (outage(999), outage(900, "2006")) },
        Case("writes are stopped, and no service says why", is: .stalled(since: .seconds(7), because: .unwritable)) {
            ($0.areWritesStopped, $0.movedAt) = (true, .seconds(7))
        },
        Case(
            "writes are stopped by an outage",
            is: .serviceAway(.points, since: .seconds(9), code: "503", nextTry: nil)
        ) { ($0.areWritesStopped, $0.outages[.points]) = (true, outage(9)) },
        Case("paused with a reason, while a service is away", is: .paused(by: "lunch")) {
            ($0.pause, $0.outages[.store]) = (.init(reason: "lunch"), outage(1))
        },
        Case("paused without a reason", is: .paused(by: nil)) { ($0.pause, $0.held) = (.init(reason: nil), 4) },
        Case("told to stop, while the job is paused", is: .draining) {
            ($0.isDraining, $0.pause, $0.outages[.store]) = (true, .init(reason: "lunch"), outage(1))
        },
    ]

    @Test(arguments: cases) func `is one value, the most telling one`(example: Case) {
        var facts = RunnerActivity.Facts()
        example.facts(&facts)
        #expect(RunnerActivity(facts, at: Self.now) == example.activity)
    }

    /// Programs that read the store know these words, and each has what belongs to it.
    @Test func `has a word, a service, a reason and an end`() {
        let all: [(RunnerActivity, [String?], Duration?, Duration?)] = [
            (.running, ["running", nil, nil], nil, nil), (.idle, ["idle", nil, nil], nil, nil),
            (.quota(until: .seconds(2)), ["quota", nil, nil], nil, .seconds(2)),
            (.throttled(.points, until: .seconds(3)), ["throttled", "points", nil], nil, .seconds(3)),
            (
                .serviceAway(.embedder, since: .seconds(1), code: "503", nextTry: .seconds(4)),
                ["service_away", "embedder", "503"], .seconds(1), .seconds(4)
            ),
            (.paused(by: "lunch"), ["paused", nil, "lunch"], nil, nil), (.draining, ["draining", nil, nil], nil, nil),
            (.stalled(since: .seconds(5), because: .noAnswer), ["stalled", nil, "no_answer"], .seconds(5), nil),
        ]
        for (activity, words, since, until) in all {
            #expect([activity.word, activity.service?.rawValue, activity.reason] == words)
            #expect(activity.since == since)
            #expect(activity.until == until)
        }
    }

    @Test func `is the same while only the end of the wait moves`() {
        let away = RunnerActivity.serviceAway(.embedder, since: .zero, code: "503", nextTry: .seconds(1))
        #expect(away.isSame(as: .serviceAway(.embedder, since: .zero, code: "503", nextTry: .seconds(9))))
        #expect(!away.isSame(as: .serviceAway(.embedder, since: .zero, code: "502", nextTry: .seconds(1))))
        #expect(!away.isSame(as: .serviceAway(.points, since: .zero, code: "503", nextTry: .seconds(1))))
        #expect(RunnerActivity.quota(until: .zero).isSame(as: .quota(until: .seconds(5))))
        #expect(!RunnerActivity.running.isSame(as: .idle))
    }
}

/// What was paid is told to the store, whatever an embedder claims.
@Suite struct `What was paid` {
    @Test(
        arguments: [
            (0, 0.02, 0, 0), (1, 0.02, 1, 20), (60_000, 0.02, 60_000, 1_200_000), (3, 0.13, 3, 390),
            (1_000_000, 0, 1_000_000, 0), (-5, 0.02, 0, 0), (Int.max, 0.02, Paid.most, Paid.most),
            (Int.min, -1, 0, 0), (7, -0.5, 7, 0), (7, .nan, 7, 0), (7, .infinity, 7, 0), (7, 1e300, 7, Paid.most),
            (1, 0.000_1, 1, 0),
        ] as [(Int, Double, Int64, Int64)]
    )
    func `is tokens and their price, within what the store takes`(
        tokens: Int,
        price: Double,
        stored: Int64,
        nanodollars: Int64
    ) {
        let paid = Paid(tokens: tokens, pricePerMillion: price)
        #expect([paid.tokens, paid.nanodollars] == [stored, nanodollars])
    }

    @Test func `adds up without a trap`() {
        let most = Paid(tokens: Int.max, pricePerMillion: 1e9)
        #expect((most + most) == most)
        var sum = Paid.nothing
        for _ in 0..<3 { sum += Paid(tokens: 5, pricePerMillion: 0.02) }
        #expect(sum == Paid(tokens: 15, nanodollars: 300))
    }

    @Test func `is left out of what is sent while it is nothing`() throws {
        let none = try String(decoding: TrackingJSON.encodeAnswer(BatchCounts(processed: 1)), as: UTF8.self)
        #expect(!none.contains("paid"))
        let counts = BatchCounts(processed: 1, paid: Paid(tokens: 2, nanodollars: 40))
        let data = try TrackingJSON.encodeAnswer(counts)
        #expect(String(decoding: data, as: UTF8.self).contains(#""paid":{"nanodollars":40,"tokens":2}"#))
        #expect(try TrackingJSON.decodeAnswer(BatchCounts.self, from: data) == counts)
    }
}
