import Engine
import Fakes
import Migration
import Synchronization
import Testing

/// What takes minutes: waiting for work, an outage of the store, a quota slower than a batch's deadline.
extension EngineTests {
    @Suite struct EnduranceTests {
        @Test func `a worker that finds nothing stays for as long as the job is open`() async throws {
            let polls = Mutex(0)
            let hook = FaultHook(before: { call throws(PortFailure) in
                if call == ClaimNextBatch.function { polls.withLock { $0 += 1 } }
            })
            let world = try await World(rows: World.rows(20), storeFaults: hook)
            // The process that opened the job has died before it planned anything.
            let open = world.opening()
            let order = Controller.Order(open: open, batchSize: 10)
            let opened = try await world.store.openJob(open)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let runner = Runner(
                        ports: world.ports,
                        settings: Runner.Settings(workers: 1, name: "worker"),
                        stop: StopSignal()
                    )
                    let end = await runner.run(
                        .working(opened.job),
                        configHash: opened.job.configHash,
                        plan: try world.plan()
                    )
                    if case .jobEnded(.completed) = end { return }
                    Issue.record("it ended with \(end)")
                }
                while polls.withLock(\.self) < 12 { try await world.time.sleep(for: .seconds(1)) }
                group.addTask {
                    let state = RunnerState(stop: StopSignal())
                    let controller = Controller(ports: world.ports, state: state, order: order)
                    await controller.run(try await world.store.openJob(open))
                }
                try await group.next()
                group.cancelAll()
            }
            #expect(try await world.stats().processed == 20)
        }

        @Test func `a lease is believed in from when its heartbeat was sent, however late the answer comes`()
            async throws
        {
            let sent = Mutex(Duration.zero)
            let time = Time(FastClock())
            let hook = FaultHook(
                before: { call throws(PortFailure) in
                    if call == BumpBatchProgress.function { sent.withLock { $0 = time.now } }
                },
                after: { call throws(PortFailure) in
                    if call == BumpBatchProgress.function { try? await time.sleep(for: .seconds(20)) }
                }
            )
            let world = try await World(rows: World.rows(10), time: time, storeFaults: hook)
            let open = world.opening()
            let order = Controller.Order(open: open, batchSize: 10)
            let opened = try await world.store.openJob(open)
            let ids = World.rows(10).map(\.id)
            _ = try await world.store.appendBatches(
                AppendIngestionBatches(
                    job: 1,
                    epoch: opened.epoch,
                    token: order.token,
                    expectedCursor: nil,
                    batches: [ids]
                )
            )
            let claim = ClaimNextBatch(
                job: 1,
                worker: "w",
                claimId: SeededEntropy(5).uuid(),
                limit: 1,
                configHash: opened.job.configHash,
                floor: nil
            )
            let claimed = time.now
            let batch = try #require(try await world.store.claim(claim).batches.first)
            let lease = HeldLease(batch: batch, claimID: claim.claimId, sent: claimed)
            try await time.sleep(for: .seconds(30))
            let keeper = LeaseKeeper(
                ports: world.ports,
                state: RunnerState(stop: StopSignal()),
                job: 1,
                runner: "r",
                interval: .seconds(60)
            )
            keeper.add(lease)
            let before = time.now
            await keeper.beat()
            #expect(time.now - before >= .seconds(20))
            #expect(lease.mayWrite(at: before + .seconds(114)), "extended")
            #expect(!lease.mayWrite(at: sent.withLock(\.self) + .seconds(115)), "120 s less 5, from when it was sent")
        }

        @Test(arguments: [false, true])
        func `a lease is believed in from when its claim was sent, however late the answer comes`(isLate: Bool) {
            World.virtually { time in
                let hook = FaultHook(
                    before: { call throws(PortFailure) in
                        if call == BumpBatchProgress.function { throw PortFailure(.unavailable, "unreachable") }
                    },
                    after: { call throws(PortFailure) in
                        if call == ClaimNextBatch.function, isLate { try? await time.sleep(for: .seconds(20)) }
                    }
                )
                let writes = Mutex<[Duration]>([])
                let writeHook = FaultHook(before: { call throws(PortFailure) in
                    if call == "qdrant.upsert" { writes.withLock { $0.append(time.now) } }
                })
                let world = try await World(
                    rows: World.rows(10),
                    time: time,
                    storeFaults: hook,
                    pointFaults: writeHook
                )
                // The trust ends 115 s after the claim was sent, and 115 s after a late answer would be too late.
                world.embedder.update { $0.latency = .seconds(97) }
                let stop = StopSignal()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await world.run(workers: 1, stop: stop) }
                    group.addTask {
                        try await time.sleep(for: .seconds(130))
                        stop.raise(.release)
                    }
                    try await group.waitForAll()
                }
                // A second claim may write later: the vectors are there.
                #expect(writes.withLock { $0.contains { $0 < .seconds(120) } } != isLate, "\(writes.withLock(\.self))")
            }
        }

        @Test func `a claim that is answered when the deadline is near costs no retry`() {
            World.virtually { time in
                let hook = FaultHook(before: { call throws(PortFailure) in
                    // 30 s of a deadline of 60 s are for new work, counted from when the claim was sent first.
                    guard call == ClaimNextBatch.function, time.now < .seconds(40) else { return }
                    throw PortFailure(.unavailable, "connection refused")
                })
                let world = try await World(rows: World.rows(10), time: time, storeFaults: hook)
                let settings = JobSettings(maxRetries: 0, leaseSeconds: 120, batchTimeoutSeconds: 60)
                let end = try await world.run(workers: 1, settings: settings)
                guard case .jobEnded(.completed) = end else {
                    Issue.record("it ended with \(end)")
                    return
                }
                let stats = try await world.stats()
                #expect(stats.processed == 10)
                #expect(stats.defers == 1, "given back, and claimed anew at once")
            }
        }

        @Test func `an outage of the store for minutes uses up nobody's retries`() async throws {
            let outage = Outage(isOn: false)
            let world = try await World(rows: World.rows(300), storeFaults: outage.hook)
            world.embedder.update { $0.latency = .seconds(3) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<2 { group.addTask { try await world.run(workers: 2, name: "runner-\(number)") } }
                group.addTask {
                    while try await world.stats().completed < 4 { try await world.time.sleep(for: .seconds(1)) }
                    let held = try await world.stats().processing
                    outage.begin()
                    #expect(held > 0, "leases ran out meanwhile")
                    // A lease of 120 s and the reaper's grace of 30 s.
                    try await world.time.sleep(for: .seconds(200))
                    outage.end()
                }
                try await group.waitForAll()
            }
            let stats = try await world.stats()
            #expect(stats.job?.status == .completed)
            #expect(stats.processed == 300)
            #expect(stats.retries == 0)
            #expect(stats.reaps == 0)
            #expect(stats.equal == true)
        }

        @Test
        func `a batch that outlives its deadline for want of quota goes on where it was and pays for nothing twice`()
            async throws
        {
            let world = try await World(rows: World.rows(6))
            // About 25 s per record, and 60 s of work in an attempt.
            let plan = try world.plan(quota: 72)
            let settings = JobSettings(maxRetries: 0, leaseSeconds: 60, batchTimeoutSeconds: 120)
            guard
                case .jobEnded(.completed) = try await world.run(
                    workers: 1,
                    batchSize: 6,
                    settings: settings,
                    plan: plan
                )
            else {
                Issue.record("not completed")
                return
            }
            let stats = try await world.stats()
            #expect(stats.processed == 6)
            #expect(stats.defers > 0, "its deadline came before its end")
            #expect(stats.retries == 0)
            #expect(world.embedder.totals.texts == 6)
        }
    }
}
