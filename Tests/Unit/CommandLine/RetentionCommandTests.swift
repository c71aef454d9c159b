import Adapters
import ArgumentParser
import Conformance
import Fakes
import Foundation
import Migration
import Synchronization
import Terminal
import Testing

@testable import migrate

/// A store whose clock is moved by hand, with jobs of one batch and two records each.
private struct Store {
    let clock = SteppedClock()
    let fake: FakeSupabase

    init(faults: FaultHook = .none) {
        fake = FakeSupabase(time: Time(clock), entropy: SystemEntropy(), faults: faults)
    }

    /// Opens a job and, unless it stays open, ends it; then so many days pass.
    @discardableResult
    func job(_ target: String = "t -> c", then days: Double?, unmarked: String? = nil) async throws -> JobID {
        let token = SystemEntropy().uuid()
        let opened = try await fake.openJob(
            OpenIngestionJob(
                targetKey: target,
                configHash: "h",
                config: ["source": "s", UnmarkedPoints.configKey: unmarked].compactMapValues(\.self),
                settings: JobSettings(maxRetries: 0, leaseSeconds: 60, batchTimeoutSeconds: 60),
                controllerId: "c",
                token: token,
                start: true
            )
        )
        let job = opened.job.id
        _ = try await fake.appendBatches(
            AppendIngestionBatches(
                job: job,
                epoch: opened.epoch,
                token: token,
                expectedCursor: nil,
                batches: [[1, 2]]
            )
        )
        guard let days else { return job }
        _ = try await fake.control(ControlIngestionJob(job: job, action: .cancel, reason: nil))
        clock.advance(by: .seconds(days * 86_400))
        return job
    }

    var ids: [JobID] {
        get async throws {
            try await fake.jobs(ListIngestionJobs(job: nil, filter: .init(), after: nil, limit: 1000)).rows.map(\.id)
                .reversed()
        }
    }

    func events(_ job: JobID) async throws -> Int64 {
        try await fake.countRows(GetIngestionJobRows(job: job)).events
    }

    func session(_ recorded: RecordedConsole, isJSON: Bool = false) -> RetentionSession {
        RetentionSession(store: fake, console: recorded.console, isJSON: isJSON)
    }
}

private let month = Retention(olderThan: .seconds(30 * 86_400), keep: 1)

@Suite(.timeLimit(.minutes(1))) struct `The prune command` {
    @Test func `says when there is nothing to delete, and asks nobody`() async throws {
        let store = Store()
        for days in [nil, 29] as [Double?] {
            try await store.job("t\(days ?? 0)", then: days)
            let recorded = RecordedConsole()
            try await store.session(recorded).prune(month, isDryRun: false, isSure: false)
            #expect(recorded.out.hasPrefix("Nothing to delete: no job that may be deleted ended 30 d 0 h ago"))
        }
        let json = RecordedConsole()
        try await store.session(json, isJSON: true).prune(month, isDryRun: false, isSure: false)
        #expect(json.out == "{\"dry_run\":false,\"histories\":[],\"jobs\":[],\"needed\":[]}\n")
    }

    @Test func `names what goes and how much that is, and deletes it after a yes alone`() async throws {
        let store = Store()
        try await store.job("other -> c", then: 40)
        for days in [0, 40, 1] { try await store.job(then: Double(days)) }
        for answers in [["n"], [""], [nil], ["perhaps", "no"]] as [[String?]] {
            let recorded = RecordedConsole(isTerminal: true, answers: answers)
            await #expect(throws: CommandEnd.self) {
                try await store.session(recorded).prune(month, isDryRun: false, isSure: false)
            }
            #expect(recorded.out.contains("Delete 2 jobs and the history of 1 job (47 rows) for good? (y/N)"))
            #expect(try await store.ids == [1, 2, 3, 4])
        }
        let nobody = await #expect(throws: CommandEnd.self) {
            try await store.session(RecordedConsole()).prune(month, isDryRun: false, isSure: false)
        }
        #expect(nobody?.status == .usage)
        #expect(nobody?.message.contains("--yes") == true)
        #expect(try await store.ids == [1, 2, 3, 4])

        let recorded = RecordedConsole(isTerminal: true, answers: ["y"])
        try await store.session(recorded).prune(month, isDryRun: false, isSure: false)
        #expect(try await store.ids == [1, 4])
        #expect(try await store.events(1) == 0)
        #expect(try await store.events(4) > 0)
        let lines = recorded.out.split(separator: "\n").map(String.init)
        #expect(lines.contains { $0.hasPrefix("2    t -> c") && $0.contains("cancelled  2026-02-10 00:00:00Z") })
        #expect(lines.contains { $0.contains("Job 1 of other -> c stays and loses its history: 3 events.") })
        #expect(lines.suffix(3).first?.hasSuffix("Job 2 is deleted.") == true)
        #expect(lines.suffix(2) == ["Job 3 is deleted.", "The history of job 1 is deleted."])
        let again = RecordedConsole()
        try await store.session(again).prune(month, isDryRun: false, isSure: false)
        #expect(again.out.hasPrefix("Nothing to delete"))
    }

    @Test(arguments: [false, true]) func `changes nothing in a dry run`(isJSON: Bool) async throws {
        let store = Store()
        try await store.job(then: 40, unmarked: "ours")
        for _ in 1...2 { try await store.job(then: 40) }
        let recorded = RecordedConsole()
        try await store.session(recorded, isJSON: isJSON).prune(month, isDryRun: true, isSure: false)
        #expect(try await store.ids == [1, 2, 3])
        #expect(try await store.events(3) > 0)
        if isJSON {
            let object = try JSONSerialization.jsonObject(with: Data(recorded.out.utf8)) as? [String: Any]
            #expect(object?["dry_run"] as? Bool == true)
            #expect(object?["needed"] as? [Int] == [1])
            let jobs = object?["jobs"] as? [[String: Any]]
            #expect(jobs?.map { $0["job"] as? Int } == [2])
            #expect(jobs?.first?["why"] as? String == "old")
            #expect(jobs?.first?["rows"] as? Int == 22)
            #expect(jobs?.first?["result"] == nil)
            #expect((object?["histories"] as? [[String: Any]])?.map { $0["job"] as? Int } == [1, 3])
            #expect(recorded.error.isEmpty)
        } else {
            let stays = "Job 1 stays, although it is old: it has information that later jobs need."
            let end = "This would delete 1 job and the history of 2 jobs (28 rows). Nothing was changed.\n"
            #expect(recorded.out.contains(stays) && recorded.out.hasSuffix(end))
        }
    }

    @Test func `tells programs what it has done`() async throws {
        let store = Store()
        for _ in 1...2 { try await store.job(then: 40) }
        let recorded = RecordedConsole()
        try await store.session(recorded, isJSON: true).prune(month, isDryRun: false, isSure: true)
        let object = try JSONSerialization.jsonObject(with: Data(recorded.out.utf8)) as? [String: Any]
        #expect((object?["jobs"] as? [[String: Any]])?.map { $0["result"] as? String } == ["deleted"])
        #expect((object?["histories"] as? [[String: Any]])?.map { $0["result"] as? String } == ["deleted"])
        #expect(recorded.error.contains("Job 1 is deleted."))
        #expect(try await store.ids == [2])
    }

    @Test func `goes on with what was interrupted, whatever its age`() async throws {
        let store = Store()
        let job = try await store.job(then: 0)
        try await store.job("other", then: 0)
        let first = try await store.fake.deleteJob(DeleteIngestionJob(job: job, limit: 1, olderThanMs: nil))
        #expect(first.more)
        let recorded = RecordedConsole(isTerminal: true, answers: ["y"])
        try await store.session(recorded).prune(month, isDryRun: false, isSure: false)
        #expect(recorded.out.contains("being deleted"))
        #expect(try await store.ids == [2])
    }

    /// Between the list and the deletion, a job may be opened again or deleted by another process.
    @Test func `leaves what is not there as it was listed`() async throws {
        let meddler = Meddler()
        let store = Store(faults: meddler.hook)
        for days in [40, 40, 0] { try await store.job(then: Double(days)) }
        meddler.delete(1, in: store.fake)
        let recorded = RecordedConsole()
        try await store.session(recorded).prune(month, isDryRun: false, isSure: true)
        #expect(recorded.out.contains("Job 1 is deleted.\nJob 2 is deleted."))
        #expect(try await store.ids == [3])
    }

    static let ages: [(String, Int64)] = [
        ("30d", 2_592_000), ("1d", 86_400), ("1h", 3_600), ("60m", 3_600), ("90m", 5_400), ("12w", 7_257_600),
        ("036500d", 3_153_600_000),
    ]

    @Test(arguments: ages)
    func `takes an age`(text: String, seconds: Int64) throws {
        let command = try #require(try Migrate.parseAsRoot(["prune", "--older-than", text]) as? PruneCommand)
        #expect(command.olderThan.seconds == seconds)
        #expect(command.keep == 1)
    }

    @Test(arguments: [
        "", "d", "30", "30s", "30 d", "-30d", "+30d", "3.5d", "0d", "59m", "36501d", "9223372036854775807w",
        "99999999999999999999d", "30D", "٣٠d", "30d ", "1e3d", "d30",
    ])
    func `takes nothing else for an age`(text: String) {
        #expect(throws: (any Error).self) { try Migrate.parseAsRoot(["prune", "--older-than=\(text)"]) }
    }
}

@Suite(.timeLimit(.minutes(1))) struct `The delete command` {
    @Test func `deletes one job after a yes, and says what is lost with it`() async throws {
        let store = Store()
        for _ in 1...2 { try await store.job(then: 0) }
        let unneeded = RecordedConsole(isTerminal: true, answers: ["y"])
        try await store.session(unneeded).delete(1, isSure: false)
        #expect(!unneeded.out.contains("Only this job knows"))
        let size = "1 batch, 0 failures, 3 events; 22 rows"
        #expect(unneeded.out.contains("Job 1 of t -> c, cancelled at 2026-01-01 00:00:00Z: \(size)."))
        #expect(unneeded.out.hasSuffix("Delete job 1 for good? (y/N) Job 1 is deleted.\n"))
        #expect(try await store.ids == [2])
        let last = RecordedConsole(isTerminal: true, answers: ["no"])
        let end = await #expect(throws: CommandEnd.self) { try await store.session(last).delete(2, isSure: false) }
        #expect(end?.status == .incomplete)
        #expect(last.out.contains("Only this job knows: a later run of t -> c will ask again"))
        #expect(try await store.ids == [2])
        let json = RecordedConsole()
        try await store.session(json, isJSON: true).delete(2, isSure: true)
        let object = try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any]
        #expect(object?["result"] as? String == "deleted")
        #expect(object?["rows"] as? Int == 22)
        #expect(json.error.contains("Only this job knows"))
        #expect(try await store.ids == [])
    }

    @Test func `deletes no open job, and none that is not there`() async throws {
        let store = Store()
        try await store.job(then: nil)
        for (job, sentence) in [
            (1, "job 1 is running: let it end, or end it with `migrate cancel --job 1`"), (2, "there is no job 2"),
            (0, "there is no job 0"), (-1, "there is no job -1"), (.max, "there is no job \(JobID.max)"),
        ] as [(JobID, String)] {
            let end = await #expect(throws: CommandEnd.self) {
                try await store.session(RecordedConsole()).delete(job, isSure: true)
            }
            #expect(end == CommandEnd(.incomplete, sentence))
        }
        #expect(try await store.ids == [1])
    }
}

/// Lets another program delete a job just before a call deletes its first one, and loses the answer to that.
private final class Meddler: Sendable {
    private let state = Mutex<(fake: FakeSupabase?, job: JobID)>((nil, 0))

    func delete(_ job: JobID, in fake: FakeSupabase) { state.withLock { $0 = (fake, job) } }

    private func turn() -> (FakeSupabase, JobID)? {
        state.withLock { state in
            defer { state.fake = nil }
            return state.fake.map { ($0, state.job) }
        }
    }

    var hook: FaultHook {
        FaultHook { call async throws(PortFailure) in
            guard call == DeleteIngestionJob.function, let (fake, job) = self.turn() else { return }
            _ = try await fake.deleteJob(DeleteIngestionJob(job: job, limit: 1000, olderThanMs: nil))
            throw PortFailure(.outcomeUnknown, "the answer was lost")
        }
    }
}
