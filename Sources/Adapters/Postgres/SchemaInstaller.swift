import CTrackingSQL
import FoundationEssentials
package import Migration

/// Installs the tracking SQL that is part of this program: the files of `sql/`, embedded at build time.
package struct SchemaInstaller: Sendable {
    /// One file of `sql/`.
    package struct File: Sendable, Equatable {
        package let name: String
        package let text: String
    }

    /// The version of the SQL for which this program is written; `schema_version` in `sql/012_access.sql`.
    package static let version = TrackingContract.version

    /// The files in the order in which they must be applied.
    package static var files: [File] {
        (0..<tracking_sql_file_count).map { index in
            let file = unsafe tracking_sql_file_at(index)
            let text = unsafe UnsafeBufferPointer(start: file.text, count: file.length)
            return unsafe File(name: String(cString: file.name), text: String(decoding: text, as: UTF8.self))
        }
    }

    /// All files as one text, for Supabase's SQL editor or `psql -f`: applied completely or not at all.
    package static var allText: String { text(renamesOlder: false) }

    /// The same; tables and functions of other programs with these names get the suffix `_old`, or stop it.
    package static func text(renamesOlder: Bool) -> String {
        steps(renamesOlder: renamesOlder).map(\.text).joined(separator: "\n")
    }

    /// The files, with statements before and after them that make one transaction.
    static func steps(renamesOlder: Bool) -> [File] {
        let begin = begin + "SET LOCAL migrate.rename_older_tables = '\(renamesOlder ? "on" : "off")';\n"
        return [File(name: "begin", text: begin)] + files.map { File(name: "sql/\($0.name)", text: $0.text) }
            + [File(name: "commit", text: "COMMIT;\n")]
    }

    // Only one installation at a time, because two would collide in the system catalogue ("tuple concurrently
    // updated"). The text itself checks the version, because a printed copy may be applied long after a newer version
    // was installed.
    private static let begin = """
        -- The job tracking of `migrate`, version \(version), as one transaction: everything or nothing.
        BEGIN;
        -- For this transaction only: behind a pooler the connection is another client's afterwards.
        SET LOCAL search_path = pg_catalog, pg_temp;
        SET LOCAL statement_timeout = '\(limits.statement.components.seconds)s';
        SET LOCAL lock_timeout = '\(limits.lock.components.seconds)s';
        DO $$
        DECLARE
            v_installed integer;
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended('migrate setup', 0));
            IF EXISTS (SELECT 1 FROM pg_proc WHERE oid = to_regprocedure('public.schema_version()')
                AND prorettype = 'jsonb'::regtype) THEN
                BEGIN
                    EXECUTE 'SELECT (public.schema_version() ->> ''version'')::integer' INTO v_installed;
                EXCEPTION WHEN undefined_function OR undefined_table OR undefined_column OR insufficient_privilege THEN
                    -- A part of it is missing, or this role may not call it: then its text shows the version.
                    SELECT (regexp_match(prosrc, '"version": ([0-9]+)'))[1]::integer INTO v_installed FROM pg_proc
                    WHERE oid = to_regprocedure('public.schema_version()');
                END;
                IF v_installed > \(version) THEN
                    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('the tracking SQL that is installed is '
                        'version %s, newer than this text (\(version)): nothing was changed; use a newer migrate', v_installed);
                END IF;
            END IF;
        END
        $$;

        """

    /// The limits of each statement.
    private static let limits = PostgresConnection.Limits(statement: .seconds(60), lock: .seconds(10))

    private let connection: PostgresConnection

    /// Opens no connection yet.
    package init(_ login: PostgresLogin) {
        connection = PostgresConnection(login, Self.limits)
    }

    /// Applies every file in one transaction; harmless if it is installed already, also at the same time.
    ///
    /// - Parameter renamesOlder: as in `text(renamesOlder:)`.
    /// - Returns: the installed version afterwards.
    /// - Throws: `rejected` if objects of another program have these names, and otherwise what the server said.
    @discardableResult
    package func apply(renamesOlder: Bool = false) async throws(PortFailure) -> SchemaVersion.Answer {
        try await connection.transaction(Self.steps(renamesOlder: renamesOlder).map { ($0.name, $0.text) })
        return try await Self.installedVersion(connection)
    }

    /// The objects of other programs with these names, each in words and with its number of rows if it has rows;
    /// changes nothing.
    package func older() async throws(PortFailure) -> [String] {
        guard let look = Self.files.first else { return [] }
        let rows = try await connection.run(
            """
            BEGIN READ ONLY;
            SET LOCAL search_path = pg_catalog, pg_temp;
            SET LOCAL statement_timeout = '\(Self.limits.statement.components.seconds)s';
            SET LOCAL lock_timeout = '\(Self.limits.lock.components.seconds)s';
            SET LOCAL migrate.rename_older_tables = 'look';
            SET LOCAL migrate.older_tables = '[]';
            \(look.text)
            SELECT current_setting('migrate.older_tables');
            COMMIT
            """
        )
        let list: String? = rows.first?.first ?? nil
        guard let found = try? JSONDecoder().decode([String].self, from: Data((list ?? "").utf8)) else {
            throw PortFailure(.rejected, "the server did not report the existing objects")
        }
        return found
    }

    /// The installed version.
    ///
    /// - Throws: `rejected` with code 42883 when there is none.
    package func installedVersion() async throws(PortFailure) -> SchemaVersion.Answer {
        try await Self.installedVersion(connection)
    }

    static func installedVersion(_ connection: PostgresConnection) async throws(PortFailure) -> SchemaVersion.Answer {
        let rows = try await connection.call("SELECT public.schema_version()")
        let answer: String? = rows.first?.first ?? nil
        return try SchemaVersion.Answer(json: Data((answer ?? "").utf8))
    }

    /// Why this program cannot use an installed version, or nil when it can.
    package static func problem(of installed: SchemaVersion.Answer) -> String? {
        if installed.version < version {
            "the tracking SQL is version \(installed.version), this program needs \(version): run `migrate setup`"
        } else if installed.minClient > version {
            "the tracking SQL is version \(installed.version), too new for this program (\(version)): use a newer migrate"
        } else if let missing = installed.missing, let first = missing.first {
            "of the tracking SQL (version \(installed.version)) \(first)"
                + (missing.count > 1 ? " and \(missing.count - 1) more are missing" : " is missing")
                + ": run `migrate setup`, which creates it again"
        } else {
            nil
        }
    }
}
