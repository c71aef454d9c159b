import Migration
import Testing

@testable import Adapters

@Suite(.needs(.postgres)) struct `The tracking SQL` {
    /// Everything the files make, as the catalogue has it.
    static let catalogue = """
        SELECT 'relation', c.relname, c.relkind::text, coalesce(c.reloptions::text, ''),
            -- The order of grants is that in which they were given, and means nothing.
            (SELECT coalesce(string_agg(g::text, ' ' ORDER BY g::text), '') FROM unnest(coalesce(c.relacl,
                acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) g),
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
        UNION ALL SELECT 'view', c.relname, pg_get_viewdef(c.oid), coalesce(obj_description(c.oid), ''), '', ''
        FROM pg_class c WHERE c.relkind = 'v' AND c.relnamespace = 'public'::regnamespace
        UNION ALL SELECT 'policy', polrelid::regclass::text, polname, polroles::text, pg_get_expr(polqual, polrelid), polcmd::text
        FROM pg_policy
        ORDER BY 1, 2, 3, 4
        """

    @Test func `applied twice changes nothing`() async throws {
        try await TrackingDatabase.use { database in
            let before = try await database.run(Self.catalogue)
            #expect(before.count > 200)
            let version = try await database.installer.apply()
            #expect(version == SchemaVersion.Answer(version: SchemaInstaller.version, minClient: 2))
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

    /// What is pasted file by file: `schema_version` comes with the last.
    @Test func `that is half applied says so, and the next run completes it`() async throws {
        try await TrackingDatabase.use { whole in
            let expected = try await whole.run(Self.catalogue)
            for count in 1..<SchemaInstaller.files.count {
                let database = try await TrackingDatabase.make(installed: false)
                try await database.run(SchemaInstaller.files.prefix(count).map(\.text).joined())
                let inspection = try await PostgresTransport(database.login).inspection()
                #expect(inspection.problems == ["the tracking SQL is not installed: run `migrate setup`"])
                let failure = await trackingFailure { _ = try await database.store().schemaVersion(SchemaVersion()) }
                #expect(failure?.detail.contains("migrate setup") == true)
                try await database.installer.apply()
                let isEqual = try await database.run(Self.catalogue) == expected
                #expect(isEqual, "after \(count) files")
                try await database.drop()
            }
        }
    }

    @Test func `whose file fails leaves nothing of that file`() async throws {
        let database = try await TrackingDatabase.make(installed: false)
        try await database.run("CREATE VIEW public.ingestion_quota AS SELECT 1 AS quota")
        let failure = await trackingFailure { try await database.installer.apply() }
        #expect(failure?.detail.hasPrefix("sql/000_older.sql: ") == true)
        let made = try await database.run("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        #expect(made == [["ingestion_quota"]])
        try await database.drop()
    }

    @Test(arguments: [
        (2, 2, "is version 2, this program needs 4: run `migrate setup`"),
        (5, 5, "is version 5, too new for this program (4): use a newer migrate"),
        (5, 4, nil), (5, 2, nil),
    ])
    func `of another version is refused unless it still serves this program`(
        version: Int,
        minClient: Int,
        problem: String?
    ) async throws {
        try await TrackingDatabase.use { database in
            try await database.announce(version: version, minClient: minClient)
            let problems = try await PostgresTransport(database.login).inspection().problems
            #expect(problems == (problem.map { ["the tracking SQL \($0)"] } ?? []))
        }
    }

    /// What a later version may do while older programs work: new columns, new members of answers.
    @Test func `may grow while an older program holds a batch, which goes on as if nothing had happened`() async throws
    {
        try await TrackingDatabase.use { database in
            let plan = try await PlannedJob.make(database.store(), batches: [[1, 2], [3]])
            let (claim, batches) = try await plan.claim()
            let held = try #require(batches.first)
            let growth = [
                NegativeControl.Edit(
                    passage: "            -- One open job per target (I11).",
                    mistake: """
                            (7, 'column', 'ingestion_job', 'priority', 'integer NOT NULL DEFAULT 0'),
                            (8, 'column', 'ingestion_batch', 'weight', 'integer NOT NULL DEFAULT 1'),
                        """
                ),
                .init(
                    passage: "RETURN jsonb_build_object('result', v_result, 'job_status', v_job.status,",
                    mistake: "RETURN jsonb_build_object('result', v_result, 'priority', 7, 'job_status', v_job.status,"
                ),
                .init(
                    passage: "'applied', 'status', v_batch.status, 'outcome', p_outcome);",
                    mistake: "'applied', 'status', v_batch.status, 'outcome', p_outcome, 'weight', v_batch.weight);"
                ),
                .init(passage: #"'{"version": 4, "min_client": 2}'"#, mistake: #"'{"version": 5, "min_client": 2}'"#),
            ]
            try await NegativeControl.spoil(database, growth)
            #expect(try await plan.store.schemaVersion(SchemaVersion()) == .init(version: 5, minClient: 2))
            let item = HeartbeatItem(
                batchNumber: held.batchNumber,
                attempt: held.attempt,
                claimId: claim,
                counts: BatchCounts(processed: 1)
            )
            let beat = try await plan.store.heartbeat(BumpBatchProgress(job: plan.job, worker: "old", items: [item]))
            #expect(beat.items.map(\.result) == [.ok])
            #expect(try await plan.complete(held, claim).result == .applied)
            let (next, rest) = try await plan.claim()
            #expect(try await plan.complete(try #require(rest.first), next).result == .applied)
            let stats = try await plan.exactStats()
            #expect(stats.processed == 3 && stats.equal == true)
        }
    }
}
