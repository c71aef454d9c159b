import Foundation
import Glibc
import Invariants
import Migration
import Testing

@testable import SQLite

/// Keeps processes at work on a tracking file, and kills them: mostly one, sometimes all at once.
///
/// It blocks its thread. Exit tests do not serve here: each blocks a thread of the shared pool until its process ends.
private struct SQLiteKiller {
    /// The variable that makes a process of these tests a worker on the file of this folder.
    static let worker = "MIGRATE_TEST_SQLITE_WORKER"

    private(set) var kills = 0
    /// How often all were killed in one moment, and how often that left a transaction half written.
    private(set) var killsOfAll = 0
    private(set) var halves = 0
    private(set) var problems: [String] = []

    private let folder: SharedFolder
    private var children: [Process] = []

    /// On a thread of its own, because it waits for processes.
    static func run(_ count: Int, in folder: SharedFolder, for time: Duration) async throws -> Self {
        try await withCheckedThrowingContinuation { continuation in
            OwnThreadForTests.run {
                var killer = Self(folder: folder)
                continuation.resume(
                    with: Result { try killer.run(count, until: ContinuousClock.now + time) }.map { killer }
                )
            }
        }
    }

    private init(folder: SharedFolder) { self.folder = folder }

    private mutating func run(_ count: Int, until deadline: ContinuousClock.Instant) throws {
        defer { for child in children { kill(child.processIdentifier, SIGKILL) } }
        while ContinuousClock.now < deadline {
            while children.count < count { children.append(try start()) }
            usleep(.random(in: 50_000...400_000))
            // Those that have begun to work.
            let noted = Set(try SQLiteNotes.processes(in: folder.path).values)
            let atWork = children.filter { noted.contains($0.processIdentifier) }
            if atWork.count == count, Int.random(in: 0..<25) == 0 {
                end(atWork)
                killsOfAll += 1
                // Seen by its name: only SQLite may open files of SQLite.
                var status = stat()
                if unsafe stat(folder.file + "-journal", &status) == 0, status.st_size > 0 { halves += 1 }
            } else if let one = atWork.randomElement() {
                end([one])
            }
        }
        end(children)
    }

    private func start() throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["--testing-library", "swift-testing", "--filter", "Processes on one tracking file"]
        process.environment = ProcessInfo.processInfo.environment.merging([Self.worker: folder.path]) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    private mutating func end(_ some: [Process]) {
        for child in some { kill(child.processIdentifier, SIGKILL) }
        for child in some {
            child.waitUntilExit()
            kills += 1
            if child.terminationReason != .uncaughtSignal || child.terminationStatus != SIGKILL {
                problems.append("process \(child.processIdentifier) ended by itself with \(child.terminationStatus)")
            }
        }
        children.removeAll { child in some.contains { $0 === child } }
    }
}

/// Eight processes that open jobs in one file, plan them, work on them and end them, and are killed all the while.
///
/// For ten seconds, or for `MIGRATE_TEST_KILL_MINUTES`; `make chaos STORE=sqlite` runs it for ten minutes.
@Suite(.heavy) struct `Processes on one tracking file` {
    private static let environment = ProcessInfo.processInfo.environment
    private static let minutes = environment["MIGRATE_TEST_KILL_MINUTES"].flatMap { Double($0) } ?? 1.0 / 6

    /// What each of the eight does.
    private func toil(in folder: String) async throws {
        let workers = try await SQLiteWorker.all(2, in: folder)
        // While the others write; who finds something ends by itself, which is noticed.
        if Int.random(in: 0..<10) == 0 {
            try #require(try await workers[0].store.run("PRAGMA quick_check") == [["ok"]])
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in workers { group.addTask { try await worker.toil() } }
            try await group.waitForAll()
        }
    }

    @Test func `may be killed at any moment`() async throws {
        if let folder = Self.environment[SQLiteKiller.worker] { return try await toil(in: folder) }
        let folder = try await SharedFolder.make("killed")
        let killer = try await SQLiteKiller.run(8, in: folder, for: .seconds(60 * Self.minutes))
        #expect(killer.problems == [])
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
            8 processes on one tracking file, \(Int(60 * Self.minutes)) s: \(killer.kills) kills, \(inside) of them inside a \
            call; all at once \(killer.killsOfAll) times, which left \(killer.halves) transactions half written; \
            \(noted(.begin)) calls, \(noted(.busy)) kept waiting too long; \(jobs.count) jobs with \(completed) batches, \
            each completed once, under \(claims) claims; \(reaps) reaped, \(noted(.stale)) stale ends refused, \
            highest attempt \(fence)
            """
        )
        #expect(Double(killer.kills) >= 20 * Self.minutes, "kills")
        #expect(Double(inside) >= 5 * Self.minutes, "kills inside a call")
        #expect(Double(reaps) >= 5 * Self.minutes, "attempts that died with their process")
        #expect(Double(killer.killsOfAll) >= (Self.minutes - 0.5).rounded(.down), "kills of all at once")
    }
}
