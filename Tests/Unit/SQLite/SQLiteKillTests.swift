import Foundation
import Glibc
import Invariants
import Migration
import Synchronization
import Testing

@testable import SQLite

/// Kills processes that share a tracking file: mostly one, sometimes all at once.
private final class SQLiteKiller: Sendable {
    private struct State {
        var seats = 8
        var ended: Set<String> = []
        var killsOfAll = 0
        var halves = 0
        var findings: [[String?]] = []
    }

    private let folder: SharedFolder
    private let store: SQLiteJobStore
    private let state = Mutex(State())

    init(_ folder: SharedFolder) async throws {
        self.folder = folder
        store = try await SQLiteJobStore.open(folder.file)
    }

    /// How often all were killed at once, and how often that left a transaction half written.
    var killsOfAll: (count: Int, halves: Int) { state.withLock { ($0.killsOfAll, $0.halves) } }
    /// What the looks at the file after these moments found, besides `ok`.
    var findings: [[String?]] { state.withLock { $0.findings } }

    /// How many of the eight are still started again.
    var seats: Int { state.withLock(\.seats) }
    func giveUpSeat() { state.withLock { $0.seats -= 1 } }

    func strike() async throws {
        let alive = try alive()
        guard Int.random(in: 0..<25) == 0, alive.count > 1 else {
            if let process = alive.randomElement() { kill(process, SIGKILL) }
            return
        }
        for process in alive { kill(process, SIGKILL) }
        for _ in 0..<1000 where try !self.alive().isEmpty { await SQLiteWorker.hold(.milliseconds(1)) }
        // Seen by its name: only SQLite may open files of SQLite.
        var status = stat()
        let isHalf = unsafe stat(folder.file + "-journal", &status) == 0 && status.st_size > 0
        let found = try await store.run("PRAGMA quick_check")
        state.withLock { state in
            state.killsOfAll += 1
            if isHalf { state.halves += 1 }
            state.findings += found.filter { $0 != ["ok"] }
        }
    }

    func strikeAll() throws { for process in try alive() { kill(process, SIGKILL) } }

    /// Our children that have begun to work and have not ended.
    ///
    /// Numbers of processes are used again, so each is looked at.
    private func alive() throws -> [pid_t] {
        let ended = state.withLock(\.ended)
        var alive: [pid_t] = []
        for (name, process) in try SQLiteNotes.processes(in: folder.path) where !ended.contains(name) {
            if Self.isRunning(process) {
                alive.append(process)
            } else {
                state.withLock { _ = $0.ended.insert(name) }
            }
        }
        return alive.sorted()
    }

    private static func isRunning(_ process: pid_t) -> Bool {
        // 4711 (name) S 4700 …: its state and its parent.
        let fields = KernelFile.text("/proc/\(process)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 1 && fields[0] != "Z" && pid_t(fields[1]) == getpid()
    }
}

/// Eight processes that open jobs in one file, plan them, work on them and end them, and are killed all the while.
///
/// For ten seconds, or for `MIGRATE_TEST_KILL_MINUTES`; `make chaos STORE=sqlite` runs it for ten minutes.
@Suite(.heavy) struct `Processes on one tracking file` {
    private static let minutes =
        ProcessInfo.processInfo.environment["MIGRATE_TEST_KILL_MINUTES"].flatMap { Double($0) } ?? 1.0 / 6

    @Test func `may be killed at any moment`() async throws {
        let folder = try await SharedFolder.make("killed")
        let killer = try await SQLiteKiller(folder)
        let end = ContinuousClock.now + .seconds(60 * Self.minutes)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    while ContinuousClock.now < end {
                        await #expect(processExitsWith: .signal(SIGKILL)) {
                            let workers = try await SQLiteWorker.all(
                                2,
                                in: SQLiteWorker.folder("killed", of: getppid())
                            )
                            try await withThrowingTaskGroup(of: Void.self) { group in
                                for worker in workers { group.addTask { try await worker.toil() } }
                                try await group.waitForAll()
                            }
                        }
                    }
                    killer.giveUpSeat()
                }
            }
            while killer.seats > 0 {
                if ContinuousClock.now < end { try await killer.strike() } else { try killer.strikeAll() }
                await SQLiteWorker.hold(.milliseconds(.random(in: 50...400)))
            }
            try await group.waitForAll()
        }
        #expect(killer.findings == [])
        let lives = try SQLiteNotes.lives(in: folder.path)
        // What they held comes back when its lease is over, and everything is brought to its end.
        try await SQLiteWorker.all(1, in: folder.path)[0].drain()
        let jobs = try await folder.judge(try SQLiteNotes.lives(in: folder.path)).jobs
        for job in jobs {
            #expect(job.summary.status == .completed, "job \(job.summary.id)")
            #expect(job.batches.map(\.recordIds) == (0..<SQLiteWorker.batches).map { [RecordID($0 + 1)] })
            let ends = job.events.filter { $0.kind == "completed" }.compactMap(\.batchNumber)
            #expect(ends.sorted() == Array(0..<SQLiteWorker.batches), "each batch of job \(job.summary.id) once")
        }
        report(jobs, lives, killer)
        try folder.remove()
    }

    private func report(_ jobs: [TrackingEvidence.Job], _ lives: [SQLiteLife], _ killer: SQLiteKiller) {
        func noted(_ word: SQLiteNotes.Word) -> Int { lives.reduce(0) { $0 + $1.counts[word, default: 0] } }
        let inside = lives.count(where: \.endedInCall)
        let completed = jobs.reduce(0) { $0 + $1.stats.completed }
        let claims = jobs.reduce(0) { $0 + Int($1.stats.claims) }
        let reaps = jobs.reduce(0) { $0 + Int($1.stats.reaps) }
        let fence = jobs.flatMap(\.batches).map(\.attempt).max() ?? 0
        print(
            """
            8 processes on one tracking file, \(Int(60 * Self.minutes)) s: \(lives.count) kills, \(inside) of them inside a \
            call; all at once \(killer.killsOfAll.count) times, which left \(killer.killsOfAll.halves) transactions half \
            written; \(noted(.begin)) calls, \(noted(.busy)) kept waiting too long; \(jobs.count) jobs with \(completed) \
            batches, each completed once, under \(claims) claims; \(reaps) reaped, \(noted(.stale)) stale ends refused, \
            highest attempt \(fence)
            """
        )
        #expect(Double(lives.count) >= 20 * Self.minutes, "kills")
        #expect(Double(inside) >= 5 * Self.minutes, "kills inside a call")
        #expect(Double(reaps) >= 5 * Self.minutes, "attempts that died with their process")
        #expect(Double(killer.killsOfAll.count) >= (Self.minutes - 0.5).rounded(.down), "kills of all at once")
    }
}
