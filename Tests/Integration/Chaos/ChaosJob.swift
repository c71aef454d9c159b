import Conformance
import Fakes
import Foundation
import Migration
import Synchronization
import Testing

@testable import Adapters

/// One job from an empty collection to its end under faults, and everything that must then be so.
struct ChaosJob {
    /// Rows of the table; only every tenth has a text, so that there are two pages to plan and many batches to claim.
    static let rows = 12_000
    static let texts = rows / 10
    static let batchSize = 50
    /// For how long there are faults, and how long the job may then take.
    private static let harm = Duration.seconds(45)
    private static let rest = Duration.seconds(300)

    private(set) var coverage = ChaosCoverage()
    private(set) var problems: [String] = []
    /// What was paid and counted.
    private(set) var account = ""

    /// Sets a stage, plays and judges one job.
    ///
    /// - Parameters:
    ///   - seed: decides which faults there are, and when.
    ///   - prepare: spoils the store before the job begins.
    ///   - falsify: spoils it when the job has ended, before the checks.
    /// - Returns: what happened, and every promise that was broken.
    /// - Throws: when the stage cannot be set, or the test's own tools fail.
    static func run(
        seed: UInt64,
        prepare: (Stage) async throws -> Void = { _ in },
        falsify: (Stage) async throws -> Void = { _ in }
    ) async throws -> Self {
        let dice = Dice(seed)
        // The shortest leases there are.
        let heartbeat = dice.number(1...2)
        let settings = [
            "BATCH_SIZE": "\(batchSize)", "MAX_RETRIES": "50", "WORKER_HEARTBEAT_INTERVAL": "\(heartbeat)",
            "WORKER_POLL_INTERVAL": "0.2", "BATCH_TIMEOUT_MINUTES": "2", "SHUTDOWN_GRACE_SECONDS": "4",
            "OPENAI_EMBEDDING_DIMENSIONS": "16",
        ]
        var job = Self()
        try await Stage.use(ChaosStore.chosen.transport, records: 0, settings) { stage in
            try await fill(stage)
            let paid = Paid()
            stage.embedder.update {
                $0.latency = .milliseconds(300)
                $0.refusesText = { paid.note($0) }
            }
            try await stage.migrate("setup", "--yes")
            try await prepare(stage)
            try await ChaosStore.chosen.use(stage, seed: seed) { proxy in
                let fleet = Fleet(stage, try stage.way(by: proxy))
                let nemesis = try ChaosNemesis(stage, fleet, proxy, dice, lease: .seconds(4 * heartbeat))
                let seconds = try await play(stage, fleet, nemesis)
                job.coverage = nemesis.coverage
                job.problems = fleet.problems
                guard let seconds else {
                    let stats = try await stage.stats(job: 1)
                    return job.problems.append("the job did not end within \(rest) after the last fault: \(stats)")
                }
                try await falsify(stage)
                // Without a proxy that sees the answers, it is counted what their callers say of them.
                if proxy == nil { job.coverage[.staleRefused] = fleet.refusals }
                let calls = try proxy?.calls() ?? []
                let checks = ChaosChecks(stage, calls: calls, paid: paid, lease: .seconds(4 * heartbeat))
                job.problems += try await checks.problems(&job.coverage)
                job.account =
                    "final \(seconds) s after the last fault; \(try await checks.account()); "
                    + "starts \(fleet.starts), exits \(fleet.exits)"
            }
        }
        return job
    }

    /// The processes at work, and the faults.
    ///
    /// - Returns: the seconds from the last fault to the end of the job; nil when it did not end.
    private static func play(_ stage: Stage, _ fleet: Fleet, _ nemesis: ChaosNemesis) async throws -> Int? {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await fleet.keep(.planner) }
            try await stage.wait { await stage.job() != nil }
            // No setting says this: retries should not wait for longer than the test.
            try await stage.change("backoff_base_seconds = 1, backoff_cap_seconds = 4", of: "job")
            for seat in [Fleet.Seat.parent, .worker, .stranger] { group.addTask { await fleet.keep(seat) } }
            do { try await nemesis.run(for: harm) } catch {
                fleet.end()
                for process in fleet.processes() { fleet.signal(process, SIGKILL) }
                throw error
            }
            let calm = ContinuousClock.now
            while await stage.isOpen(), ContinuousClock.now < calm + rest { await pause(.milliseconds(250)) }
            fleet.end()
            let isFinal = await !stage.isOpen()
            let seconds = Int((ContinuousClock.now - calm) / .seconds(1))
            // Every process sees that the job is final, and leaves.
            let patience = ContinuousClock.now + .seconds(isFinal ? 60 : 0)
            while !fleet.processes().isEmpty, ContinuousClock.now < patience { await pause(.milliseconds(250)) }
            let left = fleet.processes()
            for process in left { fleet.signal(process, SIGKILL) }
            if isFinal, !left.isEmpty { Issue.record("\(left.count) processes stayed after the job was final") }
            try await group.waitForAll()
            return isFinal ? seconds : nil
        }
    }

    /// Ids far above 2^53; one record has no tenant, and must end as a dead letter.
    private static func fill(_ stage: Stage) async throws {
        try await stage.rows.run(
            """
            INSERT INTO ip_summary SELECT 1823456789012345679 + seq * 4194304, CONCAT('member-', seq % 5),
                IF(seq % 10 = 0, CONCAT('Record ', seq, ': the ferry leaves at ', seq % 24, ', 渡船 паром 🐈.'), NULL)
            FROM seq_1_to_\(rows)
            """,
            "INSERT INTO ip_summary VALUES (13, NULL, 'whose is it')"
        )
    }
}

/// Which of our texts were embedded, and how often.
final class Paid: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    /// Always false: the text is not refused.
    func note(_ text: String) -> Bool {
        if text.hasPrefix("Record ") { counts.withLock { $0[text, default: 0] += 1 } }
        return false
    }

    var texts: Int { counts.withLock { $0.count } }
    var again: Int { counts.withLock { $0.values.reduce(0) { $0 + $1 - 1 } } }
}
