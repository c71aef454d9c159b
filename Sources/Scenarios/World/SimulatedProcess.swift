import Engine
import Fakes
import Invariants
import Migration
import Simulation
import TextProcessing

/// One simulated process of `migrate run` or `migrate worker`: the production runner on a node of its own.
final class SimulatedProcess: @unchecked Sendable {  // Confined to the simulation's thread.
    enum Kind {
        /// Opens the job, and plans it when it gets the controller lease.
        case run
        /// Waits for the job and works on it.
        case worker
        /// Has other settings than the job, and must be refused.
        case stranger
        /// `migrate run --new`: closes the unfinished job and plans another one.
        case replacer
        /// Its settings name another server for the collection, and it is told to resume the job.
        case movedPoints
        /// Its settings name another server for the table, and it is told to resume the job.
        case movedSource
    }

    let kind: Kind
    let settings: ProcessSettings
    let host: Int
    let node: SimNode
    let journal: FakeLeaseJournal
    /// What an operator's signal raises.
    let stop = StopSignal()
    private unowned let world: SimulatedWorld

    /// Why it ended by itself; nil while it runs and after it was killed.
    private(set) var reason: StopReason?
    /// Why it was not admitted to a job.
    private(set) var refusal: Joining.Refusal?
    /// Whether it works on a job.
    private(set) var hasJoined = false
    /// Whether it may open a job: not after it has opened or joined one, nor when it was told to resume one (I27).
    var mayOpenJob = true
    /// Whether it waits for the answer to an opening call.
    var isOpening = false
    /// Whether it was sent a signal.
    private(set) var wasSignalled = false
    /// Whether it has read a page of ids that, as far as it knows, is not stored yet.
    var readsPlan = false
    /// Whether it has written points of a batch whose end it has not reported.
    var hasWritten = false
    /// What the services have told it about when it may send.
    var terms = SendingTerms()
    /// What failed by itself and was followed by good input.
    var suspects = SuspectHistory()
    /// Empty claims in a row, for a planted mistake.
    var emptyClaims = 0
    /// Claim ids in place of others, for a planted mistake.
    var claimIDs: [String: String] = [:]
    /// When the store has last answered it.
    private(set) var contact: StoreContact

    var name: String { node.name }

    /// Whether a worker's name in the store belongs to this process: `run0.0/1` belongs to `run0.0`.
    func owns(worker: String) -> Bool {
        let (own, other) = (name.utf8, worker.utf8)
        guard other.count > own.count, other.starts(with: own) else { return false }
        return other[other.index(other.startIndex, offsetBy: own.count)] == UInt8(ascii: "/")
    }

    init(
        _ kind: Kind,
        _ settings: ProcessSettings,
        host: Int,
        node: SimNode,
        journal: FakeLeaseJournal,
        world: SimulatedWorld
    ) {
        self.kind = kind
        self.settings = settings
        self.host = host
        self.node = node
        self.journal = journal
        self.world = world
        started = world.simulation.now
        contact = StoreContact(since: started)
        mayOpenJob = kind.choice != .resume
    }

    /// Whether its end was checked.
    var isJudged = false
    private let started: Int64
    /// Writes that are postponed, and what was written last, for planted mistakes.
    var unwritten: [@Sendable () async -> Void] = []
    var checksums: [RecordID: String] = [:]
    /// The points that it takes for its own, as they were read.
    var takenForOurs: [PointID: StoredPoint] = [:]
    /// What it has read and written for each record.
    let traffic = RecordTraffic()
    /// What it has asked its cache.
    var cacheTraffic = CacheTraffic()
    /// What it has not kept yet, and tokens that it has not paid, for planted mistakes.
    var unkept: [@Sendable () async -> Void] = []
    var recalledTokens: Int64 = 0
    /// For the checks of its ends and of its pace.
    var deeds = Deeds()
    /// The lists that the points of a record had at the first look of an attempt, for a planted mistake.
    var firstLists: [RecordID: [Int64]] = [:]
    /// When it was last given a batch, and until when the embedder has told it to wait, for planted mistakes.
    var givenAt: Int64?
    var pausedUntil: Int64 = 0
    /// Rows that it has asked for and that did not exist.
    var absentRows: Set<RecordID> = []

    /// How long it has been running.
    var age: Duration { .nanoseconds(world.simulation.now - started) }
    /// Neither killed nor ended.
    var isAlive: Bool { node.state != .crashed && reason == nil }

    /// An operator's signal.
    func signal(_ level: StopSignal.Level) {
        wasSignalled = true
        world.simulation.note("signal \(name) \(level)")
        stop.raise(level)
    }

    /// Kills the process as SIGKILL does.
    func kill() {
        guard isAlive else { return }
        if hasWritten { world.coverage.add(.crashBetweenUpsertAndFinish) }
        if readsPlan { world.coverage.add(.plannerDiedBetweenReadAndAppend) }
        journal.die()
        world.simulation.crash(node)
    }

    /// The store has answered this process.
    func reached(at now: Int64) { contact.reached(at: now) }

    // MARK: - What it does

    /// Starts its main task.
    func launch() {
        node.spawn { [self] in
            let reason = await main()
            guard node.isRunning, !world.simulation.isUnwinding else { return }
            self.reason = reason
            if case .braked = reason { world.coverage.add(.braked) }
            world.simulation.note("\(name) ends: \(reason.word)")
        }
    }

    private func main() async -> StopReason {
        let ports = world.ports(of: self)
        let joining = Joining(ports: ports, order: order, stop: stop)
        do throws(Joining.End) {
            guard let joined = try await join(joining, ports) else { return .signalled }
            mayOpenJob = false
            hasJoined = true
            deeds.job = joined.job.job.id
            // When the collection has no room, one batch finds out whether it has room again, and the others wait.
            deeds.writeFailedAt = joined.lacksRoom ? world.simulation.now : nil
            world.isAdmitted(self)
            var work = world.work(of: self)
            work.owner = joined.owner
            let settings = Runner.Settings(
                workers: self.settings.workers,
                heartbeatInterval: .seconds(Double(world.settings.leaseSeconds) / 4),
                reportInterval: .seconds(120),
                grace: world.portBug?.grace ?? .seconds(25),
                name: name,
                brakes: world.brakes,
                lacksRoom: joined.lacksRoom
            )
            return await Runner(ports: ports, settings: settings, stop: stop)
                .run(joined.job, configHash: world.configuration(of: self).hash, plan: work)
        } catch {
            if case .refused(let refusal) = error { self.refusal = refusal }
            return StopReason(error)
        }
    }

    /// Joins as `migrate run` does without a person; the other kinds wait until there is a job.
    ///
    /// - Returns: nil when a signal came first.
    private func join(_ joining: Joining, _ ports: EnginePorts) async throws(Joining.End) -> Joining.Joined? {
        if kind.opensJobs { return try await joining.run() }
        guard let job = try await newestJob(ports) else { return nil }
        // A stranger does not read the settings of the job: the store must refuse its claims.
        return kind == .stranger
            ? Joining.Joined(job: .working(job), owner: SimulatedWorld.owner, lacksRoom: false)
            : try await joining.work(on: job)
    }

    private func newestJob(_ ports: EnginePorts) async throws(Joining.End) -> JobSummary? {
        let list = ListIngestionJobs(job: nil, filter: .init(), after: nil, limit: 1)
        while stop.level == .run {
            do throws(PortFailure) {
                if let job = try await ports.store.jobs(list).rows.first { return job }
                if kind == .stranger { return nil }
            } catch {
                guard [.unavailable, .outcomeUnknown].contains(error.kind) else { throw .failed(.store, error) }
            }
            await ports.time.sleep(for: .seconds(5), unless: stop, reaches: .drain)
        }
        return nil
    }

    private var order: Joining.Order {
        Joining.Order(
            target: SimulatedWorld.target,
            collection: "memos",
            source: SimulatedWorld.owner.source,
            identity: SimulatedText.identity,
            // Next to another table's points the settings must say whose the points without a source are.
            unmarkedPoints: .ours,
            configuration: world.configuration(of: self),
            schema: CollectionSchema(dimensions: SimulatedWorld.dimensions),
            settings: world.settings,
            servers: world.servers(of: self),
            batchSize: settings.batchSize,
            // The page has room for part of one more batch: a page is planned in whole batches.
            pageSize: settings.batchSize * (settings.batchesPerPage + 1) - 1,
            limit: settings.limit,
            choice: kind.choice,
            isForced: true,
            runner: name,
            triesMax: nil
        )
    }
}

extension SimulatedProcess.Kind {
    /// Whether it is a `migrate run`.
    fileprivate var opensJobs: Bool {
        switch self {
        case .run, .replacer, .movedPoints, .movedSource: true
        case .worker, .stranger: false
        }
    }

    fileprivate var choice: Joining.Choice {
        switch self {
        case .run, .worker, .stranger: .ask
        case .replacer: .new
        case .movedPoints, .movedSource: .resume
        }
    }

    /// Whether its servers are not the job's: then it must not be admitted.
    var hasMoved: Bool { self == .movedPoints || self == .movedSource }
}

extension StopReason {
    /// What a process without a job reports at its end.
    fileprivate init(_ end: Joining.End) {
        self =
            switch end {
            case .refused(.otherSettings): .configMismatch
            case .refused(.notOpen(let job)): .jobEnded(job.status)
            case .refused(.endedMeanwhile), .refused(.nothingToResume), .refused(.emptySource): .jobEnded(.cancelled)
            case .refused(let refusal):
                .fatal(.points, PortFailure(.rejected, "refused to join: \(refusal.word)"))
            case .failed(let service, let failure): .fatal(service, failure)
            case .left, .interrupted: .signalled
            }
    }
}
