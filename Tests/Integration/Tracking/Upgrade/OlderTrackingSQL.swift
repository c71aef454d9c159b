import Foundation
import Testing

/// The SQL of older versions, as their programs applied and printed it: the first, and that of the latest one in use.
enum OlderTrackingSQL {
    /// The versions that are kept.
    static let versions = [1, 3]

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()

    static func files(_ version: Int = 1) throws -> [String] {
        let folder = folder.appending(path: "sql-\(version)")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path()).filter { $0.hasSuffix(".sql") }
        try #require(names.count == 9)
        return try names.sorted().map { try String(contentsOf: folder.appending(path: $0), encoding: .utf8) }
    }

    /// What `migrate setup --print-sql` printed.
    static func text(_ version: Int = 1) throws -> String { try files(version).joined(separator: "\n") }
}

extension TrackingDatabase {
    /// A database with the SQL of an older version; the caller drops it.
    static func makeOlder(_ version: Int = 1) async throws -> Self {
        let database = try await make(installed: false)
        for file in try OlderTrackingSQL.files(version) { try await database.run(file) }
        return database
    }

    /// Lends a database with the SQL of now, or that of version 1, and drops it.
    static func use(older: Bool, _ body: (Self) async throws -> Void) async throws {
        try await use(version: older ? 1 : nil, body)
    }

    /// Lends a database with the SQL of an older version, or that of now, and drops it.
    static func use(version: Int?, _ body: (Self) async throws -> Void) async throws {
        let database = if let version { try await makeOlder(version) } else { try await make() }
        do { try await body(database) } catch {
            try? await database.drop()
            throw error
        }
        try await database.drop()
    }
}
