import Adapters
import Fakes
import Foundation
import Migration
import Terminal
import Testing

@testable import migrate

/// Which job a command takes that names none, in a store that several tables and people share.
@Suite(.timeLimit(.minutes(1))) struct `Whose job` {
    private static let ours = "app.ip_summary -> memos"
    private static let theirs = "shop.orders -> memos"

    private let store = FakeSupabase(time: Time(ContinuousClock()), entropy: SystemEntropy())

    @discardableResult
    private func open(_ target: String, ends action: ControlIngestionJob.Action? = nil) async throws -> JobID {
        let order = OpenIngestionJob(
            targetKey: target,
            configHash: "hash",
            config: [:],
            settings: JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600),
            controllerId: "elsewhere:1",
            token: SystemEntropy().uuid(),
            start: true
        )
        let job = try await store.openJob(order).job.id
        if let action { _ = try await store.control(ControlIngestionJob(job: job, action: action, reason: nil)) }
        return job
    }

    private func find(_ target: String?, _ number: JobID? = nil) async throws -> JobLookup.Found {
        try await JobLookup(target: target).find(number, in: store)
    }

    private func refusal(_ target: String?, _ number: JobID? = nil) async throws -> CommandEnd {
        do {
            _ = try await find(target, number)
        } catch let end as CommandEnd { return end }
        return CommandEnd(.complete)
    }

    @Test func `the newest job of these settings is taken, though others are newer, and that is said`() async throws {
        try await open(Self.ours, ends: .cancel)
        let job = try await open(Self.ours)
        try await open(Self.theirs)
        let found = try await find(Self.ours)
        #expect(found.job.id == job)
        #expect(
            found.remarks == [
                "The store has jobs of another table or collection, too, such as job 3 of \(Self.theirs); --job names one."
            ]
        )
        try await open("app.ip_summary -> other")
        #expect(try await find(Self.ours).remarks[0].contains("2 other tables or collections"))
    }

    /// Names that are nearly ours.
    @Test(arguments: [
        "app.ip_summary -> memos2", "app.ip_summary2 -> memos", "app2.ip_summary -> memos", "app.ip_summar -> memos",
        "App.ip_summary -> memos", "app.ip_summary -> Memos", "app.ip_summary  -> memos", " app.ip_summary -> memos",
        "memos -> app.ip_summary", "app.x -> app.ip_summary -> memos", "app.ip_summary -> memos -> x",
        "app.ip_ſummary -> memos", "app.ip_summary -> memos\u{301}", "app.ip%summary -> memos", "%",
    ])
    func `a job of a similar name is never taken, nor in the way`(name: String) async throws {
        try await open(name)
        #expect(try await refusal(Self.ours).message.hasPrefix("there is no job of \(Self.ours); "))
        let job = try await open(Self.ours)
        try await open(name)
        let found = try await find(Self.ours)
        #expect(found.job.id == job)
        #expect(found.remarks.count == 1)
    }

    @Test(arguments: [[ControlIngestionJob.Action.pause], [.cancel], [.pause, .resume], [.pause, .cancel], []])
    func `a job is ours in whichever state it is`(actions: [ControlIngestionJob.Action]) async throws {
        let job = try await open(Self.ours)
        for action in actions {
            _ = try await store.control(ControlIngestionJob(job: job, action: action, reason: nil))
        }
        try await open(Self.theirs)
        #expect(try await find(Self.ours).job.id == job)
    }

    @Test func `where all jobs are of these settings there is nothing to remark`() async throws {
        try await open(Self.ours, ends: .cancel)
        try await open(Self.ours)
        let found = try await find(Self.ours)
        #expect(found.job.id == 2 && found.remarks.isEmpty)
        let recorded = RecordedConsole()
        found.announced(on: recorded.console, isJSON: false)
        #expect(recorded.out == "Job 2 of app.ip_summary -> memos.\n" && recorded.error.isEmpty)
    }

    @Test func `with JSON the sentences go to standard error`() async throws {
        try await open(Self.ours)
        try await open(Self.theirs)
        let recorded = RecordedConsole()
        try await find(Self.ours).announced(on: recorded.console, isJSON: true)
        #expect(recorded.out.isEmpty)
        #expect(recorded.error.hasPrefix("Job 1 of app.ip_summary -> memos.\nThe store has jobs of another table"))
    }

    @Test func `another table's job is never taken in place of a missing one`() async throws {
        #expect(try await refusal(Self.ours).message == "there is no job yet; `migrate run` makes one")
        try await open(Self.theirs)
        let end = try await refusal(Self.ours)
        #expect(end.status == .incomplete)
        #expect(end.message.contains("there is no job of \(Self.ours)"))
        #expect(end.message.contains("job 1 of \(Self.theirs) (running)"))
    }

    @Test func `settings that name no table take the only one there is, and are refused among several`() async throws {
        #expect(try await refusal(nil).message == "there is no job yet; `migrate run` makes one")
        try await open(Self.theirs, ends: .cancel)
        try await open(Self.theirs)
        #expect(try await find(nil).job.id == 2)
        try await open(Self.ours, ends: .pause)
        let end = try await refusal(nil)
        #expect(end.status == .usage)
        #expect(end.message.hasSuffix("  job 3 of \(Self.ours) (paused)\n  job 2 of \(Self.theirs) (running)"))
        #expect(end.message.contains("MYSQL_DATABASE") && end.message.contains("--job"))
    }

    @Test func `a number always names its job, and one of other settings is remarked`() async throws {
        try await open(Self.theirs)
        try await open(Self.ours)
        for target in [Self.ours, Self.theirs, nil] {
            #expect(try await find(target, 1).job.targetKey == Self.theirs)
            #expect(try await refusal(target, 7) == CommandEnd(.incomplete, "there is no job 7"))
        }
        #expect(
            try await find(Self.ours, 1).remarks == [
                "The settings name \(Self.ours): this job is about another table or collection."
            ]
        )
        #expect(try await find(Self.theirs, 1).remarks.isEmpty)
    }

    @Test func `a table is known with its database, and else it is not known`() {
        #expect(JobLookup(table: "app.ip_summary", collection: "memos").target == Self.ours)
        #expect(JobLookup(table: "ip_summary", collection: "memos").target == nil)
    }

    @Test func `tables are found behind a thousand jobs of another one`() async throws {
        try await open(Self.theirs)
        for _ in 0..<1_001 { try await open(Self.ours, ends: .cancel) }
        #expect(try await refusal(nil).message.contains("job 1 of \(Self.theirs)"))
        #expect(try await find(Self.theirs).job.id == 1)
    }

    // MARK: - What is done to it

    private func control(
        _ action: ControlIngestionJob.Action,
        _ recorded: RecordedConsole,
        job: JobID? = nil,
        asks: Bool = false,
        isJSON: Bool = false,
        target: String? = Self.ours
    ) async throws {
        let control = ControlSession(
            store: store,
            journal: NoLeaseJournal(),
            lookup: JobLookup(target: target),
            console: recorded.console,
            isJSON: isJSON
        )
        try await control.apply(action, to: job, reason: nil, asks: asks)
    }

    private func status(_ job: JobID) async throws -> JobStatus? {
        try await store.stats(GetIngestionJobStats(job: job)).job?.status
    }

    @Test(arguments: [ControlIngestionJob.Action.pause, .resume, .cancel])
    func `an operator's command leaves the newer job of another table alone`(action: ControlIngestionJob.Action)
        async throws
    {
        try await open(Self.ours, ends: action == .resume ? .pause : nil)
        try await open(Self.theirs, ends: action == .resume ? .pause : nil)
        let before = try await status(2)
        let recorded = RecordedConsole()
        try await control(action, recorded)
        #expect(recorded.out.hasPrefix("Job 1 of \(Self.ours).\n"))
        #expect(try await status(1) != before)
        #expect(try await status(2) == before)
    }

    @Test func `cancelling asks with table, collection, progress and workers`() async throws {
        try await open(Self.ours)
        try await open(Self.theirs)
        let recorded = RecordedConsole(answers: ["n"])
        await #expect(throws: CommandEnd(.incomplete, "nothing was changed")) {
            try await control(.cancel, recorded, asks: true)
        }
        let question =
            "Cancel job 1 of \(Self.ours) (running, 0 of 0 batches done, still being planned, no worker alive) for good? (y/N)"
        #expect(recorded.out.contains(question), "\(recorded.out)")
        let left = RecordedConsole(answers: [nil])
        await #expect(throws: CommandEnd(.unanswered, "nothing was changed")) {
            try await control(.cancel, left, asks: true)
        }
        await #expect(throws: CommandEnd.self) { try await control(.cancel, RecordedConsole(), asks: true) }
        #expect(try await status(1) == .running)
        try await control(.cancel, RecordedConsole(answers: ["y"]), asks: true)
        #expect(try await status(1) == .cancelled)
        #expect(try await status(2) == .running)
    }

    @Test func `standard output is one JSON object that names the job`() async throws {
        try await open(Self.ours)
        let recorded = RecordedConsole()
        try await control(.pause, recorded, isJSON: true)
        let object = try JSONSerialization.jsonObject(with: Data(recorded.out.utf8)) as? [String: Any]
        #expect(object?["job"] as? Int == 1 && object?["target"] as? String == Self.ours)
        #expect(object?["result"] as? String == "applied" && object?["status"] as? String == "paused")
    }

    @Test func `a line about something of a job has the job's number in it`() throws {
        let event = EventSummary(
            id: 9,
            at: "2026-01-31T12:00:00.000Z",
            batchNumber: 1,
            attempt: nil,
            claimId: nil,
            workerId: nil,
            kind: "claimed",
            detail: [:]
        )
        let job = try #require(JobStats.sample(.running).job)
        let text = try JSONText.of(OfJob(job, event))
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        #expect(object?["job"] as? Int == 7 && object?["id"] as? Int == 9 && object?["kind"] as? String == "claimed")
    }
}
