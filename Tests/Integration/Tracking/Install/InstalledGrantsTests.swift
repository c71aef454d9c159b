import Migration
import Testing

@testable import Adapters

/// Whose grants the installation writes: those of its own objects, whatever the database grants by default, and no others.
@Suite(.needs(.postgres), .serialized) struct `Grants after the tracking SQL is installed` {
    /// Objects of the user beside ours, with names like ours.
    private static let own = """
        CREATE TABLE public.ingestion_notes (id bigint GENERATED ALWAYS AS IDENTITY, note text);
        CREATE TABLE public.ingestion_jobs (id bigint);
        CREATE VIEW public.ingestion_overview AS SELECT 1 AS one;
        CREATE MATERIALIZED VIEW public.ingestion_totals AS SELECT 1 AS one;
        CREATE SEQUENCE public.ingestion_ticket;
        CREATE FUNCTION public.ingestion_report() RETURNS integer LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION public.ingestion_now(p_zone text) RETURNS integer LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION public.ingestion_iso(p_at text) RETURNS integer LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION public.unrelated() RETURNS integer LANGUAGE sql AS 'SELECT 1';
        CREATE PROCEDURE public.ingestion_tidy() LANGUAGE sql AS 'SELECT 1';
        CREATE AGGREGATE public.ingestion_sum (bigint) (SFUNC = int8pl, STYPE = bigint);
        CREATE SCHEMA other;
        CREATE TABLE other.ingestion_job (id bigint);
        CREATE FUNCTION other.ingestion_now() RETURNS integer LANGUAGE sql AS 'SELECT 1';
        GRANT ALL ON SCHEMA other TO anon;
        GRANT SELECT ON ALL TABLES IN SCHEMA other TO anon;
        GRANT SELECT (note) ON public.ingestion_notes TO PUBLIC;
        REVOKE EXECUTE ON FUNCTION public.ingestion_report() FROM PUBLIC;
        """

    private static let ownGrants = """
        SELECT c.oid::regclass::text, c.relacl::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname IN ('ingestion_notes', 'ingestion_notes_id_seq', 'ingestion_jobs', 'ingestion_overview',
            'ingestion_totals', 'ingestion_ticket') OR n.nspname = 'other'
        UNION ALL SELECT p.oid::regprocedure::text, p.proacl::text FROM pg_proc p
        JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE p.proname IN ('ingestion_report', 'unrelated', 'ingestion_tidy', 'ingestion_sum') OR n.nspname = 'other'
            OR p.oid IN (to_regprocedure('public.ingestion_now(text)'), to_regprocedure('public.ingestion_iso(text)'))
        UNION ALL SELECT attname, attacl::text FROM pg_attribute WHERE attrelid = 'public.ingestion_notes'::regclass
        ORDER BY 1
        """

    @Test func `are as before on what belongs to the user, whatever it is called`() async throws {
        let database = try await TrackingDatabase.make(installed: false)
        try await database.run(Self.own)
        let before = try await database.run(Self.ownGrants)
        #expect(before.count > 20)
        for _ in 0..<2 {
            try await database.installer.apply()
            #expect(try await database.run(Self.ownGrants) == before)
        }
        #expect(try await database.run("SET ROLE anon; SELECT public.ingestion_report()") == [["1"]])
        try await database.drop()
    }

    /// The check can fail: version 1 went by the beginning of the name.
    @Test func `were rewritten by version 1 on what belongs to the user`() async throws {
        let database = try await TrackingDatabase.make(installed: false)
        // With this it could not be installed at all: "ingestion_tidy() is not a function".
        try await database.run(Self.own + "DROP PROCEDURE public.ingestion_tidy()")
        let before = try await database.run(Self.ownGrants)
        try await database.run(OlderTrackingSQL.text())
        let after = try await database.run(Self.ownGrants)
        let changed = zip(before, after).filter { $0 != $1 }.map { $0.0.first ?? nil }
        print("version 1 rewrote the grants of the user's own \(changed.map { $0 ?? "" })")
        #expect(changed.contains("ingestion_notes") && changed.contains("ingestion_report()"))
        try await database.drop()
    }

    /// The grants on our objects, except their owner's.
    private static let grants = """
        SELECT DISTINCT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END, g.privilege_type,
            g.is_grantable::text
        FROM (SELECT relowner AS owner, relacl AS acl FROM pg_class WHERE relnamespace = 'public'::regnamespace
            UNION ALL SELECT proowner, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace) o, aclexplode(o.acl) g
        WHERE g.grantee <> o.owner ORDER BY 1, 2, 3
        """
    private static let meant: [[String?]] = [
        ["ingestion_reader", "SELECT", "false"], ["service_role", "EXECUTE", "false"],
        ["service_role", "SELECT", "false"],
    ]

    /// Lends a database and a role of the user's own, and drops both.
    private static func useVisitor(_ body: (TrackingDatabase) async throws -> Void) async throws {
        let database = try await TrackingDatabase.make(installed: false)
        try await database.run("CREATE ROLE tracking_visitor NOLOGIN")
        var failure: (any Error)?
        do { try await body(database) } catch { failure = error }
        try await database.drop()
        try await database.administrate("DROP ROLE tracking_visitor")
        if let failure { throw failure }
    }

    @Test(arguments: [
        "IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role",
        "IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO anon WITH GRANT OPTION",
        "IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO service_role WITH GRANT OPTION",
        "IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO tracking_visitor",
        "GRANT EXECUTE ON FUNCTIONS TO tracking_visitor",
        "GRANT EXECUTE ON FUNCTIONS TO anon",
        "IN SCHEMA public GRANT EXECUTE ON ROUTINES TO PUBLIC",
        "IN SCHEMA public GRANT ALL ON TABLES TO PUBLIC",
        "IN SCHEMA public GRANT SELECT, INSERT ON TABLES TO tracking_visitor WITH GRANT OPTION",
        "GRANT ALL ON TABLES TO authenticated",
        "IN SCHEMA public GRANT ALL ON SEQUENCES TO tracking_visitor",
        "GRANT USAGE ON SEQUENCES TO PUBLIC",
        "IN SCHEMA public REVOKE ALL ON FUNCTIONS FROM anon, authenticated, service_role",
        "REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
    ])
    func `are what is meant, whatever the database grants by default`(privileges: String) async throws {
        try await Self.useVisitor { database in
            try await database.run("ALTER DEFAULT PRIVILEGES \(privileges)")
            try await database.installer.apply()
            #expect(try await database.run(Self.grants) == Self.meant)
        }
    }

    /// On a server whose default privileges came later, or that an older version has left open.
    @Test func `are repaired by the next installation, and what a person has granted stays`() async throws {
        try await Self.useVisitor { database in
            try await database.installer.apply()
            try await database.run(
                """
                GRANT EXECUTE ON FUNCTION public.ingestion_now() TO PUBLIC, anon;
                GRANT ALL ON public.ingestion_job TO authenticated, service_role;
                GRANT USAGE ON SEQUENCE public.ingestion_job_id_seq TO anon;
                REVOKE EXECUTE ON FUNCTION public.schema_version() FROM service_role;
                REVOKE SELECT ON public.ingestion_batch_full FROM service_role;
                GRANT SELECT ON public.ingestion_batch TO tracking_visitor
                """
            )
            try await database.installer.apply()
            #expect(try await database.run(Self.grants) == Self.meant + [["tracking_visitor", "SELECT", "false"]])
            let isReadable = "SELECT has_table_privilege('service_role', 'public.ingestion_batch_full', 'SELECT')"
            #expect(try await database.run(isReadable) == [["t"]])
            let called = try await database.run("SELECT public.schema_version() ->> 'min_client'", as: "service_role")
            #expect(called == [["2"]])
        }
    }
}
