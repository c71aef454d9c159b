import Engine
import Migration
import Settings
import TextProcessing

/// Everything that commands need to work on a job: the ports, and what follows from the settings.
///
/// Knows no adapter: the demonstration makes an engine from fakes, `Wiring` makes one from the real services.
struct Engine: Sendable {
    var ports: EnginePorts
    var plan: BatchWork.Plan
    let configuration: JobConfiguration
    let sparseEncoder: SparseEncoder
    let schema: CollectionSchema
    let names: Names
    let target: Settings.Target
    let work: Settings.Work
    /// Makes the ids of the points.
    let identity: PointIdentity
    /// `UNMARKED_POINTS`; nil = not set.
    let unmarkedPoints: UnmarkedPoints?
    /// The name of this process in the store.
    let runner: String
    /// The servers behind the ports, to compare them with those of a job.
    let servers: JobServers

    /// The names of a job.
    struct Names: Sendable, Equatable {
        /// The table with its database, as in `app.ip_summary`.
        let table: String
        let collection: String
        let idColumn: String
        let tenantColumn: String
        let contentColumn: String
        /// The condition of `--where`.
        let condition: String?
        /// `SOURCE_NAME`: the name in the points, in place of the table's name.
        var sourceName: String?

        /// The source in the points.
        var source: String { sourceName ?? table }

        /// The name of the pair of source and collection: it has at most one open job.
        var targetKey: String { Self.targetKey(source: source, collection: collection) }

        static func targetKey(source: String, collection: String) -> String { "\(source) -> \(collection)" }
    }

    init(
        ports: EnginePorts,
        limits: RequestLimits,
        pointsPerWrite: Int,
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
        let shaping = try PointShaping(tokenizer: tokenizer, target: target, text: text)
        self.ports = ports
        self.names = names
        self.target = target
        self.work = work
        self.runner = runner
        self.servers = servers
        identity = PointIdentity(namespace: text.pointIDNamespace)
        unmarkedPoints = text.ownsUnmarkedPoints.map { $0 ? .ours : .foreign }
        configuration = JobConfiguration(shaping.profile, names, text)
        sparseEncoder = shaping.sparseEncoder
        schema = CollectionSchema(dimensions: target.dimensions)
        plan = BatchWork.Plan(
            shaper: shaping.shaper,
            owner: PointOwner(
                source: names.source,
                ownsUnmarked: text.ownsUnmarkedPoints ?? true
            ),
            limits: limits.sharing(tokensPerMinute: target.tokensPerMinute),
            pointsPerWrite: pointsPerWrite,
            quota: QuotaGate(
                name: quota ?? "no account/\(target.model)",
                tokensPerMinute: target.tokensPerMinute,
                requestsPerMinute: target.requestsPerMinute
            ),
            schema: schema,
            pricePerMillion: target.pricePerMillionTokens
        )
    }

    /// The plan with the job's decision on the points without a source: whether they are its own.
    func plan(of job: JobSummary) -> BatchWork.Plan {
        let stored = job.config[UnmarkedPoints.configKey].flatMap(UnmarkedPoints.init)
        var plan = plan
        plan.owner = PointOwner(source: names.source, ownsUnmarked: (stored ?? unmarkedPoints ?? .ours) == .ours)
        return plan
    }

    /// The settings that all workers of a job share.
    var jobSettings: JobSettings {
        JobSettings(
            maxRetries: work.retriesMax,
            leaseSeconds: work.leaseSeconds,
            batchTimeoutSeconds: Int((work.batchTimeout / .seconds(1)).rounded(.up)),
            recordEvents: work.recordsEvents
        )
    }
}
