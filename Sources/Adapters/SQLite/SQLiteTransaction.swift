import FoundationEssentials
import GRDB
import Migration

/// One call at work: the open transaction, its two clocks, and its chance.
struct SQLiteTransaction {
    typealias Arguments = [String: (any DatabaseValueConvertible)?]

    let database: Database
    let statements: SQLiteStatements
    /// The lease clock: decisions depend on nothing else.
    let now: DatabaseTime
    /// The wall clock, for people.
    let wall: DatabaseTime
    let entropy: any Entropy

    /// The wall clock as people read it.
    var at: String { wall.text }

    /// The rows of a statement.
    func rows(_ name: String, _ arguments: Arguments) throws -> [SQLiteRow] {
        let statement = try database.cachedStatement(sql: statements[name])
        return try Row.fetchAll(statement, arguments: Self.bound(arguments)).map(SQLiteRow.init)
    }

    /// The first row of a statement.
    func row(_ name: String, _ arguments: Arguments) throws -> SQLiteRow? { try rows(name, arguments).first }

    /// Runs a statement without rows.
    ///
    /// - Returns: how many rows it has changed.
    @discardableResult
    func run(_ name: String, _ arguments: Arguments) throws -> Int {
        try database.cachedStatement(sql: statements[name]).execute(arguments: Self.bound(arguments))
        return database.changesCount
    }

    /// A text would be cut at a NUL when it is handed to SQLite.
    private static func bound(_ arguments: Arguments) throws -> StatementArguments {
        for case let text as String in arguments.values {
            try demand(!text.utf8.contains(0), "a text with a NUL character cannot be stored")
        }
        return StatementArguments(arguments)
    }
}

// MARK: What calls share

extension SQLiteTransaction {
    func job(_ id: JobID) throws -> SQLiteJob? { try row("job", ["job": id]).map(SQLiteJob.init) }

    func recordIDs(_ job: JobID, _ number: Int) throws -> [RecordID] {
        guard let row = try row("batch_ids", ["job": job, "number": number]) else { return [] }
        return RecordList.ids(try row["record_ids"])
    }

    /// Appends an event of the job, if it records events.
    func log(_ kind: String, of job: SQLiteJob, _ detail: [String: String?] = [:]) throws {
        guard job.settings.recordEvents else { return }
        try run(
            "log",
            [
                "at": at, "job": job.id, "number": nil, "attempt": nil, "claim": nil, "worker": nil, "kind": kind,
                "detail": Self.json(detail),
            ]
        )
    }

    /// Appends an event of a batch as its row is now, if the job records events.
    func log(_ kind: String, of job: SQLiteJob, batch: Int, _ detail: [String: String?] = [:]) throws {
        guard job.settings.recordEvents else { return }
        try run(
            "log_of_batch",
            ["at": at, "job": job.id, "number": batch, "kind": kind, "detail": Self.json(detail)]
        )
    }

    /// Adds to the counters of a job.
    func count(_ job: JobID, _ delta: SQLiteCounters) throws {
        var arguments: Arguments = ["job": job]
        for (name, path) in SQLiteCounters.columns { arguments[name] = delta[keyPath: path] }
        try run("count", arguments)
    }

    /// The counters of a job: all 0 if they were deleted by hand.
    func counters(_ job: JobID) throws -> SQLiteCounters {
        guard let row = try row("counters", ["job": job]) else { return SQLiteCounters() }
        var counters = SQLiteCounters()
        for (name, path) in SQLiteCounters.columns { counters[keyPath: path] = try row[name] }
        return counters
    }

    /// Makes batches of a round, in order.
    func add(_ batches: [[RecordID]], round: Int, to job: SQLiteJob) throws {
        for (offset, ids) in batches.enumerated() {
            let number = job.nextBatchNumber + offset
            try run(
                "insert_batch",
                ["job": job.id, "number": number, "round": round, "records": ids.count, "now": now.microseconds]
            )
            try run("insert_batch_ids", ["job": job.id, "number": number, "ids": RecordList.text(ids)])
        }
    }

    /// Opens the dead letters of a batch that has ended.
    func bury(_ letters: [FailedRecord], of batch: SQLiteBatch, _ job: JobID) throws {
        for letter in letters.sorted(by: { $0.recordId < $1.recordId }) {
            try run(
                "bury",
                [
                    "job": job, "record": letter.recordId, "number": batch.number, "attempt": batch.attempt,
                    "stage": letter.stage.rawValue, "code": letter.code, "message": letter.message.first(500),
                    "permanent": letter.permanent, "at": at,
                ]
            )
        }
    }

    /// A page of a list: the rows of one more than the limit were read.
    static func page<Item, Key>(_ items: [Item], limit: Int, key: (Item) -> Key) -> ListPage<Item, Key> {
        let shown = Array(items.prefix(limit))
        return ListPage(rows: shown, next: items.count > limit ? shown.last.map(key) : nil)
    }

    static func demandLimit(_ limit: Int, upTo most: Int) throws(PortFailure) {
        try demand((1...most).contains(limit), "limit must be 1…\(most)")
    }

    /// Compact JSON in a fixed order.
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// Without the members that have no value.
    private static func json(_ detail: [String: String?]) throws -> String {
        detail.isEmpty ? "{}" : try json(detail.compactMapValues(\.self))
    }

    static func value<Value: Decodable>(_ type: Value.Type, _ json: String) throws -> Value {
        try JSONDecoder().decode(type, from: Data(json.utf8))
    }
}

/// Lists of integers as the tables hold them: `[1,2,3]`.
enum RecordList {
    static func text(_ ids: some Sequence<some BinaryInteger>) -> String {
        "[" + ids.map { String($0) }.joined(separator: ",") + "]"
    }

    static func ids(_ text: String) -> [RecordID] {
        text.dropFirst().dropLast().split(separator: ",").compactMap { RecordID($0) }
    }
}

extension String {
    /// The first characters, counted as the SQL counts them.
    func first(_ count: Int) -> String {
        utf8.count <= count ? self : String(String.UnicodeScalarView(unicodeScalars.prefix(count)))
    }

    /// The canonical form of a UUID.
    ///
    /// - Throws: `rejected` if it is none.
    func uuid(_ name: String) throws(PortFailure) -> String {
        let parts = split(separator: "-", omittingEmptySubsequences: false)
        let isUUID =
            parts.map(\.utf8.count) == [8, 4, 4, 4, 12]
            && parts.allSatisfy { $0.allSatisfy { $0.isASCII && $0.isHexDigit } }
        try demand(isUUID, "\(name) must be a UUID")
        return lowercased()
    }
}
