import Basics
import Migration
import Testing

@testable import Adapters

/// An interrupted installation: nothing may be left that is open to every role, so nothing is left.
@Suite(.needs(.postgres)) struct `An interrupted installation of the tracking SQL` {
    /// Everything in the schema `public`, and of it the functions that `anon` may call.
    private static let remains = """
        SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace)
            + (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)
            + (SELECT count(*) FROM pg_type WHERE typnamespace = 'public'::regnamespace),
            (SELECT count(*) FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
                AND has_function_privilege('anon', p.oid, 'EXECUTE'))
        """

    private static func remains(_ connection: PostgresConnection) async throws -> [Int] {
        try #require(try await connection.run(remains).first).map { try #require(Int($0 ?? "")) }
    }

    @Test func `leaves nothing, after whichever of its statements the connection is lost`() async throws {
        let statements = sqlStatements(SchemaInstaller.allText)
        try #require(statements.count > 60)
        #expect(statements.last?.hasSuffix("COMMIT;") == true)
        let database = try await TrackingDatabase.make(installed: false)
        let watcher = PostgresConnection(try database.login)
        for count in 1..<statements.count {
            _ = try await PostgresConnection(database.login).run(statements.prefix(count).joined())
            let remains = try await Self.remains(watcher)
            #expect(remains == [0, 0], "after \(count): \(statements[count - 1].suffix(80))")
        }
        try await database.run(statements.joined())
        let all = try await Self.remains(watcher)
        #expect(all[0] > 90 && all[1] == 0)
        try await database.drop()
    }

    /// As `psql -f` does it: statement by statement, and on with the next one after a failure.
    @Test func `leaves nothing, whichever of its statements fails`() async throws {
        let statements = sqlStatements(SchemaInstaller.allText)
        let database = try await TrackingDatabase.make(installed: false)
        let watcher = PostgresConnection(try database.login)
        let psql = try Psql(database.login)
        // Every third one, which meets every kind.
        for count in stride(from: 1, to: statements.count, by: 3) {
            try await psql.run(statements.prefix(count).joined())
            let failure = await trackingFailure { try await psql.run("SELECT 1 / 0") }
            #expect(failure?.code == "22012")
            for statement in statements.dropFirst(count + 1) { try? await psql.run(statement) }
            let remains = try await Self.remains(watcher)
            #expect(remains == [0, 0], "instead of \(count): \(statements[count].suffix(80))")
        }
        try await database.drop()
    }

    /// What the text of version 1 left: the check can fail.
    @Test func `left functions of version 1 open to anon`() async throws {
        let statements = sqlStatements(try OlderTrackingSQL.text())
        let database = try await TrackingDatabase.make(installed: false)
        try await database.run(statements.dropLast(4).joined())
        let remains = try await Self.remains(PostgresConnection(database.login))
        print("version 1, interrupted four statements before its end: \(remains[1]) functions open to anon")
        #expect(remains[1] > 20)
        try await database.drop()
    }

    /// The installer itself, with its first, sixth, eleventh, … change of the catalogue failing until none does.
    @Test func `by the installer leaves nothing, whichever of its changes fails`() async throws {
        let database = try await TrackingDatabase.make(installed: false)
        try await database.run(
            """
            CREATE SCHEMA saboteur; CREATE SEQUENCE saboteur.change; CREATE TABLE saboteur.victim (change bigint);
            INSERT INTO saboteur.victim VALUES (0);
            CREATE FUNCTION saboteur.act() RETURNS event_trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF nextval('saboteur.change') = (SELECT change FROM saboteur.victim) THEN
                    RAISE EXCEPTION 'sabotage';
                END IF;
            END
            $$;
            CREATE EVENT TRIGGER saboteur ON ddl_command_end EXECUTE FUNCTION saboteur.act()
            """
        )
        let installer = try database.installer
        let watcher = PostgresConnection(try database.login)
        var change = 1
        while change < 1000 {
            _ = try await watcher.run(
                "UPDATE saboteur.victim SET change = \(change); SELECT setval('saboteur.change', 1, false)"
            )
            let failure = await trackingFailure { try await installer.apply() }
            guard let failure else { break }
            #expect(failure.detail.hasPrefix("sql/0") && failure.detail.contains("sabotage"), "\(failure)")
            let remains = try await Self.remains(watcher)
            #expect(remains == [0, 0], "after change \(change)")
            change += 5  // there are some 600
        }
        #expect((100..<1000).contains(change))
        #expect(try await Self.remains(watcher)[0] > 90)
        try await database.drop()
    }

    /// A kept copy of an older program's text.
    @Test(arguments: [0, 1, 2, 40]) func `of older SQL over newer changes nothing`(newer: Int) async throws {
        try await TrackingDatabase.use { database in
            let version = SchemaInstaller.version + newer
            try await database.announce(version: version, minClient: 2)
            let failure = await trackingFailure { try await database.installer.apply() }
            let installed = try await database.run("SELECT public.schema_version() ->> 'version'")
            #expect(installed == [["\(version)"]])
            let words = "version \(version), newer than this text (\(SchemaInstaller.version)): nothing was changed"
            #expect(failure == nil ? newer == 0 : failure?.detail.contains(words) == true, "\(failure?.detail ?? "")")
        }
    }
}

/// A session that goes on after a failure, on a thread of its own: libpq blocks, and the tests share a few threads.
private actor Psql {
    private let executor = ThreadExecutor(name: "psql")
    private let login: PostgresLogin
    private var handle: PostgresHandle?

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    init(_ login: PostgresLogin) { self.login = login }

    deinit { executor.stop() }

    func run(_ sql: String) throws(PortFailure) {
        if handle == nil {
            let opened = try PostgresHandle(login)
            try opened.open(within: .seconds(30))
            handle = opened
        }
        _ = try handle?.run(sql, within: .seconds(60))
    }
}
