import Adapters
import Migration
import TextProcessing

/// What commands need to work on a job: the ports, and everything that follows from the settings.
///
/// Knows no adapter: the demonstration makes one over fakes, `Wiring` one over the real services.
struct Engine: Sendable {
    let ports: EnginePorts
    let plan: BatchWork.Plan
    let configuration: JobConfiguration
    let sparseEncoder: SparseEncoder
    let schema: CollectionSchema
    let names: Names
    let target: Settings.Target
    let work: Settings.Work
    /// Names this process in the store.
    let runner: String

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

        /// Names the pair of source and collection: one job of it is open at a time.
        var targetKey: String { "\(table) -> \(collection)" }
    }

    init(
        ports: EnginePorts,
        tokenizer: any TokenCounting,
        names: Names,
        target: Settings.Target,
        work: Settings.Work,
        text: Settings.Text,
        runner: String
    ) throws {
        let shaping = try Shaping(tokenizer: tokenizer, names: names, target: target, text: text)
        self.ports = ports
        self.names = names
        self.target = target
        self.work = work
        self.runner = runner
        configuration = shaping.configuration
        sparseEncoder = shaping.sparseEncoder
        schema = CollectionSchema(dimensions: target.dimensions)
        plan = BatchWork.Plan(
            shaper: shaping.shaper,
            limits: .openAI(tokensPerMinute: target.tokensPerMinute),
            quota: QuotaGate(
                name: "openai/\(target.model)",
                tokensPerMinute: target.tokensPerMinute,
                requestsPerMinute: target.requestsPerMinute
            ),
            schema: schema
        )
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
        if let condition = names.condition { values[Self.conditionKey] = condition }
        configuration = JobConfiguration(values: values)
    }

    /// Under which the condition of `--where` is kept with the job.
    static let conditionKey = "where"
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
