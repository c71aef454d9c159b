import Conformance
import Foundation
import Migration
import Subprocess
import Synchronization
import Testing

@testable import Adapters

/// Chooses faults by a seed and carries them out, one after the other; processes may stay stopped meanwhile.
final class ChaosNemesis: Sendable {
    private let stage: Stage
    private let fleet: Fleet
    private let proxy: DroppingProxy
    private let dice: Dice
    private let lease: Duration
    private let servers: String
    private let state = Mutex<(coverage: ChaosCoverage, stopped: Set<pid_t>)>((ChaosCoverage(), []))

    init(_ stage: Stage, _ fleet: Fleet, _ proxy: DroppingProxy, _ dice: Dice, lease: Duration) throws {
        self.stage = stage
        self.fleet = fleet
        self.proxy = proxy
        self.dice = dice
        self.lease = lease
        servers = try #require(TestEnvironment.values["MIGRATE_TEST_SERVERS"], "the folder of scripts/servers")
    }

    var coverage: ChaosCoverage { state.withLock { $0.coverage } }

    /// Does harm for that long, or until the job is final; leaves the world running and calm.
    func run(for duration: Duration) async throws {
        let end = ContinuousClock.now + duration
        proxy.begin()
        try await withThrowingTaskGroup(of: Void.self) { group in
            switch dice.below(4) {
            case 0, 1: group.addTask { await self.killPlanner() }
            case 2: group.addTask { await self.stopPlanner() }
            default: break
            }
            while ContinuousClock.now < end, await stage.isOpen() {
                await pause(.milliseconds(dice.number(300...1800)))
                switch dice.below(24) {
                case 0..<8: strike(SIGKILL, .kills)
                case 8..<14: if let process = prey() { group.addTask { await self.stop(process) } }
                case 14, 15: strike(SIGTERM, .terms)
                case 16, 17: try await restart("postgres", .postgresRestarts)
                case 18, 19: try await restart("mariadb", .mysqlRestarts)
                case 20, 21:
                    proxy.cut()
                    count(.cuts)
                default: try await pauseJob()
                }
            }
            try await group.waitForAll()
        }
        proxy.calm()
        try await resumeJob()
    }

    private func count(_ fault: ChaosCoverage.Fault) { state.withLock { $0.coverage[fault] += 1 } }

    /// One of ours that is not stopped.
    private func prey() -> pid_t? {
        let stopped = state.withLock(\.stopped)
        return dice.pick(fleet.processes().filter { !stopped.contains($0) })
    }

    private func strike(_ signal: Int32, _ fault: ChaosCoverage.Fault) {
        if let process = prey(), fleet.signal(process, signal) { count(fault) }
    }

    // MARK: - Stopping

    /// Stops a process that holds a batch until another process owns it, and lets it go on.
    private func stop(_ process: pid_t) async {
        let mayStop = state.withLock { state in state.stopped.count < 3 && state.stopped.insert(process).inserted }
        guard mayStop else { return }
        defer { _ = state.withLock { $0.stopped.remove(process) } }
        guard fleet.signal(process, SIGSTOP) else { return }
        let began = ContinuousClock.now
        var hasNewOwner = false
        if let held = await held(by: process) {
            let enough = lease + .seconds(2)
            while ContinuousClock.now - began < enough || (!hasNewOwner && ContinuousClock.now - began < .seconds(45)) {
                await pause(.milliseconds(250))
                hasNewOwner = await stage.says("SELECT bool_or(\(held.taken)) FROM ingestion_batch")
                // Its finish was in transit when it was stopped: no other process will own that batch.
                if await stage.says("SELECT bool_and(\(held.ended)) FROM ingestion_batch") { break }
            }
        }
        let isLong = ContinuousClock.now - began >= lease + .seconds(2)
        guard fleet.signal(process, SIGCONT), isLong else { return }
        count(.stops)
        if hasNewOwner { count(.staleMetOwner) }
    }

    /// What a process holds, as SQL; nil where it holds nothing.
    private struct Held {
        /// That a row is one of its batches with a later attempt.
        let taken: String
        /// That a row is none of its batches, or one that ended under its own attempt.
        let ended: String
    }

    private func held(by process: pid_t) async -> Held? {
        let rows = await stage.ask(
            """
            SELECT batch_number, attempt FROM ingestion_batch
            WHERE status = 'processing' AND worker_id ~ ':\(process)(/|$)'
            """
        )
        let pairs = (rows ?? []).map { (number: $0[0] ?? "-1", attempt: $0[1] ?? "0") }
        if pairs.isEmpty { return nil }
        return Held(
            taken: pairs.map { "(batch_number = \($0.number) AND attempt > \($0.attempt))" }.joined(separator: " OR "),
            ended: pairs.map { "(batch_number <> \($0.number) OR (attempt = \($0.attempt) AND status = 'completed'))" }
                .joined(separator: " AND ")
        )
    }

    // MARK: - Planners

    /// Kills the planner after its first page and before its last.
    private func killPlanner() async {
        guard let planner = await planning(), fleet.signal(planner, SIGKILL) else { return }
        count(.kills)
        // What was on its way to the server may still arrive.
        await pause(.milliseconds(500))
        if await stage.says("SELECT plan_sealed_at IS NULL FROM ingestion_job") { count(.plannerDeaths) }
    }

    /// Stops the planner between two pages until another one controls the job, and lets it go on.
    private func stopPlanner() async {
        guard let planner = await planning(), fleet.signal(planner, SIGSTOP) else { return }
        _ = state.withLock { $0.stopped.insert(planner) }
        defer { _ = state.withLock { $0.stopped.remove(planner) } }
        var isReplaced = false
        let began = ContinuousClock.now
        while !isReplaced, ContinuousClock.now - began < .seconds(60) {
            await pause(.milliseconds(250))
            isReplaced = await stage.says("SELECT controller_epoch > 1 FROM ingestion_job")
        }
        guard fleet.signal(planner, SIGCONT) else { return }
        count(.stops)
        if isReplaced { count(.stalePlanners) }
    }

    /// The process that plans, once a part of the plan is stored; nil when it was too quick.
    private func planning() async -> pid_t? {
        for _ in 0..<1500 {
            let rows = await stage.ask(
                "SELECT plan_cursor IS NOT NULL, plan_sealed_at IS NOT NULL, controller_id FROM ingestion_job"
            )
            if let row = rows?.first {
                if row[1] == "t" { return nil }
                if row[0] == "t" { return row[2]?.split(separator: ":").last.flatMap { pid_t($0) } }
            }
            await pause(.milliseconds(10))
        }
        return nil
    }

    // MARK: - Servers and operators

    private func restart(_ server: String, _ fault: ChaosCoverage.Fault) async throws {
        let ended = try await Subprocess.run(
            .name("env"),
            arguments: [TestEnvironment.repository + "/scripts/server/\(server)", "restart", servers],
            input: .none,
            output: .discarded,
            error: .string(limit: 1 << 16)
        )
        try #require(ended.terminationStatus.isSuccess, "\(ended.standardError)")
        count(fault)
    }

    private func pauseJob() async throws {
        let paused = try await stage.program.run(["pause", "--job", "1"], stage.settings)
        guard paused.status == 0 else { return }  // it has ended, or the server is away
        await pause(.milliseconds(dice.number(200...2000)))
        try await resumeJob()
        count(.pauses)
    }

    private func resumeJob() async throws {
        for _ in 0..<20 {
            let resumed = try await stage.program.run(["resume", "--job", "1"], stage.settings)
            if resumed.status <= 1 { return }
        }
        throw PortFailure(.unavailable, "the job cannot be resumed")
    }
}

extension Stage {
    /// Rows of the tracking database; nil while the server is away.
    func ask(_ sql: String) async -> [[String?]]? { try? await database.run(sql) }

    /// Whether the tracking database answers yes.
    func says(_ sql: String) async -> Bool { await ask(sql)?.first?.first == "t" }

    /// Whether the job is not final, as far as that is known.
    func isOpen() async -> Bool { await ask(Self.final)?.isEmpty ?? true }

    /// Whether the server says that the job is not final.
    func isSurelyOpen() async -> Bool { await ask(Self.final)?.isEmpty ?? false }

    private static let final = "SELECT id FROM ingestion_job WHERE status IN ('completed', 'failed', 'cancelled')"
}
