import Engine
import Migration
import Settings
import Terminal
import Testing

@testable import migrate

@Suite struct `How the program ends` {
    private static let kinds: [(PortFailure.Kind, Int32)] = [
        (.unavailable, 69), (.throttled(retryAfter: nil), 69), (.outcomeUnknown, 69), (.rejected, 77),
        (.unauthorised, 77),
        (.outOfMoney, 77), (.full, 77), (.cancelled, 75),
    ]

    @Test(arguments: kinds) func `a failed call has its exit code`(kind: PortFailure.Kind, code: Int32) {
        let ending = Ending(PortFailure(kind, "The reason."), usage: { _ in (64, "usage") })
        #expect(ending == Ending(PortFailure(kind, "The reason."), usage: { _ in (1, "other") }))
        #expect(ending.status == code)
        #expect(ending.message == "migrate: The reason.")
    }

    @Test func `bad settings end with 78 and name everything`() {
        let problems = SettingsProblems(
            problems: [.init(subject: "A", sentence: "is wrong"), .init(subject: "B", sentence: "is not set")]
        )
        let ending = Ending(problems, usage: { _ in (64, "") })
        #expect(ending.status == 78)
        #expect(ending.message == "migrate: 2 settings are wrong:\n  A: is wrong\n  B: is not set")
    }

    @Test func `what has been said is not said again`() {
        #expect(Ending(CommandEnd(.incomplete), usage: { _ in (64, "") }).message.isEmpty)
        #expect(Ending(CommandEnd(.incomplete, "why"), usage: { _ in (64, "") }).message == "migrate: why")
    }

    @Test func `the parser answers for its own errors`() {
        struct Other: Error {}
        #expect(Ending(Other(), usage: { _ in (64, "usage") }).message == "usage")
    }

    @Test func `a job's end has its exit code`() {
        func status(_ job: JobStatus, failed: Int64 = 0) -> Int32 {
            JobReport(.sample(job, failed: failed)).exitStatus.rawValue
        }
        #expect(status(.completed) == 0)
        #expect(status(.completed, failed: 1) == 1)
        #expect(status(.failed) == 1)
        #expect(status(.cancelled) == 1)
        #expect([JobStatus.pending, .running, .paused].allSatisfy { status($0) == 75 })
    }

    @Test func `a runner's end has its exit code`() {
        func end(_ reason: StopReason) -> CommandEnd { RunSession.end(reason, JobReport(.sample(.running))) }
        #expect(end(.signalled).status == .stopped)
        #expect(end(.configMismatch).status == .badSettings)
        #expect(end(.fatal(.embedder, PortFailure(.outOfMoney, "no money"))).status == .refused)
        #expect(end(.fatal(.embedder, PortFailure(.outOfMoney, "no money"))).message.contains("no money"))
        #expect(RunSession.end(.jobEnded(.completed), JobReport(.sample(.completed))).status == .complete)
    }

    @Test(arguments: Brake.Kind.allCases)
    func `a run that its brake has paused ends with 1 and says how to go on`(kind: Brake.Kind) {
        let end = RunSession.end(.braked(Brake(kind, "Why.")), JobReport(.sample(.paused)))
        #expect(end.status == .incomplete)
        #expect(end.message.hasPrefix("the job is paused: Why.\n"))
        // The runner has ended: resuming alone would work on nothing.
        #expect(end.message.contains("`migrate resume`") && end.message.contains("`migrate run"), "\(end.message)")
        #expect(end.message.contains("--allow-removals") == (kind == .removals))
    }

    @Test func `a repair that would delete too much ends with 1 and names its own flag`() {
        let brake = Brake(.removals, BrakeLimits().judge(removals: 101, done: 120)?.reason ?? "")
        let end = CommandEnd(ServiceFailure(.points, PortFailure(.rejected, brake.reason, code: "braked")))
        #expect(end.status == .incomplete)
        #expect(end.message.contains("101 of 120 records") && end.message.contains("only with --allow-removals"))
        #expect(!end.message.contains("migrate run"), "\(end.message)")
    }

    @Test func `the first signal drains, the second releases, the third leaves`() {
        #expect((1...4).map(SignalResponse.init(count:)) == [.drain, .release, .leave, .leave])
    }
}

extension JobStats {
    /// Counters of a made-up job of 1,000 records in 10 batches.
    static func sample(_ status: JobStatus, processed: Int64 = 500, failed: Int64 = 0, isSealed: Bool = true)
        -> JobStats
    {
        let job = JobSummary(
            id: 7,
            targetKey: "app.ip_summary -> memos",
            status: status,
            configHash: "hash",
            config: [:],
            settings: JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600),
            planCursor: nil,
            planUpper: nil,
            sealed: isSealed,
            nextBatchNumber: 10,
            totalBatches: 10,
            totalRecords: 1_000,
            sourceCount: nil,
            currentRound: 0,
            controllerId: nil,
            createdAt: "2026-01-31T12:00:00.123Z",
            startTime: "2026-01-31T12:00:00.123Z",
            endTime: nil,
            reason: nil
        )
        return JobStats(
            result: .ok,
            job: job,
            pending: 3,
            processing: 2,
            completed: 5,
            failed: 0,
            processed: processed,
            skipped: 0,
            failedRecords: failed,
            missing: 0,
            claims: 7,
            retries: 0,
            reaps: 0,
            releases: 0,
            defers: 0,
            equal: nil
        )
    }
}
