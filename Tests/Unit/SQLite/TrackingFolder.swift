import Adapters
import Conformance
import Foundation
import Glibc
import Invariants
import Migration
import Synchronization
import Testing

@testable import SQLite

/// A folder of its own for tracking files; it goes when nothing uses it any more.
final class TrackingFolder: Sendable {
    let path: String

    /// - Parameter onDisk: on a disk, not in memory: for tests about what a disk does.
    /// - Throws: when it cannot be made.
    init(onDisk: Bool = false) throws {
        let memory = "/dev/shm"
        let isThere = unsafe access(memory, W_OK) == 0
        let parent = isThere && !onDisk ? URL(filePath: memory) : FileManager.default.temporaryDirectory
        let folder = parent.appending(path: "migrate-sqlite-\(getpid())-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var file: String { path + "/tracking.db" }
}

/// The clocks of one boot of one machine, moved by hand.
final class MachineClock: Sendable {
    private struct State {
        var sinceBoot: Int64 = 0
        var wall = DatabaseTime.start
    }

    private let state = Mutex(State())
    let bootID: String
    let machineID: String

    init(boot: String = "boot", machine: String = "", wall: DatabaseTime = .start, sinceBoot: Int64 = 0) {
        bootID = boot
        machineID = machine
        state.withLock { $0 = State(sinceBoot: sinceBoot, wall: wall) }
    }

    var wall: DatabaseTime { state.withLock { $0.wall } }

    func advance(by duration: Duration) {
        state.withLock { state in
            state.sinceBoot += duration.wholeMicroseconds
            state.wall = state.wall + duration
        }
    }

    /// The wall clock is corrected; no time passes.
    func jump(by duration: Duration) { state.withLock { $0.wall = $0.wall + duration } }

    var clock: SQLiteClock {
        SQLiteClock(
            sinceBoot: { self.state.withLock { $0.sinceBoot } },
            wall: { self.wall },
            bootID: bootID,
            machineID: machineID
        )
    }
}

extension SQLiteJobStore {
    /// Opens a file with the chance of the operating system.
    static func open(
        _ path: String,
        clock: SQLiteClock = .system,
        options: SQLiteOptions = SQLiteOptions()
    ) async throws(PortFailure) -> SQLiteJobStore {
        try await open(path, clock: clock, entropy: SystemEntropy(), options: options)
    }

    static func open(
        _ path: String,
        clock: SQLiteClock,
        entropy: any Entropy,
        options: SQLiteOptions = SQLiteOptions()
    ) async throws(PortFailure) -> SQLiteJobStore {
        let store = SQLiteJobStore(path, clock: clock, entropy: entropy, options: options)
        try await store.open()
        return store
    }
}

/// Calls go to several connections on one file in turn, as from several processes.
final class SQLiteConnections: JobStore {
    private let stores: [SQLiteJobStore]
    private let next = Mutex(0)

    init(_ stores: [SQLiteJobStore]) { self.stores = stores }

    static func open(
        _ file: String,
        count: Int,
        clock: SQLiteClock,
        entropy: any Entropy,
        options: SQLiteOptions = SQLiteOptions()
    ) async throws -> SQLiteConnections {
        var stores: [SQLiteJobStore] = []
        for _ in 0..<count {
            stores.append(try await SQLiteJobStore.open(file, clock: clock, entropy: entropy, options: options))
        }
        return SQLiteConnections(stores)
    }

    func perform<Call: TrackingCall>(_ call: Call) async throws(PortFailure) -> Call.Answer {
        let place = next.withLock { next in
            next = (next + 1) % stores.count
            return next
        }
        return try await stores[place].perform(call)
    }
}

/// A tracking file whose clock and chance are what each step says.
struct SQLiteStage: HistoryStage {
    /// The chance of the present step.
    private final class StepEntropy: Entropy {
        private let word = Mutex<UInt64>(0)

        func set(_ chance: Double) { word.withLock { $0 = UInt64(chance * 0x1p53) << 11 } }
        func next() -> UInt64 { word.withLock { $0 } }
    }

    private let folder: TrackingFolder
    private let machine = MachineClock()
    private let entropy = StepEntropy()
    private let director: SQLiteJobStore
    let store: any JobStore

    init(connections: Int = 1, options: SQLiteOptions = SQLiteOptions()) async throws {
        folder = try TrackingFolder()
        director = try await SQLiteJobStore.open(
            folder.file,
            clock: machine.clock,
            entropy: entropy,
            options: options
        )
        store =
            connections == 1
            ? director
            : try await SQLiteConnections.open(
                folder.file,
                count: connections,
                clock: machine.clock,
                entropy: entropy,
                options: options
            )
    }

    func prepare(_ step: RecordedStep) async throws -> Int64 {
        let now = machine.wall.microseconds - DatabaseTime.start.microseconds
        machine.advance(by: .microseconds(step.at - now))
        entropy.set(step.chance)
        let rows = try await director.run(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'ingestion_event'"
        )
        return Int64(rows.first?.first.flatMap { $0 } ?? "0") ?? 0
    }
}
