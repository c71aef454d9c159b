import Engine
import Fakes
import Invariants
import Migration
import Simulation
import TextProcessing

/// The world of one run: the fakes on their nodes, the processes, and what only the checkers know.
final class SimulatedWorld: @unchecked Sendable {  // Confined to the simulation's thread.
    static let target = "app.memos -> memos"
    static let dimensions = 8
    static let owner = PointOwner(source: "app.memos", ownsUnmarked: true)

    let simulation: Simulation
    let network: SimNetwork
    let plan: FaultPlan
    let portBug: PortBug?
    let settings: JobSettings

    let db: SimNode
    let mysql: SimNode
    let openai: SimNode
    let qdrant: SimNode
    let store: FakeSupabase
    let source: FakeMySQL
    let embedder: FakeOpenAI
    let points: FakeQdrant
    /// The collection and the table that are reached with settings of another environment.
    let otherPoints = FakeQdrant(pointsPerRequest: 4)
    let otherSource = FakeMySQL(
        rows: (1...100).map { SourceRecord(id: 10_000_000 + $0, memberCode: "m", content: .text("foreign \($0)")) }
    )
    let faults: ServiceFaults
    let calls: CallRecorder
    /// The database's calls and answers, in the order of its commits.
    private let log = CallLog()
    var history: [RecordedStep] { log.steps }
    /// The records that can never be processed, as long as their rows do not change.
    private(set) var defects: [RecordID: Workload.Defect] = [:]
    /// The number of rows when the run begins.
    private let rowCount: Int
    /// The number of rows that a job is about, from the first on, unless each process has its own settings; nil = all.
    private let limit: Int?
    /// The limit of each job, from the settings of the process that opened it.
    var limits: [JobID: Int] = [:]
    /// The tokens per minute that the settings of the processes state.
    let statedLimit: Int?

    private(set) lazy var watch = WorldWatch(self)
    /// Points of earlier versions, which exist when the run begins.
    var older: [Point] = []
    /// Points of the same records that the job must not delete: of another source, and without a source.
    var others: [OthersPoint] = []
    /// A process was told that the table is not the job's any more: a person must plan a new job.
    var needsNewJob = false
    /// Rows that are deleted as soon as they are planned.
    var doomed: Set<RecordID> = []
    /// Points of this very version, written by a program that did not know of sources.
    var unmarked: [Point] = []
    /// Points of another table, which no process may change or delete.
    var neighbours: [Point] = []
    /// Whether most rows of the table were deleted.
    var isEmptied = false
    /// How often an operator has resumed the job.
    var resumes = 0
    var coverage = Coverage()
    private(set) var processes: [SimulatedProcess] = []
    /// One journal per host, and one for the stranger's host.
    private let journals: [FakeHost]
    /// The cache of each host, if processes use caches.
    let caches: [FakeEmbeddingCache]
    /// Whether the killing texts still kill.
    private var isLethal = true
    /// Whether all faults have ended: from here on the job must complete.
    private(set) var isHealed = false
    private(set) var healedAt = Int64.max
    /// Claims that the database is working on.
    var claimsUnderWay = 0

    init(_ simulation: Simulation, plan: FaultPlan, bug: Scenario.Bug?, keepsHistory: Bool) {
        self.simulation = simulation
        self.plan = plan
        journals = (0...plan.hosts).map { _ in FakeHost() }
        portBug = bug?.ofPorts
        settings = JobSettings(
            maxRetries: plan.maxRetries,
            leaseSeconds: 120,
            batchTimeoutSeconds: plan.batchTimeoutSeconds,
            recordEvents: true
        )
        network = SimNetwork(simulation)
        network.weather = plan.weather
        db = simulation.node("db")
        mysql = simulation.node("mysql")
        openai = simulation.node("openai")
        qdrant = simulation.node("qdrant")
        let faults = ServiceFaults(simulation, plan)
        self.faults = faults
        let time = Time(db.clock)
        caches = (0..<(plan.has(.caches) ? plan.hosts + 1 : 0)).map { _ in
            FakeEmbeddingCache(time: time, probeInterval: .seconds(60), faults: faults.hook(.cache))
        }
        let db = db
        let log = log
        let note: @Sendable (RecordedStep) -> Void = { log.steps.append($0) }
        store = FakeSupabase(
            time: time,
            entropy: SimEntropy(simulation.chance.split()),
            faults: faults.hook(.database),
            interleaving: plan.has(.interleaving) ? Self.steps(of: db, simulation, plan.stepMax) : nil,
            log: keepsHistory ? StepLog(note) : nil,
            policy: TrackingPolicy(planted: bug?.ofStore)
        )
        var random = simulation.chance.split()
        let workload = Workload(plan, &random)
        defects = workload.defects
        rowCount = workload.rows.count
        limit = plan.limitShare.map { max(1, Int($0 * Double(workload.rows.count))) }
        let broken = BrokenTexts(workload)
        source = FakeMySQL(
            rows: workload.rows,
            replicas: Self.replicas(of: mysql, simulation, plan),
            unreadable: Set(workload.defects.filter { $0.value == .row }.keys),
            faults: faults.hook(.source)
        )
        var behaviour = FakeOpenAI.Behaviour()
        behaviour.refusesText = { $0.hasPrefix(Workload.refusedWord) }
        behaviour.latency = plan.latency
        behaviour.troubles = broken.embedding
        if plan.has(.quota) { behaviour.tokensPerMinute = 2_000 + random.below(plan.quotaMax - 2_000) }
        embedder = FakeOpenAI(
            dimensions: Self.dimensions,
            time: Time(openai.clock),
            behaviour: behaviour,
            faults: faults.hook(.embedder),
            countTokens: SimulatedText.tokens
        )
        points = FakeQdrant(
            pointsPerRequest: 4,
            time: Time(qdrant.clock),
            troubles: broken.writing,
            refuses: broken.refusing,
            faults: faults.hook(.qdrant, loses: true)
        )
        let store = store
        calls = CallRecorder { (DatabaseTime.start + time.now, store.lastEventID) }
        // Half of the accounts with a quota do not state it: then only the server's answers limit the rate.
        statedLimit = plan.has(.quota) && plan.statesQuota ? behaviour.tokensPerMinute : nil
        preload(&random)
        preloadAbsent(&random)
        preloadOtherSources(&random)
        preloadForEmptying(&random)
        network.answerWasLost = { [unowned self] _ in coverage.add(.answerLostAfterCommit) }
    }

    /// A call of the database takes this long between some of its steps; between the other steps no other call can
    /// come.
    private static func steps(of db: SimNode, _ simulation: Simulation, _ most: Duration) -> @Sendable () async -> Void
    {
        {
            guard simulation.chance.chance(0.5) else { return }
            let pause = simulation.chance.duration(.microseconds(200)...most)
            // Only the end of the run wakes it early.
            try? await db.clock.sleep(for: pause)
        }
    }

    /// Some records were migrated before with other texts: their points must be replaced.
    private func preload(_ random: inout SimRandom) {
        for row in source.snapshot where watch.expected(row.id) != nil {
            let isRefused = if case .refused = defects[row.id] { true } else { false }
            guard random.chance(isRefused ? 0.6 : 0.1) else { continue }
            older += olderPoints(of: row, &random)
        }
    }

    /// The points of an earlier text of a row.
    func olderPoints(of row: SourceRecord, _ random: inout SimRandom) -> [Point] {
        let text = Workload.text(row.id, &random)
        let old = SourceRecord(id: row.id, memberCode: row.memberCode ?? "m", content: .text(text))
        guard case .points(let shape) = SimulatedText.shaper.shape(old) else { return [] }
        let vectors = shape.children.map { WordVectors(dimensions: Self.dimensions).vector(of: $0.text) }
        let points = shape.points(
            vectors: vectors,
            collectionIDs: [],
            shaper: SimulatedText.shaper,
            source: Self.owner.source
        )
        return withLists(points, isEven: false, &random)
    }

    // MARK: - Processes

    /// Starts a process on a host.
    @discardableResult
    func start(_ kind: SimulatedProcess.Kind, on host: Int) -> SimulatedProcess {
        let error =
            plan.has(.clocks)
            ? ClockError(
                skew: .seconds(simulation.chance.below(7200) - 3600),
                drift: Int64(simulation.chance.below(401)) - 200
            ) : .none
        let node = simulation.node("\(kind)\(host).\(processes.count)", error: error)
        let process = SimulatedProcess(
            kind,
            settingsOfNext(),
            host: host,
            node: node,
            journal: journals[host].journal(),
            world: self
        )
        processes.append(process)
        process.launch()
        return process
    }

    private func settingsOfNext() -> ProcessSettings {
        var settings = plan.settings(limit: limit)
        if plan.variesSettings {
            var random = simulation.chance.split()
            settings.vary(&random, rows: rowCount, isQuick: plan.latency <= .seconds(4))
        }
        return settings
    }

    /// The process that runs on a host, if one does.
    func process(on host: Int) -> SimulatedProcess? { processes.last { $0.host == host && $0.isAlive } }

    /// The process of a worker name from the store.
    func process(named worker: String) -> SimulatedProcess? { processes.first { $0.owns(worker: worker) } }

    func ports(of process: SimulatedProcess) -> EnginePorts {
        let link = Link(world: self, process: process)
        return EnginePorts(
            source: NetworkedSource(link: link),
            store: NetworkedStore(link: link),
            embedder: NetworkedEmbedder(link: link),
            cache: caches.isEmpty ? nil : SimulatedCache(cache: caches[process.host], link: link),
            points: NetworkedPoints(link: link),
            journal: process.journal,
            time: Time(process.node.clock),
            entropy: SimEntropy(simulation.chance.split()),
            report: { [unowned self] event in watch.happened(event, in: process) }
        )
    }

    /// Whether these texts kill the process that sends them.
    func kills(_ process: SimulatedProcess, with texts: [String]) -> Bool {
        guard isLethal, plan.has(.killers), process.isAlive,
            texts.contains(where: { $0.hasPrefix(Workload.killingWord) })
        else {
            return false
        }
        // In a batch of its own it is found and does no more harm: the operator gets the row fixed.
        simulation.note("a lethal text kills \(process.name)")
        process.kill()
        return true
    }

    /// From now on no text kills.
    func disarm() { isLethal = false }

    /// Ends every fault: from now on the job must complete.
    func heal() {
        isHealed = true
        healedAt = simulation.now
        simulation.note("healed")
        network.repair()
        network.weather = SimNetwork.Weather()
        faults.end()
        giveRoom()
        for cache in caches { cache.setFull(false) }
        embedder.update { $0.isOutOfMoney = false }
        for process in processes { simulation.thaw(process.node) }
    }
}

private final class CallLog: @unchecked Sendable {  // Confined to the simulation's thread.
    var steps: [RecordedStep] = []
}
