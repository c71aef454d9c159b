import Foundation
import Migration
import ServedFakes
import Synchronization
import Testing

@testable import Adapters
@testable import Fakes

/// The program over stand-ins of all services but MySQL, which this process serves and can look into.
struct Served: Sendable {
    let program: Program
    let store: FakeSupabase
    let qdrant: QdrantEngine
    let embedder: FakeOpenAI
    /// Settings that lead to the stand-ins.
    let settings: [String: String]
    private let requests: Requests

    fileprivate final class Requests: Sendable {
        let count = Mutex(0)
        let delay = Mutex(Duration.zero)
    }

    /// Starts the stand-ins, lends them to `body` and stops them.
    ///
    /// - Parameters:
    ///   - more: settings beside those that lead to the stand-ins.
    ///   - delay: how long each answer of the stand-ins takes.
    ///   - body: uses them.
    /// - Throws: what `body` throws.
    static func use(
        _ more: [String: String] = [:],
        slow delay: Duration = .zero,
        _ body: (Served) async throws -> Void
    ) async throws {
        let time = Time(ContinuousClock())
        let requests = Requests()
        requests.delay.withLock { $0 = delay }
        let faults = FaultHook(before: { (_) async throws(PortFailure) in
            requests.count.withLock { $0 += 1 }
            let delay = requests.delay.withLock { $0 }
            if delay > .zero { try? await moment(delay) }
        })
        let store = FakeSupabase(time: time, entropy: SystemEntropy())
        let qdrant = QdrantEngine()
        let embedder = FakeOpenAI(time: time)
        let fakes = ServedFakes(openAI: embedder, qdrant: qdrant, supabase: store, faults: faults)
        var settings = more
        for endpoint in try await fakes.start() {
            for (name, value) in endpoint.environment { settings[name] = value }
        }
        let served = Served(
            program: try Program(),
            store: store,
            qdrant: qdrant,
            embedder: embedder,
            settings: settings,
            requests: requests
        )
        let result: Result<Void, any Error>
        do { result = .success(try await body(served)) } catch { result = .failure(error) }
        await fakes.stop()
        served.program.remove()
        try result.get()
    }

    /// Runs the program on a terminal.
    func run(
        _ arguments: String...,
        with changes: [String: String] = [:],
        _ body: (Terminal) async throws -> Void
    ) async throws -> Terminal.Ended {
        try await Terminal.run(program, arguments, settings.merging(changes) { $1 }, body)
    }

    /// Runs the program without a terminal; it must end with 0.
    func migrate(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let ended = try await program.run(arguments, settings)
        #expect(ended.status == 0, "\(arguments): \(ended.error)", sourceLocation: sourceLocation)
    }

    /// From now on each answer takes so long, and requests are counted anew.
    func delay(by delay: Duration) {
        requests.delay.withLock { $0 = delay }
        requests.count.withLock { $0 = 0 }
    }

    /// Waits for the first request of the program.
    func waitForRequest() async throws {
        let hasAsked = try await eventually { requests.count.withLock { $0 > 0 } }
        #expect(hasAsked, "the program asked for nothing")
    }

    var hasCollection: Bool { !qdrant.names.isEmpty }

    /// All that could be changed: the jobs with their counters and batches, and the points.
    func state() async throws -> [String] {
        var lines: [String] = []
        for job in try await store.jobs(ListIngestionJobs(job: nil, filter: .init(), after: nil, limit: 100)).rows {
            lines.append("\(job)")
            lines.append("\(try await store.stats(GetIngestionJobStats(job: job.id)))")
            let list = ListIngestionBatches(job: job.id, filter: .init(), after: nil, limit: 1_000)
            lines += try await store.batches(list).rows.map { "\($0)" }
        }
        for name in qdrant.names {
            let ids = try qdrant.with(name) { collection in collection.points.keys.map { "\($0)" }.sorted() }
            lines.append("\(name): \(ids)")
        }
        return lines
    }

    /// Opens a job that no runner works on.
    @discardableResult
    func openJob(_ target: String, config: [String: String] = [:]) async throws -> JobID {
        let order = OpenIngestionJob(
            targetKey: target,
            configHash: "hash",
            config: config,
            settings: JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600),
            controllerId: "elsewhere:1",
            token: SystemEntropy().uuid(),
            start: true
        )
        return try await store.openJob(order).job.id
    }

    func job(_ id: JobID) async throws -> JobStatus? {
        try await store.stats(GetIngestionJobStats(job: id)).job?.status
    }
}
