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
    /// Nil before a tracking file.
    private let proxy: DroppingProxy?
    private let dice: Dice
    private let lease: Duration
    private let servers: String
    private let state = Mutex<(coverage: ChaosCoverage, stopped: Set<pid_t>)>((ChaosCoverage(), []))

    init(_ stage: Stage, _ fleet: Fleet, _ proxy: DroppingProxy?, _ dice: Dice, lease: Duration) throws {
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
        proxy?.begin()
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
                case 8..<14: if let process = await holder() { group.addTask { await self.stop(process) } }
                case 14, 15: strike(SIGTERM, .terms)
                case 16, 17:
                    if proxy == nil { strikeAll() } else { try await restart("postgres", .postgresRestarts) }
                case 18, 19: try await restart("mariadb", .mysqlRestarts)
                case 20, 21: if let proxy { cut(proxy) } else { strike(SIGKILL, .kills) }
                default: try await pauseJob()
                }
            }
            try await group.waitForAll()
        }
        proxy?.calm()
        try await resumeJob()
    }

    private func count(_ fault: ChaosCoverage.Fault) { state.withLock { $0.coverage[fault] += 1 } }

    /// One of ours that is not stopped.
    private func prey() -> pid_t? {
        let stopped = state.withLock(\.stopped)
        return dice.pick(fleet.processes().filter { !stopped.contains($0) })
    }

    /// One of ours that is not stopped and holds a batch.
    private func holder() async -> pid_t? {
        let stopped = state.withLock(\.stopped)
        let holders = Set(await stage.batches(.processing)?.compactMap(\.holder) ?? [])
        return dice.pick(fleet.processes().filter { holders.contains($0) && !stopped.contains($0) })
    }

    private func strike(_ signal: Int32, _ fault: ChaosCoverage.Fault) {
        if let process = prey(), fleet.signal(process, signal) { count(fault) }
    }

    private func cut(_ proxy: DroppingProxy) {
        proxy.cut()
        count(.cuts)
    }

    /// Kills all of them in one moment, except those that are stopped.
    private func strikeAll() {
        let stopped = state.withLock(\.stopped)
        let struck = fleet.processes().count { !stopped.contains($0) && fleet.signal($0, SIGKILL) }
        state.withLock { $0.coverage[.kills] += struck }
        if struck > 1 { count(.killsOfAll) }
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
            // What is given back comes after all batches that were never claimed: often not before the faults are over.
            let patience = Duration.seconds(90)
            while ContinuousClock.now - began < enough || (!hasNewOwner && ContinuousClock.now - began < patience) {
                await pause(.milliseconds(250))
                guard let batches = await stage.batches() else { continue }
                hasNewOwner = batches.contains { batch in
                    held[batch.batchNumber].map { batch.attempt > $0 } ?? false
                }
                // Its finish was in transit when it was stopped: no other process will own that batch.
                let ended = batches.count { $0.status == .completed && held[$0.batchNumber] == $0.attempt }
                if ended == held.count || !fleet.isOurs(process) { break }
            }
        }
        let isLong = ContinuousClock.now - began >= lease + .seconds(2)
        guard fleet.signal(process, SIGCONT), isLong else { return }
        count(.stops)
        if hasNewOwner { count(.staleMetOwner) }
    }

    /// The attempts that a process holds, by batch; nil where it holds nothing.
    private func held(by process: pid_t) async -> [Int: Int]? {
        let mine = await stage.batches(.processing)?.filter { $0.holder == process }
        let held = Dictionary((mine ?? []).map { ($0.batchNumber, $0.attempt) }) { first, _ in first }
        return held.isEmpty ? nil : held
    }

    // MARK: - Planners

    /// Kills the planner after its first page and before its last.
    private func killPlanner() async {
        guard let planner = await planning(), fleet.signal(planner, SIGKILL) else { return }
        count(.kills)
        // What was on its way to the server may still arrive.
        await pause(.milliseconds(500))
        if await stage.job()?.sealed == false { count(.plannerDeaths) }
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
            isReplaced = await stage.job().map { $0.controller != planner } ?? false
        }
        guard fleet.signal(planner, SIGCONT) else { return }
        count(.stops)
        if isReplaced { count(.stalePlanners) }
    }

    /// The process that plans, once a part of the plan is stored; nil when it was too quick.
    private func planning() async -> pid_t? {
        for _ in 0..<1500 {
            if let job = await stage.job() {
                if job.sealed { return nil }
                if job.planCursor != nil { return job.controller }
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

extension BatchSummary {
    /// The process of its worker: `host:process` or `host:process/worker`.
    fileprivate var holder: pid_t? {
        workerId?.split(separator: "/").first?.split(separator: ":").last.flatMap { pid_t($0) }
    }
}

extension JobSummary {
    /// The process that controls it.
    fileprivate var controller: pid_t? {
        controllerId?.split(separator: ":").last.flatMap { pid_t($0) }
    }
}
