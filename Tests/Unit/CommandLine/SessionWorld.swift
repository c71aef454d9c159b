import Engine
import Fakes
import Foundation
import Migration
import Settings
import Terminal
import TextProcessing

@testable import migrate

/// The program's sessions over the fakes: a table of 60 records, batches of 10.
struct SessionWorld: Sendable {
    let world: DemoWorld
    private let hosts: [FakeHost] = [FakeHost(), FakeHost()]
    private let time = Time(ContinuousClock())

    init() async throws {
        let settings = try Settings(SettingsInput(flags: ["BATCH_SIZE": "10"]), needs: [])
        world = DemoWorld(records: 60, time: time, settings: settings) { _ in }
        _ = try await world.points.ensure(CollectionSchema(dimensions: settings.target.dimensions))
    }

    var store: any JobStore { world.ports.store }

    /// An engine of a process on this host, or on another one.
    func engine(
        where condition: String? = nil,
        _ flags: [String: String] = [:],
        servers: JobServers = JobServers(),
        isElsewhere: Bool = false
    ) throws -> Engine {
        let settings = try Settings(SettingsInput(flags: flags.merging(["BATCH_SIZE": "10"]) { $1 }), needs: [])
        let ports = EnginePorts(
            source: world.ports.source,
            store: world.ports.store,
            embedder: world.ports.embedder,
            points: world.ports.points,
            journal: hosts[isElsewhere ? 1 : 0].journal(),
            time: time,
            entropy: world.ports.entropy,
            report: { _ in }
        )
        let names = DemoWorld.names
        return try Engine(
            ports: ports,
            limits: FakeOpenAI.requestLimits,
            pointsPerWrite: FakeQdrant.pointsPerWrite,
            tokenizer: WordTokenizer(),
            names: Engine.Names(
                table: names.table,
                collection: names.collection,
                idColumn: names.idColumn,
                tenantColumn: names.tenantColumn,
                contentColumn: names.contentColumn,
                condition: condition
            ),
            target: settings.target,
            work: settings.work,
            text: settings.text,
            runner: isElsewhere ? "elsewhere:1" : "here:1",
            servers: servers
        )
    }

    func run(
        _ engine: Engine,
        _ recorded: RecordedConsole,
        _ choice: Joining.Choice = .ask,
        isForced: Bool = false,
        isJSON: Bool = false,
        stop: StopSignal = StopSignal()
    ) async throws -> CommandEnd {
        var options = RunSession.Options()
        options.choice = choice
        options.isForced = isForced
        options.isJSON = isJSON
        let monitor = RunMonitor(console: recorded.console, isJSON: isJSON, time: time, log: nil)
        let session = RunSession(
            engine: engine,
            options: options,
            console: recorded.console,
            stop: stop,
            monitor: monitor
        )
        do { return try await session.run() } catch let end as CommandEnd { return end }
    }

    /// Opens a job, plans it, and leaves it unfinished and alone.
    @discardableResult
    func leftJob(_ engine: Engine, leaseSeconds: Int? = nil) async throws -> JobID {
        var settings = engine.jobSettings
        if let leaseSeconds { settings.leaseSeconds = leaseSeconds }
        let order = OpenIngestionJob(
            targetKey: engine.names.targetKey,
            configHash: engine.configuration.hash,
            config: engine.configuration.stored(limit: nil),
            settings: settings,
            controllerId: engine.runner,
            token: engine.ports.entropy.uuid(),
            start: true
        )
        let opened = try await store.openJob(order)
        let ids = try await engine.ports.source.ids(after: nil, through: .max, limit: 1_000)
        let batches = stride(from: 0, to: ids.count, by: 10).map { Array(ids[$0..<min($0 + 10, ids.count)]) }
        _ = try await store.appendBatches(
            AppendIngestionBatches(
                job: opened.job.id,
                epoch: opened.epoch,
                token: order.token,
                expectedCursor: nil,
                batches: batches
            )
        )
        _ = try await store.sealPlan(
            SealIngestionPlan(
                job: opened.job.id,
                epoch: opened.epoch,
                token: order.token,
                expectedCursor: ids.last,
                upper: ids.last,
                sourceCount: Int64(ids.count)
            )
        )
        return opened.job.id
    }

    /// Takes a batch of a job, as a worker would.
    @discardableResult
    func claim(_ job: JobID, by worker: String, _ engine: Engine) async throws -> ClaimedBatch? {
        let claim = ClaimNextBatch(
            job: job,
            worker: worker,
            claimId: engine.ports.entropy.uuid(),
            limit: 1,
            configHash: engine.configuration.hash,
            floor: nil
        )
        let batch = try await store.claim(claim).batches.first
        if let batch {
            let jobs = try await store.jobs(ListIngestionJobs(job: job, filter: .init(), after: nil, limit: 1))
            let attempt = LeaseNote.Attempt(
                batch: batch.batchNumber,
                attempt: batch.attempt,
                records: batch.recordIds.count
            )
            await engine.ports.journal.note(
                LeaseNote(token: claim.claimId, attempt: attempt),
                of: JobMark(jobs.rows[0])
            )
        }
        return batch
    }

    /// Number and status of every job, oldest first.
    func jobs() async throws -> [JobStatus] {
        let list = ListIngestionJobs(job: nil, filter: .init(), after: nil, limit: 100)
        return try await store.jobs(list).rows.map(\.status).reversed()
    }

    /// Everything in the store about a job, and the number of points.
    func state(_ job: JobID) async throws -> [String] {
        let stats = try await store.exactStats(GetIngestionJobStatsExact(job: job))
        let batches = try await store.batches(ListIngestionBatches(job: job, filter: .init(), after: nil, limit: 1000))
        let points = try await world.points.inspect(CollectionSchema(dimensions: 1_536)).pointCount
        return ["\(stats)", "\(batches)", "\(points)"]
    }
}
