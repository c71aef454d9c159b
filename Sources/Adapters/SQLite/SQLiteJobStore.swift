package import Migration

/// The tracking store in one SQLite file: for all processes of one machine.
///
/// The third implementation of the contract. Its statements are in `sql/sqlite/`; each call is one transaction.
package final class SQLiteJobStore: JobStore {
    /// The absolute path of the file.
    package let file: String

    private let connection: SQLiteConnection
    private let fileSystem: @Sendable (String) -> FileSystem

    /// A store that opens its file at the first call.
    ///
    /// Make one for a file in a process: all its calls may share the store.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - clock: the clocks of this machine.
    ///   - entropy: the chance of backoffs.
    ///   - options: what tests change.
    package init(
        _ path: String,
        clock: SQLiteClock = .system,
        entropy: any Entropy,
        options: SQLiteOptions = SQLiteOptions()
    ) {
        file = SQLiteFile.absolute(path)
        fileSystem = options.fileSystem
        connection = SQLiteConnection(path, clock: clock, entropy: entropy, options: options)
    }

    /// Opens the file, and makes it and its folder if they are not there; does nothing if it is open.
    ///
    /// - Throws: why the file cannot be used, in one sentence that says what to do: `unauthorised` for rights, `full`,
    ///   `unavailable` when another process holds it too long, `rejected` for a file, a folder or a machine that cannot be
    ///   used at all.
    package func open() async throws(PortFailure) { try await connection.open() }

    /// `wal` or `truncate`: what the linked library allows.
    var journalMode: String { get async throws(PortFailure) { try await connection.open().journal } }

    /// The version of the linked library.
    var version: String { get async throws(PortFailure) { try await connection.open().version } }

    package func perform<Call: TrackingCall>(_ call: Call) async throws(PortFailure) -> Call.Answer {
        guard let known = call as? any SQLiteCall, let answer = try await connection.perform(known) as? Call.Answer
        else {
            throw PortFailure(.rejected, "the tracking file knows no function \(Call.function)", code: "42883")
        }
        return answer
    }

    /// The rows of a text of SQL, as text; for inspection and tests.
    func run(_ sql: String) async throws(PortFailure) -> [[String?]] { try await connection.run(sql) }
}

extension SQLiteJobStore: Inspectable {
    /// A file that is not there yet is not made, but its place is looked at.
    package func inspection() async throws(PortFailure) -> Inspection {
        guard try SQLiteFile.isThere(file, fileSystem: fileSystem) else {
            return Inspection(product: "SQLite", facts: ["file \(file), which the first run makes", Self.reach])
        }
        let opened = try await connection.open()
        let findings = try await run("PRAGMA quick_check(1)").compactMap { $0.first ?? nil }
        let jobs = try await run("SELECT count(*) FROM ingestion_job").first?.first ?? nil
        let damage = findings.filter { $0 != "ok" }.map {
            "the tracking file \(file) is damaged (\($0)): keep a copy, and set TRACKING_FILE to a new file"
        }
        return Inspection(
            product: "SQLite \(opened.version), \(opened.journal) journal",
            facts: ["file \(file)", jobs == "1" ? "1 job" : "\(jobs ?? "0") jobs", Self.reach],
            problems: damage
        )
    }

    private static let reach = "for the processes of this machine only"
}
