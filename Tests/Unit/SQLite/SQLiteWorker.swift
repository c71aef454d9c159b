import Foundation
import Glibc
import Migration
import Testing

@testable import SQLite

/// What one process does on a tracking file, in a file of its own: what it wrote is there, however it ended.
final class SQLiteNotes: Sendable {
    enum Word: String {
        /// Around each call.
        case begin, end
        /// An attempt was claimed; its end was applied, or refused because another one had taken its place.
        case took, done, stale
        /// A page of a plan was stored.
        case planned
        /// A call waited in vain for other processes, and was sent again.
        case busy
    }

    /// A batch under one fence.
    struct Attempt: Hashable {
        let job: JobID
        let number: Int
        let attempt: Int
    }

    private let file: Int32

    init(in folder: String) throws {
        let name = "\(folder)/notes-\(getpid())-\(UUID().uuidString)"
        file = unsafe open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        try #require(file >= 0, "\(name)")
    }

    deinit { close(file) }

    func write(_ word: Word, _ attempt: Attempt? = nil) {
        let place = attempt.map { " \($0.job) \($0.number) \($0.attempt)" } ?? ""
        let line = Array("\(word.rawValue)\(place)\n".utf8)
        _ = unsafe line.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
    }

    /// The names of the files with notes, each with its process.
    static func processes(in folder: String) throws -> [String: pid_t] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("notes-") }
        return names.reduce(into: [:]) { processes, name in processes[name] = pid_t(name.split(separator: "-")[1]) }
    }

    /// What all processes have noted.
    static func lives(in folder: String) throws -> [SQLiteLife] {
        try processes(in: folder).keys.sorted().map { name in
            var life = SQLiteLife()
            for line in try String(contentsOfFile: folder + "/" + name, encoding: .utf8).split(separator: "\n") {
                let fields = line.split(separator: " ")
                let word = try #require(Word(rawValue: String(fields[0])), "\(line)")
                life.counts[word, default: 0] += 1
                let numbers = fields.dropFirst().compactMap { Int($0) }
                guard numbers.count == 3 else { continue }
                let attempt = Attempt(job: JobID(numbers[0]), number: numbers[1], attempt: numbers[2])
                life.attempts[word, default: []].append(attempt)
            }
            return life
        }
    }
}

/// The notes of one process.
struct SQLiteLife {
    fileprivate(set) var counts: [SQLiteNotes.Word: Int] = [:]
    fileprivate(set) var attempts: [SQLiteNotes.Word: [SQLiteNotes.Attempt]] = [:]

    /// Whether a call was under way when it ended.
    var endedInCall: Bool { counts[.begin, default: 0] > counts[.end, default: 0] }
}

/// One claiming loop on a tracking file, in a process that may be killed at any moment.
struct SQLiteWorker: Sendable {
    let store: SQLiteJobStore
    let notes: SQLiteNotes
    let name: String

    /// The folder of a test; a child process knows the number of its parent.
    static func folder(_ name: String, of process: Int32) -> String { "/tmp/migrate-sqlite-\(name)-\(process)" }

    /// The workers of this process, on one connection.
    static func all(_ count: Int, in folder: String) async throws -> [SQLiteWorker] {
        let notes = try SQLiteNotes(in: folder)
        notes.write(.begin)
        let store = try await SQLiteJobStore.open(folder + "/tracking.db")
        notes.write(.end)
        return (0..<count).map { SQLiteWorker(store: store, notes: notes, name: "\(getpid())/\($0)") }
    }

    /// Returns when so many processes are there: on a busy machine the first would do everything.
    static func wait(for processes: Int, in folder: String) async throws {
        for _ in 0..<6000 where try SQLiteNotes.processes(in: folder).count < processes {
            await hold(.milliseconds(10))
        }
    }

    /// Lets time pass for real processes.
    static func hold(_ duration: Duration) async { try? await ContinuousClock().sleep(for: duration) }

    /// A call, sent again while other processes keep it waiting, as the program does.
    private func call<Value: Sendable>(
        _ body: () async throws(PortFailure) -> Value
    ) async throws(PortFailure) -> Value {
        for _ in 0..<20 {
            notes.write(.begin)
            defer { notes.write(.end) }
            do throws(PortFailure) { return try await body() } catch {
                guard error.kind == .unavailable else { throw error }
                notes.write(.busy)
            }
        }
        throw PortFailure(.unavailable, "the file was busy 20 times")
    }

    /// Claims a batch, holds it for a time, and ends it.
    ///
    /// - Returns: what the claim was answered.
    @discardableResult
    func batch(of job: JobID, holding time: Duration = .zero) async throws -> ClaimNextBatch.Answer {
        let scene = SQLiteScene(store: store, job: job, epoch: 1, token: "")
        let claim = UUID().uuidString
        let answer = try await call { () async throws(PortFailure) in try await scene.claim(claim, worker: name) }
        guard let batch = answer.batches.first else { return answer }
        let attempt = SQLiteNotes.Attempt(job: job, number: batch.batchNumber, attempt: batch.attempt)
        notes.write(.took, attempt)
        if time > .zero { await Self.hold(time) }
        _ = try await call { () async throws(PortFailure) in try await scene.heartbeat(batch, claim) }
        let end = try await call { () async throws(PortFailure) in try await scene.finish(batch, claim) }
        // After the answer: so whatever is noted must be there.
        switch end.result {
        case .applied: notes.write(.done, attempt)
        case .lost: notes.write(.stale, attempt)
        case .duplicate: throw PortFailure(.unclassified, "an end that was sent once was applied before")
        }
        return answer
    }
}

// MARK: One job after the other

extension SQLiteWorker {
    /// The batches of a job, one record each.
    static let batches = 300
    private static let page = 50

    /// Opens one job after the other, plans it, works on it and ends it, until the process is killed.
    func toil() async throws {
        var job = try await open()
        while !Task.isCancelled { try await step(&job, holding: Self.time) }
    }

    /// Brings the newest job to its end.
    func drain() async throws {
        let newest = ListIngestionJobs(job: nil, filter: .init(), after: nil, limit: 1)
        while let job = try await store.jobs(newest).rows.first, job.status.isOpen {
            var id = job.id
            try await step(&id, holding: .zero)
        }
    }

    /// One batch; where there is none, whatever else the job needs.
    private func step(_ job: inout JobID, holding time: Duration) async throws {
        if try await !batch(of: job, holding: time).batches.isEmpty { return }
        let current = job
        _ = try await call { () async throws(PortFailure) in
            try await store.resetStuck(ResetStuckBatches(job: current, limit: 100, full: false))
        }
        let ended = try await call { () async throws(PortFailure) in
            try await store.finalize(FinalizeIngestionJob(job: current))
        }
        if ended.result == .finalized { return }
        job = try await open()
        await Self.hold(.milliseconds(20))
    }

    /// Mostly none; sometimes longer than a lease and its grace.
    private static var time: Duration {
        switch Int.random(in: 0..<40) {
        case 0: .milliseconds(5500)
        case 1..<10: .milliseconds(.random(in: 1...30))
        default: .zero
        }
    }

    /// The open job, or a new one; plans what is not planned of it, if no other process does.
    private func open() async throws -> JobID {
        let token = UUID().uuidString
        let call = OpenIngestionJob(
            targetKey: "target",
            configHash: "hash",
            config: ["collection": "c"],
            settings: JobSettings(
                maxRetries: 1000,
                leaseSeconds: 4,
                batchTimeoutSeconds: 60,
                backoffBaseSeconds: 0,
                backoffCapSeconds: 1
            ),
            controllerId: name,
            token: token,
            start: true
        )
        let opened = try await self.call { () async throws(PortFailure) in try await store.openJob(call) }
        guard opened.role == .controller, !opened.job.sealed else { return opened.job.id }
        let scene = SQLiteScene(store: store, job: opened.job.id, epoch: opened.epoch, token: token)
        var planned = Int(opened.job.planCursor ?? 0)
        while planned < Self.batches {
            let page = (planned..<planned + Self.page).map { [RecordID($0 + 1)] }
            let answer = try await self.call { () async throws(PortFailure) in try await scene.append(page) }
            if answer.result == .lost { return opened.job.id }
            notes.write(.planned)
            planned = Int(answer.cursor ?? 0)
        }
        let upper = RecordID(planned)
        _ = try await self.call { () async throws(PortFailure) in
            try await store.sealPlan(
                SealIngestionPlan(
                    job: scene.job,
                    epoch: scene.epoch,
                    token: token,
                    expectedCursor: upper,
                    upper: upper,
                    sourceCount: nil
                )
            )
        }
        return opened.job.id
    }
}
