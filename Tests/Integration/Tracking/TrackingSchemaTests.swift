import Migration
import Testing

@testable import Adapters

@Suite(.needs(.postgres)) struct `The tracking SQL` {
    /// Everything the files make, as the catalogue has it.
    private static let catalogue = """
        SELECT 'relation', c.relname, c.relkind::text, coalesce(c.reloptions::text, ''), coalesce(c.relacl::text, ''),
            c.relrowsecurity::text
        FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
        UNION ALL SELECT 'column', a.attrelid::regclass::text, a.attname, a.atttypid::regtype::text,
            a.attnotnull::text, coalesce(pg_get_expr(d.adbin, d.adrelid), '')
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relnamespace = 'public'::regnamespace
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attnum > 0
        UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid), '', '', ''
        FROM pg_index JOIN pg_class c ON c.oid = indexrelid AND c.relnamespace = 'public'::regnamespace
        UNION ALL SELECT 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid), coalesce(p.proacl::text, ''),
            p.prosecdef::text, coalesce(p.proconfig::text, '')
        FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
        ORDER BY 1, 2, 3, 4
        """

    private static let functions = """
        SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace ORDER BY 1
        """

    @Test func `applied twice changes nothing`() async throws {
        try await TrackingDatabase.use { database in
            let before = try await database.run(Self.catalogue)
            #expect(before.count > 200)
            let version = try await database.installer.apply()
            #expect(version == SchemaVersion.Answer(version: SchemaInstaller.version, minClient: 1))
            #expect(try await database.run(Self.catalogue) == before)
        }
    }

    @Test func `may be installed by several at the same time`() async throws {
        let database = try await TrackingDatabase.make(installed: false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { try await database.installer.apply() } }
            try await group.waitForAll()
        }
        try await database.drop()
    }

    @Test func `pasted as one text into an editor is the same`() async throws {
        try await TrackingDatabase.use { database in
            let other = try await TrackingDatabase.make(installed: false)
            try await other.run(SchemaInstaller.allText)
            let isEqual = try await other.run(Self.catalogue) == database.run(Self.catalogue)
            #expect(isEqual)
            try await other.drop()
        }
    }

    @Test func `is missed in one sentence where it is not installed`() async throws {
        let database = try await TrackingDatabase.make(installed: false)
        let failure = await trackingFailure { _ = try await database.store().schemaVersion(SchemaVersion()) }
        #expect(failure?.kind == .rejected)
        #expect(failure?.detail.contains("migrate setup") == true)
        let inspection = try await PostgresTransport(database.login).inspection()
        #expect(inspection.problems == ["the tracking SQL is not installed: run `migrate setup`"])
        try await database.drop()
    }

    @Test func `is inspected with version, TLS and role`() async throws {
        try await TrackingDatabase.use { database in
            let inspection = try await PostgresTransport(database.login).inspection()
            #expect(inspection.problems.isEmpty)
            #expect(inspection.product.hasPrefix("PostgreSQL "))
            #expect(inspection.product.contains("TLSv1."))
            #expect(inspection.facts == ["role postgres", "tracking SQL version \(SchemaInstaller.version)"])
        }
    }

    @Test(arguments: ["anon", "authenticated"])
    func `refuses every function, table, view and sequence to`(role: String) async throws {
        try await TrackingDatabase.use { database in
            let functions = try await database.run(Self.functions).compactMap { $0[0] }
            #expect(functions.count > 30)
            for function in functions {
                let allowed = try await database.run(
                    "SELECT has_function_privilege('\(role)', '\(function)', 'EXECUTE')"
                )
                #expect(allowed == [["f"]], "\(role) may call \(function)")
            }
            let relations = try await database.run(
                """
                SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
                AND (CASE c.relkind WHEN 'S' THEN has_sequence_privilege('\(role)', c.oid, 'USAGE, SELECT, UPDATE')
                    WHEN 'i' THEN false ELSE has_table_privilege('\(role)', c.oid,
                    'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') END)
                """
            )
            #expect(relations.isEmpty)
            for statement in ["SELECT public.schema_version()", "SELECT * FROM public.ingestion_job"] {
                let failure = await trackingFailure { try await database.run(statement, as: role) }
                #expect(failure?.code == "42501")
            }
        }
    }

    @Test func `lets service_role call and read, and write nothing`() async throws {
        try await TrackingDatabase.use { database in
            _ = try await PlannedJob.make(database.store(), batches: [[1, 2]])
            #expect(
                try await database.run("SELECT public.schema_version() ->> 'version'", as: "service_role") == [["1"]]
            )
            let ids = try await database.run(
                "SELECT record_ids FROM public.ingestion_batch_full",
                as: "service_role"
            )
            #expect(ids == [["{1,2}"]])
            let tables = try await database.run(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')"
            )
            #expect(tables.count == 8)
            for table in tables.compactMap({ $0[0] }) {
                let rights = try await database.run(
                    "SELECT has_table_privilege('service_role', 'public.\(table)', 'INSERT, UPDATE, DELETE, TRUNCATE')"
                )
                #expect(rights == [["f"]], "service_role may write \(table)")
            }
            for statement in ["DELETE FROM public.ingestion_job", "SELECT public.ingestion_random()"] {
                let failure = await trackingFailure { try await database.run(statement, as: "service_role") }
                #expect(failure?.code == "42501")
            }
        }
    }

    @Test func `locks every function's search path, and runs it with its owner's rights`() async throws {
        try await TrackingDatabase.use { database in
            let loose = try await database.run(
                """
                SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
                AND (NOT coalesce(p.proconfig::text, '') LIKE '%search_path=%'
                    OR p.proname NOT LIKE 'ingestion\\_%'
                        AND (NOT p.prosecdef OR NOT p.proconfig::text LIKE '%lock_timeout=2s%'))
                """
            )
            #expect(loose.isEmpty)
        }
    }
}
