import Foundation
import Migration
import Testing

@testable import Adapters
@testable import Settings

/// Addresses in the wrong place, or with a password that is not escaped: whatever reads them, no part of the password is shown.
@Suite struct `Misread addresses` {
    /// The parts of every password here.
    private static let parts = ["Hq7", "Zk9", "Wx3"]

    /// All that the settings say for people: problems, hints, warnings and values in force.
    private func said(_ changes: [String: String], flags: [String: String] = [:]) -> (refused: [String], all: String) {
        var environment = `Settings in force`.complete
        environment.merge(changes) { $1 }
        let input = SettingsInput(flags: flags, environment: environment, allowsPlaintext: true)
        let (inForce, problems, warnings) = Settings.survey(input, needs: .everything, fileExists: { _ in false })
        let texts =
            inForce.map(\.shown) + inForce.map { "\($0.origin)" } + warnings + ["\(problems.map { "\($0)" } ?? "")"]
        return (problems?.problems.map(\.subject) ?? [], texts.joined(separator: "\n"))
    }

    private static let hosts = [
        "mysql://app:Hq7@Zk9@db.example:3306/app", "jdbc:mysql://db.example/app?user=a&password=Hq7Zk9",
        "app:Hq7Zk9@db",
        "Zk9@db.example", "Zk9@db.example:3306/app", "db.example:3306", "db.example;password=Hq7Zk9", "password=Hq7Zk9",
        "host=db;pwd=Hq7Zk9", "tcp(db:3306)", "app:Hq7Zk9@tcp(db:3306)/app", "//app:Hq7Zk9@db", "db/app?Wx3", "Wx3/Zk9",
        "mysql+pymysql://a:Hq7Zk9@db/x", "mariadb://a:Hq7Zk9@db", "MYSQL://a:Hq7Zk9@db", "db.example Hq7Zk9", "a,b",
        "/run/mysqld/mysqld.sock", "unix:/run/mysqld.sock", "server=db;uid=a;pwd=Hq7Zk9", "[::1", "::1]", "fe80::1%",
        "Hq7Zk9:", "Zk9@", "@Zk9", "-db.example", "db..example", "büro.example", "ssl-ca=/tmp/x", "db\\Hq7Zk9",
        "default-file=/tmp/Wx3", "a&b=Hq7Zk9", "db#Hq7Zk9", "Hq7Zk9%40db", "'db.example", "db?Wx3",
        "https://db.example",
    ]

    @Test(arguments: hosts) func `are refused as a host, and not shown`(host: String) {
        for flags in [[:], ["MYSQL_HOST": host]] {
            let (refused, all) = said(flags.isEmpty ? ["MYSQL_HOST": host] : [:], flags: flags)
            #expect(refused == ["MYSQL_HOST"], "\(all)")
            for part in Self.parts { #expect(!all.contains(part), "\(all)") }
        }
    }

    @Test(arguments: [
        "db", "db.example", "db.example.", "my_service", "10.0.0.1", "::1", "[::1]", "2001:db8::7", "fe80::1%eth0",
        "DB-1.example", "xn--bro-hoa.example", "a", String(repeating: "a", count: 63) + ".example",
        "mysql.cluster-ro-abc.eu-central-1.rds.amazonaws.com", "localhost", "127.1", "host.docker.internal",
    ])
    func `are not found in what is a host`(host: String) throws {
        #expect(said(["MYSQL_HOST": host]).refused.isEmpty)
        var environment = `Settings in force`.complete
        environment["MYSQL_HOST"] = host
        let settings = try Settings(SettingsInput(environment: environment), needs: .mysql)
        #expect(settings.mysql?.host == host.trimmingCharacters(in: ["[", "]"]))
    }

    private static let urls = [
        "https://me:Hq7Zk9@q.example", "https://me:Hq7@Zk9@q.example", "https://me:1/Zk9@q.example",
        "https://me:Hq7/Zk9@q.example", "https://me:Hq7#Zk9@q.example", "https://me:Hq7?Zk9@q.example",
        "https://Hq7Zk9@q.example", "https://q.example/@Hq7Zk9", "https://q.example\\@Hq7Zk9", "me:Hq7Zk9@q.example",
        "https://me:80/Wx3@q.example:6333", "postgres://me:Hq7Zk9@q.example/x", "jdbc:postgresql://q?password=Hq7Zk9",
        "https:/me:Hq7Zk9@q", "//me:Hq7Zk9@q", "https://q.example#Hq7Zk9", "https://%68:Hq7Zk9@q.example",
        "redis://default:Hq7Zk9@q.example", "http://me:Hq7Zk9@127.0.0.1", "https:\\\\me:Hq7Zk9@q",
        "https://me:Hq7Zk9%40q@q",
        "q.example/?api_key=Hq7Zk9", "https://[::1]:Hq7Zk9@q", "https://q.example:Hq7Zk9", "https://me:Hq7Zk9 @q",
    ]

    @Test(arguments: ["QDRANT_URL", "SUPABASE_URL", "OPENAI_BASE_URL"], urls)
    func `are refused as an address of a service, and not shown`(name: String, url: String) {
        let (refused, all) = said([name: url])
        #expect(refused.contains(name), "\(all)")
        for part in Self.parts { #expect(!all.contains(part), "\(all)") }
    }

    @Test func `a query is refused where there can be none, and else not shown`() {
        for name in ["QDRANT_URL", "SUPABASE_URL"] {
            let (refused, all) = said([name: "https://q.example/?api-key=Hq7Zk9"])
            #expect(refused == [name] && !all.contains("Hq7Zk9"))
        }
        for (query, shown) in [("api-version=1&code=Hq7Zk9", "https://x.example/v1?…"), ("sig=Hq7Zk9", "(not shown)")] {
            let (refused, all) = said(["OPENAI_BASE_URL": "https://x.example/v1?\(query)"])
            #expect(refused.isEmpty && !all.contains("Hq7Zk9") && all.contains(shown), "\(all)")
        }
    }

    @Test(
        arguments: [
            "MYSQL_PORT", "MYSQL_DATABASE", "MYSQL_USER", "MYSQL_TABLE", "MYSQL_ID_COLUMN", "MYSQL_SSL", "MYSQL_SSL_CA",
            "MAX_WORKERS", "TRACKING", "LOG_LEVEL", "WORKER_POLL_INTERVAL", "HTTP_CA_BUNDLE", "BATCH_SIZE",
        ],
        ["mysql://app:Hq7Zk9@db/app", "app:Hq7@Zk9@db", "jdbc:mysql://db/app?password=Hq7Zk9", "x;pwd=Hq7Zk9"]
    )
    func `are refused in the place of anything else`(name: String, value: String) {
        let (refused, all) = said([name: value])
        #expect(refused.contains(name), "\(all)")
        for part in Self.parts { #expect(!all.contains(part), "\(all)") }
    }

    @Test func `an account with its server's name, as Azure has it, is an account`() {
        let (refused, all) = said(["MYSQL_USER": "reader@server"])
        #expect(refused.isEmpty && all.contains("reader@server"))
    }

    private static let postgres = [
        "postgres://me:Hq7@Zk9@db.example/app", "postgres://me:Hq7/Zk9@db.example/app",
        "postgres://me:1/Zk9@db.example/app",
        "postgres://me:Hq7Zk9@Wx3@db.example:5432/app", "postgresql://me:Hq7%Zk9@db.example/app",
        "postgresql://me:Hq7 Zk9@db.example/app", "jdbc:postgresql://db.example/app?user=me&password=Hq7Zk9",
        "mysql://me:Hq7Zk9@db.example/app", "postgresql+psycopg2://me:Hq7Zk9@db.example/app", "Hq7Zk9",
        "host=Zk9@db.example user=me", "host=db.example dbname=Wx3@Zk9 user=me", "host=db.example;password=Hq7Zk9",
        "Postgres://me:Hq7Zk9@db.example/app", "postgres:/me:Hq7Zk9@db.example", "postgres://me:Hq7Zk9@/app",
        "postgres://me:Hq7Zk9@db.example:Zk9/app", "postgres://me:Hq7Zk9@db.example/app?sslmode=Hq7Zk9",
        "postgres://me:Hq7Zk9@db.example/app?Hq7Zk9=1", "host=db.example password=Hq7 Zk9",
        "postgres://me:Hq7Zk9@a,b c/app",
        "postgres://me:Hq7Zk9@db.example/app?password=Wx3&Hq7 Zk9", "postgres://me@db.example/x?Hq7/Zk9=1",
    ]

    @Test(arguments: postgres) func `are refused as the tracking database, and not shown`(url: String) {
        let (refused, all) = said(["TRACKING": "postgres", "POSTGRES_URL": url])
        #expect(refused == ["POSTGRES_URL"], "\(all)")
        for part in Self.parts where !url.contains("?Hq7Zk9=1") { #expect(!all.contains(part), "\(all)") }
    }

    @Test(arguments: [
        "supa=base-pooler.x", "pgbouncer=true", "schema=public", "connection_limit=1&pool_timeout=0",
        "sslaccept=strict",
        "pgbouncer=true&sslmode=verify-full", "statement_cache_size=0", "prepared_statements=false",
        "prepareThreshold=0",
        "workaround=supabase-pooler.vercel", "pool_mode=transaction", "uselibpqcompat=true", "currentSchema=x",
        "ApplicationName=x", "pool_max_conns=10", "default_query_exec_mode=exec", "serverVersion=15&charset=utf8",
    ])
    func `parameters of other drivers are left out before libpq reads it`(query: String) throws {
        let login = try PostgresLogin(Secret("postgres://me:Hq7Zk9@db.example/app?\(query)"), allowsPlaintext: false)
        #expect(login.name == "db.example:5432/app")
        let kept = login.url.withExposedValue { $0 }
        #expect(
            kept == "postgres://me:Hq7Zk9@db.example/app" + (query.contains("sslmode") ? "?sslmode=verify-full" : "")
        )
    }

    @Test(arguments: [
        "postgres://me:p?w@db.example/app", "postgres://me:p%40w@db.example/app", "postgres://me:p:w@db.example/app",
        "postgres://me%40server:p@db.example/app", "postgres://db.example/app", "postgres://me:p#w@db.example/app",
        "postgres://me:p@[::1]:5432/app", "postgres://me:p@a.example,b.example/app", "host=/run/postgresql user=me",
        "postgres://me:p@%2Frun%2Fpostgresql/app", "postgres://me:p@db.example/app?options=endpoint%3Dx",
        "postgres://postgres.ref:p@aws-0-eu.pooler.supabase.com:6543/postgres?pgbouncer=true",
        "postgres://me:p@db.example/app?channel_binding=require", "host=db.example user=me password='a b'",
    ])
    func `are not found in what libpq reads rightly`(url: String) throws {
        _ = try PostgresLogin(Secret(url), allowsPlaintext: false)
    }

    @Test func `a parameter that nobody knows is named`() {
        let failure = #expect(throws: PortFailure.self) {
            try PostgresLogin(Secret("postgres://me:Hq7Zk9@db.example/app?shema=public"), allowsPlaintext: false)
        }
        #expect(failure?.detail.contains("`shema`") == true)
    }

    @Test(arguments: [
        "OPENAI_API_KEY", "MYSQL_PASSWORD", "BATCH_SIZE", "MYSQL_HOST", "QDRANT_URL", "MYSQL_SSL", "SUPABASE_KEY",
        "POSTGRES_URL", "MYSQL_TABLE", "MYSQL_DATABASE",
    ])
    func `quotes that docker leaves in place are explained`(name: String) {
        for quote in ["\"", "'"] {
            let (refused, all) = said([name: "\(quote)Hq7Zk9\(quote)"])
            #expect(refused.contains(name))
            #expect(all.contains("docker --env-file") && !all.contains("Hq7Zk9"), "\(all)")
        }
    }

    @Test func `quotes that a file or a parent process gives on purpose are kept`() throws {
        var environment = `Settings in force`.complete
        environment["MYSQL_PASSWORD"] = nil
        let file = EnvironmentFile(path: ".env", text: #"MYSQL_PASSWORD='"Hq7Zk9"'"#)
        let settings = try Settings(SettingsInput(environment: environment, file: file), needs: .mysql)
        #expect(settings.mysql?.password == Secret("\"Hq7Zk9\""))
        let child = try Settings(SettingsInput(environment: settings.environment), needs: .mysql)
        #expect(child.mysql?.password == Secret("\"Hq7Zk9\""))
    }
}
