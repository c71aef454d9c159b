import Foundation
import Migration
import Testing

@testable import Adapters

/// Another program's tables and functions with our names: recognised before anything is changed, and kept when that is wanted.
@Suite(.needs(.postgres)) struct `Older tables beside the tracking SQL` {
    /// Both ways in which the SQL gets there.
    private static func applied(
        _ database: TrackingDatabase,
        printed: Bool,
        renames: Bool = false
    ) async -> PortFailure? {
        await trackingFailure {
            if printed {
                try await database.run(SchemaInstaller.text(renamesOlder: renames))
            } else {
                try await database.installer.apply(renamesOlder: renames)
            }
        }
    }

    private static func use(_ older: OlderCase, _ body: (TrackingDatabase) async throws -> Void) async throws {
        let database = try await TrackingDatabase.make(installed: older.isOver)
        try await database.run(older.sql)
        try await body(database)
        try await database.drop()
    }

    @Test(arguments: OlderCase.all, [false, true])
    func `are named with their rows, and nothing is changed`(older: OlderCase, printed: Bool) async throws {
        try await Self.use(older) { database in
            let before = try await database.run(`The tracking SQL`.catalogue)
            let failure = try #require(await Self.applied(database, printed: printed))
            for name in older.says { #expect(failure.detail.contains(name), "\(failure.detail)") }
            #expect(failure.kind == .rejected)
            #expect(failure.detail.contains("nothing was changed. `migrate setup --rename-older-tables`"))
            let isUnchanged = try await database.run(`The tracking SQL`.catalogue) == before
            #expect(isUnchanged)
            let list = try await database.installer.older()
            for name in older.says { #expect(list.contains { $0.hasPrefix(name) }, "\(list)") }
        }
    }

    @Test(arguments: OlderCase.all, [false, true])
    func `get the suffix _old where that is wanted, and then ours is there`(older: OlderCase, printed: Bool)
        async throws
    {
        try await Self.use(older) { database in
            #expect(await Self.applied(database, printed: printed, renames: true) == nil)
            #expect(try await database.installer.older() == [])
            let store = try database.store()
            #expect(try await store.schemaVersion(.init()) == .init(version: SchemaInstaller.version, minClient: 2))
            let plan = try await PlannedJob.make(store, batches: [[1, 2], [3]])
            for _ in 0..<2 {
                let (claim, batches) = try await plan.claim()
                #expect(try await plan.complete(try #require(batches.first), claim).result == .applied)
            }
            #expect(try await plan.exactStats().equal == true)
            if let keeps = older.keeps { #expect(try await database.run(keeps.query) == [[keeps.answer]]) }
            let overloads = try await database.run(
                """
                SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace GROUP BY 1 HAVING count(*) > 1
                """
            )
            #expect(overloads == [])
            #expect(await Self.applied(database, printed: printed) == nil, "applied again")
        }
    }

    @Test func `take their indexes and sequences along`() async throws {
        let database = try await TrackingDatabase.make(installed: false)
        try await database.run(EarlierPlan.whole)
        try await database.installer.apply(renamesOlder: true)
        let renamed = try await database.run(
            """
            SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname LIKE '%\\_old' UNION ALL
            SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE '%\\_old' ORDER BY 1
            """
        ).map { $0[0] ?? "" }
        #expect(
            renamed.sorted() == [
                "bump_batch_progress_old", "claim_next_batch_old", "get_ingestion_job_stats_old",
                "idx_ingestion_batch_claim_old", "idx_ingestion_batch_job_id_old", "idx_ingestion_batch_retry_old",
                "idx_ingestion_batch_status_old", "ingestion_batch_id_seq_old",
                "ingestion_batch_job_id_batch_number_key_old",
                "ingestion_batch_old", "ingestion_batch_pkey_old", "ingestion_job_old", "ingestion_job_pkey_old",
                "reset_stuck_batches_old",
            ]
        )
        let fresh = try await TrackingDatabase.make()
        let names =
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE '%\\_old' ORDER BY 1"
        #expect(try await database.run(names) == fresh.run(names))
        for database in [database, fresh] { try await database.drop() }
    }

    /// What setup left before it looked: version 1, pasted over the first plan.
    @Test func `that version 1 was applied over are no better`() async throws {
        let database = try await TrackingDatabase.make(installed: false)
        try await database.run(EarlierPlan.job + EarlierPlan.batch)
        var failures: [String] = []
        for statement in sqlStatements(try OlderTrackingSQL.text()) {
            let failure = await trackingFailure { try await database.run(statement) }
            if let failure { failures.append(failure.detail) }
        }
        print("version 1 over the first plan: \(failures.count) statements failed, first: \(failures.first ?? "")")
        #expect(failures.contains { $0.contains("column \"target_key\" does not exist") })
        #expect(try await database.run("SELECT public.schema_version() ->> 'version'") == [["1"]])
        let refusal = try #require(await Self.applied(database, printed: true))
        #expect(refusal.detail.contains("table ingestion_job (3 rows; "))
        #expect(await Self.applied(database, printed: false, renames: true) == nil)
        let plan = try await PlannedJob.make(database.store(), batches: [[1]])
        let (claim, batches) = try await plan.claim()
        #expect(try await plan.complete(try #require(batches.first), claim).result == .applied)
        #expect(try await plan.exactStats().equal == true)
        #expect(try await database.run("SELECT count(*) FROM public.ingestion_job_old") == [["3"]])
        try await database.drop()
    }

    // MARK: What cannot be renamed

    @Test(arguments: [
        ("CREATE TABLE public.ingestion_job_old (id integer)", "ingestion_job_old"),
        ("CREATE VIEW public.ingestion_batch_old AS SELECT 1 AS id", "ingestion_batch_old"),
        ("CREATE TYPE public.ingestion_job_old AS ENUM ('a')", "ingestion_job_old"),
        ("CREATE SEQUENCE public.ingestion_batch_id_seq_old", "ingestion_batch_id_seq_old"),
        (
            "CREATE TABLE public.mine (a int); CREATE INDEX idx_ingestion_batch_status_old ON public.mine (a)",
            "idx_ingestion_batch_status_old"
        ),
        (
            "CREATE FUNCTION public.claim_next_batch_old(a UUID, b TEXT) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            "claim_next_batch_old"
        ),
    ])
    func `are not renamed to a name that is taken`(sql: String, name: String) async throws {
        let database = try await TrackingDatabase.make(installed: false)
        try await database.run(EarlierPlan.whole)
        try await database.run(sql)
        let before = try await database.run(`The tracking SQL`.catalogue)
        let failure = try #require(await Self.applied(database, printed: false, renames: true))
        #expect(failure.detail.contains("these names are taken in the schema public: \(name); nothing was changed"))
        let isUnchanged = try await database.run(`The tracking SQL`.catalogue) == before
        #expect(isUnchanged)
        try await database.drop()
    }

    @Test func `of another role are counted where that is allowed, and renamed by their owner`() async throws {
        let database = try await TrackingDatabase.make(installed: false)
        let name = "setter_" + UUID().uuidString.lowercased().prefix(8)
        try await database.run(EarlierPlan.whole)
        try await database.run("CREATE ROLE \(name); GRANT CREATE, USAGE ON SCHEMA public TO \(name)")
        let before = try await database.run(`The tracking SQL`.catalogue)
        let refusal = try #require(
            await trackingFailure { try await database.run(SchemaInstaller.allText, as: name) }
        )
        #expect(
            refusal.detail.contains("table ingestion_job (rows that this role may not count; its column id is uuid")
        )
        let renaming = try #require(
            await trackingFailure { try await database.run(SchemaInstaller.text(renamesOlder: true), as: name) }
        )
        #expect(renaming.detail.contains("table ingestion_job belongs to the role postgres"))
        #expect(renaming.detail.contains("nothing was changed; rename it as that role or as a superuser"))
        let isUnchanged = try await database.run(`The tracking SQL`.catalogue) == before
        #expect(isUnchanged)
        try await database.installer.apply(renamesOlder: true)
        let ours = try #require(await trackingFailure { try await database.run(SchemaInstaller.allText, as: name) })
        #expect(ours.detail.contains("belong to the role postgres: install as that role"))
        try await database.drop()
        try await database.administrate("DROP ROLE \(name)")
    }

    @Test func `in use for long are left, and in use for a moment are waited for`() async throws {
        let database = try await TrackingDatabase.make(installed: false)
        try await database.run(EarlierPlan.whole)
        let before = try await database.run(`The tracking SQL`.catalogue)
        let user = PostgresConnection(try database.login)
        _ = try await user.run("BEGIN; SELECT count(*) FROM public.ingestion_batch")
        let failure = try #require(await Self.applied(database, printed: false, renames: true))
        #expect(failure.detail.contains("another program has been using the older tables") && failure.code == "55P03")
        let isUnchanged = try await database.run(`The tracking SQL`.catalogue) == before
        #expect(isUnchanged)
        async let renamed = Self.applied(database, printed: false, renames: true)
        _ = try await user.run("SELECT pg_sleep(1); ROLLBACK")
        #expect(await renamed == nil)
        try await database.drop()
    }

    /// The list of columns is complete: a table is ours only with all that version 1 had.
    @Test func `are those without any one of the columns of version 1`() async throws {
        try await TrackingDatabase.use(older: true) { database in
            let columns = try await database.run(
                """
                SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
                """
            )
            try #require(columns.count > 100)
            let look = try #require(SchemaInstaller.files.first).text
            let connection = PostgresConnection(try database.login)
            for column in columns {
                let (table, name) = (column[0] ?? "", column[1] ?? "")
                let found = try await connection.run(
                    """
                    BEGIN; ALTER TABLE public.\(table) DROP COLUMN \(name) CASCADE;
                    SET LOCAL migrate.rename_older_tables = 'look'; SET LOCAL migrate.older_tables = '[]';
                    \(look)
                    SELECT current_setting('migrate.older_tables'); ROLLBACK
                    """
                )
                let said = found.first?.first.flatMap(\.self) ?? ""
                #expect(said.contains("table \(table) (0 rows; it has no column \(name))"), "\(said)")
            }
        }
    }

    /// The list of calls is complete: whichever of them has an overload, it is found.
    @Test func `are found under the name of every call`() async throws {
        try await TrackingDatabase.use { database in
            let names = try await database.run(
                "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef ORDER BY 1"
            ).compactMap(\.[0])
            try #require(names.count > 20)
            #expect(try await database.installer.older() == [])
            for name in names {
                try await database.run(
                    "CREATE FUNCTION public.\(name)(point) RETURNS integer LANGUAGE sql AS 'SELECT 1'"
                )
            }
            #expect(try await database.installer.older() == names.map { "function \($0)(point)" })
        }
    }
}
