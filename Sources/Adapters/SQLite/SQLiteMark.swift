import GRDB
import Migration

/// How a file of SQLite says whose it is: SQLite's application id, and the version of the tables.
struct SQLiteMark {
    /// `migr` in ASCII; the version of the tables in `sql/sqlite/001_tables.sql`.
    static let tracking = Self(applicationID: 0x6D69_6772, version: 1, use: .tracking)
    /// `migc` in ASCII.
    static let cache = Self(applicationID: 0x6D69_6763, version: 1, use: .cache)

    let applicationID: Int32
    let version: Int
    let use: SQLiteFile.Use

    /// The refusal of a file of something else.
    func foreign(_ path: String) -> PortFailure {
        let kind = use == .tracking ? "a tracking file" : "an embedding cache"
        return PortFailure(
            .rejected,
            "\(path) is not \(kind) of this program, and was left as it is: set \(use.setting) to another path"
        )
    }

    /// Refuses a file of something else, and one of a newer version.
    ///
    /// - Returns: the version of the tables; 0 in a new file.
    func require(_ database: Database, _ path: String) throws -> Int {
        let application = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        if application == 0, found == 0 {
            let objects = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
            if objects == 0 { return 0 }
        }
        guard application == applicationID else { throw foreign(path) }
        guard found <= version else {
            throw PortFailure(
                .rejected,
                "\(path) was written by a newer version of this program (tables \(found), known are \(version)): "
                    + "use that version, or set \(use.setting) to another path"
            )
        }
        return found
    }

    /// Marks a new file, in the transaction that makes its tables.
    func write(_ database: Database) throws {
        try database.execute(sql: "PRAGMA application_id = \(applicationID)")
        try database.execute(sql: "PRAGMA user_version = \(version)")
    }
}
