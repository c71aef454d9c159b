import Foundation
import Migration
import Testing

@testable import Adapters

/// The grants on everything that the SQL installs, as the catalogue lists it: objects that are added later cannot
/// escape.
@Suite(.needs(.postgres), .serialized) struct `Access to the tracking SQL` {
    /// A function: its signature, whether clients call it, and a call of it with nothing but NULL.
    private struct Function {
        let name: String
        let isAPI: Bool
        /// nil where the planner would answer such a call without making it.
        let call: String?
    }

    private static func functions(_ connection: PostgresConnection) async throws -> [Function] {
        let rows = try await connection.run(
            """
            SELECT p.oid::regprocedure, p.proname LIKE 'ingestion\\_%', CASE WHEN NOT p.proisstrict THEN format(
                'SELECT public.%I(%s)', p.proname, array_to_string(ARRAY(
                    SELECT 'NULL::' || format_type(t, NULL) FROM unnest(p.proargtypes) t), ', ')) END
            FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace ORDER BY 1
            """
        )
        try #require(rows.count > 30)
        return try rows.map { Function(name: try #require($0[0]), isAPI: $0[1] == "f", call: $0[2]) }
    }

    /// One statement for each thing that can be done to each table, view and sequence.
    private static func statements(_ connection: PostgresConnection) async throws -> [(reads: Bool, sql: String)] {
        let rows = try await connection.run(
            """
            SELECT c.oid::regclass, c.relkind::text, (SELECT quote_ident(attname) FROM pg_attribute
                WHERE attrelid = c.oid AND attnum > 0 AND attidentity = '' LIMIT 1)
            FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind NOT IN ('i', 'c') ORDER BY 1
            """
        )
        try #require(rows.count { $0[1] == "r" } == 8 && rows.count { $0[1] == "v" } == 4)
        return try rows.flatMap { row -> [(reads: Bool, sql: String)] in
            let name = try #require(row[0])
            if row[1] == "S" {
                return [(false, "SELECT nextval('\(name)')"), (false, "SELECT last_value FROM \(name)")]
            }
            let reading = (reads: true, sql: "SELECT * FROM \(name)")
            if row[1] == "v" { return [reading] }  // a join: it cannot be written
            let column = try #require(row[2])
            let writes = [
                "INSERT INTO \(name) (\(column)) VALUES (NULL)", "UPDATE \(name) SET \(column) = NULL",
                "DELETE FROM \(name)", "TRUNCATE \(name)", "LOCK TABLE \(name)",
            ]
            return [reading] + writes.map { (false, $0) }
        }
    }

    /// Ends the run of a statement as it began, and tells how it failed.
    private static func code(of sql: String, _ connection: PostgresConnection) async throws -> String? {
        _ = try await connection.run("BEGIN")
        let failure = await trackingFailure { _ = try await connection.run(sql) }
        _ = try await connection.run("ROLLBACK")
        return failure?.code
    }

    /// The last one stands for PUBLIC: it was granted nothing.
    @Test(arguments: ["anon", "authenticated", "tracking_stranger"])
    func `is refused, function by function and table by table, to`(role: String) async throws {
        try await TrackingDatabase.use { database in
            let connection = PostgresConnection(try database.login)
            if role == "tracking_stranger" { _ = try await connection.run("CREATE ROLE tracking_stranger NOLOGIN") }
            let functions = try await Self.functions(connection)
            let statements = try await Self.statements(connection)
            _ = try await connection.run("SET ROLE \(role)")
            for function in functions {
                let allowed = try await connection.run("SELECT has_function_privilege($1, 'EXECUTE')", [function.name])
                #expect(allowed == [["f"]], "\(role) may call \(function.name)")
                guard let call = function.call else { continue }
                #expect(try await Self.code(of: call, connection) == "42501", "\(role): \(call)")
            }
            for statement in statements {
                #expect(try await Self.code(of: statement.sql, connection) == "42501", "\(role): \(statement.sql)")
            }
            _ = try await connection.run("RESET ROLE")
            if role == "tracking_stranger" { _ = try await connection.run("DROP ROLE tracking_stranger") }
        }
    }

    @Test func `lets service_role call what clients call and read every table, and nothing else`() async throws {
        try await TrackingDatabase.use { database in
            _ = try await PlannedJob.make(database.store(), batches: [[1, 2]])
            let connection = PostgresConnection(try database.login)
            let functions = try await Self.functions(connection)
            let statements = try await Self.statements(connection)
            _ = try await connection.run("SET ROLE service_role")
            for function in functions {
                let allowed = try await connection.run("SELECT has_function_privilege($1, 'EXECUTE')", [function.name])
                #expect(allowed == [[function.isAPI ? "t" : "f"]], "\(function.name)")
                guard let call = function.call else { continue }
                let isRefused = try await Self.code(of: call, connection) == "42501"
                #expect(isRefused != function.isAPI, "\(call)")
            }
            for statement in statements {
                let code = try await Self.code(of: statement.sql, connection)
                #expect(code == (statement.reads ? nil : "42501"), "\(statement.sql)")
            }
            // Row level security has no policy for it, and the role passes it.
            let ids = try await connection.run("SELECT record_ids FROM public.ingestion_batch_full")
            #expect(ids == [["{1,2}"]])
        }
    }

    @Test func `goes by functions with their owner's rights, a safe search path, a lock timeout and fixed statements`()
        async throws
    {
        try await TrackingDatabase.use { database in
            let loose = try await database.run(
                """
                SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
                AND (p.prosecdef IS DISTINCT FROM (p.proname NOT LIKE 'ingestion\\_%')
                    -- Beside these, nothing but how a statement is to be planned.
                    OR ARRAY(SELECT s FROM unnest(p.proconfig) WITH ORDINALITY c (s, n)
                        WHERE s !~ '^(jit|enable_sort|enable_bitmapscan)=off$' AND s <> 'plan_cache_mode=force_custom_plan'
                        ORDER BY n) IS DISTINCT FROM ARRAY['search_path=pg_catalog, pg_temp']
                        || CASE WHEN p.prosecdef THEN ARRAY['lock_timeout=2s'] ELSE '{}' END
                    OR p.prosrc ~* '\\mexecute\\M')
                """
            )
            #expect(loose.isEmpty)
            let open = try await database.run(
                """
                SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
                AND (NOT c.relrowsecurity OR ARRAY(
                    SELECT polcmd::text || ' ' || polroles::regrole[]::text FROM pg_policy WHERE polrelid = c.oid
                ) <> '{"r {ingestion_reader}"}')
                """
            )
            #expect(open.isEmpty)
        }
    }

    /// PostgREST cuts sets off at its limit of rows, lets what is not volatile write nothing when asked by GET, and cannot
    /// tell overloads apart.
    @Test func `goes by functions that answer one jsonb, once each, with every argument named by its caller`()
        async throws
    {
        try await TrackingDatabase.use { database in
            let odd = try await database.run(
                """
                SELECT p.oid::regprocedure FROM pg_proc p
                WHERE p.pronamespace = 'public'::regnamespace AND p.proname NOT LIKE 'ingestion\\_%'
                AND (p.proretset OR p.prorettype <> 'jsonb'::regtype OR p.pronargdefaults > 0
                    OR EXISTS (SELECT 1 FROM unnest(p.proargnames) a WHERE a NOT LIKE 'p\\_%')
                    OR p.provolatile <> CASE WHEN p.proname = 'schema_version' OR p.proname LIKE '%\\_stats%'
                        THEN 's' ELSE 'v' END
                    OR 1 < (SELECT count(*) FROM pg_proc o
                        WHERE o.pronamespace = p.pronamespace AND o.proname = p.proname))
                """
            )
            #expect(odd.isEmpty)
        }
    }

    /// A server without Supabase's roles and grants, for the length of one transaction.
    private static let plain =
        ["anon", "authenticated", "service_role"].map {
            """
            ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM \($0);
            ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON FUNCTIONS FROM \($0);
            ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM \($0);
            ALTER ROLE \($0) RENAME TO no_\($0);
            """
        }
        .joined() + """
            DO $$ BEGIN
                IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'ingestion_reader') THEN
                    ALTER ROLE ingestion_reader RENAME TO no_ingestion_reader;
                END IF;
            END $$;
            """

    /// Without the transaction of its own.
    private static let sql = SchemaInstaller.files.map(\.text).joined(separator: "\n")

    private static let grantees = """
        SELECT DISTINCT g.grantee::regrole::text, g.privilege_type FROM pg_class c, aclexplode(c.relacl) g
        WHERE c.relnamespace = 'public'::regnamespace AND g.grantee <> c.relowner
        UNION SELECT DISTINCT g.grantee::regrole::text, g.privilege_type FROM pg_proc p, aclexplode(p.proacl) g
        WHERE p.pronamespace = 'public'::regnamespace AND g.grantee <> p.proowner ORDER BY 1, 2
        """

    private static let opened = """
        SELECT public.open_ingestion_job('target', 'hash', '{}', '{"max_retries": 3, "lease_seconds": 120,
            "batch_timeout_seconds": 600, "backoff_base_seconds": 30, "backoff_cap_seconds": 1800, "record_events": true}',
            'me', gen_random_uuid(), true) ->> 'result'
        """

    @Test func `on a plain server goes to a role that the installation makes`() async throws {
        let database = try await TrackingDatabase.make(installed: false)
        let connection = PostgresConnection(try database.login)
        _ = try await connection.run("BEGIN; \(Self.plain) \(Self.sql)")
        let expected = [["ingestion_reader", "SELECT"], ["service_role", "EXECUTE"], ["service_role", "SELECT"]]
        #expect(try await connection.run(Self.grantees) == expected)
        let role = try await connection.run(
            "SELECT rolbypassrls, rolcanlogin, rolconfig FROM pg_roles WHERE rolname = 'service_role'"
        )
        #expect(role == [["t", "f", "{statement_timeout=8s}"]])
        #expect(try await connection.run("SET LOCAL ROLE service_role; \(Self.opened)") == [["created"]])
        _ = try await connection.run("ROLLBACK")
        try await database.drop()
    }

    @Test func `on a plain server stays with an owner who may make no role`() async throws {
        let database = try await TrackingDatabase.make(installed: false)
        let connection = PostgresConnection(try database.login)
        _ = try await connection.run(
            """
            BEGIN; \(Self.plain) CREATE ROLE tracking_owner NOLOGIN; GRANT CREATE ON SCHEMA public TO tracking_owner;
            SET LOCAL ROLE tracking_owner; \(Self.sql)
            """
        )
        #expect(try await connection.run(Self.grantees).isEmpty)
        #expect(try await connection.run(Self.opened) == [["created"]])
        _ = try await connection.run("ROLLBACK")
        try await database.drop()
    }
}
