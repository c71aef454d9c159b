import Engine
import Fakes
import Migration
import Simulation
import Synchronization
import Testing

/// What becomes of a run when a service gives an unknown code.
@Suite(.heavy) struct `A code nobody has classified` {
    /// Calls that fail with it, and the service behind them.
    struct Place: Sendable, CustomTestStringConvertible {
        let service: Service
        let calls: Set<String>
        var testDescription: String { calls.sorted().joined(separator: ", ") }

        init(_ service: Service, _ calls: String...) {
            self.service = service
            self.calls = Set(calls)
        }
    }

    static let places = [
        Place(.source, "mysql.highest_id"), Place(.source, "mysql.ids"), Place(.source, "mysql.records"),
        Place(.source, "mysql.portions", "mysql.records"),
        Place(.store, AppendIngestionBatches.function), Place(.store, SealIngestionPlan.function),
        Place(.store, ClaimNextBatch.function), Place(.store, FinishBatch.function),
        Place(.store, GetIngestionJobStats.function, ClaimNextBatch.function, BumpBatchProgress.function),
        Place(.embedder, "openai.embed"), Place(.points, "qdrant.upsert"), Place(.points, "qdrant.points"),
    ]

    @Test(arguments: places) func `is ridden out for a minute and a half, and costs nothing`(place: Place) throws {
        let end = try #require(run(failing: place, from: .zero, for: .seconds(90)))
        #expect(end.reason.isCompleted, "\(end.reason)")
        #expect(end.failures > 3, "it was asked again")
        #expect(end.counts == BatchCounts(processed: 40))
    }

    @Test(arguments: places) func `that does not pass ends the run after two minutes, and everything is kept`(
        place: Place
    ) throws {
        let end = try #require(run(failing: place, from: .zero, for: .seconds(100_000)))
        guard case .fatal(let service, let failure) = end.reason else {
            Issue.record("\(end.reason)")
            return
        }
        #expect(service == place.service)
        #expect(failure.kind == .unclassified && failure.code == "65000")
        #expect(failure.detail.contains("two minutes"))
        #expect((.seconds(120)...(.seconds(300))).contains(end.time), "\(end.time)")
        #expect(end.counts.failed == 0)
    }

    @Test(arguments: [0, 20, 39]) func `for one row gives up that row alone, the last one of the job too`(
        row: Int
    ) throws {
        let end = try #require(run(breaking: World.rows(40)[row].id))
        #expect(end.reason.isCompleted, "\(end.reason)")
        #expect(end.counts == BatchCounts(processed: 39, failed: 1))
    }
}

extension `A code nobody has classified` {
    struct End: Sendable {
        let reason: StopReason
        let time: Duration
        let failures: Int
        let counts: BatchCounts
    }

    /// One runner on 40 records, in virtual time, while a call fails.
    private func run(
        failing place: Place? = nil,
        from start: Duration = .zero,
        for duration: Duration = .zero,
        breaking row: RecordID? = nil
    ) -> End? {
        let result = Mutex<End?>(nil)
        let failures = Mutex(0)
        let strange = PortFailure(.unclassified, "an error of the cluster (65000)", code: "65000")
        let run = Simulation.run(seed: 1) { simulation in
            let node = simulation.node("runner")
            let time = Time(node.clock)
            let hook = FaultHook(before: { call throws(PortFailure) in
                if place?.calls.contains(call) == true, time.now >= start, time.now < start + duration {
                    failures.withLock { $0 += 1 }
                    throw strange
                }
            })
            let world = try await World(
                rows: World.rows(40),
                time: time,
                unreadable: row.map { [$0] } ?? [],
                broken: strange,
                storeFaults: hook,
                sourceFaults: hook,
                embedderFaults: hook,
                pointFaults: hook
            )
            let reason = try await world.run()
            let stats = try await world.stats()
            let end = End(
                reason: reason,
                time: time.now,
                failures: failures.withLock(\.self),
                counts: BatchCounts(
                    processed: Int(stats.processed),
                    skipped: Int(stats.skipped),
                    failed: Int(stats.failedRecords),
                    missing: Int(stats.missing)
                )
            )
            result.withLock { $0 = end }
        }
        if let failure = run.failure { Issue.record("\(failure)") }
        return result.withLock(\.self)
    }
}

extension StopReason {
    fileprivate var isCompleted: Bool { if case .jobEnded(.completed) = self { true } else { false } }
}
