import Foundation
import Migration
import Testing

@testable import Adapters
@testable import Fakes

extension Served {
    /// Rows in a real table, in batches of ten, and the stand-ins with their collection.
    ///
    /// - Parameters:
    ///   - count: how many; their ids are 1 and so on, and each is one parent and one child.
    ///   - more: settings beside those that lead to the servers.
    ///   - body: uses them.
    /// - Throws: what `body` throws.
    static func useTable(
        rows count: Int,
        _ more: [String: String] = [:],
        _ body: (Served, MySQLTestDatabase) async throws -> Void
    ) async throws {
        try await MySQLTestDatabase.use { rows in
            try await rows.run(
                "CREATE TABLE ip_summary (id BIGINT PRIMARY KEY, member_code VARCHAR(64), parse_content LONGTEXT)",
                "INSERT INTO ip_summary VALUES "
                    + (1...count).map { "(\($0), 'm', 'The ferry leaves at \($0).')" }.joined(separator: ",")
            )
            let settings = [
                "MYSQL_HOST": rows.server.host, "MYSQL_PORT": String(rows.server.port), "MYSQL_USER": rows.server.user,
                "MYSQL_PASSWORD": rows.server.password, "MYSQL_DATABASE": rows.name,
                "MYSQL_SSL_CA": rows.server.authority, "BATCH_SIZE": "10",
                "TOKENIZER_VOCABULARY": try #require(TestEnvironment.vocabulary),
            ]
            try await use(settings.merging(more) { $1 }) { served in
                try await served.migrate("setup", "--yes")
                try await body(served, rows)
            }
        }
    }

    /// Runs the program without a terminal.
    func end(_ arguments: String..., with changes: [String: String] = [:]) async throws -> Program.Result {
        try await program.run(arguments, settings.merging(changes) { $1 })
    }

    /// Changes the strict mode of the only collection, as its operator would.
    func restrict(_ limits: JSONValue) throws {
        let name = try #require(qdrant.names.first)
        try qdrant.with(name) { $0.reconfigure(["strict_mode_config": limits]) }
    }

    /// The records that have points.
    func recordsWithPoints() throws -> Int {
        let name = try #require(qdrant.names.first)
        return try qdrant.with(name) { collection in
            Set(collection.points.values.compactMap { $0.payload["summary_id"]?.integer }).count
        }
    }

    func stats(_ job: JobID) async throws -> JobStats {
        try await store.exactStats(GetIngestionJobStatsExact(job: job))
    }
}
