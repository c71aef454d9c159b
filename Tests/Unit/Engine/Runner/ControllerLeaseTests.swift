import Engine
import Fakes
import Invariants
import Migration
import Scenarios
import Simulation
import Synchronization
import Testing

/// What becomes of a plan when the source takes longer for an answer than a controller lease lasts.
@Suite(.heavy) struct `A controller whose source is slow` {
    /// What a call of the source does.
    struct Slowness: Sendable, CustomTestStringConvertible {
        let call: String
        let seconds: Int
        /// Whether it fails in the end, always: the server ends a statement after its time limit.
        var fails = false

        var testDescription: String { "\(call) \(fails ? "fails" : "answers") after \(seconds) s" }
    }

    static let answers = ["mysql.highest_id", "mysql.ids", "mysql.count"].flatMap { call in
        [1, 15, 29, 31, 50, 110].map { Slowness(call: call, seconds: $0) }
    }

    @Test(arguments: answers + [Slowness(call: "mysql.ids", seconds: 590)])
    func `keeps its lease while it waits`(slowness: Slowness) throws {
        let end = try #require(plan(slowness))
        #expect(end.job.sealed, "two controllers took the lease from each other")
        #expect(end.epoch == 1, "no other process took over")
        #expect(end.job.totalRecords == 35 && end.job.sourceCount == 35)
        #expect(end.violations == [])
    }

    @Test(arguments: [
        Slowness(call: "mysql.count", seconds: 0, fails: true), Slowness(call: "mysql.count", seconds: 29, fails: true),
        Slowness(call: "mysql.count", seconds: 119, fails: true), Slowness(call: "mysql.count", seconds: 121),
        Slowness(call: "mysql.count", seconds: 600, fails: true), Slowness(call: "mysql.count", seconds: 1_000_000),
    ])
    func `seals with an unknown count after one bounded try`(slowness: Slowness) throws {
        let end = try #require(plan(slowness))
        #expect(end.job.sealed, "\(end.counts) counts were begun, and the plan was never sealed")
        #expect(end.counts == 1)
        #expect(end.epoch == 1)
        #expect(end.job.totalRecords == 35 && end.job.sourceCount == nil)
        #expect(end.time < .seconds(200))
        #expect(end.wasSaid, "people are told why the report has no count")
    }

    @Test(
        arguments: [
            .rejected, .unauthorised, .unavailable, .unclassified, .throttled(retryAfter: nil),
        ] as [PortFailure.Kind]
    )
    func `seals with an unknown count, whatever the source says about it`(kind: PortFailure.Kind) throws {
        let end = try #require(plan(Slowness(call: "mysql.count", seconds: 1, fails: true), as: kind))
        #expect(end.job.sealed && end.job.sourceCount == nil && end.counts == 1)
        #expect(end.reason == nil, "the run goes on")
    }

    /// The end of the count wakes the task that waits for its limit: which of the two goes on first is chance.
    @Test func `takes a count that ends in time, in whatever order its tasks wake`() throws {
        for seed in 0..<20 as Range<UInt64> {
            let end = try #require(plan(Slowness(call: "mysql.count", seconds: 1), seed: seed))
            #expect(end.job.sourceCount == 35 && !end.wasSaid, "seed \(seed)")
        }
    }
}

extension `A controller whose source is slow` {
    struct End: Sendable {
        let job: JobSummary
        /// The last in which one of the two was the controller.
        let epoch: Int
        let time: Duration
        let counts: Int
        let wasSaid: Bool
        let reason: StopReason?
        let violations: [TrackingViolation]
    }

    /// What happened in one run.
    final class Notes: Sendable {
        private let state = Mutex((epoch: 0, counts: 0, wasSaid: false))
        var epoch: Int { state.withLock(\.epoch) }
        var counts: Int { state.withLock(\.counts) }
        var wasSaid: Bool { state.withLock(\.wasSaid) }

        func countBegan() { state.withLock { $0.counts += 1 } }

        func note(_ event: MigrationEvent) {
            state.withLock { state in
                switch event {
                case .uncounted: state.wasSaid = true
                case .controlling(true, let epoch): state.epoch = max(state.epoch, epoch)
                default: break
                }
            }
        }
    }

    /// Two controllers plan one job, until the plan is sealed or six hours have passed.
    private func plan(_ slowness: Slowness, as kind: PortFailure.Kind = .unavailable, seed: UInt64 = 1) -> End? {
        let result = Mutex<End?>(nil)
        let notes = Notes()
        let run = Simulation.run(seed: seed) { simulation in
            let time = Time(simulation.node("host").clock)
            let hook = FaultHook(before: { call throws(PortFailure) in
                if call == "mysql.count" { notes.countBegan() }
                guard call == slowness.call else { return }
                do { try await time.sleep(for: .seconds(slowness.seconds)) } catch {
                    throw PortFailure(.cancelled, "cancelled")
                }
                if slowness.fails { throw PortFailure(kind, "it took too long", code: "3024") }
            })
            let world = try await World(rows: World.rows(35), time: time, sourceFaults: hook)
            let states = [RunnerState(stop: StopSignal()), RunnerState(stop: StopSignal())]
            await withTaskGroup(of: Void.self) { group in
                for state in states {
                    group.addTask {
                        let open = world.opening()
                        let ports = EnginePorts(
                            source: world.source,
                            store: world.store,
                            embedder: world.embedder,
                            points: world.points,
                            time: time,
                            entropy: SeededEntropy(1),
                            report: { notes.note($0) }
                        )
                        guard let opened = try? await world.store.openJob(open) else { return }
                        let order = Controller.Order(open: open, batchSize: 3, pageSize: 100)
                        await Controller(ports: ports, state: state, order: order).run(opened)
                    }
                }
                for _ in 0..<(6 * 60) {
                    try? await time.sleep(for: .seconds(60))
                    if (try? await world.stats().job?.sealed) == true { break }
                }
                for state in states { state.stop.raise(.release) }
                group.cancelAll()
            }
            guard let job = try await world.stats().job else { return }
            let end = End(
                job: job,
                epoch: notes.epoch,
                time: time.now,
                counts: notes.counts,
                wasSaid: notes.wasSaid,
                reason: states.lazy.compactMap(\.reason).first,
                violations: world.store.evidence().violations()
            )
            result.withLock { $0 = end }
        }
        if let failure = run.failure { Issue.record("\(failure)") }
        return result.withLock(\.self)
    }
}
