// Longer than 300 lines: one suite, whose tests share their world.

import Engine
import Fakes
import Migration
import Synchronization
import Testing
import TextProcessing

/// Rarer turns of the engine's protocol: what happens at the edge of a lease, of an outage and of a job's life.
extension EngineTests {
    @Suite struct ProtocolTests {
        @Test func `a controller whose job was cancelled opens no other job`() async throws {
            let world = try await World(rows: World.rows(5))
            let open = world.opening()
            let order = Controller.Order(open: open, batchSize: 10)
            let opened = try await world.store.openJob(open)
            _ = try await world.store.control(
                ControlIngestionJob(job: opened.job.id, action: .cancel, reason: "not wanted any more")
            )
            let state = RunnerState(stop: StopSignal())
            await Controller(ports: world.ports, state: state, order: order).run(opened)
            let jobs = try await world.store.jobs(ListIngestionJobs(job: nil, filter: .init(), after: nil, limit: 10))
            #expect(jobs.rows.map(\.id) == [opened.job.id])
        }

        @Test func `a plan whose pages are no multiple of its batches is complete`() {
            World.virtually { time in
                let world = try await World(rows: World.rows(35), time: time)
                let open = world.opening()
                let order = Controller.Order(open: open, batchSize: 3, pageSize: 10)
                let opened = try await world.store.openJob(open)
                let stop = StopSignal()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        await Controller(ports: world.ports, state: RunnerState(stop: stop), order: order).run(opened)
                    }
                    while try await world.stats().job?.sealed != true { try await time.sleep(for: .seconds(1)) }
                    stop.raise(.release)
                    try await group.waitForAll()
                }
                let job = try await world.stats().job
                #expect(job?.totalRecords == 35)
                #expect(job?.totalBatches == 12)
            }
        }

        @Test func `after an outage of the store the living may send a heartbeat before anybody is reaped`()
            async throws
        {
            let outage = Outage()
            let world = try await World(rows: [], storeFaults: outage.hook)
            let stop = StopSignal()
            let reaper = Reaper(
                ports: world.ports,
                state: RunnerState(stop: stop, outageMin: .seconds(1)),
                job: 1,
                heartbeat: .seconds(8)
            )
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await reaper.run() }
                group.addTask {
                    try? await world.time.sleep(for: .seconds(4))
                    outage.end()
                    while outage.answered.isEmpty { try? await world.time.sleep(for: .seconds(1)) }
                    try? await world.time.sleep(for: .seconds(4))
                    stop.raise(.drain)
                }
            }
            #expect(!outage.answered.isEmpty)
            #expect(!outage.answered.contains(ResetStuckBatches.function))
        }

        @Test func `of two waits that the embedder asks for, the later end counts`() {
            let state = RunnerState(stop: StopSignal())
            state.pauseEmbedder(until: .seconds(30))
            state.pauseEmbedder(until: .seconds(10))
            #expect(state.embedderPausedUntil == .seconds(30))
            state.pauseEmbedder(until: .seconds(40))
            #expect(state.embedderPausedUntil == .seconds(40))
        }

        @Test func `a wait that the embedder asks for while a request waits for quota holds for that request`() {
            World.virtually { time in
                let state = RunnerState(stop: StopSignal())
                let sent = Mutex<[Duration]>([])
                let world = try await World(
                    rows: World.rows(1),
                    time: time,
                    // Another worker is refused at this moment.
                    storeFaults: FaultHook(after: { call throws(PortFailure) in
                        if call == ReserveQuota.function { state.pauseEmbedder(until: .seconds(20)) }
                    }),
                    embedderFaults: FaultHook(before: { call throws(PortFailure) in
                        if call == "openai.embed" { sent.withLock { $0.append(time.now) } }
                    })
                )
                let work = BatchWork(
                    ports: world.ports,
                    state: state,
                    plan: try world.plan(quota: 1_000_000),
                    ids: World.rows(1).map(\.id),
                    permit: FreePermit(interruption: StopSignal())
                )
                guard case .success = await work.run() else {
                    Issue.record("it did not complete")
                    return
                }
                #expect(sent.withLock(\.self).count == 1)
                #expect(sent.withLock(\.self).allSatisfy { $0 >= .seconds(20) })
            }
        }

        @Test func `a call that failed once is no outage, so the reaper is not kept from its work`() {
            let state = RunnerState(stop: StopSignal())
            state.storeAnswered(false, at: .seconds(100))
            state.storeAnswered(true, at: .seconds(101))
            #expect(state.storeBackAt == nil)
            state.storeAnswered(false, at: .seconds(200))
            state.storeAnswered(false, at: .seconds(220))
            state.storeAnswered(true, at: .seconds(240))
            #expect(state.storeBackAt == .seconds(240))
        }

        @Test func `a store that asks to wait longer than a claim may take is not asked again and again`() async throws
        {
            let claims = Mutex(0)
            let hook = FaultHook(before: { call throws(PortFailure) in
                guard call == ClaimNextBatch.function else { return }
                claims.withLock { $0 += 1 }
                throw PortFailure(.throttled(retryAfter: .seconds(3600)), "too many requests")
            })
            let world = try await World(rows: World.rows(5), storeFaults: hook)
            let stop = StopSignal()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await world.run(workers: 1, stop: stop) }
                group.addTask {
                    try? await world.time.sleep(for: .seconds(10))
                    stop.raise(.release)
                }
                try await group.waitForAll()
            }
            #expect((1...20).contains(claims.withLock { $0 }), "one per second at most")
        }

        @Test func `while the quota has no room, batches are not claimed only to be given back`() async throws {
            let world = try await World(rows: World.rows(100))
            let plan = try world.plan(quota: 1_000_000)
            _ = try await world.store.reportQuota(
                ReportQuota(quota: plan.quota.name, report: QuotaReport(throttledMs: 100_000))
            )
            let stop = StopSignal()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await world.run(workers: 1, stop: stop, plan: plan) }
                group.addTask {
                    try? await world.time.sleep(for: .seconds(15))
                    stop.raise(.release)
                }
                try await group.waitForAll()
            }
            let stats = try await world.stats()
            #expect(stats.claims == 1)
            #expect(stats.defers == 1)
            #expect(stats.retries == 0)
        }

        @Test func `a runner that waits for the embedder leaves when the job is cancelled`() async throws {
            let hook = FaultHook(before: { call throws(PortFailure) in
                if call == "openai.embed" { throw PortFailure(.throttled(retryAfter: .seconds(3600)), "rate limit") }
            })
            let world = try await World(rows: World.rows(5), embedderFaults: hook)
            let stop = StopSignal()
            try await withThrowingTaskGroup(of: StopReason?.self) { group in
                group.addTask { try await world.run(workers: 1, stop: stop) }
                group.addTask {
                    try await world.time.sleep(for: .seconds(5))
                    _ = try await world.store.control(ControlIngestionJob(job: 1, action: .cancel, reason: nil))
                    await world.time.sleep(for: .seconds(60), unless: stop, reaches: .drain)
                    stop.raise(.release)
                    return nil
                }
                for try await case let reason? in group {
                    guard case .jobEnded(.cancelled) = reason else {
                        Issue.record("ended with \(reason)")
                        continue
                    }
                }
            }
        }

        @Test func `what is given back at the end is said again when the store fails once`() async throws {
            let stop = StopSignal()
            let finishes = Mutex(0)
            let hook = FaultHook(before: { call throws(PortFailure) in
                guard call == FinishBatch.function else { return }
                if finishes.withLock({
                    $0 += 1
                    return $0
                }) == 1 {
                    throw PortFailure(.unavailable, "lock timeout")
                }
            })
            let world = try await World(
                rows: World.rows(5),
                storeFaults: hook,
                pointFaults: FaultHook(after: { call throws(PortFailure) in
                    guard call == "qdrant.points" else { return }
                    stop.raise(.release)
                    // Until the work under the lease is cancelled.
                    try? await ContinuousClock().sleep(for: .seconds(30))
                })
            )
            try await world.run(workers: 1, stop: stop)
            let stats = try await world.stats()
            #expect(stats.releases == 1)
            #expect(stats.processing == 0)
        }

        @Test func `a run that is started again clears the quota's stop, although the store answers late`() async throws
        {
            let refused = Mutex(0)
            let hook = FaultHook(before: { call throws(PortFailure) in
                guard call == ReportQuota.function else { return }
                // Six waits of 0.2 to 6.4 s, at least half of each: longer than a report is worth waiting for in a run.
                if refused.withLock({
                    $0 += 1
                    return (2...7).contains($0)
                }) {
                    throw PortFailure(.unavailable, "connection refused")
                }
            })
            let world = try await World(rows: World.rows(5), storeFaults: hook)
            let plan = try world.plan(quota: 1_000_000)
            _ = try await world.store.reportQuota(
                ReportQuota(quota: plan.quota.name, report: QuotaReport(stopReason: "insufficient_quota"))
            )
            guard case .jobEnded(.completed) = try await world.run(workers: 1, plan: plan) else {
                Issue.record("it stopped")
                return
            }
        }

        @Test func `a throttle without a stated wait makes the waits grow`() async throws {
            let calls = Mutex(0)
            let hook = FaultHook(before: { call throws(PortFailure) in
                guard call == "openai.embed" else { return }
                let number = calls.withLock {
                    $0 += 1
                    return $0
                }
                if number <= 6 { throw PortFailure(.throttled(retryAfter: nil), "rate limit") }
            })
            let world = try await World(rows: World.rows(1), embedderFaults: hook)
            try await world.run(workers: 1)
            let waits = world.events.compactMap { if case .throttled(let wait) = $0 { wait } else { nil } }
            #expect(waits.count == 6)
            #expect(try #require(waits.last) >= .seconds(4), "half of 8 s at least")
        }

        @Test func `an older version is not deleted once the lease is not trusted any more`() async throws {
            let permit = RevocablePermit()
            let deletes = Mutex(0)
            let hook = FaultHook(before: { call throws(PortFailure) in
                guard call == "qdrant.delete" else { return }
                deletes.withLock { $0 += 1 }
                permit.revoke()
                throw PortFailure(.unavailable, "connection refused")
            })
            let world = try await World(rows: World.rows(1), pointFaults: hook)
            try await world.run()
            let row = World.rows(1)[0]
            world.source.put(SourceRecord(id: row.id, memberCode: "another", content: row.content))
            let work = BatchWork(
                ports: world.ports,
                state: RunnerState(stop: StopSignal()),
                plan: try world.plan(),
                ids: [row.id],
                permit: permit
            )
            guard case .failure(.untrusted) = await work.run() else {
                Issue.record("it went on")
                return
            }
            #expect(deletes.withLock { $0 } == 1)
        }
    }
}

/// Leave to write that ends when the test says so.
private final class RevocablePermit: WorkPermit {
    var trials: RequestTrials {
        get { RequestTrials() }
        set {}
    }
    func mayRemove(_ records: Int) async throws(WorkEnd) {}
    private let isValid = Mutex(true)
    let interruption = StopSignal()
    let waitMax = Duration.seconds(60)

    func revoke() { isValid.withLock { $0 = false } }
    func mayWrite(at now: Duration) -> Bool { isValid.withLock(\.self) }
    func mayStart(at now: Duration) -> Bool { true }
    func addWait(_ duration: Duration) {}
    var counts: BatchCounts {
        get { BatchCounts() }
        set {}
    }
}
