import CTrackingSQL
import Foundation
package import Migration

/// Installs the tracking SQL that this program carries: the files of `sql/`, embedded when it was built.
package struct SchemaInstaller: Sendable {
    /// One file of `sql/`.
    package struct File: Sendable, Equatable {
        package let name: String
        package let text: String
    }

    /// The version of the SQL that this program is written for; `schema_version` in `sql/009_access.sql`.
    package static let version = 1

    /// The files in the order in which they must be applied.
    package static var files: [File] {
        (0..<tracking_sql_file_count).map { index in
            let file = unsafe tracking_sql_file_at(index)
            let text = unsafe UnsafeBufferPointer(start: file.text, count: file.length)
            return unsafe File(name: String(cString: file.name), text: String(decoding: text, as: UTF8.self))
        }
    }

    /// Everything as one text, for Supabase's SQL editor.
    package static var allText: String { files.map(\.text).joined(separator: "\n") }

    private let connection: PostgresConnection

    /// Opens nothing yet.
    package init(_ login: PostgresLogin) {
        connection = PostgresConnection(login, .init(statement: .seconds(60), lock: .seconds(10)))
    }

    /// Applies every file, each in one transaction; harmless when it is installed already, also at the same time.
    ///
    /// - Returns: the version that is installed now.
    @discardableResult
    package func apply() async throws(PortFailure) -> SchemaVersion.Answer {
        for file in Self.files {
            // Two at a time would meet in the system catalogue ("tuple concurrently updated").
            let sql = "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('migrate setup', 0));\n\(file.text)\nCOMMIT"
            do { _ = try await connection.run(sql) } catch {
                _ = try? await connection.run("ROLLBACK")
                throw PortFailure(error.kind, "sql/\(file.name): \(error.detail)", code: error.code)
            }
        }
        return try await Self.installedVersion(connection)
    }

    /// The version that is installed.
    ///
    /// - Throws: `rejected` with code 42883 when there is none.
    package func installedVersion() async throws(PortFailure) -> SchemaVersion.Answer {
        try await Self.installedVersion(connection)
    }

    static func installedVersion(_ connection: PostgresConnection) async throws(PortFailure) -> SchemaVersion.Answer {
        let rows = try await connection.run("SELECT public.schema_version()")
        let answer: String? = rows.first?.first ?? nil
        return try SchemaVersion.Answer(json: Data((answer ?? "").utf8))
    }

    /// Why this program cannot work with an installed version, or nil when it can.
    package static func problem(of installed: SchemaVersion.Answer) -> String? {
        if installed.version < version {
            "the tracking SQL is version \(installed.version), this program needs \(version): run `migrate setup`"
        } else if installed.minClient > version {
            "the tracking SQL is version \(installed.version), too new for this program (\(version)): use a newer migrate"
        } else {
            nil
        }
    }
}
