import Adapters
import FoundationEssentials
import Migration
import SQLite
import Settings
import Synchronization
import Terminal
import TextProcessing

/// Connects the engine with the real services: the only file that names all concrete adapters.
struct Wiring: Sendable {
    static let entropy: any Entropy = SystemEntropy()
    /// The checks of settings.
    static var checks: ValueChecks { .host }

    let settings: Settings
    private let allowsPlaintext: Bool
    let time = Time(ContinuousClock())
    private let client: SharedClient
    /// Opened when it is first needed, and only once: closing another connection would let go of the locks of this one.
    private let trackingFile: SQLiteJobStore?

    init(_ settings: Settings, allowsPlaintext: Bool, givesHints: Bool = true) {
        self.settings = settings
        self.allowsPlaintext = allowsPlaintext
        client = SharedClient(CurlClient.Options(allowsPlaintext: allowsPlaintext, authorities: settings.caBundle))
        trackingFile =
            if case .sqlite(let file) = settings.tracking { SQLiteJobStore(file, entropy: Self.entropy) } else { nil }
        guard givesHints else { return }
        if settings.isTrackingAssumed {
            Console.standard.error("Progress is kept in \(storeName): neither POSTGRES_URL nor SUPABASE_URL is set.")
        }
        for warning in settings.warnings { Console.standard.error("migrate: warning: \(warning)") }
        for hint in settings.hints { Console.standard.error("migrate: hint: \(hint)") }
    }

    // MARK: - The four ports

    func source(where condition: String? = nil) throws -> any RecordSource & Inspectable {
        guard let mysql = settings.mysql else { throw Self.notAsked("MySQL") }
        return try MySQLRecordSource(MySQLOptions(mysql, where: condition, allowsPlaintext: allowsPlaintext))
    }

    /// The tracking store; a file is opened, and made if it is not there.
    ///
    /// - Throws: `CommandEnd` when TRACKING_FILE names a place that cannot be used.
    func store() async throws -> any JobStore {
        guard let trackingFile else { return RPCJobStore(CheckedTransport(try transport(), time: time)) }
        do {
            try await patiently { () async throws(PortFailure) in try await trackingFile.open() }
        } catch let failure as PortFailure where [.rejected, .unauthorised].contains(failure.kind) {
            throw CommandEnd(.badSettings, failure.detail)
        }
        return trackingFile
    }

    var isTrackedInFile: Bool { trackingFile != nil }

    /// Which store is used, and where it is.
    var storeName: String {
        switch settings.tracking {
        case .postgres(let url):
            "PostgreSQL at \((try? PostgresLogin(url, allowsPlaintext: true).name) ?? "POSTGRES_URL")"
        case .supabase(let url, _): "Supabase at \(JobServers.name(ofURL: url))"
        case .sqlite: "the SQLite file \(trackingFile?.file ?? "")"
        case nil: "no store"
        }
    }

    /// A sentence that says which store is used; nil if that was said already.
    var storeSentence: String? { settings.isTrackingAssumed ? nil : "Progress is kept in \(storeName)." }

    private func inspectTracking() async throws -> Inspection {
        guard let trackingFile else { return try await transport().inspection() }
        return try await trackingFile.inspection()
    }

    private func transport() throws -> any RPCTransport & Inspectable {
        switch settings.tracking {
        case .postgres(let url): return PostgresTransport(try PostgresLogin(url, allowsPlaintext: allowsPlaintext))
        case .supabase(let url, let key): return try PostgRESTTransport(url: url, key: key, exchange: try http())
        case .sqlite, nil: throw Self.notAsked("job tracking")
        }
    }

    func embedder() throws -> any Embedder & Inspectable {
        guard let embedding = embedding() else { throw Self.notAsked("OpenAI") }
        return ProbedEmbedder(OpenAIEmbedder(embedding, http: try http()))
    }

    /// The limits of one request to the embedder.
    static var requestLimits: RequestLimits { OpenAIEmbedder.requestLimits }
    /// The limit of one write to the collection.
    static var pointsPerWrite: Int { QdrantPointStore.pointsPerWrite }

    private func embedding() -> OpenAIEmbedder.Settings? {
        let target = settings.target
        return settings.openai.map { openai in
            OpenAIEmbedder.Settings(
                baseURL: openai.baseURL,
                key: openai.apiKey,
                model: target.model,
                organization: openai.organization,
                project: openai.project,
                dimensions: target.dimensions,
                asksForDimensions: Self.asksForDimensions(target)
            )
        }
    }

    /// The name under which runners of the same account share their quota; nil without OpenAI's settings.
    var quotaName: String? { embedding()?.quotaName }

    /// The cache of vectors; nil without EMBEDDING_CACHE.
    func cache() -> (any EmbeddingCache & Inspectable)? {
        guard let path = settings.embeddingCache, let embedding = embedding() else { return nil }
        let space = EmbeddingSpace(
            provider: embedding.host,
            model: embedding.model,
            dimensions: embedding.dimensions,
            format: VectorFormat(rawValue: settings.embeddingCacheFormat) ?? .float32
        )
        return SQLiteEmbeddingCache(path, space: space)
    }

    /// The file of the cache, for `migrate cache`.
    func cacheFile() throws -> (keeper: any CacheKeeper, path: String) {
        guard let path = settings.embeddingCache else {
            throw CommandEnd(.badSettings, "EMBEDDING_CACHE is not set: there is no embedding cache")
        }
        return (SQLiteCacheFile(path), path)
    }

    func points() throws -> any PointStore & Inspectable {
        guard let qdrant = settings.qdrant else { throw Self.notAsked("Qdrant") }
        return QdrantPointStore(
            QdrantPointStore.Settings(
                url: qdrant.url,
                key: qdrant.apiKey ?? Secret(""),
                collection: settings.target.collection
            ),
            http: try http()
        )
    }

    /// One client, and so one thread, for all HTTP services.
    private func http() throws(PortFailure) -> CurlClient { try client.get() }

    /// Only models that can shorten their vectors get the parameter; other servers refuse a request that contains it.
    private static func asksForDimensions(_ target: Settings.Target) -> Bool {
        OpenAIEmbedder.Settings.nativeDimensions[target.model].map { $0 != target.dimensions } ?? false
    }

    // MARK: - Checking the services and setting them up

    /// The checks of `migrate check`, in the order in which they are shown.
    var dependencies: [CheckSession.Dependency] {
        let cache = cache().map { cache in
            CheckSession.Dependency(name: "Cache") { try await cache.inspection() }
        }
        return [
            .init(name: "MySQL") { try await source().inspection() },
            .init(name: "Tracking") { try await inspectTracking() },
            .init(name: "OpenAI") { try await embedder().inspection() },
            .init(name: "Qdrant") { try await points().inspection() },
            .init(name: "Tokenizer") {
                Inspection(product: try Vocabulary.tokenizer(settings).identity, facts: ["SHA-256 as published"])
            },
        ] + [cache].compactMap(\.self)
    }

    /// The version of the tracking SQL for which this program is written.
    static let trackingVersion = SchemaInstaller.version

    /// Why this program cannot work with installed tracking SQL, or nil when it can.
    static func trackingProblem(of installed: SchemaVersion.Answer) -> String? {
        SchemaInstaller.problem(of: installed)
    }

    /// The tracking SQL as one text; older tables and functions are renamed with the suffix `_old`, or stop it.
    static func trackingSQL(renamesOlder: Bool) -> String { SchemaInstaller.text(renamesOlder: renamesOlder) }

    /// Installs the tracking SQL over libpq.
    struct Installer: Sendable {
        /// Its name, for messages.
        let server: String
        private let installer: SchemaInstaller

        fileprivate init(_ login: PostgresLogin) {
            server = login.name
            installer = SchemaInstaller(login)
        }

        func installed() async throws(PortFailure) -> SchemaVersion.Answer { try await installer.installedVersion() }

        /// Objects that have names of the job tracking but were not made by `migrate`, each described in words.
        func older() async throws(PortFailure) -> [String] { try await installer.older() }

        func apply(renamesOlder: Bool) async throws(PortFailure) -> SchemaVersion.Answer {
            try await installer.apply(renamesOlder: renamesOlder)
        }
    }

    /// Nil without POSTGRES_URL, and where progress is kept in a file, which needs no installation.
    func installer() throws -> Installer? {
        if trackingFile != nil { return nil }
        return try settings.postgresURL.map { Installer(try PostgresLogin($0, allowsPlaintext: allowsPlaintext)) }
    }

    /// Reads the version of the store's SQL; PostgREST may need a few seconds to see new functions.
    ///
    /// - Returns: the version that is installed.
    /// - Throws: `rejected` when the SQL is not installed, or has a version that this program cannot use.
    func checkTracking(tries: Int) async throws -> Int {
        let store = try await store()
        let rules = CallTries.Rules(.fixed(Array(repeating: .seconds(1), count: tries - 1)))
        return try await PatientCall(rules, while: { $0.kind == .rejected }, time: time).result {
            () async throws(PortFailure) in
            let answer = try await store.schemaVersion(SchemaVersion())
            if let problem = Self.trackingProblem(of: answer) { throw PortFailure(.rejected, problem) }
            return answer.version
        }
    }

    /// The JSON of a point as it is written, on one line and without its dense vector.
    static func document(of point: Point) throws(PortFailure) -> String { try QdrantPointStore.document(of: point) }

    func fetch(_ address: String) async throws -> Data {
        let client = try http()
        let request = HTTPRequest(.get, address, totalTimeout: .seconds(300))
        let answer = try await patiently { () async throws(PortFailure) in try await client.send(request) }
        guard answer.isSuccess else { throw CommandEnd(.unavailable, "\(address) answered \(answer.status)") }
        return Data(answer.body)
    }

    /// Notes what this process holds, for the next process on this host.
    var journal: any LeaseJournal {
        guard let folder = stateFolder else { return NoLeaseJournal() }
        let name = "\(ProcessInfo.processInfo.processIdentifier)-\(Self.entropy.uuid().prefix(8))"
        return FileLeaseJournal(folder: folder, name: name) { Console.standard.live.error("migrate: warning: \($0)") }
    }

    /// Starts worker processes of this program with the same settings, which are not visible on a command line.
    ///
    /// - Parameters:
    ///   - allowsRemovals: whether any number of records may lose their points.
    ///   - unmarked: the run's decision on points without a source; a job of an older version has not stored one.
    /// - Returns: the object that starts them.
    func workerProcesses(allowsRemovals: Bool, unmarked: UnmarkedPoints) -> any WorkerProcesses {
        var environment = ProcessInfo.processInfo.environment.merging(settings.environment) { $1 }
        environment["UNMARKED_POINTS"] = unmarked.rawValue
        // Enough time to give everything back before the process is killed.
        let grace = min(settings.work.shutdownGrace, ChildProcesses.patience - .seconds(3))
        environment["SHUTDOWN_GRACE_SECONDS"] = "\(grace / .seconds(1))"
        let flags = (allowsPlaintext ? ["--allow-plaintext"] : []) + (allowsRemovals ? ["--allow-removals"] : [])
        return ChildProcesses(environment: environment) { job in
            // An empty file in place of `.env`: all settings are in the environment.
            ["worker", "--child", "--job", "\(job)", "--workers", "1", "--env-file", "/dev/null"] + flags
        }
    }

    static func notAsked(_ service: String) -> CommandEnd {
        CommandEnd(.badSettings, "this command does not read the settings of \(service)")
    }
}

/// Makes the HTTP client when it is first needed, and only once.
private final class SharedClient: Sendable {
    private let options: CurlClient.Options
    private let made = Mutex<CurlClient?>(nil)

    init(_ options: CurlClient.Options) { self.options = options }

    func get() throws(PortFailure) -> CurlClient {
        try made.withLock { made throws(PortFailure) in
            if let made { return made }
            let client = try CurlClient(options)
            made = client
            return client
        }
    }
}
