import Engine
import Fakes
import Migration
import Testing

extension EngineTests {
    @Suite struct LeaseTests {
        @Test func `a worker whose lease is lost writes nothing more and reports nothing`() async throws {
            // The worker's heartbeats never arrive, and its embedder is slower than the lease: by the time the vectors come, the
            // reaper of another runner has given the batch away.
            let slow = FaultHook(before: { call throws(PortFailure) in
                guard call == "openai.embed" else { return }
                try? await ContinuousClock().sleep(for: .seconds(4))
            })
            let deaf = FaultHook(before: { call throws(PortFailure) in
                if call == "bump_batch_progress" { throw PortFailure(.unavailable, "unreachable") }
            })
            let world = try await World(rows: World.rows(3), storeFaults: deaf, embedderFaults: slow)
            let stop = StopSignal()
            let lease = JobSettings(maxRetries: 3, leaseSeconds: 20, batchTimeoutSeconds: 600)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = try? await world.run(workers: 1, settings: lease, stop: stop) }
                group.addTask {
                    try? await ContinuousClock().sleep(for: .seconds(5))
                    stop.raise(.release)
                }
            }
            let writes = try await world.points.count(nil, owner: nil)
            #expect(writes == 0, "a lease that was not renewed is not believed in")
            #expect(try await world.stats().completed == 0)
        }

        @Test func `what somebody set on a point since is carried over to its next version`() async throws {
            let world = try await World(rows: World.rows(1))
            try await world.run()
            let id = World.rows(1)[0].id
            let point = Point(
                id: try #require(try await world.points.points(of: [id], owner: World.owner).first).id,
                recordID: id,
                memberCode: "member-0",
                collectionIDs: [4, 5],
                checksum: "older",
                profile: "older",
                source: World.owner.source,
                parentIndex: 0,
                body: .parent(text: "older")
            )
            try await world.points.upsert([point])
            try await world.run()
            let now = try await world.points.points(of: [id], owner: World.owner)
            #expect(now.count == 2)
            #expect(now.allSatisfy { $0.collectionIDs == [4, 5] && $0.checksum != "older" })
        }

        @Test func `a batch that would run past its deadline is deferred, and keeps what it wrote`() async throws {
            let world = try await World(rows: World.rows(12))
            // Each request takes 20 s of the fast clock; the batch of 12 records needs 12 requests, its deadline is at 150 s.
            world.embedder.update { $0.latency = .seconds(20) }
            let settings = JobSettings(maxRetries: 0, leaseSeconds: 60, batchTimeoutSeconds: 150)
            let reason = try await run(world, settings, batchSize: 12)
            guard case .jobEnded(.completed) = reason else {
                Issue.record("ended with \(reason)")
                return
            }
            let stats = try await world.stats()
            #expect(stats.processed == 12)
            #expect(stats.retries == 0)
            #expect((1...6).contains(stats.defers), "\(stats.defers) deadlines were met")
            // What is on its way when the deadline comes near is written all the same.
            #expect(world.embedder.totals.texts == 12)
        }

        @Test func `a batch that is slow by itself and writes nothing until its deadline is given up`() async throws {
            // The source answers every time, after most of the deadline.
            let slow = FaultHook(before: { call throws(PortFailure) in
                guard call == "mysql.records" else { return }
                try? await ContinuousClock().sleep(for: .seconds(10))
            })
            let world = try await World(rows: World.rows(4), sourceFaults: slow)
            let settings = JobSettings(maxRetries: 0, leaseSeconds: 60, batchTimeoutSeconds: 150)
            guard case .jobEnded(.failed) = try await run(world, settings, batchSize: 4) else {
                Issue.record("it did not fail")
                return
            }
            let stats = try await world.stats()
            #expect(stats.failedRecords == 4)
            #expect(stats.equal == true)
            let batches = try await world.store.batches(
                ListIngestionBatches(job: 1, filter: .init(), after: nil, limit: 10)
            )
            #expect(batches.rows.map(\.errorCode) == ["deadline"])
        }

        /// One worker whose requests hold one text each.
        private func run(_ world: World, _ settings: JobSettings, batchSize: Int) async throws -> StopReason {
            let open = world.opening(settings: settings)
            let order = Controller.Order(open: open, batchSize: batchSize)
            let opened = try await world.store.openJob(open)
            let runner = Runner(
                ports: world.ports,
                settings: Runner.Settings(workers: 1, heartbeatInterval: .seconds(15), name: "slow"),
                stop: StopSignal()
            )
            let plan = BatchWork.Plan(
                shaper: try world.plan().shaper,
                owner: World.owner,
                limits: RequestLimits(inputsMax: 1, tokensMax: 1000),
                pointsPerWrite: FakeQdrant.pointsPerWrite,
                quota: QuotaGate(name: "q", tokensPerMinute: nil, requestsPerMinute: nil),
                schema: World.schema
            )
            return await runner.run(.controlling(opened, order), configHash: opened.job.configHash, plan: plan)
        }
    }
}
