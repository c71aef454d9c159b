import Fakes
import Foundation
import Migration
import SQLite
import ServedFakes
import Settings
import Subprocess
import Testing

@testable import Adapters

/// Everything one run of the program needs: rows in MariaDB, a tracking store, a collection, a served embedder.
struct Stage: Sendable {
    let embedder: FakeOpenAI
    /// The table `ip_summary`, and what else a test puts beside it.
    let rows: MySQLTestDatabase
    let program: Program
    let settings: [String: String]
    let tracking: Tracking

    /// Where progress is kept, as a test reads it.
    enum Tracking: Sendable {
        case database(TrackingDatabase)
        /// In the file that the program chooses in its home.
        case file(SQLiteJobStore)
    }

    /// Sets the stage, lends it to `body` and clears it away.
    ///
    /// Bad rows are three more: NULL, blank, and one without a tenant. The settings override those of the servers.
    static func use(
        _ transport: `The whole job`.Transport,
        records: Int,
        hasBadRows: Bool = false,
        on server: MySQLServer? = nil,
        _ settings: [String: String] = [:],
        _ body: (Stage) async throws -> Void
    ) async throws {
        try await MySQLTestDatabase.use(server) { rows in
            try await fill(rows, records: records, hasBadRows: hasBadRows)
            let program = try Program()
            defer { program.remove() }
            guard transport != .file else {
                let file = program.folder.appending(path: ".local/state/migrate/tracking.db").path()
                let store = SQLiteJobStore(file, entropy: SystemEntropy())
                let all = ["TRACKING": "sqlite"].merging(settings) { $1 }
                return try await lend(program, rows, .file(store), all, body)
            }
            try await TrackingDatabase.use { tracking in
                let gateway = transport == .gateway ? try await PostgRESTGateway.start(tracking.authenticator) : nil
                var all = ["POSTGRES_URL": try url(of: tracking)]
                if let gateway {
                    all["SUPABASE_URL"] = gateway.url
                    all["SUPABASE_KEY"] = PostgRESTGateway.Key.secret
                }
                let result = await Result {
                    try await lend(program, rows, .database(tracking), all.merging(settings) { $1 }, body)
                }
                await gateway?.stop()
                try result.get()
            }
        }
    }

    private static func lend(
        _ program: Program,
        _ rows: MySQLTestDatabase,
        _ tracking: Tracking,
        _ settings: [String: String],
        _ body: (Stage) async throws -> Void
    ) async throws {
        let embedder = FakeOpenAI(time: Time(ContinuousClock()))
        let served = ServedFakes(openAI: embedder)
        var all = try common(rows)
        for endpoint in try await served.start() {
            for (name, value) in endpoint.environment { all[name] = value }
        }
        let stage = Stage(
            embedder: embedder,
            rows: rows,
            program: program,
            settings: all.merging(settings) { $1 },
            tracking: tracking
        )
        let result = await Result { try await body(stage) }
        await served.stop()
        try result.get()
    }

    /// The tracking database; a stage with a file has none.
    var database: TrackingDatabase {
        get throws {
            guard case .database(let database) = tracking else { throw PortFailure(.rejected, "no database") }
            return database
        }
    }

    /// The store, beside the program.
    var store: any JobStore {
        get throws {
            switch tracking {
            case .database(let database): try database.store(connectionsMax: 1)
            case .file(let store): store
            }
        }
    }

    /// Runs the program to its end, which must be this exit code and say these words, and no secret.
    ///
    /// The changes go over the stage's settings, for this run alone.
    @discardableResult
    func migrate(
        _ arguments: String...,
        exit: Int32 = 0,
        saying words: [String] = [],
        with changes: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Program.Result {
        let settings = settings.merging(changes) { $1 }
        let ended = try await program.run(arguments, settings)
        let said = ended.out + ended.error
        let command = "migrate \(arguments.joined(separator: " ")), with \(changes): \(said)"
        #expect(ended.status == exit, "\(command)", sourceLocation: sourceLocation)
        for word in words { #expect(said.contains(word), "\(word)? \(command)", sourceLocation: sourceLocation) }
        for (name, secret) in Self.secrets(settings) {
            #expect(!said.contains(secret), "\(name) is in the output", sourceLocation: sourceLocation)
        }
        return ended
    }

    /// What must never be seen.
    var secrets: [String] { Self.secrets(settings).map(\.value) }

    /// What must never be printed: short ones would be found by chance.
    private static func secrets(_ settings: [String: String]) -> [(name: String, value: String)] {
        ["MYSQL_PASSWORD", "OPENAI_API_KEY", "QDRANT_API_KEY", "SUPABASE_KEY", "POSTGRES_URL"].compactMap { name in
            guard let value = settings[name] else { return nil }
            let secret = URLComponents(string: value)?.password ?? value
            return secret.count < 8 ? nil : (name, secret)
        }
    }

    /// As the program calls the table.
    var owner: PointOwner { PointOwner(source: "\(rows.name).ip_summary", ownsUnmarked: true) }

    /// The stage's collection, over the production adapter.
    func points() throws -> QdrantPointStore {
        let qdrant = try #require(TestEnvironment.qdrant)
        return QdrantPointStore(
            .init(url: qdrant.url, key: Secret(qdrant.apiKey), collection: rows.name),
            http: try CurlClient(CurlClient.Options(allowsPlaintext: true, environment: [:]))
        )
    }

    /// A llama-index search of the collection, hybrid and sparse, by a program of its own; what it prints.
    func searchByLlamaIndex(_ question: String) async throws -> String {
        let python = try #require(TestEnvironment.python)
        var environment: [Environment.Key: String?] = ["NO_PROXY": "*"]
        for name in [
            "QDRANT_URL", "QDRANT_API_KEY", "QDRANT_COLLECTION_NAME", "OPENAI_BASE_URL", "OPENAI_API_KEY",
        ] { environment[Environment.Key(stringLiteral: name)] = settings[name] }
        let ended = try await Subprocess.run(
            .name("env"),
            arguments: [python, TestEnvironment.pythonSources + "/clients_llama_index.py", question],
            environment: .inherit.updating(environment),
            output: .string(limit: 1 << 16),
            error: .string(limit: 1 << 16)
        )
        #expect(ended.terminationStatus.isSuccess, "\(ended.standardError)")
        return ended.standardOutput
    }

    /// Runs the program, ends it with SIGKILL when `moment` returns, and says whether it was still alive then.
    func kill(_ arguments: String..., at moment: () async throws -> Void) async throws -> Bool {
        let ended = try await migrate(arguments) { process in
            try await moment()
            Glibc.kill(process, SIGKILL)
        }
        return ended.status == 128 + SIGKILL
    }

    /// Runs the program, with something beside it that knows its process.
    func migrate(_ arguments: [String], beside body: (pid_t) async throws -> Void) async throws -> Program.Result {
        try await program.run(arguments, settings, beside: body)
    }

    /// The files in which runners have noted what they hold.
    var notes: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: noteFolder.path())) ?? []
        return files.filter { !$0.hasPrefix("tracking.db") }
    }

    /// As if the next run were on another host.
    func removeNotes() throws {
        try #require(!notes.isEmpty)
        for note in notes { try FileManager.default.removeItem(at: noteFolder.appending(path: note)) }
    }

    private var noteFolder: URL { program.folder.appending(path: ".local/state/migrate") }

    func stats(job: JobID) async throws -> JobStats {
        try await store.exactStats(GetIngestionJobStatsExact(job: job))
    }

    /// All events of a job.
    func history(job: JobID) async throws -> [EventSummary] {
        let store = try store
        var rows: [EventSummary] = []
        var after: Int64?
        repeat {
            let page = try await store.events(ListIngestionEvents(job: job, filter: .init(), after: after, limit: 1000))
            rows += page.rows
            after = page.next
        } while after != nil
        return rows
    }

    /// Waits, at most about a minute, until something is so.
    func wait(until isSo: () async throws -> Bool) async throws {
        for _ in 0..<600 {
            if (try? await isSo()) == true { return }
            try await ContinuousClock().sleep(for: .milliseconds(100))
        }
        Issue.record("waited in vain")
    }

    private static func common(_ rows: MySQLTestDatabase) throws -> [String: String] {
        let mysql = rows.server
        let qdrant = try #require(TestEnvironment.qdrant)
        return [
            "MYSQL_HOST": mysql.host, "MYSQL_PORT": String(mysql.port), "MYSQL_USER": mysql.user,
            "MYSQL_PASSWORD": mysql.password, "MYSQL_DATABASE": rows.name, "MYSQL_SSL_CA": mysql.authority,
            "QDRANT_URL": qdrant.url, "QDRANT_API_KEY": qdrant.apiKey, "QDRANT_COLLECTION_NAME": rows.name,
            "TOKENIZER_VOCABULARY": try #require(TestEnvironment.vocabulary),
        ]
    }

    private static func url(of database: TrackingDatabase) throws -> String {
        var parts = try #require(URLComponents(string: database.server.url))
        parts.path = "/" + database.name
        return try #require(parts.string)
    }

    /// Texts in three languages with snowflake-like ids above 2^53, and a NULL, a blank and an ownerless row.
    private static func fill(_ database: MySQLTestDatabase, records: Int, hasBadRows: Bool) async throws {
        try await database.run(
            """
            CREATE TABLE ip_summary (id BIGINT PRIMARY KEY, member_code VARCHAR(64) NULL, parse_content LONGTEXT NULL)
            CHARACTER SET utf8mb4
            """
        )
        if hasBadRows {
            try await database.run(
                "INSERT INTO ip_summary VALUES (11, 'm', NULL), (12, 'm', ' \\n\\t '), (13, NULL, 'whose is it')"
            )
        }
        let texts = try Texts(records: records)
        for start in stride(from: 0, to: records, by: 100) {
            let values = (start..<min(start + 100, records)).map { number in
                let text = texts[number].utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                let id = 1_823_456_789_012_345_679 + number * 4_194_304
                return "(\(id), 'member-\(number % 5)', _utf8mb4 X'\(text)')"
            }
            try await database.run("INSERT INTO ip_summary VALUES " + values.joined(separator: ","))
        }
    }
}

/// The texts of the rows: lines of a corpus (objects with `text`) where there is one, else made up in three languages.
private struct Texts {
    private struct Line: Decodable { let text: String }

    private let corpus: [String]

    init(records: Int) throws {
        guard let path = TestEnvironment.values["MIGRATE_TEST_CORPUS"] else {
            corpus = []
            return
        }
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").prefix(records)
        corpus = try lines.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)).text }
        try #require(corpus.count == records, "the corpus has too few lines")
    }

    subscript(number: Int) -> String {
        if !corpus.isEmpty { return corpus[number] }
        return [
            "Record \(number): the ferry leaves at \(number % 24) o'clock, the cat stays. 🐈",
            "记录 \(number)：渡船在\(number % 24)点出发，猫留在家里。",
            "Запись \(number): паром уходит в \(number % 24) часов, кот остаётся.",
        ][number % 3]
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
