import Engine
import Fakes
import Invariants
import Migration
import Scenarios
import Simulation
import Synchronization
import Testing
import TextProcessing

/// A clock that runs faster than the wall: leases and backoffs pass in tests without changing their constants.
struct FastClock: Clock {
    struct Instant: InstantProtocol {
        let elapsed: Duration
        func advanced(by duration: Duration) -> Instant { Instant(elapsed: elapsed + duration) }
        func duration(to other: Instant) -> Duration { other.elapsed - elapsed }
        static func < (left: Instant, right: Instant) -> Bool { left.elapsed < right.elapsed }
    }

    /// A lease of two minutes is twelve seconds: other tests may keep both cores busy for some of them.
    static let factor = 10
    private let origin = ContinuousClock.now
    var now: Instant { Instant(elapsed: (ContinuousClock.now - origin) * Self.factor) }
    var minimumResolution: Duration { .milliseconds(50) }
    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try await ContinuousClock().sleep(for: (deadline.elapsed - now.elapsed) / Self.factor)
    }
}

/// The four fakes and the engine over them.
final class World: Sendable {
    static let schema = CollectionSchema(dimensions: 16)
    static let owner = PointOwner(source: "app.ip_summary", ownsUnmarked: true)

    let source: FakeMySQL
    let store: FakeSupabase
    let embedder: FakeOpenAI
    let points: FakeQdrant
    /// All runners of a world run on one host.
    let host = FakeHost()
    let time: Time
    let cache: (any EmbeddingCache)?
    private let log = Mutex<[MigrationEvent]>([])
    private let serial = Mutex(0)

    init(
        rows: [SourceRecord],
        seed: UInt64 = 1,
        time: Time = Time(FastClock()),
        bytesMax: Int = 4 << 20,
        lag: (@Sendable () -> Duration)? = nil,
        unreadable: Set<RecordID> = [],
        broken: PortFailure = FakeMySQL.lost,
        troubles: @escaping @Sendable (Point) -> Trouble? = { _ in nil },
        admits: @escaping FakeMySQL.Admission = { _ in true },
        storeFaults: FaultHook = .none,
        storeLog: (@Sendable (RecordedStep) -> Void)? = nil,
        sourceFaults: FaultHook = .none,
        embedderFaults: FaultHook = .none,
        pointFaults: FaultHook = .none,
        cache: (any EmbeddingCache)? = nil
    ) async throws {
        self.cache = cache
        self.time = time
        source = FakeMySQL(
            rows: rows,
            replicas: lag.map { FakeMySQL.Replicas(time: time, lag: $0) },
            bytesMax: bytesMax,
            unreadable: unreadable,
            broken: broken,
            faults: sourceFaults,
            admits: admits
        )
        store = FakeSupabase(
            time: time,
            entropy: SeededEntropy(seed),
            faults: storeFaults,
            log: storeLog.map(StepLog.init)
        )
        embedder = FakeOpenAI(
            dimensions: Self.schema.dimensions,
            time: time,
            effectsMax: 100_000,
            faults: embedderFaults,
            countTokens: { WordTokenizer().count($0) }
        )
        points = FakeQdrant(time: time, troubles: troubles, faults: pointFaults)
        _ = try await points.ensure(Self.schema)
    }

    /// Rows of distinct texts, ids above 2^53 with gaps.
    static func rows(_ count: Int) -> [SourceRecord] {
        (0..<count).map { number in
            SourceRecord(
                id: 9_007_199_254_740_993 + Int64(number) * 7,
                memberCode: "member-\(number % 3)",
                content: .text("Record \(number) tells of subject \(number * 31 % 97) and of nothing else.")
            )
        }
    }

    static let configuration = JobConfiguration(values: ["table": "ip_summary", "model": "fake"])

    var ports: EnginePorts {
        EnginePorts(
            source: source,
            store: store,
            embedder: embedder,
            cache: cache,
            points: points,
            journal: host.journal(),
            time: time,
            entropy: SeededEntropy(
                UInt64(
                    serial.withLock {
                        $0 += 1
                        return $0
                    }
                )
            ),
            report: { [self] event in log.withLock { $0.append(event) } }
        )
    }

    var events: [MigrationEvent] { log.withLock { $0 } }

    func plan(
        limits: ChunkLimits = .standard,
        model: String = "fake",
        quota: Int? = nil,
        portion: Int = 4 << 20,
        suspicion: Suspicions.Policy = Suspicions.Policy()
    ) throws
        -> BatchWork.Plan
    {
        let counter = WordTokenizer()
        let sparse = SparseParameters()
        let shaper = RecordShaper(
            chunker: Chunker(counter: counter, limits: limits),
            sparseEncoder: try SparseEncoder(sparse),
            identity: PointIdentity(namespace: "test"),
            profile: Profile(
                tokenizer: counter.identity,
                limits: limits,
                model: model,
                dimensions: Self.schema.dimensions,
                sparse: sparse
            )
        )
        return BatchWork.Plan(
            shaper: shaper,
            owner: Self.owner,
            limits: FakeOpenAI.requestLimits.sharing(tokensPerMinute: quota),
            pointsPerWrite: FakeQdrant.pointsPerWrite,
            quota: QuotaGate(name: "openai/fake", tokensPerMinute: quota, requestsPerMinute: nil),
            schema: Self.schema,
            portionBytesMax: portion,
            suspicion: suspicion,
            pricePerMillion: 0.02
        )
    }

    func opening(
        configuration: JobConfiguration = World.configuration,
        limit: Int? = nil,
        settings: JobSettings = JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600)
    ) -> OpenIngestionJob {
        OpenIngestionJob(
            targetKey: "mysql/ip_summary -> qdrant/memos",
            configHash: configuration.hash,
            config: configuration.stored(limit: limit),
            settings: settings,
            controllerId: "test",
            token: SeededEntropy(
                UInt64(
                    serial.withLock {
                        $0 += 1
                        return $0
                    }
                ) &+ 1000
            ).uuid(),
            start: true
        )
    }

    /// Opens or joins the job and runs one runner on it to its end.
    @discardableResult
    func run(
        workers: Int = 3,
        batchSize: Int = 10,
        limit: Int? = nil,
        settings: JobSettings = JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600),
        stop: StopSignal = StopSignal(),
        plan: BatchWork.Plan? = nil,
        name: String = "runner",
        processes: (any WorkerProcesses)? = nil
    ) async throws -> StopReason {
        let open = opening(limit: limit, settings: settings)
        let order = Controller.Order(open: open, batchSize: batchSize)
        let opened = try await store.openUntilAnswered(open)
        let runner = Runner(
            ports: ports,
            settings: Runner.Settings(workers: workers, name: name),
            stop: stop,
            processes: processes
        )
        return await runner.run(
            .controlling(opened, order),
            configHash: opened.job.configHash,
            plan: try plan ?? self.plan()
        )
    }

    /// Opens the job and plans it to its end; nothing is claimed meanwhile.
    @discardableResult
    func planOnly(
        settings: JobSettings = JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600)
    ) async throws -> OpenIngestionJob.Answer {
        let stop = StopSignal()
        let open = opening(settings: settings)
        let opened = try await store.openJob(open)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [ports] in
                let order = Controller.Order(open: open, batchSize: 10)
                await Controller(ports: ports, state: RunnerState(stop: stop), order: order).run(opened)
            }
            while await (try? stats().job?.sealed) != true { await Task.yield() }
            stop.raise(.release)
        }
        return opened
    }

    func stats(_ job: JobID = 1) async throws -> JobStats {
        try await store.exactStats(GetIngestionJobStatsExact(job: job))
    }

    func verify(_ job: JobID = 1, repairs: Bool = false) async throws -> VerificationReport {
        try await Verifier(ports: ports, stop: StopSignal(), plan: plan(), repairs: repairs).run(job) { _ in }
    }
}

extension World {
    /// Runs a test in virtual time, where minutes of waiting take milliseconds; the world has to be made with this time.
    static func virtually(_ body: @escaping @Sendable (Time) async throws -> Void) {
        let run = Simulation.run(seed: 1) { simulation in
            try await body(Time(simulation.node("runner").clock))
        }
        if let failure = run.failure { Issue.record("\(failure)") }
    }
}

extension JobStore {
    /// Opens a job through lost answers.
    func openUntilAnswered(_ call: OpenIngestionJob) async throws -> OpenIngestionJob.Answer {
        for _ in 0..<10 {
            if let answer = try? await openJob(call) { return answer }
        }
        return try await openJob(call)
    }
}

/// A service that is out while the test says so, and the calls it answers.
final class Outage: Sendable {
    private let isOn: Mutex<Bool>
    private let calls = Mutex<[String]>([])
    private let call: String?

    /// Makes an outage of one call, or of all.
    init(of call: String? = nil, isOn: Bool = true) {
        self.call = call
        self.isOn = Mutex(isOn)
    }

    var answered: [String] { calls.withLock(\.self) }
    func begin() { isOn.withLock { $0 = true } }
    func end() { isOn.withLock { $0 = false } }

    var hook: FaultHook {
        FaultHook(
            before: { [self] name throws(PortFailure) in
                if call == nil || call == name, isOn.withLock(\.self) {
                    throw PortFailure(.unavailable, "connection refused")
                }
            },
            after: { [self] name throws(PortFailure) in calls.withLock { $0.append(name) } }
        )
    }
}
