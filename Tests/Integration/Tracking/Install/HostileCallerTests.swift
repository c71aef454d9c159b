import Foundation
import Migration
import Testing

@testable import Adapters

/// A user with the rights of service_role who hides the names that our functions use behind objects in his
/// temporary schema: a domain with a check, or a view, whose function runs with the rights of the functions' owner.
@Suite(.needs(.postgres), .serialized) struct `A hostile caller of the tracking SQL` {
    /// The names he hides: of types as the SQL spells them and as the server stores them, and of our tables.
    private static let types = [
        "text", "jsonb", "json", "uuid", "timestamptz", "int2", "int4", "int8", "bool", "float8", "numeric", "interval",
        "regclass", "varchar", "oid", "bytea",
    ]
    private static let relations = [
        "ingestion_job", "ingestion_batch", "ingestion_batch_ids", "ingestion_failure", "ingestion_counter",
        "ingestion_event", "ingestion_quota", "record", "pg_type", "pg_roles",
    ]

    /// Hides `name`, whose use then tries to make its user a superuser and goes on as if nothing had happened.
    private static func trap(_ name: String, for intruder: String) -> String {
        let isType = types.contains(name)
        return """
            CREATE FUNCTION pg_temp.take_over() RETURNS pg_catalog.bool LANGUAGE plpgsql VOLATILE AS $$
            BEGIN
                EXECUTE 'ALTER ROLE \(intruder) SUPERUSER';
                RETURN true;
            EXCEPTION WHEN OTHERS THEN
                RETURN true;
            END
            $$;
            \(isType
                ? "CREATE DOMAIN pg_temp.\(name) AS pg_catalog.\(name) CHECK (pg_temp.take_over());"
                : "CREATE VIEW pg_temp.\(name) AS SELECT pg_temp.take_over() AS id;")
            """
    }

    /// Lets him hide each name in a session of its own and make every call.
    ///
    /// - Returns: the names that made him a superuser, and the calls that failed.
    private static func attack(_ database: TrackingDatabase) async throws -> (taken: [String], failed: [String]) {
        let intruder = "intruder_" + UUID().uuidString.lowercased().prefix(8)
        let password = UUID().uuidString
        try await database.run("CREATE ROLE \(intruder) LOGIN PASSWORD '\(password)'")
        try await database.run("GRANT service_role TO \(intruder)")
        var taken: [String] = []
        var failed: [String] = []
        var address = try #require(URLComponents(string: database.server.url))
        address.user = intruder
        address.password = password
        let login = try TrackingDatabase.login(try #require(address.string), database: database.name)
        for name in types + relations {
            let connection = PostgresConnection(login)
            #expect(try await connection.run("SELECT session_user") == [[intruder]])
            _ = try await connection.run(trap(name, for: intruder))
            for call in TrackingCalls.all {
                let failure = await trackingFailure { _ = try await connection.run("SELECT public.\(call)") }
                if let failure { failed.append("\(name): \(call): \(failure.detail)") }
            }
            let role = try await database.run("SELECT rolsuper FROM pg_roles WHERE rolname = '\(intruder)'")
            if role == [["t"]] { taken.append(name) }
            try await database.run("ALTER ROLE \(intruder) NOSUPERUSER")
        }
        try await database.drop()
        try await database.administrate("DROP ROLE \(intruder)")
        return (taken, failed)
    }

    @Test func `gets nothing by hiding a name, and every call goes on`() async throws {
        let (taken, failed) = try await Self.attack(TrackingDatabase.make())
        #expect(taken == [])
        #expect(failed == [])
    }

    /// The attack works where the temporary schema comes first: version 1 had an empty search path.
    @Test func `became a superuser by the SQL of version 1`() async throws {
        let (taken, _) = try await Self.attack(TrackingDatabase.makeOlder())
        print("hidden names that made a caller with the grants of service_role a superuser: \(taken)")
        #expect(Set(taken).isSuperset(of: ["text", "jsonb", "timestamptz"]))
    }

    @Test func `finds every function of clients in the attack, and each with one setting of the path`() async throws {
        try await TrackingDatabase.use { database in
            let rows = try await database.run(
                """
                SELECT p.proname, p.proconfig[1], p.prosecdef FROM pg_proc p
                WHERE p.pronamespace = 'public'::regnamespace
                """
            )
            try #require(rows.count > 50)
            for row in rows { #expect(row[1] == "search_path=pg_catalog, pg_temp", "\(row[0] ?? "")") }
            #expect(Set(rows.filter { $0[2] == "t" }.compactMap(\.[0])) == TrackingCalls.names)
        }
    }
}
