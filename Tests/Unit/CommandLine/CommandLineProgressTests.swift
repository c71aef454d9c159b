import Engine
import Migration
import Terminal
import Testing

@testable import migrate

@Suite struct `What people see of a run` {
    @Test(
        arguments: [
            (0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567"), (-1_000, "-1,000"),
            (Int64.max, "9,223,372,036,854,775,807"), (Int64.min, "-9,223,372,036,854,775,808"),
        ] as [(Int64, String)]
    )
    func `counts are grouped by three`(number: Int64, text: String) {
        #expect(Format.count(number) == text)
    }

    @Test func `many missing rows are told at most once per minute, with what came together meanwhile`() {
        var state = RunState()
        func apply(_ batch: Int, _ missing: Int, _ seconds: Int) -> String? {
            state.apply(.manyMissing(batch: batch, missing: missing, records: 1_000), at: .seconds(seconds))
        }
        let first = apply(0, 12, 10)
        #expect(
            first?.hasPrefix("12 of 1,000 planned rows in one batch are not in MySQL, read twice: is this a lagging")
                == true
        )
        #expect(apply(1, 20, 11) == nil)
        #expect(apply(2, 30, 69) == nil)
        #expect(apply(3, 40, 70)?.hasPrefix("90 of 3,000 planned rows in 3 batches are not in MySQL") == true)
        #expect(apply(4, 50, 71) == nil)
    }

    @Test(arguments: [
        (0.42, "0.42"), (8.14, "8.1"), (812.4, "812"), (9_999, "9,999"), (12_345, "12.3k"), (1_234_567, "1.2M"),
    ])
    func `rates have few digits`(number: Double, text: String) {
        #expect(Format.short(number) == text)
    }

    @Test(arguments: [
        (0.44, "0.4 s"), (12, "12 s"), (192, "3 min 12 s"), (7_500, "2 h 5 min"), (273_600, "3 d 4 h"),
    ])
    func `durations have two units at most`(seconds: Double, text: String) {
        #expect(Format.duration(.seconds(seconds)) == text)
    }

    @Test func `a rate needs a second and forgets what is older than a minute`() {
        var meter = RateMeter()
        meter.note(0, at: .zero)
        #expect(meter.perSecond == nil)
        meter.note(100, at: .seconds(1))
        #expect(meter.perSecond == 100)
        for second in 2...200 { meter.note(100 + Int64(second - 1) * 10, at: .seconds(second)) }
        #expect(meter.perSecond == 10)
    }

    @Test func `the plain line says everything`() {
        let progress = Progress(stats: .sample(.running, failed: 2), recordsPerSecond: 49.8, tokensPerMinute: 1_200_000)
        #expect(
            progress.plain
                == "job 7 running: batches 5/10 completed, 2 processing, 3 pending, 0 failed; records 500 processed, "
                + "0 skipped, 2 failed, 0 missing of 1000; 49.8 records/s, 1.2M tokens/min, ETA 10 s"
        )
    }

    @Test func `the terminal's line fits, and has no end in sight while the plan grows`() {
        let stats = JobStats.sample(.running, failed: 2, isSealed: false)
        let progress = Progress(stats: stats, recordsPerSecond: 50, tokensPerMinute: 1_200_000)
        #expect(progress.line(columns: 200).contains("planning"))
        #expect(!progress.line(columns: 200).contains("ETA"))
        for columns in [10, 40, 80] { #expect(progress.line(columns: columns).count < columns) }
    }

    @Test func `events become sentences where a person waits`() {
        var state = RunState()
        let failure = PortFailure(.unavailable, "connection refused")
        #expect(state.apply(.paused, at: .zero)?.contains("migrate resume") == true)
        let waiting = state.apply(.waitingForLeases(batches: 2, atMost: .seconds(170)), at: .zero)
        #expect(waiting?.contains("2 batches are held by other runners") == true)
        #expect(waiting?.contains("waiting 170 s for them, or for the leases of dead ones") == true)
        #expect(state.apply(.retrying(.points, failure, after: .seconds(3)), at: .zero)?.hasPrefix("Qdrant") == true)
        #expect(state.apply(.throttled(.milliseconds(200)), at: .zero) == nil)
        #expect(state.apply(.embedded(chunks: 3, tokens: 41), at: .zero) == nil)
        #expect(state.tokens == 41)
        #expect(state.progress == nil)
    }

    @Test func `a paused job is told with its reason, where the counters have brought one`() {
        var state = RunState()
        #expect(state.apply(.paused, at: .zero) == "The job is paused; waiting until `migrate resume`.")
        for (status, reason, words) in [
            (JobStatus.paused, "101 of 120 records are gone", " (101 of 120 records are gone)"),
            (.paused, nil, ""),
            // The reason of an earlier pause, or of no pause.
            (.running, "replaced", ""),
        ] {
            var stats = JobStats.sample(status)
            stats.job?.reason = reason
            #expect(state.apply(.progress(stats), at: .zero) == nil)
            #expect(state.apply(.paused, at: .zero) == "The job is paused\(words); waiting until `migrate resume`.")
        }
    }

    @Test func `the report adds up and says what to do next`() {
        let text = JobReport(
            .sample(.completed, failed: 2),
            tokens: 1_000_000,
            pricePerMillionTokens: 0.02,
            elapsed: .seconds(60)
        )
        .text
        #expect(text.contains("1,000 planned, 500 processed, 0 skipped, 2 failed, 0 missing"))
        #expect(text.contains("1,000,000 embedded by this run, about $0.02"))
        #expect(text.contains("migrate retry"))
        #expect(JobReport(.sample(.running)).text.contains("migrate run"))
    }

    @Test func `an unfinished job is asked about, resumed or replaced as the flags say`() throws {
        let job = try #require(JobStats.sample(.running).job)
        func decide(_ job: JobSummary?, _ choice: Joining.Choice) -> Joining.Decision {
            Joining.Decision(job: job, choice: choice)
        }
        #expect(decide(nil, .ask) == .planNew)
        #expect(decide(nil, .new) == .planNew)
        #expect(decide(nil, .resume) == .nothingToResume)
        #expect(decide(job, .resume) == .resume)
        #expect(decide(job, .new) == .replace)
        #expect(decide(job, .ask) == .ask)
        let size = "7 (running, 1,000 records, since 2026-01-31 12:00:00Z)"
        let words = JoiningWords(names: DemoWorld.names)
        #expect(words.sentence(Joining.Question.resume(job)) == "Resume existing job \(size)?")
        #expect(words.sentence(Joining.Notice.resuming(job)) == "Resuming job \(size).")
    }

    @Test(
        arguments: [
            ("", true, true), ("", false, false), ("y", false, true), ("YES ", false, true), ("n", true, false),
            ("No", true, false),
            ("maybe", true, nil),
        ] as [(String, Bool, Bool?)]
    )
    func `an answer is yes, no, the default or asked for again`(line: String, isYes: Bool, answer: Bool?) {
        #expect(Answer(line, default: isYes)?.isYes == answer)
    }
}
