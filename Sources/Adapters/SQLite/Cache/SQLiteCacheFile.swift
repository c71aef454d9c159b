import FoundationEssentials
import GRDB
package import Migration

/// A cache file as a whole, whatever has made its vectors: what `migrate cache` does.
package struct SQLiteCacheFile: CacheKeeper {
    /// Rows per transaction: a fraction of a second, also on a slow disk.
    private static let pageRows = 1_000

    private let connection: CacheConnection

    /// Opens a file that exists; the first call says why it cannot be used.
    package init(_ path: String, options: SQLiteOptions = SQLiteOptions()) {
        connection = CacheConnection(path, creates: false, options: options)
    }

    package func stats() async throws(PortFailure) -> CacheStats {
        try await connection.read { database in
            let spaces = try Row.fetchAll(database, sql: CacheStatements.stats).map(CacheStats.Space.init)
            func pragma(_ name: String) throws -> Int64 { try Int64.fetchOne(database, sql: "PRAGMA \(name)") ?? 0 }
            let size = try pragma("page_size")
            return CacheStats(
                spaces: spaces,
                bytes: try pragma("page_count") * size,
                freeBytes: try pragma("freelist_count") * size
            )
        }
    }

    package func older(than time: DatabaseTime) async throws(PortFailure) -> Int64 {
        try await connection.read { database in
            let arguments: StatementArguments = ["before": time.microseconds]
            return try Int64.fetchOne(database, sql: CacheStatements.older, arguments: arguments) ?? 0
        }
    }

    /// Deletes the vectors that were made before then, page by page, and gives their room back to the disk.
    ///
    /// - Returns: how many were deleted.
    package func prune(olderThan time: DatabaseTime) async throws(PortFailure) -> Int64 {
        var (after, deleted) = (Int64.min, Int64(0))
        while true {
            let start = after
            let page = try await connection.write { database -> (last: Int64, count: Int64)? in
                let bounds: StatementArguments = ["after": start, "limit": Self.pageRows]
                guard let last = try Int64.fetchOne(database, sql: CacheStatements.page, arguments: bounds) else {
                    return nil
                }
                let arguments: StatementArguments = ["after": start, "last": last, "before": time.microseconds]
                try database.execute(sql: CacheStatements.delete, arguments: arguments)
                return (last, Int64(database.changesCount))
            }
            guard let page else { break }
            after = page.last
            deleted += page.count
        }
        if deleted > 0 {
            try await connection.apart { database in
                _ = try Row.fetchAll(database, sql: "PRAGMA incremental_vacuum")
            }
        }
        return deleted
    }

    /// Reads every page and every vector.
    package func verify() async throws(PortFailure) -> CacheFindings {
        var findings = CacheFindings()
        do throws(PortFailure) {
            findings.pages = try await connection.apart { database in
                try String.fetchAll(database, sql: "PRAGMA integrity_check(10)").filter { $0 != "ok" }
            }
        } catch {
            // So damaged that even the check cannot go on.
            guard error.code == PortFailure.corrupt else { throw error }
            findings.pages = [error.detail]
        }
        var after = Int64.min
        while true {
            let start = after
            let page: (last: Int64?, count: Int, damaged: Int)
            do throws(PortFailure) {
                page = try await connection.read { database in
                    let rows = try Row.fetchAll(
                        database,
                        sql: CacheStatements.check,
                        arguments: ["after": start, "limit": Self.pageRows]
                    )
                    return (rows.last?.value("id"), rows.count, rows.count { !$0.isWhole })
                }
            } catch {
                // Where the pages are damaged, the rows behind them cannot be read.
                guard error.code == PortFailure.corrupt, !findings.pages.isEmpty else { throw error }
                return findings
            }
            findings.vectors += Int64(page.count)
            findings.damaged += Int64(page.damaged)
            guard let last = page.last else { return findings }
            after = last
        }
    }
}

extension CacheStats.Space {
    fileprivate init(_ row: Row) {
        func time(_ column: String) -> DatabaseTime? {
            row.value(column, as: Int64.self).map { DatabaseTime(microseconds: $0) }
        }
        self.init(
            provider: row.value("provider") ?? "",
            model: row.value("model") ?? "",
            dimensions: row.value("dimensions") ?? 0,
            format: row.value("format") ?? "",
            vectors: row.value("vectors") ?? 0,
            bytes: row.value("bytes") ?? 0,
            oldest: time("oldest"),
            newest: time("newest")
        )
    }
}

extension Row {
    /// Whether a vector has the length and the checksum that it must have.
    fileprivate var isWhole: Bool {
        guard let key = value("key", as: Data.self), let dimensions = value("dimensions", as: Int.self),
            let format = value("format", as: String.self).flatMap(VectorFormat.init)
        else { return false }
        let space = EmbeddingSpace(provider: "", model: "", dimensions: dimensions, format: format)
        return vector(of: [UInt8](key), space) != nil
    }
}
