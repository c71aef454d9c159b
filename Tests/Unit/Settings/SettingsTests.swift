import Foundation
import Testing
import TextProcessing

@testable import Settings

@Suite struct `Settings in force` {
    /// Enough for every command.
    static let complete = [
        "MYSQL_HOST": "db.example", "MYSQL_USER": "reader", "MYSQL_PASSWORD": "pass-word", "MYSQL_DATABASE": "app",
        "SUPABASE_URL": "https://x.supabase.co", "SUPABASE_KEY": "sb_secret_abc", "OPENAI_API_KEY": "sk-hush",
        "QDRANT_URL": "https://q.example:6333/", "QDRANT_API_KEY": "q-hush",
    ]

    private func load(
        _ changes: [String: String?] = [:],
        flags: [String: String] = [:],
        file: String? = nil,
        needs: Setting.Need = .everything,
        allowsPlaintext: Bool = false
    ) throws(SettingsProblems) -> Settings {
        var environment = Self.complete
        for (name, value) in changes { environment[name] = value }
        let parsed = file.map { EnvironmentFile(path: ".env", text: $0) }
        let input = SettingsInput(
            flags: flags,
            environment: environment,
            file: parsed,
            allowsPlaintext: allowsPlaintext
        )
        return try Settings(input, needs: needs, fileExists: { $0.hasPrefix("/there/") })
    }

    /// The problems, empty when there are none.
    private func problems(
        _ changes: [String: String?] = [:],
        file: String? = nil,
        needs: Setting.Need = .everything,
        allowsPlaintext: Bool = false
    ) -> [SettingsProblem] {
        do throws(SettingsProblems) {
            _ = try load(changes, file: file, needs: needs, allowsPlaintext: allowsPlaintext)
            return []
        } catch {
            return error.problems
        }
    }

    @Test func `have the requirement's defaults`() throws {
        let settings = try load()
        #expect(settings.mysql?.port == 3306)
        #expect(settings.mysql?.table == "ip_summary")
        #expect(settings.mysql?.idColumn == "id")
        #expect(settings.mysql?.tenantColumn == "member_code")
        #expect(settings.mysql?.contentColumn == "parse_content")
        #expect(settings.mysql?.poolSize == 10)
        #expect(settings.mysql?.verifiesTLS == true)
        #expect(settings.mysql?.recordBytesMax == 4 << 20)
        #expect(settings.target.collection == "memos")
        #expect(settings.target.model == "text-embedding-3-small")
        #expect(settings.target.dimensions == 1536)
        #expect(settings.target.tokensPerMinute == nil)
        #expect(settings.work.batchSize == 100)
        #expect(settings.work.workersMax == 5)
        #expect(settings.work.retriesMax == 3)
        #expect(settings.work.pollInterval == .seconds(1))
        #expect(settings.work.heartbeatInterval == .seconds(30))
        #expect(settings.work.leaseSeconds == 120)
        #expect(settings.work.batchTimeout == .seconds(600))
        #expect(settings.work.shutdownGrace == .seconds(25))
        #expect(settings.text.parentTokensMax == 2500)
        #expect(settings.text.parentChunkTokens == 2048)
        #expect(settings.text.chunkTokens == 512)
        #expect(settings.text.chunkOverlapTokens == 128)
        #expect(settings.text.pointIDNamespace == "migrate")
        #expect(settings.openai?.baseURL == "https://api.openai.com/v1")
        #expect(settings.qdrant?.url == "https://q.example:6333")
    }

    @Test(arguments: [
        "-1", "5%", "1.5", "abc", "1e3", "1_000", "1,000", "1000000001", "99999999999999999999", "0x10", "∞",
    ])
    func `what is no number of failures is a problem that names what is allowed`(value: String) {
        let all = problems(["MAX_FAILURES": value]).map(\.description)
        let sentence = "MAX_FAILURES: is \(value) (environment); it must be a whole number from 0 to 1000000000"
        #expect(all == [sentence], "\(all)")
    }

    @Test(
        arguments: [(nil, nil), ("", nil), (" ", nil), ("0", 0), ("1", 1), ("1000000000", 1_000_000_000)]
            as [(String?, Int?)]
    )
    func `a number of failures is kept, 0 is never, and nothing is the default`(value: String?, expected: Int?) throws {
        #expect(try load(["MAX_FAILURES": value]).work.failuresMax == expected)
    }

    @Test func `a flag wins over the environment, that over the file, that over the default`() throws {
        let settings = try load(
            ["MAX_WORKERS": "6", "BATCH_SIZE": "60"],
            flags: ["MAX_WORKERS": "7"],
            file: "MAX_WORKERS=8\nBATCH_SIZE=80\nexport MAX_RETRIES=9 # nine"
        )
        let origins = Dictionary(uniqueKeysWithValues: settings.inForce.map { ($0.setting.name, $0.origin) })
        #expect(settings.work.workersMax == 7)
        #expect(origins["MAX_WORKERS"] == .flag("max-workers"))
        #expect(settings.work.batchSize == 60)
        #expect(origins["BATCH_SIZE"] == .environment)
        #expect(settings.work.retriesMax == 9)
        #expect(origins["MAX_RETRIES"] == .file(path: ".env", line: 3))
        #expect(settings.mysql?.port == 3306)
        #expect(origins["MYSQL_PORT"] == .builtIn)
    }

    @Test func `all problems are reported at once, each with name, value, origin and range`() {
        let found = problems(
            [
                "MYSQL_HOST": nil, "BATCH_SIZE": "0", "MYSQL_PORT": "many", "QDRANT_URL": " ",
                "WORKER_POLL_INTERVAL": "nan",
            ],
            file: "MAX_WORKERS=900\nnonsense"
        ).map(\.description)
        let all = found.joined(separator: "\n")
        #expect(found.count == 7)
        #expect(all.contains("MYSQL_HOST: is not set; it is required."))
        #expect(all.contains("BATCH_SIZE: is 0 (environment); it must be a whole number from 1 to 1000"))
        #expect(all.contains("MYSQL_PORT: is many (environment); it must be a whole number from 1 to 65535"))
        #expect(all.contains("QDRANT_URL: is blank (environment); it is required."))
        #expect(all.contains("WORKER_POLL_INTERVAL: is nan (environment); it must be a number from 0.1 to 60.0"))
        #expect(all.contains("MAX_WORKERS: is 900 (.env:1); it must be a whole number from 1 to 64"))
        #expect(all.contains(".env:2: has no `=`"))
    }

    @Test func `the languages of the table are those that sparse vectors can be made for`() {
        #expect(SparseLanguages.all == SparseEncoder.languages)
        #expect(SparseLanguages.withoutStopWords == Set(SparseEncoder.languagesWithoutStopWords))
    }

    @Test(arguments: SparseEncoder.languagesWithoutStopWords)
    func `a language without stop words of its own asks for a list`(language: String) throws {
        let problem = try #require(problems(["SPARSE_LANGUAGE": language, "BATCH_SIZE": "0"]).last)
        #expect(problem.subject == "SPARSE_STOP_WORDS")
        #expect(problem.sentence.contains("\(language).txt") && problem.sentence.contains("/dev/null"))
        #expect(problems(["SPARSE_LANGUAGE": language, "SPARSE_STOP_WORDS": "/there/words"]).isEmpty)
        #expect(problems(["SPARSE_LANGUAGE": language, "SPARSE_STOP_WORDS": "/gone"]).count == 1)
    }

    @Test func `a command asks only for what it needs`() {
        let nothing = Dictionary(uniqueKeysWithValues: Self.complete.keys.map { ($0, String?.none) })
        #expect(problems(nothing, needs: []).isEmpty)
        #expect(problems(nothing, needs: .qdrant).map(\.subject) == ["QDRANT_URL"])
        #expect(problems(nothing, needs: .openai).map(\.subject) == ["OPENAI_API_KEY"])
        #expect(problems(nothing, needs: .tracking).map(\.subject) == ["TRACKING"])
        #expect(problems(nothing, needs: .mysql).count == 4)
    }

    @Test(arguments: SettingsTable.all) func `a blank value is a problem exactly where one is needed`(setting: Setting)
    {
        let found = problems([setting.name: ""], needs: [.mysql, .openai, .qdrant])
        let isNeeded = (setting.requiredFor != nil && !setting.allowsBlank) || setting.defaultValue != nil
        #expect(found.map(\.subject) == (isNeeded ? [setting.name] : []))
    }

    @Test func `a password may be blank but not absent`() throws {
        let settings = try load(["MYSQL_PASSWORD": ""])
        #expect(settings.mysql?.password.isEmpty == true)
        #expect(problems(["MYSQL_PASSWORD": nil]).map(\.subject) == ["MYSQL_PASSWORD"])
    }

    @Test func `a secret is never printed, right or wrong`() throws {
        let broken = problems([
            "OPENAI_API_KEY": "sk-hush\nx", "QDRANT_URL": "https://me:hush@q.example",
            "SUPABASE_KEY": "sb_publishable_hush",
            "POSTGRES_URL": "postgres://me:hush@db.example/app?sslmode=allow",
        ])
        #expect(broken.count == 4)
        #expect(!"\(SettingsProblems(problems: broken, hints: []))".contains("hush"))
        let settings = try load(["POSTGRES_URL": "postgres://me:hush@localhost/app"])
        var dumped = ""
        dump(settings.openai, to: &dumped)
        dump(settings.tracking, to: &dumped)
        dump(settings.mysql, to: &dumped)
        let shown = settings.inForce.map(\.shown).joined()
        #expect(!(shown + dumped).contains("hush") && !(shown + dumped).contains("pass-word"))
        #expect(!(shown + dumped).contains("sb_secret_abc"))
    }

    @Test func `white space around a key is not part of it`() throws {
        let settings = try load(["OPENAI_API_KEY": " sk-hush\n"])
        #expect(settings.openai?.apiKey == Secret("sk-hush"))
    }

    @Test(arguments: [
        (["CHUNK_OVERLAP": "512"], "CHUNK_OVERLAP"), (["CHUNK_SIZE": "2049"], "CHUNK_SIZE"),
        (["PARENT_CHUNK_SIZE": "2501"], "PARENT_CHUNK_SIZE"), (["PARENT_MAX_TOKENS": "8192"], "PARENT_MAX_TOKENS"),
        (["BATCH_TIMEOUT_MINUTES": "2"], "BATCH_TIMEOUT_MINUTES"), (["MYSQL_TABLE": "a.b.c"], "MYSQL_TABLE"),
        (["MYSQL_ID_COLUMN": String(repeating: "i", count: 65)], "MYSQL_ID_COLUMN"),
        (["MYSQL_SSL": "maybe"], "MYSQL_SSL"),
        (["MYSQL_SSL_CA": "/absent"], "MYSQL_SSL_CA"), (["QDRANT_URL": "q.example:6333"], "QDRANT_URL"),
        (["LOG_LEVEL": "loud"], "LOG_LEVEL"), (["OPENAI_TPM": "0"], "OPENAI_TPM"),
    ])
    func `what cannot work is refused by name`(changes: [String: String], subject: String) {
        #expect(problems(changes.mapValues(Optional.init)).map(\.subject) == [subject])
    }

    @Test(arguments: [
        (["QDRANT_URL": "http://q.example"], "QDRANT_URL"),
        (["OPENAI_BASE_URL": "http://10.0.0.1/v1"], "OPENAI_BASE_URL"),
        (["SUPABASE_URL": "http://supabase"], "SUPABASE_URL"), (["MYSQL_SSL": "off"], "MYSQL_SSL"),
        (["POSTGRES_URL": "postgres://a:b@db.example:5432/app?sslmode=require"], "POSTGRES_URL"),
        (["POSTGRES_URL": "host=db.example user=a sslmode=prefer"], "POSTGRES_URL"),
        (["POSTGRES_URL": "postgres://a@localhost,db.example/app?sslmode=disable"], "POSTGRES_URL"),
    ])
    func `an unencrypted way to another host needs a flag`(changes: [String: String], subject: String) {
        let changes = changes.mapValues(Optional.init)
        #expect(problems(changes).map(\.subject) == [subject])
        #expect(problems(changes, allowsPlaintext: true).isEmpty)
    }

    @Test(arguments: [
        ["QDRANT_URL": "http://127.0.0.1:6333"], ["QDRANT_URL": "http://localhost:6333"],
        ["QDRANT_URL": "http://[::1]:6333"],
        ["POSTGRES_URL": "postgres://a:b@127.0.0.1:5432/app"], ["POSTGRES_URL": "host=/run/postgresql user=a"],
        ["POSTGRES_URL": "postgres://a:p%40@db.example/app?connect_timeout=5&sslmode=verify-full"],
        ["POSTGRES_URL": "postgres://a@db.example/app"],
        ["MYSQL_SSL": "off", "MYSQL_HOST": "127.0.0.1"],
    ])
    func `a protected way, or one within this host, needs none`(changes: [String: String]) {
        #expect(problems(changes.mapValues(Optional.init)).isEmpty)
    }

    @Test func `a host that only begins like this one is another`() {
        #expect(!isLoopback("127.0.0.1.example.com"))
        #expect(!isLoopback("localhost.example.com"))
        #expect(isLoopback("127.8.9.10") && isLoopback("LOCALHOST") && isLoopback("::1"))
    }

    @Test func `tracking is supabase where its address is set, else postgres if its own is`() throws {
        guard case .supabase = try load().tracking else { return #expect(Bool(false), "not Supabase") }
        let local = "postgres://a@localhost/app"
        let changes: [String: String?] = ["SUPABASE_URL": nil, "SUPABASE_KEY": nil, "POSTGRES_URL": local]
        guard case .postgres(let url) = try load(changes).tracking else { return #expect(Bool(false), "not Postgres") }
        #expect(url == Secret(local))
        let shown = try load(changes).inForce.first { $0.setting.name == "TRACKING" }?.shown
        #expect(shown == "postgres")
        #expect(problems(["SUPABASE_KEY": nil]).map(\.subject) == ["SUPABASE_KEY"])
        #expect(problems(["TRACKING": "postgres"]).map(\.subject) == ["POSTGRES_URL"])
    }

    @Test func `an anon or publishable key is refused by name`() {
        func token(_ role: String) -> String {
            let claims = Data(#"{"iss":"supabase","role":"\#(role)"}"#.utf8).base64EncodedString().replacing(
                "=",
                with: ""
            )
            return "e30.\(claims).c2ln"
        }
        #expect(problems(["SUPABASE_KEY": token("anon")]).first?.sentence.contains("is the anon key") == true)
        #expect(problems(["SUPABASE_KEY": "sb_publishable_x"]).first?.sentence.contains("publishable key") == true)
        #expect(problems(["SUPABASE_KEY": token("service_role")]).isEmpty)
        #expect(SupabaseKeyKind("sb_secret_x") == .secret)
    }

    @Test func `a misspelt name is hinted at, a foreign one is not`() {
        do throws(SettingsProblems) {
            _ = try load([
                "MYSQL_PASWORD": "x", "MYSQL_PASSWORD": nil, "MYSQL_HOME": "/usr", "PATH": "/bin", "OPENAI_ORG": "o",
            ])
            Issue.record("accepted")
        } catch {
            #expect(error.hints == ["MYSQL_PASWORD is not a setting; did you mean MYSQL_PASSWORD?"])
        }
    }
}
