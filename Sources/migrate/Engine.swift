import Migration
import Settings
import TextProcessing

/// What commands need to work on a job: the ports, and everything that follows from the settings.
///
/// Knows no adapter: the demonstration makes one over fakes, `Wiring` one over the real services.
struct Engine: Sendable {
    var ports: EnginePorts
    var plan: BatchWork.Plan
    let configuration: JobConfiguration
    let sparseEncoder: SparseEncoder
    let schema: CollectionSchema
    let names: Names
    let target: Settings.Target
    let work: Settings.Work
    /// Makes the ids of points.
    let identity: PointIdentity
    /// `UNMARKED_POINTS`; nil = nobody has said it.
    let unmarkedPoints: UnmarkedPoints?
    /// Names this process in the store.
    let runner: String
    /// The servers behind the ports, for jobs that may meet others.
    let servers: JobServers

    /// What a job is called.
    struct Names: Sendable, Equatable {
        /// The table with its database, as in `app.ip_summary`.
        let table: String
        let collection: String
        let idColumn: String
        let tenantColumn: String
        let contentColumn: String
        /// The condition of `--where`.
        let condition: String?
        /// `SOURCE_NAME`: what the points carry in place of the table's name.
        var sourceName: String?

        /// What the points carry as their source.
        var source: String { sourceName ?? table }

        /// Names the pair of source and collection: one job of it is open at a time.
        var targetKey: String { Self.targetKey(source: source, collection: collection) }

        static func targetKey(source: String, collection: String) -> String { "\(source) -> \(collection)" }
    }

    init(
        ports: EnginePorts,
        tokenizer: any TokenCounting,
        names: Names,
        target: Settings.Target,
        work: Settings.Work,
        text: Settings.Text,
        runner: String,
        servers: JobServers = JobServers(),
        quota: String? = nil
    ) throws {
        var names = names
        names.sourceName = names.sourceName ?? text.sourceName
        let shaping = try Shaping(tokenizer: tokenizer, names: names, target: target, text: text)
        self.ports = ports
        self.names = names
        self.target = target
        self.work = work
        self.runner = runner
        self.servers = servers
        identity = PointIdentity(namespace: text.pointIDNamespace)
        unmarkedPoints = text.ownsUnmarkedPoints.map { $0 ? .ours : .foreign }
        configuration = shaping.configuration
        sparseEncoder = shaping.sparseEncoder
        schema = CollectionSchema(dimensions: target.dimensions)
        plan = BatchWork.Plan(
            shaper: shaping.shaper,
            owner: PointOwner(
                source: names.source,
                ownsUnmarked: text.ownsUnmarkedPoints ?? true
            ),
            limits: .openAI(tokensPerMinute: target.tokensPerMinute),
            quota: QuotaGate(
                name: quota ?? "no account/\(target.model)",
                tokensPerMinute: target.tokensPerMinute,
                requestsPerMinute: target.requestsPerMinute
            ),
            schema: schema,
            pricePerMillion: target.pricePerMillionTokens
        )
    }

    /// The plan with the owner of points that a job has decided on: points without a source are its own, or not.
    func plan(of job: JobSummary) -> BatchWork.Plan {
        let stored = job.config[UnmarkedPoints.configKey].flatMap(UnmarkedPoints.init)
        var plan = plan
        plan.owner = PointOwner(source: names.source, ownsUnmarked: (stored ?? unmarkedPoints ?? .ours) == .ours)
        return plan
    }

    /// What all workers of a job agree on.
    var jobSettings: JobSettings {
        JobSettings(
            maxRetries: work.retriesMax,
            leaseSeconds: work.leaseSeconds,
            batchTimeoutSeconds: Int((work.batchTimeout / .seconds(1)).rounded(.up)),
            recordEvents: work.recordsEvents
        )
    }
}

/// How records become points.
struct PointShaping {
    let shaper: RecordShaper
    let sparseEncoder: SparseEncoder
    let profile: Profile

    init(tokenizer: any TokenCounting, target: Settings.Target, text: Settings.Text) throws {
        let limits = try ChunkLimits(text)
        let parameters = try SparseParameters(text)
        sparseEncoder = try SparseEncoder(parameters)
        profile = Profile(
            tokenizer: tokenizer.identity,
            limits: limits,
            model: target.model,
            dimensions: target.dimensions,
            sparse: parameters
        )
        shaper = RecordShaper(
            chunker: Chunker(counter: tokenizer, limits: limits),
            sparseEncoder: sparseEncoder,
            identity: PointIdentity(namespace: text.pointIDNamespace),
            profile: profile
        )
    }
}

/// How records become points, and the fingerprint of it.
struct Shaping {
    let shaper: RecordShaper
    let sparseEncoder: SparseEncoder
    let configuration: JobConfiguration

    init(tokenizer: any TokenCounting, names: Engine.Names, target: Settings.Target, text: Settings.Text) throws {
        let points = try PointShaping(tokenizer: tokenizer, target: target, text: text)
        shaper = points.shaper
        sparseEncoder = points.sparseEncoder
        var values: [String: String] = [:]
        for line in points.profile.lines {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            values[String(parts[0])] = String(parts[1])
        }
        values["point_id_namespace"] = text.pointIDNamespace
        values["table"] = names.table
        values["id_column"] = names.idColumn
        values["tenant_column"] = names.tenantColumn
        values["content_column"] = names.contentColumn
        values["collection"] = names.collection
        if let condition = names.condition { values[JobConfiguration.conditionKey] = condition }
        // Only where it says something new: jobs of versions that did not know the setting stay the same job.
        if names.source != names.table { values["source"] = names.source }
        configuration = JobConfiguration(values: values)
    }
}

extension ChunkLimits {
    /// The sizes the settings ask for.
    init(_ text: Settings.Text) throws(TextError) {
        try self.init(
            parentMaxTokens: text.parentTokensMax,
            parentChunkSize: text.parentChunkTokens,
            chunkSize: text.chunkTokens,
            chunkOverlap: text.chunkOverlapTokens
        )
    }
}

extension SparseParameters {
    /// The sparse vectors the settings ask for.
    ///
    /// - Throws: `CommandEnd` when the stop words cannot be read.
    init(_ text: Settings.Text) throws {
        try self.init(
            language: text.sparseLanguage,
            stopWords: text.stopWordsFile.map(StopWordsFile.words),
            averageLength: text.sparseAverageLength,
            cjk: text.sparseCJKBigrams ? .bigram : .off
        )
    }
}
