import Adapters
import ArgumentParser
import Fakes
import Foundation
import Migration
import Scenarios
import Terminal
import Testing

@testable import migrate

@Suite(.timeLimit(.minutes(1))) struct `Commands that repair a job` {
    /// A job of four batches, of which three are held by two hosts.
    private static func world() async throws -> (world: SessionWorld, job: JobID) {
        let world = try await SessionWorld()
        let engine = try world.engine()
        let job = try await world.leftJob(engine)
        for worker in ["app-7:1/0", "app-7:2/0", "app-8:1/0"] { try await world.claim(job, by: worker, engine) }
        return (world, job)
    }

    private static func release(_ world: SessionWorld, _ recorded: RecordedConsole, isJSON: Bool = false)
        -> ReleaseSession
    {
        ReleaseSession(store: world.store, lookup: JobLookup(target: nil), console: recorded.console, isJSON: isJSON)
    }

    private static func atWork(_ world: SessionWorld, _ job: JobID) async throws -> Int {
        try await world.store.stats(GetIngestionJobStats(job: job)).processing
    }

    @Test func `release says what it is about, asks, and releases that`() async throws {
        let (world, job) = try await Self.world()
        let recorded = RecordedConsole(answers: ["y"])
        try await Self.release(world, recorded).run(.init(worker: "app-7"), of: job, isSure: false)
        #expect(recorded.out.contains("Release 2 batches with 20 records (2 of them have workers that report)? (y/N)"))
        #expect(recorded.out.hasSuffix("2 batches may be claimed again.\n"))
        #expect(try await Self.atWork(world, job) == 1)
    }

    @Test(arguments: [["n"], [""], [nil], ["perhaps", nil]] as [[String?]])
    func `release changes nothing without a yes`(answers: [String?]) async throws {
        let (world, job) = try await Self.world()
        let end = await #expect(throws: CommandEnd.self) {
            try await Self.release(world, RecordedConsole(answers: answers)).run(
                .init(olderThanMs: 0),
                of: job,
                isSure: false
            )
        }
        #expect(end?.message == "nothing was changed")
        #expect(try await Self.atWork(world, job) == 3)
    }

    @Test func `release asks nobody where nobody is, and names the flag`() async throws {
        let (world, job) = try await Self.world()
        let end = await #expect(throws: CommandEnd.self) {
            try await Self.release(world, RecordedConsole()).run(.init(batchNumbers: [0]), of: job, isSure: false)
        }
        #expect(end?.status == .usage)
        #expect(end?.message.contains("--yes") == true)
        #expect(try await Self.atWork(world, job) == 3)
    }

    @Test func `release of nothing asks nothing and ends with 0`() async throws {
        let (world, job) = try await Self.world()
        let recorded = RecordedConsole()
        try await Self.release(world, recorded).run(.init(worker: "app-9"), of: job, isSure: false)
        #expect(recorded.out.hasSuffix("Job \(job) has no such batches at work.\n"))
    }

    @Test func `release answers one object of JSON, and everything else beside it`() async throws {
        let (world, job) = try await Self.world()
        let recorded = RecordedConsole(answers: ["yes"])
        try await Self.release(world, recorded, isJSON: true).run(.init(batchNumbers: [1, 2]), of: job, isSure: false)
        let object = try JSONSerialization.jsonObject(with: Data(recorded.out.utf8)) as? [String: Any]
        #expect(object?["released"] as? Int == 2 && object?["failed"] as? Int == 0)
        #expect(object?["records"] as? Int == 20 && object?["job"] as? Int == Int(job))
        #expect(recorded.error.contains("Release 2 batches"))
    }

    @Test func `release says which batches had to be given up, and ends with 1`() async throws {
        let (world, job) = try await Self.world()
        let store = world.store
        // Three retries, all used by the first batch.
        for _ in 0..<3 {
            let filter = ReleaseIngestionBatches.Filter(batchNumbers: [0])
            _ = try await store.release(.init(job: job, filter: filter, limit: 10, dryRun: false))
            while try await world.claim(job, by: "app-7:1/0", world.engine())?.batchNumber != 0 {}
        }
        let recorded = RecordedConsole(answers: ["y"])
        let end = await #expect(throws: CommandEnd.self) {
            try await Self.release(world, recorded).run(.init(batchNumbers: [0, 1]), of: job, isSure: false)
        }
        #expect(end == CommandEnd(.incomplete))
        #expect(recorded.out.contains("1 with no retry left will be given up"))
        #expect(recorded.out.contains("1 batch may be claimed again. 1 batch had no retry left and is given up"))
        #expect(recorded.out.contains("migrate retry --batches"))
    }

    @Test func `a job that is not there is no job`() async throws {
        let (world, job) = try await Self.world()
        for number in [job + 1, .max] {
            let recorded = RecordedConsole()
            let release = await #expect(throws: CommandEnd.self) {
                try await Self.release(world, recorded).run(.init(olderThanMs: 0), of: number, isSure: true)
            }
            let repair = await #expect(throws: CommandEnd.self) {
                try await Self.repair(world.store, recorded).run(number)
            }
            #expect(release == CommandEnd(.incomplete, "there is no job \(number)") && repair == release)
        }
    }

    @Test(
        arguments: [
            ("0s", 0), ("90s", 90_000), ("10m", 600_000), ("2h", 7_200_000), ("1d", 86_400_000),
            ("3650d", 315_360_000_000), ("3651d", nil), ("10", nil), ("m", nil), ("", nil), ("-1m", nil), ("1.5h", nil),
            ("10 m", nil), ("9223372036854775807d", nil), ("99999999999999999999s", nil), ("1w", 604_800_000),
            ("١m", nil),
        ] as [(String, Int64?)]
    )
    func `an age is a number and its unit`(text: String, milliseconds: Int64?) {
        let release = try? Migrate.parseAsRoot(["release", "--older-than=\(text)"]) as? ReleaseCommand
        #expect(release?.olderThan.map { $0.seconds * 1_000 } == milliseconds)
    }

    // MARK: Counters

    private static func repair(_ store: any JobStore, _ recorded: RecordedConsole, isJSON: Bool = false)
        -> RepairSession
    {
        RepairSession(store: store, lookup: JobLookup(target: nil), console: recorded.console, isJSON: isJSON)
    }

    @Test func `repair-counters leaves alone what is right, and says so`() async throws {
        let (world, job) = try await Self.world()
        let before = try await world.state(job)
        let recorded = RecordedConsole()
        try await Self.repair(world.store, recorded).run(nil)
        #expect(recorded.out.hasSuffix("The counters of job \(job) are right.\n"))
        #expect(try await world.state(job) == before)
    }

    /// A store whose counters are wrong: every attempt that fails is counted, not only the last.
    @Test(arguments: [false, true]) func `repair-counters says what was wrong`(isJSON: Bool) async throws {
        let store = FakeSupabase(
            time: Time(ContinuousClock()),
            entropy: SystemEntropy(),
            policy: TrackingPolicy(planted: .everyAttemptIsCounted)
        )
        let job = try await Self.miscounted(store)
        let recorded = RecordedConsole()
        try await Self.repair(store, recorded, isJSON: isJSON).run(job)
        if isJSON {
            let object = try JSONSerialization.jsonObject(with: Data(recorded.out.utf8)) as? [String: Any]
            #expect((object?["changes"] as? [[String: Any]])?.first?["name"] as? String == "failed_records")
            #expect(object?["is_right"] as? Bool == true)
        } else {
            #expect(recorded.out.hasSuffix("Corrected in job \(job):\n  failed_records: 2, now 0\n"))
        }
        #expect(try await store.exactStats(.init(job: job)).equal == true)
        let again = RecordedConsole()
        try await Self.repair(store, again).run(job)
        #expect(again.out.contains("are right"))
    }

    private static func miscounted(_ store: FakeSupabase) async throws -> JobID {
        let token = SystemEntropy().uuid()
        let opened = try await store.openJob(
            OpenIngestionJob(
                targetKey: "t",
                configHash: "h",
                config: [:],
                settings: JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600),
                controllerId: "c",
                token: token,
                start: true
            )
        )
        _ = try await store.appendBatches(
            .init(job: opened.job.id, epoch: opened.epoch, token: token, expectedCursor: nil, batches: [[1, 2]])
        )
        let claim = SystemEntropy().uuid()
        _ = try await store.claim(
            .init(job: opened.job.id, worker: "w", claimId: claim, limit: 1, configHash: "h", floor: nil)
        )
        let end = FinishBatch(
            job: opened.job.id,
            batchNumber: 0,
            attempt: 1,
            claimId: claim,
            outcome: .failed,
            counts: BatchCounts(failed: 2),
            failedRecords: [],
            retryAfterMs: nil,
            error: nil
        )
        _ = try await store.finish(end)
        return opened.job.id
    }
}
