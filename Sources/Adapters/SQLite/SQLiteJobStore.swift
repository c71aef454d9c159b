package import Migration

/// The tracking store in one SQLite file: for all processes of one machine.
///
/// The third implementation of the contract. Its statements are in `sql/sqlite/`; each call is one transaction.
package final class SQLiteJobStore: JobStore {
    /// The absolute path of the file.
    package let file: String
    /// `wal` or `truncate`: what the linked library allows.
    package let journalMode: String
    /// The version of the linked library.
    package let version: String

    private let connection: SQLiteConnection

    /// Opens the file, and makes it and its folder if they are not there.
    ///
    /// Open a file once in a process: all its calls may share the store.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - clock: the clocks of this machine.
    ///   - entropy: the chance of backoffs.
    ///   - options: what tests change.
    /// - Returns: the open store.
    /// - Throws: why the file cannot be used, in one sentence that says what to do: `unauthorised` for rights, `full`,
    ///   `unavailable` when another process holds it too long, `rejected` for a file, a folder or a machine that cannot be
    ///   used at all.
    package static func open(
        _ path: String,
        clock: SQLiteClock = .system,
        entropy: any Entropy,
        options: SQLiteOptions = SQLiteOptions()
    ) async throws(PortFailure) -> SQLiteJobStore {
        let connection = SQLiteConnection(clock: clock, entropy: entropy, options: options)
        return SQLiteJobStore(try await connection.open(path), connection)
    }

    private init(_ opened: SQLiteConnection.Opened, _ connection: SQLiteConnection) {
        file = opened.path
        journalMode = opened.journal
        version = opened.version
        self.connection = connection
    }

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
    package func inspection() async throws(PortFailure) -> Inspection {
        let findings = try await run("PRAGMA quick_check(1)").compactMap { $0.first ?? nil }
        let jobs = try await run("SELECT count(*) FROM ingestion_job").first?.first ?? nil
        let damage = findings.filter { $0 != "ok" }.map {
            "the tracking file \(file) is damaged (\($0)): keep a copy, and set TRACKING_FILE to a new file"
        }
        return Inspection(
            product: "SQLite \(version), \(journalMode) journal",
            facts: ["file \(file)", "\(jobs ?? "0") jobs", "for the processes of this machine only"],
            problems: damage
        )
    }
}
