// Longer than 300 lines: one suite, whose tests share their world.

import Engine
import Fakes
import Migration
import Synchronization
import Testing

/// What a runner does when it is not the records that fail, and when too many points would be deleted.
extension EngineTests {
    @Suite struct JobBrakeTests {
        private func run(
            _ world: World,
            _ limits: BrakeLimits,
            workers: Int = 1,
            batchSize: Int = 10,
            settings: JobSettings = JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600)
        ) async throws -> StopReason {
            let open = world.opening(settings: settings)
            let order = Controller.Order(open: open, batchSize: batchSize)
            let opened = try await world.store.openUntilAnswered(open)
            let runner = Runner(
                ports: world.ports,
                settings: Runner.Settings(workers: workers, name: "runner", brakes: limits),
                stop: StopSignal()
            )
            return await runner.run(
                .controlling(opened, order),
                configHash: opened.job.configHash,
                plan: try world.plan()
            )
        }

        private func resume(_ world: World) async throws {
            let answer = try await world.store.control(.init(job: 1, action: .resume, reason: nil))
            #expect(answer.result == .applied)
        }

        private func brake(_ reason: StopReason) -> Brake.Kind? {
            if case .braked(let brake) = reason { brake.kind } else { nil }
        }

        /// Every fifth text is refused, the others are not.
        private static let someRefused: @Sendable (String) -> Bool = { $0.contains(#/^Record \d*[05] /#) }

        // MARK: Failures

        @Test func `failures of services pause the job with the reason, and a resume counts them anew`() async throws {
            let world = try await World(rows: World.rows(100))
            world.embedder.update { $0.refusesText = Self.someRefused }
            let limits = BrakeLimits(failuresMax: 5)
            #expect(brake(try await run(world, limits)) == .failures)
            let first = try await world.stats()
            #expect(first.job?.status == .paused)
            #expect(first.job?.reason?.hasPrefix("6 records were given up") == true)
            // Two of each batch: three batches reach it, and no fourth is begun.
            #expect(first.serviceFailures == 6 && first.completed == 3 && first.processing == 0)
            try await resume(world)
            #expect(brake(try await run(world, limits)) == .failures)
            let second = try await world.stats()
            #expect(second.serviceFailuresBaseline == 6 && second.serviceFailures == 12 && second.completed == 6)
        }

        @Test func `0 is never, and a small job ends without a brake`() async throws {
            for limits in [BrakeLimits(failuresMax: 0), BrakeLimits()] {
                let world = try await World(rows: World.rows(60))
                world.embedder.update { $0.refusesText = Self.someRefused }
                guard case .jobEnded(.completed) = try await run(world, limits, workers: 3) else {
                    Issue.record("braked at \(limits)")
                    return
                }
                #expect(try await world.stats().serviceFailures == 12)
            }
        }

        @Test func `failures of the records' own content never pause it`() async throws {
            let rows = World.rows(60).map { SourceRecord(id: $0.id, memberCode: nil, content: $0.content) }
            let world = try await World(rows: rows)
            guard case .jobEnded(.completed) = try await run(world, BrakeLimits(failuresMax: 1)) else {
                Issue.record("braked")
                return
            }
            let stats = try await world.stats()
            #expect(stats.failedRecords == 60 && stats.serviceFailures == 0)
        }

        /// Between the look at the counters and the pause the job is paused by another runner, and resumed by a person.
        @Test func `a pause that a resume has overtaken is taken back`() async throws {
            let once = Mutex(true)
            let other = Mutex<FakeSupabase?>(nil)
            let hook = FaultHook(before: { call throws(PortFailure) in
                guard call == ControlIngestionJob.function, let store = other.withLock(\.self),
                    once.withLock({ isFirst in
                        defer { isFirst = false }
                        return isFirst
                    })
                else { return }
                _ = try await store.control(.init(job: 1, action: .pause, reason: "another"))
                _ = try await store.control(.init(job: 1, action: .resume, reason: nil))
            })
            let world = try await World(rows: World.rows(50), storeFaults: hook)
            other.withLock { $0 = world.store }
            world.embedder.update { $0.refusesText = { $0.contains(#/^Record [05] /#) } }
            guard case .jobEnded(.completed) = try await run(world, BrakeLimits(failuresMax: 2)) else {
                Issue.record("the stale pause stayed")
                return
            }
            let stats = try await world.stats()
            #expect(stats.serviceFailures == 2 && stats.serviceFailuresBaseline == 2)
            other.withLock { $0 = nil }
        }

        @Test func `a pause of a person's is left alone, and the runner waits`() async throws {
            let once = Mutex(true)
            let other = Mutex<FakeSupabase?>(nil)
            let hook = FaultHook(before: { call throws(PortFailure) in
                guard call == ControlIngestionJob.function, let store = other.withLock(\.self),
                    once.withLock({ isFirst in
                        defer { isFirst = false }
                        return isFirst
                    })
                else { return }
                _ = try await store.control(.init(job: 1, action: .pause, reason: "lunch"))
            })
            let world = try await World(rows: World.rows(50), storeFaults: hook)
            other.withLock { $0 = world.store }
            world.embedder.update { $0.refusesText = { $0.contains(#/^Record [05] /#) } }
            async let reason = run(world, BrakeLimits(failuresMax: 2))
            // Its worker has asked twice in vain: it waits, and has not left.
            let isWaiting = { world.events.count { if case .paused = $0 { true } else { false } } >= 2 }
            while !isWaiting() { await Task.yield() }
            #expect(try await world.stats().job?.reason == "lunch")
            try await resume(world)
            guard case .jobEnded(.completed) = try await reason else {
                Issue.record("it left")
                return
            }
            other.withLock { $0 = nil }
        }

        // MARK: Refusals

        @Test func `an embedder that refuses everything pauses the job, and no record is given up`() async throws {
            let world = try await World(rows: World.rows(60))
            world.embedder.update { $0.refusesText = { _ in true } }
            #expect(brake(try await run(world, BrakeLimits())) == .refusals)
            let stats = try await world.stats()
            #expect(stats.job?.status == .paused && stats.failedRecords == 0 && stats.completed == 0)
            #expect(stats.job?.reason?.contains("refused every request of 3 batches") == true)
            #expect(stats.processing == 0)
            world.embedder.update { $0.refusesText = { _ in false } }
            try await resume(world)
            guard case .jobEnded(.completed) = try await run(world, BrakeLimits(), workers: 3) else {
                Issue.record("not completed")
                return
            }
            #expect(try await world.stats().processed == 60)
        }

        @Test func `a point store that refuses everything pauses the job, and no record is given up`() async throws {
            let refuses = Mutex(true)
            let hook = FaultHook(before: { call throws(PortFailure) in
                guard call == "qdrant.upsert", refuses.withLock(\.self) else { return }
                throw PortFailure(.rejected, "no room", code: "full")
            })
            let world = try await World(rows: World.rows(60), pointFaults: hook)
            #expect(brake(try await run(world, BrakeLimits(), workers: 2)) == .refusals)
            let stats = try await world.stats()
            #expect(stats.job?.status == .paused && stats.failedRecords == 0)
            #expect(stats.job?.reason?.contains("the point store") == true)
            refuses.withLock { $0 = false }
            try await resume(world)
            guard case .jobEnded(.completed) = try await run(world, BrakeLimits()) else {
                Issue.record("not completed")
                return
            }
            #expect(try await world.stats().processed == 60)
        }

        @Test func `a first batch of nothing but bad records does not stop the others`() async throws {
            let world = try await World(rows: World.rows(60))
            world.embedder.update { $0.refusesText = { $0.contains(#/^Record \d /#) } }
            guard case .jobEnded(.completed) = try await run(world, BrakeLimits()) else {
                Issue.record("braked")
                return
            }
            let stats = try await world.stats()
            #expect(stats.failedRecords == 10 && stats.processed == 50 && stats.defers == 1)
        }

        @Test func `a job of two batches of bad records ends, and so does any other with MAX_FAILURES=0`() async throws
        {
            for (rows, limits) in [(20, BrakeLimits()), (60, BrakeLimits(failuresMax: 0))] {
                let world = try await World(rows: World.rows(rows))
                world.embedder.update { $0.refusesText = { _ in true } }
                guard case .jobEnded(.completed) = try await run(world, limits) else {
                    Issue.record("\(rows) rows braked")
                    return
                }
                #expect(try await world.stats().failedRecords == Int64(rows))
            }
        }

        @Test func `a worker process that braked is not started again, and its runner ends alike`() async throws {
            let world = try await World(rows: World.rows(5))
            let processes = ScriptedProcesses { run, stop, _ in
                if run == 1 { return .left(.braked(Brake(.failures, "why"))) }
                await stop.wait(for: .release)
                return .left(.signalled)
            }
            #expect(brake(try await world.run(workers: 2, processes: processes)) == .failures)
            #expect((1...2).contains(processes.runs))
        }

        // MARK: Removals

        /// A table that was migrated, and of which so many rows are blank now.
        private func blanked(_ blank: Int, of rows: Int) async throws -> World {
            let world = try await World(rows: World.rows(rows))
            _ = try await world.run(workers: 3)
            for row in World.rows(rows).prefix(blank) {
                world.source.put(SourceRecord(id: row.id, memberCode: row.memberCode, content: .text(" ")))
            }
            return world
        }

        private func owners(_ world: World, _ rows: Int) async throws -> Int {
            Set(
                try await world.points.points(of: World.rows(rows).map(\.id), owner: World.owner).map(\.recordID)
            ).count
        }

        @Test func `an emptied table keeps its points, and the job is paused with the numbers`() async throws {
            let world = try await blanked(80, of: 80)
            let reason = try await run(world, BrakeLimits(removalsMin: 15))
            #expect(brake(reason) == .removals)
            let stats = try await world.store.stats(GetIngestionJobStats(job: 2))
            #expect(stats.job?.status == .paused && stats.removed == 10 && stats.skipped == 10)
            #expect(stats.job?.reason?.hasPrefix("20 of 20 records are gone or blank") == true)
            #expect(try await owners(world, 80) == 70)
            // The batch was given back: its records are no dead letters.
            #expect(stats.failedRecords == 0 && stats.processing == 0 && stats.failed == 0)
            // After a resume as many again, and with leave all of them.
            for left in [60, 0] {
                let answer = try await world.store.control(.init(job: 2, action: .resume, reason: nil))
                #expect(answer.result == .applied)
                let limits = BrakeLimits(removalsMin: 15, allowsRemovals: left == 0)
                #expect((brake(try await run(world, limits)) != nil) == (left > 0))
                #expect(try await owners(world, 80) == left)
            }
        }

        @Test func `several workers at once remove no more together than one`() async throws {
            let world = try await blanked(120, of: 120)
            #expect(brake(try await run(world, BrakeLimits(removalsMin: 15), workers: 6)) == .removals)
            #expect(try await owners(world, 120) >= 110)
        }

        @Test func `what a batch has removed counts while its end is on the way`() {
            World.virtually { time in
                let calls = Mutex((isArmed: false, claims: 0, ends: 0))
                let hook = FaultHook(before: { call throws(PortFailure) in
                    let wait = calls.withLock { calls -> Duration in
                        guard calls.isArmed else { return .zero }
                        if call == ClaimNextBatch.function { calls.claims += 1 }
                        if call == FinishBatch.function { calls.ends += 1 }
                        // The second batch begins when the first has removed its points, and its end takes a minute.
                        if call == ClaimNextBatch.function, calls.claims == 2 { return .seconds(20) }
                        return call == FinishBatch.function && calls.ends == 1 ? .seconds(60) : .zero
                    }
                    if wait > .zero { try? await time.sleep(for: wait) }
                })
                let rows = World.rows(20)
                let world = try await World(rows: rows, time: time, storeFaults: hook)
                try await world.run()
                for row in rows.prefix(6) + rows.suffix(5) {
                    world.source.put(SourceRecord(id: row.id, memberCode: row.memberCode, content: .text(" ")))
                }
                calls.withLock { $0.isArmed = true }
                #expect(try await brake(run(world, BrakeLimits(removalsMin: 10), workers: 2)) == .removals)
                #expect(try await owners(world, 20) == 14)
            }
        }

        @Test func `a few blank rows among many lose their points`() async throws {
            let world = try await blanked(12, of: 80)
            guard case .jobEnded(.completed) = try await run(world, BrakeLimits(removalsMin: 15)) else {
                Issue.record("braked")
                return
            }
            #expect(try await owners(world, 80) == 68)
            let stats = try await world.store.stats(GetIngestionJobStats(job: 2))
            #expect(stats.removed == 12 && stats.skipped == 12)
        }

        @Test func `verify --repair has the same brake, counted over its run`() async throws {
            let world = try await blanked(120, of: 120)
            let verify = { (limits: BrakeLimits) async throws(ServiceFailure) in
                let plan: BatchWork.Plan
                do { plan = try world.plan() } catch { preconditionFailure("\(error)") }
                return try await Verifier(
                    ports: world.ports,
                    stop: StopSignal(),
                    plan: plan,
                    repairs: true,
                    brakes: limits
                ).run(1) { _ in }
            }
            let failure = await #expect(throws: ServiceFailure.self) { _ = try await verify(BrakeLimits()) }
            #expect(failure?.failure.code == ServiceFailure.brakedCode)
            #expect(failure?.failure.detail.contains("--allow-removals") == true)
            #expect(try await owners(world, 120) >= 20)
            _ = try await verify(BrakeLimits(allowsRemovals: true))
            #expect(try await owners(world, 120) == 0)
        }
    }
}
