// Not called: linked beside GRDB, so that its import of Foundation brings no tables of ICU into the program.
import Basics
import CNoICU
import GRDB
import Migration

/// The one connection of a process to its tracking file, on its own thread, because SQLite blocks.
actor SQLiteConnection {
    /// How often a writer notes that the file is in use.
    private static let sightingInterval: Int64 = 5_000_000

    /// What was opened.
    struct Opened {
        let path: String
        let journal: String
        let version: String
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private let executor: ThreadExecutor
    private let clock: SQLiteClock
    private let entropy: any Entropy
    private let options: SQLiteOptions
    private var queue: DatabaseQueue?
    private var opened: Opened?
    private var path: String

    init(_ path: String, clock: SQLiteClock, entropy: any Entropy, options: SQLiteOptions) {
        self.path = path
        self.clock = clock
        self.entropy = entropy
        self.options = options
        executor = ThreadExecutor(name: "sqlite")
    }

    deinit { executor.stop() }

    /// Makes the file if there is none, and refuses one that another program made or that is in use elsewhere.
    ///
    /// Does nothing if it is open; may be called again after a failure.
    @discardableResult
    func open() throws(PortFailure) -> Opened {
        if let opened { return opened }
        path = try SQLiteFile.prepare(path, fileSystem: options.fileSystem)
        let opened = try explained { try openPrepared() }
        self.opened = opened
        return opened
    }

    private func openPrepared() throws -> Opened {
        var configuration = Configuration()
        configuration.label = "tracking"
        configuration.busyMode = .timeout(options.patience / .seconds(1))
        configuration.foreignKeysEnabled = true
        let pagesMax = options.pagesMax
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            if let pagesMax { try database.execute(sql: "PRAGMA max_page_count = \(pagesMax)") }
        }
        let queue: DatabaseQueue
        do { queue = try DatabaseQueue(path: path, configuration: configuration) } catch let error as DatabaseError {
            throw error.resultCode == .SQLITE_NOTADB
                ? SQLiteMark.tracking.foreign(path) : PortFailure(error, file: path)
        }
        let version = try queue.read { try String.fetchOne($0, sql: "SELECT sqlite_version()") } ?? ""
        guard SQLiteJournal.isSupported(version) else {
            throw PortFailure(.rejected, "SQLite \(version) is too old for the tracking store: 3.37 or newer is needed")
        }
        _ = try queue.read { try SQLiteMark.tracking.require($0, path) }
        let wanted = options.journal ?? .allowed(by: version)
        // Not within a transaction: SQLite would ignore it.
        let journal = try queue.writeWithoutTransaction { database in
            // A log that is there already is not asked for again: that would need the file for itself.
            let present = try String.fetchOne(database, sql: "PRAGMA journal_mode")
            if present == wanted.rawValue { return present }
            return try String.fetchOne(database, sql: "PRAGMA journal_mode = \(wanted.rawValue)")
        }
        try writing(queue) { database in
            if try SQLiteMark.tracking.require(database, path) < SQLiteMark.tracking.version { try install(database) }
            try settle(database)
        }
        self.queue = queue
        return Opened(path: path, journal: journal ?? wanted.rawValue, version: version)
    }

    /// One call, in one transaction.
    func perform(_ call: any SQLiteCall) throws(PortFailure) -> any TrackingAnswer {
        let queue = try ready()
        return try explained {
            if type(of: call).onlyReads { return try reading(queue) { try answer(call, $0, isReading: true) } }
            return try writing(queue) { try answer(call, $0, isReading: false) }
        }
    }

    /// The rows of a text of SQL, as text; for inspection and tests.
    func run(_ sql: String) throws(PortFailure) -> [[String?]] {
        let queue = try ready()
        return try explained {
            try queue.writeWithoutTransaction { database in
                try Row.fetchAll(try database.cachedStatement(sql: sql)).map { row in
                    row.databaseValues.map { $0.isNull ? nil : String.fromDatabaseValue($0) ?? "\($0)" }
                }
            }
        }
    }

    private func ready() throws(PortFailure) -> DatabaseQueue {
        try open()
        guard let queue else { throw PortFailure(.unavailable, "the tracking file \(path) is not open") }
        return queue
    }

    private func explained<Value>(_ body: () throws -> Value) throws(PortFailure) -> Value {
        do { return try body() } catch let failure as PortFailure { throw failure } catch let error as DatabaseError {
            throw PortFailure(error, file: path)
        } catch let column as UnreadableColumn {
            throw PortFailure(column, file: path)
        } catch {
            throw PortFailure(.unclassified, "the tracking file \(path): \(error)")
        }
    }

    /// IMMEDIATE: a transaction that first reads and then writes could not wait for another writer.
    private func writing<Value>(_ queue: DatabaseQueue, _ body: (Database) throws -> Value) throws -> Value {
        try transaction(.immediate, queue, body)
    }

    /// Not `DatabaseQueue.read`: it switches `query_only` on and off, after which SQLite compiles all statements anew.
    private func reading<Value>(_ queue: DatabaseQueue, _ body: (Database) throws -> Value) throws -> Value {
        try transaction(.deferred, queue, body)
    }

    private func transaction<Value>(
        _ kind: Database.TransactionKind,
        _ queue: DatabaseQueue,
        _ body: (Database) throws -> Value
    ) throws -> Value {
        try queue.writeWithoutTransaction { database in
            if !options.isAtomic { return try body(database) }
            var value: Value?
            try database.inTransaction(kind) {
                value = try body(database)
                return .commit
            }
            guard let value else { throw PortFailure(.unclassified, "the transaction gave no answer") }
            return value
        }
    }

    private func answer<Call: SQLiteCall>(_ call: Call, _ database: Database, isReading: Bool) throws -> Call.Answer {
        try call.answer(in: try transaction(database, isReading: isReading))
    }

    private func transaction(_ database: Database, isReading: Bool) throws -> SQLiteTransaction {
        guard let use = try SQLiteUse(database, options.statements) else { throw SQLiteMark.tracking.foreign(path) }
        guard use.bootID == clock.bootID else {
            throw PortFailure(
                .rejected,
                "the tracking file \(path) is now in use on another machine: use it on one machine only, or set "
                    + "POSTGRES_URL for several"
            )
        }
        let transaction = transaction(database, offset: use.clockOffset)
        if !isReading, transaction.now.microseconds - use.seenAt >= Self.sightingInterval {
            try transaction.run(
                "see",
                ["now": transaction.now.microseconds, "wall": transaction.wall.microseconds]
            )
        }
        return transaction
    }

    private func transaction(_ database: Database, offset: Int64) -> SQLiteTransaction {
        SQLiteTransaction(
            database: database,
            statements: options.statements,
            now: DatabaseTime(microseconds: clock.sinceBoot() + offset),
            wall: clock.wall(),
            entropy: entropy
        )
    }
}

// MARK: Whose file it is

extension SQLiteConnection {
    private func install(_ database: Database) throws {
        try database.execute(sql: options.statements.schema)
        try SQLiteMark.tracking.write(database)
    }

    /// Makes the file that of this boot of this machine.
    ///
    /// The lease clock goes on from where it stopped at the latest, so no number of it ever comes again. Leases and
    /// waits of an earlier boot are over: nothing that held them can be alive.
    private func settle(_ database: Database) throws {
        let (wall, boot) = (clock.wall().microseconds, clock.sinceBoot())
        let use = try SQLiteUse(database, options.statements)
        if use?.bootID == clock.bootID { return }
        var now = wall
        if let use {
            let before = transaction(database, offset: use.clockOffset)
            let left: Int64 = try before.row("latest_lease", ["seen": use.seenAt])?["left"] ?? 0
            if !use.isRestart(for: clock), let wait = use.wait(at: wall, left: left) { throw busyElsewhere(wait) }
            let latest: Int64 = try before.row("latest_times", ["seen": use.seenAt])?["latest"] ?? use.seenAt
            now = max(now, latest + 1)
        }
        let transaction = transaction(database, offset: now - boot)
        try transaction.run("end_leases", ["now": now])
        try transaction.run("end_backoffs", ["now": now])
        try transaction.run(
            "occupy",
            ["boot": clock.bootID, "machine": clock.machineID, "offset": now - boot, "now": now, "wall": wall]
        )
    }

    private func busyElsewhere(_ wait: Duration) -> PortFailure {
        PortFailure(
            .rejected,
            "the tracking file \(path) is in use on another machine, where batches are being worked on: stop that run, "
                + "or wait \(wait.components.seconds + 1) seconds after its end; for several machines set POSTGRES_URL"
        )
    }
}

/// The row of `ingestion_store`: which boot of which machine uses the file.
struct SQLiteUse {
    let bootID: String
    let machineID: String
    let clockOffset: Int64
    let seenAt: Int64
    let seenWall: Int64

    init?(_ database: Database, _ statements: SQLiteStatements) throws {
        let statement = try database.cachedStatement(sql: statements["store"])
        guard let row = try Row.fetchOne(statement).map(SQLiteRow.init) else { return nil }
        bootID = try row["boot_id"]
        machineID = try row["machine_id"]
        clockOffset = try row["clock_offset"]
        seenAt = try row["seen_at"]
        seenWall = try row["seen_wall"]
    }

    /// Whether the boot that used it was an earlier one of this machine.
    ///
    /// Where the machines are unknown, the time tells: what was written since this boot began was written by another one
    /// that is alive, or that was alive at the same time. A minute is granted to the clocks.
    func isRestart(for clock: SQLiteClock) -> Bool {
        if !machineID.isEmpty, !clock.machineID.isEmpty { return machineID == clock.machineID }
        let began = clock.wall().microseconds - clock.sinceBoot()
        return seenWall <= began + 60_000_000
    }

    /// How long leases of another machine may still be alive, by the wall clocks of both; nil = they are over.
    func wait(at wall: Int64, left: Int64) -> Duration? {
        let slack: Int64 = 5_000_000
        let passed = abs(wall.addingClamped(-seenWall))
        return left > 0 && passed < left + slack ? .microseconds(left + slack - passed) : nil
    }
}
