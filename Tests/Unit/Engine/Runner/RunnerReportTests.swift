import Engine
import Fakes
import Migration
import Synchronization
import Testing

/// What runners tell the store of themselves, and what they have paid.
extension EngineTests {
    @Suite struct RunnerReportTests {
        private static func runners(_ world: World) async throws -> [RunnerSummary] {
            try await world.store.runners(ListIngestionRunners(job: 1)).rows
        }

        /// What the store says of the runner at these seconds, while it works.
        private static func watch(
            _ world: World,
            at seconds: [Int],
            plan: BatchWork.Plan? = nil,
            stop: StopSignal = StopSignal(),
            _ act: @escaping @Sendable (Int) async throws -> Void = { _ in }
        ) async throws -> [Int: RunnerSummary] {
            try await withThrowingTaskGroup(of: [Int: RunnerSummary].self) { group in
                group.addTask {
                    try await world.run(workers: 2, stop: stop, plan: plan, name: "host:7")
                    return [:]
                }
                group.addTask {
                    var seen: [Int: RunnerSummary] = [:]
                    var passed = 0
                    for second in seconds {
                        try await world.time.sleep(for: .seconds(second - passed))
                        passed = second
                        seen[second] = try await runners(world).first
                        try await act(second)
                    }
                    return seen
                }
                return try await group.reduce(into: [:]) { $0.merge($1) { first, _ in first } }
            }
        }

        @Test func `from its first batch to its end`() {
            World.virtually { time in
                let world = try await World(rows: World.rows(30), time: time)
                try await world.run(workers: 3, name: "host.example:42")
                let all = try await Self.runners(world)
                let one = try #require(all.first)
                #expect(all.count == 1)
                #expect([one.runner, one.host, one.state] == ["host.example:42", "host.example", "left"])
                #expect(one.reason == "the job is completed")
                #expect([Int64(one.workers), Int64(one.held), one.batches, one.records] == [3, 0, 3, 30])
                #expect(!one.isAlive)
            }
        }

        @Test func `that its reports fail changes nothing, and nobody is told`() {
            World.virtually { time in
                let outage = Outage(of: "report_runner")
                let world = try await World(rows: World.rows(30), time: time, storeFaults: outage.hook)
                let reason = try await world.run(name: "host:7")
                guard case .jobEnded(.completed) = reason else {
                    Issue.record("\(reason)")
                    return
                }
                #expect(try await Self.runners(world).isEmpty)
                #expect(!world.events.contains { if case .retrying = $0 { true } else { false } })
            }
        }

        @Test func `which service it waits for, since when, and that it is back`() {
            World.virtually { time in
                let outage = Outage()
                let world = try await World(rows: World.rows(200), time: time, embedderFaults: outage.hook)
                world.embedder.update { $0.latency = .seconds(2) }
                let seen = try await Self.watch(world, at: [25, 55, 90]) { second in if second == 55 { outage.end() } }
                for second in [25, 55] {
                    let one = try #require(seen[second])
                    #expect([one.state, one.service, one.reason] == ["service_away", "embedder", "unavailable"])
                    #expect(one.isAlive)
                }
                let later = try #require(seen[55])
                #expect(later.sinceMs > 45_000)
                #expect(["running", "left"].contains(seen[90]?.state))
            }
        }

        @Test func `that it is paused, and in whose words`() {
            World.virtually { time in
                let world = try await World(rows: World.rows(200), time: time)
                world.embedder.update { $0.latency = .seconds(4) }
                let seen = try await Self.watch(world, at: [8, 40, 80]) { second in
                    guard second < 80 else { return }
                    _ = try await world.store.control(
                        .init(job: 1, action: second == 8 ? .pause : .resume, reason: second == 8 ? "lunch" : nil)
                    )
                }
                #expect(seen[8]?.state == "running")
                #expect([seen[40]?.state, seen[40]?.reason] == ["paused", "lunch"])
                #expect(["running", "idle", "left"].contains(seen[80]?.state))
            }
        }

        @Test func `that the quota paces it`() {
            World.virtually { time in
                let world = try await World(rows: World.rows(60), time: time)
                let seen = try await Self.watch(world, at: [30, 31, 45], plan: world.plan(quota: 200))
                let paced = seen.values.filter { $0.state == "quota" }
                #expect(!paced.isEmpty && paced.allSatisfy { $0.untilMs != nil })
            }
        }

        @Test func `that it was told to stop, and then that it has left`() {
            World.virtually { time in
                let stop = StopSignal()
                let world = try await World(rows: World.rows(200), time: time)
                world.embedder.update { $0.latency = .seconds(20) }
                let seen = try await Self.watch(world, at: [5, 18], stop: stop) { second in
                    if second == 5 { stop.raise(.drain) }
                }
                // Each of its two workers waits for the answer to its first request.
                #expect(seen[18]?.state == "draining" && seen[18]?.held == 2)
                let left = try #require(try await Self.runners(world).first)
                #expect([left.state, left.reason] == ["left", "it was told to stop"])
            }
        }

        @Test func `that there is nothing to claim, while another holds what is left`() {
            World.virtually { time in
                let world = try await World(rows: World.rows(10), time: time)
                let open = world.opening()
                let opened = try await world.store.openUntilAnswered(open)
                let order = Controller.Order(open: open, batchSize: 10)
                let state = RunnerState(stop: StopSignal())
                let planner = Controller(ports: world.ports, state: state, order: order)
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await planner.run(opened) }
                    group.addTask { _ = try? await time.sleep(for: .seconds(1)) }
                    await group.next()
                    group.cancelAll()
                }
                _ = try await world.store.claim(
                    .init(
                        job: 1,
                        worker: "other:1/0",
                        claimId: SeededEntropy(5).uuid(),
                        limit: 1,
                        configHash: opened.job.configHash,
                        floor: nil
                    )
                )
                let seen = try await Self.watch(world, at: [40])
                #expect(seen[40]?.state == "idle")
            }
        }

        // MARK: What was paid

        private static func told(_ world: World) -> Int {
            world.events.reduce(0) { sum, event in
                if case .embedded(_, let tokens, _, _) = event { sum + tokens } else { sum }
            }
        }

        @Test func `what its embedder has billed, to the token`() {
            World.virtually { time in
                let world = try await World(rows: World.rows(95), time: time)
                try await world.run()
                let stats = try await world.stats()
                #expect(stats.equal == true)
                #expect(stats.billedTokens == Int64(world.embedder.totals.tokens))
                #expect(stats.billedTokens == Int64(Self.told(world)) && stats.billedTokens > 500)
                #expect(stats.billedNanodollars == stats.billedTokens * 20)
            }
        }

        /// Batches that are given back have paid as well; the second runner pays for the rest alone.
        @Test(arguments: [3, 7, 12, 20, 31]) func `also of batches that it gives back`(second: Int) {
            World.virtually { time in
                let world = try await World(rows: World.rows(120), time: time)
                world.embedder.update { $0.latency = .seconds(1) }
                let stop = StopSignal()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await world.run(workers: 2, batchSize: 40, stop: stop) }
                    group.addTask {
                        try await time.sleep(for: .milliseconds(second * 100))
                        stop.raise(.release)
                    }
                    try await group.waitForAll()
                }
                let first = try await world.stats()
                #expect(first.equal == true && first.processing == 0)
                #expect(first.billedTokens == Int64(Self.told(world)))
                try await world.run()
                let stats = try await world.stats()
                #expect(stats.equal == true && stats.job?.status == .completed)
                #expect(stats.billedTokens == Int64(Self.told(world)))
            }
        }

        /// The answer of a finish is lost, and it is sent again and again.
        @Test func `once, however often an end is told`() {
            World.virtually { time in
                let count = Mutex(0)
                let hook = FaultHook(
                    after: { name throws(PortFailure) in
                        guard name == "finish_batch" else { return }
                        let isLost = count.withLock {
                            $0 += 1
                            return $0 % 3 != 0
                        }
                        if isLost { throw PortFailure(.outcomeUnknown, "the connection has ended") }
                    }
                )
                let world = try await World(rows: World.rows(60), time: time, storeFaults: hook)
                try await world.run()
                let stats = try await world.stats()
                #expect(stats.equal == true && stats.billedTokens == Int64(world.embedder.totals.tokens))
                #expect(count.withLock(\.self) > 6)
            }
        }
    }
}
