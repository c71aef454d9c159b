import Engine
import Fakes
import Migration
import Synchronization
import Testing

/// What a runner that was killed leaves behind, and what one that stops must not leave behind.
extension EngineTests {
    @Suite struct LeftClaimsTests {
        /// A world with a planned job whose runner was killed with claims in its hands, not all of them answered.
        private func killed(claims: Int, unanswered: Int, retries: Int = 3) async throws -> World {
            let world = try await World(rows: World.rows(60))
            let opened = try await world.planOnly(
                settings: JobSettings(maxRetries: retries, leaseSeconds: 120, batchTimeoutSeconds: 600)
            )
            let journal = world.host.journal()
            let job = JobMark(opened.job)
            for number in 0..<(claims + unanswered) {
                let id = SeededEntropy(UInt64(number) + 77).uuid()
                await journal.note(LeaseNote(token: id, attempt: nil), of: job)
                let answer = try await world.store.claim(
                    ClaimNextBatch(
                        job: 1,
                        worker: "killed",
                        claimId: id,
                        limit: 1,
                        configHash: opened.job.configHash,
                        floor: nil
                    )
                )
                let batch = try #require(answer.batches.first)
                let attempt = LeaseNote.Attempt(
                    batch: batch.batchNumber,
                    attempt: batch.attempt,
                    records: batch.recordIds.count
                )
                if number < claims { await journal.note(LeaseNote(token: id, attempt: attempt), of: job) }
            }
            journal.die()
            return world
        }

        @Test func `what a killed runner held is worked on at once, for one retry each`() async throws {
            let world = try await killed(claims: 2, unanswered: 1)
            try await world.run()
            let stats = try await world.stats()
            #expect(stats.job?.status == .completed)
            #expect(stats.processed == 60)
            #expect(stats.retries == 2, "the two it worked on")
            #expect(stats.releases == 1, "the one whose answer it never saw")
            #expect(stats.reaps == 0, "no worker waited for a lease")
            #expect(stats.equal == true)
            #expect(world.host.claims.isEmpty)
            let history = try await world.store.events(
                ListIngestionEvents(job: 1, filter: .init(kind: "failed"), after: nil, limit: 10)
            )
            #expect(history.rows.map { $0.detail["code"] } == ["runner_died", "runner_died"])
        }

        @Test func `a batch that has no retry left is divided into its records, and none is lost`() async throws {
            let world = try await killed(claims: 1, unanswered: 0, retries: 0)
            try await world.run()
            let stats = try await world.stats()
            #expect(stats.job?.status == .completed)
            #expect(stats.processed == 60)
            #expect(stats.failedRecords == 0)
            #expect(stats.job?.totalBatches == 6 + 10)
            #expect(stats.equal == true)
            #expect(world.host.claims.isEmpty)
            let divided = world.events.compactMap { if case .isolated(_, let records) = $0 { records } else { nil } }
            #expect(divided == [10])
        }

        @Test func `one that another runner has started leaves the dead to that runner`() async throws {
            let world = try await killed(claims: 1, unanswered: 0)
            let plan = try world.plan(quota: 1_000_000)
            _ = try await world.store.reportQuota(
                ReportQuota(quota: plan.quota.name, report: QuotaReport(stopReason: "insufficient_quota"))
            )
            let job = try await world.store.jobs(ListIngestionJobs(job: 1, filter: .init(), after: nil, limit: 1))
            let child = Runner(
                ports: world.ports,
                settings: Runner.Settings(workers: 1, name: "child", isChild: true),
                stop: StopSignal()
            )
            let end = await child.run(
                .working(try #require(job.rows.first)),
                configHash: World.configuration.hash,
                plan: plan
            )
            guard case .fatal(.embedder, _) = end else {
                Issue.record("it cleared the stop of the quota and ended with \(end)")
                return
            }
            #expect(world.host.claims.count == 1)
        }

        @Test func `a planner that was killed is followed at once by the next runner of its host`() async throws {
            let world = try await World(rows: World.rows(40))
            let first = world.opening()
            let opened = try await world.store.openJob(first)
            let page = AppendIngestionBatches(
                job: opened.job.id,
                epoch: opened.epoch,
                token: first.token,
                expectedCursor: nil,
                batches: [World.rows(10).map(\.id)]
            )
            #expect(try await world.store.appendBatches(page).result == .appended)
            let journal = world.host.journal()
            await journal.note(
                LeaseNote(token: first.token, attempt: nil, isControl: true),
                of: JobMark(opened.job)
            )
            journal.die()
            try await world.run()
            #expect(try await world.stats().processed == 40)
            #expect(epochs(world) == [1], "no process waited for the controller lease to run out")
            #expect(world.host.noted.isEmpty)
        }

        @Test func `a planner that was stopped is followed at once by the next runner of its host`() async throws {
            let world = try await World(rows: World.rows(40))
            let stop = StopSignal()
            stop.raise(.drain)
            try await world.run(stop: stop)
            #expect(try await world.stats().job?.sealed == false)
            try await world.run()
            #expect(try await world.stats().processed == 40)
            #expect(epochs(world) == [1])
            #expect(world.host.noted.isEmpty)
        }

        private func epochs(_ world: World) -> Set<Int> {
            Set(world.events.compactMap { if case .controlling(true, let epoch) = $0 { epoch } else { nil } })
        }

        @Test func `an attempt that has a new owner since is left alone`() async throws {
            let world = try await killed(claims: 1, unanswered: 0)
            // The lease ran out before the next runner came.
            try? await world.time.sleep(for: .seconds(155))
            _ = try await world.store.resetStuck(ResetStuckBatches(job: 1, limit: 10, full: true))
            try await world.run()
            let stats = try await world.stats()
            #expect(stats.reaps == 1)
            #expect(stats.retries == 1, "the reaper's, and no second one")
            #expect(stats.processed == 60)
        }

        @Test func `a claim is noted before it is sent, with its attempt while it is worked on, and struck at its end`()
            async throws
        {
            let host = Mutex<FakeHost?>(nil)
            let seen = Mutex<(asked: Int, worked: Int)>((0, 0))
            @Sendable func noted() -> [LeaseNote] { host.withLock { $0?.claims ?? [] } }
            let world = try await World(
                rows: World.rows(30),
                storeFaults: FaultHook(before: { call throws(PortFailure) in
                    if call == ClaimNextBatch.function, noted().contains(where: { $0.attempt == nil }) {
                        seen.withLock { $0.asked += 1 }
                    }
                }),
                embedderFaults: FaultHook(before: { call throws(PortFailure) in
                    if call == "openai.embed", noted().contains(where: { $0.attempt?.records == 10 }) {
                        seen.withLock { $0.worked += 1 }
                    }
                })
            )
            host.withLock { $0 = world.host }
            try await world.run(workers: 1)
            #expect(seen.withLock { $0.asked } >= 3)
            #expect(seen.withLock { $0.worked } == 3)
            #expect(world.host.claims.isEmpty)
        }

        @Test func `an end that the store never heard of stays noted, and the next runner says it again`() async throws
        {
            let isDown = Mutex(false)
            let stop = StopSignal()
            let hook = FaultHook(before: { call throws(PortFailure) in
                if call == FinishBatch.function, isDown.withLock(\.self) {
                    stop.raise(.release)
                    throw PortFailure(.unavailable, "connection refused")
                }
            })
            let world = try await World(rows: World.rows(30), storeFaults: hook)
            isDown.withLock { $0 = true }
            try await world.run(workers: 1, stop: stop)
            #expect(world.host.claims.count == 1)
            isDown.withLock { $0 = false }
            try await world.run(workers: 1)
            let stats = try await world.stats()
            #expect(stats.processed == 30)
            #expect(stats.reaps == 0)
            #expect(world.host.claims.isEmpty)
        }

        @Test func `a claim whose answer is lost at the moment of a drain is given back, and costs no retry`()
            async throws
        {
            let stop = StopSignal()
            let lost = Mutex(0)
            let hook = FaultHook(after: { call throws(PortFailure) in
                guard call == ClaimNextBatch.function, lost.withLock({ $0 < 2 }) else { return }
                lost.withLock { $0 += 1 }
                stop.raise(.drain)
                throw PortFailure(.outcomeUnknown, "the connection was lost")
            })
            let world = try await World(rows: World.rows(30), storeFaults: hook)
            // Planned before: a runner that drains plans nothing, and a claim without a plan gets no batch.
            try await world.planOnly()
            try await world.run(workers: 1, stop: stop)
            let stats = try await world.stats()
            #expect(lost.withLock(\.self) == 2)
            #expect(stats.claims == 1, "repeated with the same id")
            #expect(stats.releases == 1)
            #expect(stats.processing == 0)
            #expect(stats.retries == 0)
            #expect(world.host.claims.isEmpty)
        }
    }
}
