import Engine
import Fakes
import Migration
import Testing

/// Texts that many records have.
@Suite(.heavy) struct `Equal texts` {
    /// So many records with one text, and some with others.
    private static func rows(_ count: Int, equal: Int) -> [SourceRecord] {
        World.rows(count).enumerated().map { place, row in
            place < equal
                ? SourceRecord(id: row.id, memberCode: row.memberCode, content: .text("The same for many records."))
                : row
        }
    }

    private static func payments(_ world: World) -> [UInt64: Int] {
        Dictionary(grouping: world.embedder.effects.map(\.text)) { $0 }.mapValues(\.count)
    }

    private static func shared(_ world: World) -> Int {
        world.events.reduce(0) { if case .embedded(_, _, let shared, _) = $1 { $0 + shared } else { $0 } }
    }

    @Test(arguments: [1, 4]) func `are embedded once in a runner, and counted as paid once`(workers: Int) {
        World.virtually { time in
            let world = try await World(rows: Self.rows(60, equal: 40), time: time)
            _ = try await world.run(workers: workers, batchSize: 10)
            #expect(try await world.stats().processed == 60)
            let payments = Self.payments(world)
            #expect(payments.count == 21 && payments.values.allSatisfy { $0 == 1 })
            #expect(Self.shared(world) == 39)
            #expect(try await world.stats().billedTokens == Int64(world.embedder.totals.tokens))
            #expect(try await world.points.count(.child, owner: World.owner) == 60)
        }
    }

    @Test func `fail each record alone when the embedder refuses them`() {
        World.virtually { time in
            let world = try await World(rows: Self.rows(30, equal: 6), time: time)
            world.embedder.update { $0.refusesText = { $0.hasPrefix("The same") } }
            _ = try await world.run(workers: 3, batchSize: 10)
            let stats = try await world.stats()
            #expect(stats.processed == 24 && stats.failedRecords == 6)
        }
    }

    @Test func `are embedded by the next worker when the first one is stopped`() {
        World.virtually { time in
            let world = try await World(rows: Self.rows(8, equal: 8), time: time)
            world.embedder.update { $0.latency = .seconds(30) }
            let state = RunnerState(stop: StopSignal())
            let first = StopSignal()
            @Sendable func work(_ rows: Range<Int>, _ stop: StopSignal) async throws -> Result<WorkDone, WorkEnd> {
                await BatchWork(
                    ports: world.ports,
                    state: state,
                    plan: try world.plan(),
                    ids: Self.rows(8, equal: 8)[rows].map(\.id),
                    permit: FreePermit(interruption: stop)
                ).run()
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    // Cancelled as a lease that is lost does it.
                    await withTaskGroup(of: Void.self) { inner in
                        inner.addTask { _ = try? await work(0..<4, first) }
                        try? await time.sleep(for: .seconds(10))
                        inner.cancelAll()
                    }
                }
                group.addTask {
                    try await time.sleep(for: .seconds(1))
                    let start = time.now
                    guard case .success(let done) = try await work(4..<8, StopSignal()) else {
                        Issue.record("the second worker did not complete")
                        return
                    }
                    #expect(done.counts.processed == 4)
                    #expect(time.now - start < .seconds(90))
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `make no worker wait for ever`() {
        World.virtually { time in
            let world = try await World(rows: Self.rows(40, equal: 40), time: time)
            // The first request gets no answer for a long time, the next ones do.
            world.embedder.update { $0.latency = .seconds(3) }
            _ = try await world.run(workers: 4, batchSize: 10)
            #expect(try await world.stats().processed == 40)
            #expect(time.now < .seconds(60))
        }
    }
}

/// A run with a cache of vectors.
@Suite(.heavy) struct `A cache of vectors` {
    private static func world(_ time: Time, _ cache: FakeEmbeddingCache?) async throws -> World {
        try await World(rows: World.rows(30), time: time, cache: cache)
    }

    private static func givenUp(_ world: World) -> [String] {
        world.events.compactMap { if case .cacheGivenUp(let reason) = $0 { reason } else { nil } }
    }

    @Test func `saves the second load but for nothing, and changes no vector`() {
        World.virtually { time in
            let cache = FakeEmbeddingCache(time: time)
            let first = try await Self.world(time, cache)
            _ = try await first.run(batchSize: 10)
            // 30 texts, and the probe.
            #expect(first.embedder.effects.count == 31 && cache.texts.count == 30)
            let second = try await Self.world(time, cache)
            _ = try await second.run(batchSize: 10)
            #expect(second.embedder.effects.isEmpty)
            let stats = try await second.stats()
            #expect(stats.processed == 30 && stats.billedTokens == 0)
            let vectors = { (world: World) in
                Dictionary(uniqueKeysWithValues: world.points.vectors(oneOf: 1, at: 0).map { ($0.text, $0.vector) })
            }
            #expect(vectors(first) == vectors(second) && vectors(second).count == 30)
        }
    }

    @Test func `is filled before anything is written, so that a worker that dies pays for nothing twice`() {
        World.virtually { time in
            let cache = FakeEmbeddingCache(time: time)
            let failing = try await World(
                rows: World.rows(30),
                time: time,
                troubles: { _ in .error500 },
                cache: cache
            )
            let stop = StopSignal()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await failing.run(batchSize: 10, stop: stop) }
                try await time.sleep(for: .seconds(2))
                stop.raise(.release)
                try await group.waitForAll()
            }
            #expect(try await failing.points.count(.child, owner: World.owner) == 0)
            let paid = failing.embedder.effects.count
            #expect(paid > 1 && cache.texts.count == paid - 1)
            let next = try await Self.world(time, cache)
            _ = try await next.run(batchSize: 10)
            #expect(next.embedder.effects.count == 30 - (paid - 1))
        }
    }

    @Test func `is given up once when it fails, and the job goes on`() {
        World.virtually { time in
            let faults = FaultHook(before: { call throws(PortFailure) in
                if call == "cache.keep" { throw PortFailure(.full, "the disk is full") }
            })
            let world = try await Self.world(time, FakeEmbeddingCache(time: time, faults: faults))
            _ = try await world.run(workers: 3, batchSize: 10)
            #expect(try await world.stats().processed == 30)
            #expect(Self.givenUp(world) == ["the disk is full"])
        }
    }

    @Test func `is not used when the embedder makes other vectors`() {
        World.virtually { time in
            let cache = FakeEmbeddingCache(time: time, probeInterval: .zero)
            _ = try await Self.world(time, cache).run(batchSize: 10)
            cache.setProbe([Float](repeating: 1, count: World.schema.dimensions))
            let world = try await Self.world(time, cache)
            _ = try await world.run(batchSize: 10)
            #expect(try await world.stats().processed == 30)
            #expect(world.embedder.effects.count == 31)
            #expect(Self.givenUp(world).map { $0.contains("its model has changed") } == [true])
        }
    }

    @Test func `asks for its probe once a day`() {
        World.virtually { time in
            let cache = FakeEmbeddingCache(time: time)
            for (wait, probes) in [(Duration.zero, 1), (.seconds(86_000), 0), (.seconds(500), 1)] {
                try await time.sleep(for: wait)
                let world = try await Self.world(time, cache)
                cache.loseAll()
                _ = try await world.run(workers: 4, batchSize: 10)
                #expect(world.embedder.effects.count == 30 + probes)
                #expect(Self.givenUp(world).isEmpty)
            }
        }
    }

    @Test func `embeds again what is damaged, and says so once`() {
        World.virtually { time in
            let cache = FakeEmbeddingCache(time: time)
            _ = try await Self.world(time, cache).run(batchSize: 10)
            cache.damage(everyOther: 2)
            let world = try await Self.world(time, cache)
            _ = try await world.run(workers: 1, batchSize: 10)
            #expect(world.embedder.effects.count == 15)
            let told = world.events.filter { if case .cacheDamaged = $0 { true } else { false } }
            #expect(told.count == 1)
        }
    }
}
