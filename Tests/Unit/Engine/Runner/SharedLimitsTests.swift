import Engine
import Fakes
import Migration
import Synchronization
import Testing

/// What one worker learns about a service spares the others the same experience.
extension EngineTests {
    @Suite struct SharedLimitsTests {
        @Test func `while points cannot be written, nobody goes on paying for vectors`() async throws {
            let outage = Outage(of: "qdrant.upsert")
            let world = try await World(rows: World.rows(400), pointFaults: outage.hook)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await world.run(workers: 4) }
                group.addTask {
                    try await world.time.sleep(for: .seconds(150))
                    outage.end()
                }
                try await group.waitForAll()
            }
            let stats = try await world.stats()
            #expect(stats.job?.status == .completed)
            #expect(stats.processed == 400)
            #expect(stats.retries == 0)
            #expect(stats.defers > 0)
            // Four batches had their vectors when it began; after that one tries now and then.
            let wasted = world.embedder.totals.texts - 400
            #expect(wasted <= 100, "\(wasted) texts were paid for in vain")
        }

        @Test func `a wrong key is told to the others as a wrong key, with what to do`() async throws {
            let world = try await World(rows: World.rows(10))
            let plan = try world.plan(quota: 1_000_000)
            world.embedder.update { $0.refusesKey = true }
            guard case .fatal(.embedder, let first) = try await world.run(workers: 1, plan: plan) else {
                Issue.record("it went on")
                return
            }
            #expect(first.kind == .unauthorised)
            // Another runner that has not been started since.
            let told = try await second(in: world, plan: try world.plan(quota: 1_000_000))
            #expect(told?.kind == .unauthorised)
            #expect(told?.detail.contains(first.detail) == true, "\(told?.detail ?? "")")
        }

        @Test func `an empty account is told to the others as one`() async throws {
            let world = try await World(rows: World.rows(10))
            world.embedder.update { $0.isOutOfMoney = true }
            try await world.run(workers: 1, plan: try world.plan(quota: 1_000_000))
            #expect(try await second(in: world, plan: try world.plan(quota: 1_000_000))?.kind == .outOfMoney)
        }

        @Test func `limits that answers state are kept, where the settings name none`() async throws {
            let world = try await World(rows: World.rows(60))
            world.embedder.update { $0.tokensPerMinute = 60_000 }
            let plan = try world.plan()
            try await world.run(plan: plan)
            #expect(try await quota(plan, in: world).tokensPerMinute == 60_000)
            #expect(try await quota(plan, in: world).requestsPerMinute == 0, "unknown")
            #expect(try await world.stats().processed == 60)
        }

        @Test(arguments: [(stated: 60_000, inForce: 60_000), (stated: 90_000_000, inForce: 1_000_000)])
        func `of the settings' limit and the stated one, the lower is kept`(stated: Int, inForce: Int) async throws {
            let world = try await World(rows: World.rows(10))
            world.embedder.update { $0.tokensPerMinute = stated }
            let plan = try world.plan(quota: 1_000_000)
            try await world.run(plan: plan)
            #expect(try await quota(plan, in: world).tokensPerMinute == inForce)
        }

        @Test func `a stop that met a learned limit is over when a person starts again`() async throws {
            let world = try await World(rows: World.rows(40))
            world.embedder.update { $0.tokensPerMinute = 600_000 }
            try await world.run(limit: 10, plan: try world.plan())
            _ = try await world.store.reportQuota(
                ReportQuota(quota: "openai/fake", report: QuotaReport(stopReason: "out of money: nothing left"))
            )
            guard case .jobEnded(.completed) = try await world.run(plan: try world.plan()) else {
                Issue.record("the old stop was believed")
                return
            }
        }

        @Test func `a runner at work tells its limits again when somebody resets the quota`() async throws {
            let store = Mutex<(any JobStore)?>(nil)
            let calls = Mutex(0)
            let hook = FaultHook(before: { (_) throws(PortFailure) in
                let isThird = calls.withLock { calls in
                    calls += 1
                    return calls == 3
                }
                guard isThird, let store = store.withLock(\.self) else { return }
                let answer = try await store.resetQuota(ResetIngestionQuota(quota: "openai/fake"))
                #expect(answer.result == .reset)
            })
            let world = try await World(rows: World.rows(60), embedderFaults: hook)
            store.withLock { $0 = world.store }
            let plan = try world.plan(quota: 1_000_000)
            try await world.run(workers: 1, plan: plan)
            #expect(calls.withLock(\.self) > 4)
            #expect(try await quota(plan, in: world).tokensPerMinute == 1_000_000)
        }

        private func quota(_ plan: BatchWork.Plan, in world: World) async throws -> ReportQuota.Answer {
            try await world.store.reportQuota(ReportQuota(quota: plan.quota.name, report: QuotaReport()))
        }

        /// Why a runner ends that was not started by a person since the stop.
        private func second(in world: World, plan: BatchWork.Plan) async throws -> PortFailure? {
            world.embedder.update {
                $0.refusesKey = false
                $0.isOutOfMoney = false
            }
            let jobs = try await world.store.jobs(ListIngestionJobs(job: 1, filter: .init(), after: nil, limit: 1))
            let child = Runner(
                ports: world.ports,
                settings: Runner.Settings(workers: 1, name: "second", isChild: true),
                stop: StopSignal()
            )
            let job = try #require(jobs.rows.first)
            guard
                case .fatal(.embedder, let failure) = await child.run(
                    .working(job),
                    configHash: job.configHash,
                    plan: plan
                )
            else { return nil }
            return failure
        }
    }
}
