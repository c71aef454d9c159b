import Engine
import Fakes
import Migration
import Terminal
import Testing

@testable import migrate

/// What a person or a script is told, asked and refused before an unfinished job is closed.
@Suite(.serialized, .timeLimit(.minutes(2))) struct `Closing an unfinished job` {
    private let stage: SessionWorld

    init() async throws { stage = try await SessionWorld() }

    @Test(arguments: [
        [nil], ["n", nil], ["n", "y", nil], ["n", "n"], ["n", ""], ["n", "y", "n"], ["what?", nil],
    ])
    func `a question that is left or answered with no changes nothing, at each question`(answers: [String?])
        async throws
    {
        let engine = try stage.engine()
        let job = try await stage.leftJob(engine)
        try await stage.claim(job, by: "elsewhere:1/0", engine)
        let before = try await stage.state(job)
        let recorded = RecordedConsole(answers: answers)
        let end = try await stage.run(engine, recorded)
        #expect(end == CommandEnd(answers.last == .some(nil) ? .unanswered : .incomplete, "nothing was changed"))
        #expect(recorded.unused.isEmpty)
        #expect(try await stage.state(job) == before)
        #expect(try await stage.jobs() == [.running])
    }

    @Test func `no to resuming is asked about with progress and workers, and then the job is closed`() async throws {
        let engine = try stage.engine()
        let job = try await stage.leftJob(engine)
        for number in 0..<2 { try await stage.claim(job, by: "elsewhere:1/\(number)", engine) }
        try await stage.claim(job, by: "third:9/0", engine)
        let recorded = RecordedConsole(answers: ["n", "y", "y"])
        #expect(try await stage.run(engine, recorded).status == .complete)
        let question = "Close job 1 (0 of 6 batches done, 3 workers alive in 2 processes) and plan a new one? (y/N)"
        #expect(recorded.out.contains(question), "\(recorded.out)")
        #expect(recorded.out.contains("Job 1 is cancelled"))
        #expect(try await stage.jobs() == [.cancelled, .completed])
    }

    @Test(arguments: [false, true])
    func `a new job beside one at work needs force where nobody can answer`(isJSON: Bool) async throws {
        let engine = try stage.engine()
        let job = try await stage.leftJob(engine)
        try await stage.claim(job, by: "elsewhere:1/0", engine)
        let before = try await stage.state(job)
        let end = try await stage.run(engine, RecordedConsole(answers: isJSON ? ["y"] : []), .new, isJSON: isJSON)
        #expect(end.status == .usage)
        #expect(end.message.contains("job 1 (0 of 6 batches done, 1 worker alive)"), "\(end.message)")
        #expect(end.message.contains("--force"))
        #expect(try await stage.state(job) == before)
        let recorded = RecordedConsole()
        let forced = try await stage.run(engine, recorded, .new, isForced: true)
        #expect(forced.status == .complete)
        #expect(recorded.out.contains("Job 1 (0 of 6 batches done, 1 worker alive) will be closed"))
        #expect(try await stage.jobs() == [.cancelled, .completed])
    }

    @Test func `a new job beside one at work is asked about on a terminal`() async throws {
        let engine = try stage.engine()
        let job = try await stage.leftJob(engine)
        try await stage.claim(job, by: "elsewhere:1/0", engine)
        let declined = try await stage.run(engine, RecordedConsole(answers: [""]), .new)
        #expect(declined == CommandEnd(.incomplete, "nothing was changed"))
        #expect(try await stage.jobs() == [.running])
        #expect(try await stage.run(engine, RecordedConsole(answers: ["y", "y"]), .new).status == .complete)
        #expect(try await stage.jobs() == [.cancelled, .completed])
    }

    @Test func `a job that nobody works on is closed by --new, which says so`() async throws {
        let engine = try stage.engine()
        try await stage.leftJob(engine)
        let recorded = RecordedConsole()
        #expect(try await stage.run(engine, recorded, .new).status == .complete)
        #expect(recorded.out.contains("Job 1 (0 of 6 batches done, no worker alive) will be closed"))
        let asked = RecordedConsole(answers: ["y"])
        try await stage.leftJob(engine)
        #expect(try await stage.run(engine, asked, .new).status == .complete)
        #expect(asked.unused.isEmpty)
        #expect(try await stage.jobs() == [.cancelled, .completed, .cancelled, .completed])
    }

    @Test func `a worker that is known to have died on this host is not alive`() async throws {
        let dead = try stage.engine()
        let job = try await stage.leftJob(dead)
        try await stage.claim(job, by: "here:1/0", dead)
        (dead.ports.journal as? FakeLeaseJournal)?.die()
        let recorded = RecordedConsole()
        #expect(try await stage.run(try stage.engine(), recorded, .new).status == .complete)
        #expect(recorded.out.contains("no worker alive"), "\(recorded.out)")
    }

    @Test func `a worker whose lease has run out is not alive`() async throws {
        let engine = try stage.engine()
        let job = try await stage.leftJob(engine, leaseSeconds: 1)
        try await stage.claim(job, by: "elsewhere:1/0", engine)
        let refused = try await stage.run(engine, RecordedConsole(), .new)
        #expect(refused.status == .usage)
        // The lease, and a quarter of it as grace.
        try await ContinuousClock().sleep(for: .milliseconds(1_500))
        #expect(try await stage.run(engine, RecordedConsole(), .new).status == .complete)
        #expect(try await stage.jobs() == [.cancelled, .completed])
    }

    @Test func `a job that goes on while it is looked at is at work, though no worker holds a batch`() async throws {
        let engine = try stage.engine()
        let job = try await stage.leftJob(engine)
        async let ended = stage.run(engine, RecordedConsole(), .new)
        try await ContinuousClock().sleep(for: .seconds(1))
        let batch = try #require(try await stage.claim(job, by: "elsewhere:1/0", engine))
        let claims = try await stage.history(job)
        _ = try await stage.store.finish(
            FinishBatch(
                job: job,
                batchNumber: batch.batchNumber,
                attempt: batch.attempt,
                claimId: try #require(claims.last),
                outcome: .released,
                counts: nil,
                failedRecords: [],
                retryAfterMs: nil,
                error: nil
            )
        )
        let end = try await ended
        #expect(end.status == .usage, "\(end)")
        #expect(try await stage.jobs() == [.running])
    }

    static let others: [(theirs: String?, ours: String?, flags: [String: String], word: String)] = [
        ("id > 5", nil, [:], "where: the job has id > 5, the settings say nothing"),
        (nil, "id > 5", [:], "where: the job has nothing, the settings say id > 5"),
        ("id > 5", "id > 6", [:], "where: the job has id > 5, the settings say id > 6"),
        (nil, nil, ["CHUNK_SIZE": "256"], "chunk_size: the job has 512, the settings say 256"),
    ]

    @Test(arguments: others)
    func `another job never ends the one at work, neither by a flag nor by an answer`(
        theirs: String?,
        ours: String?,
        flags: [String: String],
        word: String
    ) async throws {
        let first = try stage.engine(where: theirs)
        let job = try await stage.leftJob(first)
        try await stage.claim(job, by: "elsewhere:1/0", first)
        let before = try await stage.state(job)
        let engine = try stage.engine(where: ours, flags)
        for (answers, choice, isForced) in [
            ([], .new, false), ([], .new, true), (["y", "y"], .new, false), (["y"], .new, true),
            (["n", "y", "y"], .ask, false),
        ] as [([String], Joining.Choice, Bool)] {
            let end = try await stage.run(engine, RecordedConsole(answers: answers), choice, isForced: isForced)
            #expect(end.status == .stopped, "\(end)")
            #expect(end.message.contains("job 1 (0 of 6 batches done, 1 worker alive"), "\(end.message)")
            #expect(end.message.contains(word), "\(end.message)")
            #expect(end.message.contains("migrate cancel --job 1"))
        }
        // Without --new it is what it always was: other settings.
        let mismatch = try await stage.run(engine, RecordedConsole())
        #expect(mismatch.status == .badSettings && mismatch.message.contains(word))
        #expect(try await stage.state(job) == before)
    }

    @Test func `a dead job about other rows is closed only when that is said`() async throws {
        let first = try stage.engine(where: "id > 5")
        try await stage.leftJob(first)
        let engine = try stage.engine()
        let refused = try await stage.run(engine, RecordedConsole(), .new)
        #expect(refused.status == .usage)
        #expect(refused.message.contains("job 1 (0 of 6 batches done, no worker alive, where id > 5)"))
        let declined = RecordedConsole(answers: ["n"])
        #expect(try await stage.run(engine, declined, .new).status == .incomplete)
        #expect(declined.out.contains("where id > 5) and plan a new one? (y/N)"))
        #expect(try await stage.jobs() == [.running])
        #expect(try await stage.run(engine, RecordedConsole(), .new, isForced: true).status == .complete)
        #expect(try await stage.jobs() == [.cancelled, .completed])
    }

    @Test(arguments: [(nil, 130 as Int32, "nothing was changed"), ("n", 75, "job 1 stays paused")])
    func `a paused job stays as it is when the question about it is left or answered with no`(
        answer: String?,
        status: Int32,
        message: String
    ) async throws {
        let engine = try stage.engine()
        let job = try await stage.leftJob(engine)
        _ = try await stage.store.control(ControlIngestionJob(job: job, action: .pause, reason: "night"))
        let before = try await stage.state(job)
        let recorded = RecordedConsole(answers: ["y", answer])
        let end = try await stage.run(engine, recorded)
        #expect(end.status.rawValue == status && end.message == message)
        #expect(recorded.out.contains("Job 1 is paused (night). Let it go on?"))
        #expect(try await stage.state(job) == before)
        #expect(try await stage.run(engine, RecordedConsole(answers: ["y", "y"])).status == .complete)
    }
}

extension SessionWorld {
    /// The claim ids of a job's claims, oldest first.
    func history(_ job: JobID) async throws -> [String] {
        let list = ListIngestionEvents(job: job, filter: .init(kind: "claimed"), after: nil, limit: 1000)
        return try await store.events(list).rows.compactMap(\.claimId)
    }
}

@Suite struct `A job's activity` {
    private func batch(_ number: Int, _ status: BatchStatus, _ worker: String?) -> BatchSummary {
        BatchSummary(
            batchNumber: number,
            status: status,
            round: 0,
            recordIds: [],
            attempt: 1,
            retryCount: 0,
            counts: BatchCounts(),
            moved: 0,
            workerId: worker,
            nextRetryMs: 0,
            lastOutcome: nil,
            errorCode: nil,
            errorMessage: nil
        )
    }

    private func activity(_ held: [BatchSummary], isDead: (BatchSummary) -> Bool = { _ in false }) throws -> JobActivity
    {
        let stats = JobStats.sample(.running)
        return JobActivity(try #require(stats.job), stats, held: held, isDead: isDead)
    }

    @Test func `workers are counted once, and their processes once`() throws {
        let held = [
            batch(0, .processing, "a:1/0"), batch(1, .processing, "a:1/1"), batch(2, .processing, "b:1/0"),
            batch(3, .processing, "a:1/0"), batch(4, .completed, "c:1/0"), batch(5, .pending, "d:1/0"),
        ]
        let activity = try activity(held)
        #expect(activity.workers == ["a:1/0", "a:1/1", "b:1/0"])
        #expect(activity.runners == ["a:1", "b:1"])
        #expect(activity.briefly == "5 of 10 batches done, 3 workers alive in 2 processes")
    }

    @Test func `whoever is known to be dead is not alive, and a name without a number is a name`() throws {
        let held = [batch(0, .processing, "a:1/0"), batch(1, .processing, "operator"), batch(2, .processing, nil)]
        #expect(try activity(held) { $0.batchNumber == 0 }.workers == ["operator", "unknown"])
        let none = try activity([])
        #expect(!none.isLive && none.briefly == "5 of 10 batches done, no worker alive")
        var moving = none
        moving.isMoving = true
        #expect(moving.isLive && moving.briefly == "5 of 10 batches done, at work just now")
        #expect(try activity([held[1]]).briefly == "5 of 10 batches done, 1 worker alive")
    }

    @Test func `closing is decided by who works on the job, in what it differs, and who can answer`() {
        for isForced in [false, true] {
            for canAsk in [false, true] {
                for hasSaidNo in [false, true] {
                    func decide(live: Bool, other: Bool, condition: Bool) -> Joining.Closing {
                        Joining.Closing(
                            isLive: live,
                            isOther: other,
                            hasOtherCondition: condition,
                            hasSaidNo: hasSaidNo,
                            canAsk: canAsk,
                            isForced: isForced
                        )
                    }
                    let asks: Joining.Closing = isForced ? .close : canAsk ? .ask : .needsForce
                    #expect(decide(live: true, other: true, condition: true) == .refused)
                    #expect(decide(live: true, other: true, condition: false) == .refused)
                    #expect(decide(live: true, other: false, condition: false) == asks)
                    #expect(decide(live: false, other: true, condition: true) == asks)
                    #expect(decide(live: false, other: true, condition: false) == (hasSaidNo ? asks : .close))
                    #expect(decide(live: false, other: false, condition: false) == (hasSaidNo ? asks : .close))
                }
            }
        }
    }
}
