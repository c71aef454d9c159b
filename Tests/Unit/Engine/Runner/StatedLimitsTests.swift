import Engine
import Fakes
import Migration
import Testing

/// What the embedder states about its limits, believed with care.
extension EngineTests {
    @Suite struct StatedLimitsTests {
        @Test func `a wait of a day is cut to ten minutes, and that is said`() async throws {
            let stop = StopSignal()
            let hook = FaultHook(before: { call throws(PortFailure) in
                guard call == "openai.embed" else { return }
                stop.raise(.drain)
                throw PortFailure(.throttled(retryAfter: .seconds(86_400)), "requests per day")
            })
            let world = try await World(rows: World.rows(20), embedderFaults: hook)
            try await world.run(workers: 1, stop: stop, plan: try world.plan(quota: 1_000_000))
            let cut = world.events.compactMap { event -> [Duration]? in
                if case .waitCut(.embedder, let asked, let wait) = event { [asked, wait] } else { nil }
            }
            #expect(cut == [[.seconds(86_400), .seconds(600)]])
            // Neither the others nor the batch wait longer.
            let row = try #require(try await world.store.quotas(.init(after: nil, limit: 10)).rows.first)
            #expect((500_000...600_000).contains(row.pauseMs))
            let batches = ListIngestionBatches(job: 1, filter: .init(), after: nil, limit: 10)
            let batch = try #require(try await world.store.batches(batches).rows.first)
            #expect(batch.nextRetryMs <= 600_000)
            #expect(batch.errorCode == "throttled")
        }

        @Test(arguments: [(tokens: 3_999, isSaid: true), (tokens: 4_000, isSaid: false)])
        func `a very low limit is used, and that is said`(tokens: Int, isSaid: Bool) async throws {
            let world = try await World(rows: World.rows(20))
            world.embedder.update { $0.tokensPerMinute = tokens }
            try await world.run(plan: try world.plan())
            let learned = world.events.compactMap { event -> EmbedderLimits? in
                if case .limitsLearned(let limits) = event { limits } else { nil }
            }
            #expect(learned.map(\.tokensPerMinute) == [tokens])
            #expect(learned.map(\.isVeryLow) == [isSaid])
            #expect(try await world.stats().processed == 20)
        }

        @Test func `a pause that reaches far is over when a person starts again, a short one is not`() async throws {
            for (milliseconds, isOver) in [(600_000, true), (30_000, false)] {
                let world = try await World(rows: World.rows(5))
                let plan = try world.plan(quota: 1_000_000)
                let report = QuotaReport(throttledMs: milliseconds)
                _ = try await world.store.reportQuota(ReportQuota(quota: plan.quota.name, report: report))
                let start = world.time.now
                try await world.run(workers: 1, plan: plan)
                #expect((world.time.now - start < .seconds(25)) == isOver)
                #expect(try await world.stats().processed == 5)
            }
        }
    }
}
