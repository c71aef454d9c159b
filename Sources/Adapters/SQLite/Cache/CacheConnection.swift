import Basics
import FoundationEssentials
import GRDB
import Migration

/// The one connection of a process to its cache file, on its own thread, because SQLite blocks.
///
/// The file is opened by the first call.
actor CacheConnection {
    /// A row of 1,536 numbers takes 6 KiB: with SQLite's usual pages of 4 KiB each would need two.
    private static let pageSize = 32_768

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private let executor: ThreadExecutor
    private let path: String
    /// Whether a file that is not there is made.
    private let creates: Bool
    private let options: SQLiteOptions
    private var queue: DatabaseQueue?

    init(_ path: String, creates: Bool, options: SQLiteOptions) {
        self.path = path
        self.creates = creates
        self.options = options
        executor = ThreadExecutor(name: "cache")
    }

    deinit { executor.stop() }

    /// Reads in one transaction.
    func read<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) throws(PortFailure) -> Value {
        try explained { try opened().read(body) }
    }

    /// Writes in one transaction, IMMEDIATE: one that first reads and then writes could not wait for another writer.
    func write<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) throws(PortFailure) -> Value {
        try explained { try writing(try opened(), body) }
    }

    /// What cannot be done within a transaction.
    func apart<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) throws(PortFailure) -> Value {
        try explained { try opened().writeWithoutTransaction(body) }
    }

    private func writing<Value>(_ queue: DatabaseQueue, _ body: (Database) throws -> Value) throws -> Value {
        try queue.writeWithoutTransaction { database in
            var value: Value?
            try database.inTransaction(.immediate) {
                value = try body(database)
                return .commit
            }
            guard let value else { throw PortFailure(.unclassified, "the transaction gave no answer") }
            return value
        }
    }

    private func opened() throws -> DatabaseQueue {
        if let queue { return queue }
        let path = try SQLiteFile.prepare(path, for: .cache, creates: creates, fileSystem: options.fileSystem)
        var configuration = Configuration()
        configuration.label = "cache"
        configuration.busyMode = .timeout(options.patience / .seconds(1))
        let pagesMax = options.pagesMax
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            // These two have an effect on an empty file only.
            try database.execute(sql: "PRAGMA page_size = \(Self.pageSize)")
            try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            if let pagesMax { try database.execute(sql: "PRAGMA max_page_count = \(pagesMax)") }
        }
        let queue: DatabaseQueue
        do { queue = try DatabaseQueue(path: path, configuration: configuration) } catch let error as DatabaseError {
            throw error.resultCode == .SQLITE_NOTADB ? SQLiteMark.cache.foreign(path) : PortFailure(error, cache: path)
        }
        let version = try queue.read { try String.fetchOne($0, sql: "SELECT sqlite_version()") } ?? ""
        guard SQLiteJournal.isSupported(version) else {
            throw PortFailure(
                .rejected,
                "SQLite \(version) is too old for the embedding cache: 3.37 or newer is needed"
            )
        }
        _ = try queue.read { try SQLiteMark.cache.require($0, path) }
        let wanted = (options.journal ?? .allowed(by: version)).rawValue
        try queue.writeWithoutTransaction { database in
            // A log that is there already is not asked for again: that would need the file for itself.
            guard try String.fetchOne(database, sql: "PRAGMA journal_mode") != wanted else { return }
            try database.execute(sql: "PRAGMA journal_mode = \(wanted)")
        }
        try writing(queue) { database in
            guard try SQLiteMark.cache.require(database, path) < SQLiteMark.cache.version else { return }
            try database.execute(sql: CacheStatements.schema)
            try SQLiteMark.cache.write(database)
        }
        self.queue = queue
        return queue
    }

    private func explained<Value>(_ body: () throws -> Value) throws(PortFailure) -> Value {
        do { return try body() } catch let failure as PortFailure { throw failure } catch let error as DatabaseError {
            throw PortFailure(error, cache: path)
        } catch {
            throw PortFailure(.unclassified, "the embedding cache \(path): \(error)")
        }
    }
}

extension PortFailure {
    /// The code of a damaged file.
    static let corrupt = "SQLITE_CORRUPT"

    /// What an error of SQLite means for a cache: whether it may pass, and what a person can do.
    init(_ error: DatabaseError, cache file: String) {
        let reason = error.message ?? "no reason given"
        let code = "SQLITE_\(error.resultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_NOMEM, .SQLITE_INTERRUPT, .SQLITE_PROTOCOL:
            self.init(.unavailable, "the embedding cache \(file) does not answer (\(reason))", code: code)
        case .SQLITE_FULL:
            self.init(
                .full,
                "the disk with the embedding cache \(file) is full: make room there, or delete old vectors with "
                    + "`migrate cache prune`",
                code: code
            )
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            self.init(
                .rejected,
                "the embedding cache \(file) is damaged: delete the file, or set EMBEDDING_CACHE to another path",
                code: Self.corrupt
            )
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH, .SQLITE_CANTOPEN:
            self.init(
                .unauthorised,
                "the embedding cache \(file) or its folder cannot be written (\(reason)): give this user the right to "
                    + "write both, or set EMBEDDING_CACHE to another path",
                code: code
            )
        default: self.init(.unclassified, "the embedding cache \(file): \(reason)", code: code)
        }
    }
}

extension Row {
    /// A value of a column; nil if it is NULL or of another type, which a damaged file may hold.
    func value<Value: DatabaseValueConvertible>(_ column: String, as type: Value.Type = Value.self) -> Value? {
        guard hasColumn(column) else { return nil }
        return Value.fromDatabaseValue(self[column] as DatabaseValue)
    }
}
