import Migration

/// What tests change about a tracking file; production takes the defaults.
package struct SQLiteOptions: Sendable {
    /// How long a call waits for other processes.
    package var patience: Duration = .seconds(5)
    /// The most pages that the file may have; nil = no limit.
    package var pagesMax: Int?
    /// The journal; nil = the one that the library allows.
    package var journal: SQLiteJournal?
    /// Whether a call is one transaction; a test of the checks makes each of its statements one.
    package var isAtomic = true
    /// The statements; a test of the checks spoils one.
    package var statements = SQLiteStatements.embedded
    /// The file system of a folder.
    var fileSystem: @Sendable (String) -> FileSystem = { FileSystem.of($0) }

    package init() {}
}

/// How SQLite keeps a transaction that is not complete from being seen after a crash.
package enum SQLiteJournal: String, Sendable {
    case wal
    case truncate

    /// The journal that a version of the library allows.
    ///
    /// Versions 3.7.0 to 3.51.2 can lose a commit when the write-ahead log is begun anew by two processes at once
    /// (*WAL-Reset Bug*, sqlite.org/wal.html). It is fixed in 3.51.3, and in 3.50.7 and 3.44.6 of the maintained branches.
    ///
    /// - Parameter version: such as `3.40.1`.
    /// - Returns: the faster one, if it is safe.
    package static func allowed(by version: String) -> Self {
        let parts = version.split(separator: ".").map { Int($0) ?? 0 }
        guard parts.count >= 3, parts[0] == 3 else { return .truncate }
        let (minor, patch) = (parts[1], parts[2])
        let isFixed =
            switch minor {
            case 44: patch >= 6
            case 50: patch >= 7
            case 51: patch >= 3
            default: minor > 51
            }
        return isFixed ? .wal : .truncate
    }

    /// Whether a version of the library has what the statements need: STRICT tables, which are the newest of it.
    static func isSupported(_ version: String) -> Bool {
        let parts = version.split(separator: ".").map { Int($0) ?? 0 }
        return parts.count >= 2 && (parts[0], parts[1]) >= (3, 37)
    }
}
