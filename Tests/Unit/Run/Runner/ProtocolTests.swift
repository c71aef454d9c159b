// Longer than 300 lines: one suite, whose tests share their world.

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
            #expect((1...20).contains(claims.withLock { $0 }), "one a second at most")
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

    @Suite struct VerifierEdgeTests {
        @Test func `a changed record that also lost a point is mended once`() async throws {
            let world = try await World(rows: World.rows(3))
            try await world.run()
            let row = World.rows(3)[1]
            world.source.put(SourceRecord(id: row.id, memberCode: row.memberCode, content: .text("A new text.")))
            try await world.points.delete([
                try #require(try await world.points.points(of: [row.id], owner: World.owner).first)
            ])
            #expect(try await world.verify().findings.map(\.kind) == [.missing, .stale])
            #expect(try await world.verify(repairs: true).isRight)
            #expect(try await world.verify().right == 3)
        }

        @Test func `a row that has become unfit stays a finding and does not keep others from being mended`()
            async throws
        {
            let world = try await World(rows: World.rows(3))
            try await world.run()
            let rows = World.rows(3)
            world.source.put(SourceRecord(id: rows[0].id, memberCode: nil, content: rows[0].content))
            world.source.put(SourceRecord(id: rows[1].id, memberCode: "member-1", content: .text("A new text.")))
            let report = try await world.verify(repairs: true)
            #expect(report.findings.map(\.record) == [rows[0].id, rows[1].id])
            #expect(report.findings.map(\.isRepaired) == [false, true])
            #expect(!report.isRight)
        }

        @Test func `points of a dead letter, and points that a repair wrote, are nobody else's`() async throws {
            let world = try await World(rows: World.rows(10))
            try await world.run()
            let row = World.rows(10)[4]
            world.source.put(SourceRecord(id: row.id, memberCode: "member-1", content: .text("refuse me")))
            world.embedder.update { $0.refusesText = { $0.contains("refuse") } }
            try await world.run()
            #expect(try await world.stats(2).failedRecords == 1)
            // It keeps the points of its older text, which are not right any more.
            #expect(try await world.verify(2).findings.map(\.kind) == [.stale])
            #expect(try await world.verify(2).strangers == 0)

            try await world.points.delete(try await world.points.points(of: [World.rows(10)[0].id], owner: World.owner))
            let repaired = try await world.verify(2, repairs: true)
            #expect(repaired.findings.map(\.isRepaired) == [true, false])
            #expect(repaired.strangers == 0)
        }

        @Test func `strangers are seen beside a repair and a row that is gone`() async throws {
            let rows = World.rows(10)
            let world = try await World(rows: rows)
            try await world.run()
            let points = try await world.points.points(of: [rows[0].id], owner: World.owner)
            try await world.points.delete([try #require(points.first)])
            world.source.delete(rows[1].id)
            try await world.points.upsert([stranger(rows[9].id + 1)])
            let report = try await world.verify(repairs: true)
            #expect(report.findings.map(\.kind) == [.missing, .unexpected])
            #expect(report.strangers == 1)
        }

        /// A point of a record that nobody has planned.
        private func stranger(_ record: RecordID) -> Point {
            Point(
                id: PointID(high: 9, low: 9),
                recordID: record,
                memberCode: "m",
                collectionIDs: [],
                checksum: "c",
                profile: "p",
                source: World.owner.source,
                parentIndex: 0,
                body: .parent(text: "t")
            )
        }

        @Test func `a dead letter may have points, but only right ones`() async throws {
            let world = try await World(rows: World.rows(10))
            let id = World.rows(10)[4].id
            world.embedder.update { $0.refusesText = { $0.contains("Record 4 ") } }
            try await world.run()
            let verified = try await world.verify()
            #expect(verified.failures.map(\.recordId) == [id])
            #expect(verified.findings.isEmpty, "it has none, and that is accounted for")
            #expect(verified.verdict == .failed)

            let point = Point(
                id: try #require(try await world.points.points(of: [World.rows(10)[5].id], owner: World.owner).first)
                    .id,
                recordID: id,
                memberCode: "member-0",
                collectionIDs: [],
                checksum: "older",
                profile: "older",
                source: World.owner.source,
                parentIndex: 0,
                body: .parent(text: "older")
            )
            try await world.points.upsert([point])
            let found = try await world.verify().findings.filter { $0.record == id }
            #expect(found.map(\.kind) == [.unexpected])
        }

        @Test func `a late row is seen although a planned one was deleted meanwhile`() async throws {
            let world = try await World(rows: World.rows(10))
            try await world.run()
            let rows = World.rows(10)
            world.source.delete(rows[2].id)
            world.source.put(SourceRecord(id: rows[2].id + 1, memberCode: "m", content: .text("late")))
            #expect(try await world.verify().late == 1)
        }

        @Test func `late rows are those that nobody planned, whatever became of the planned ones`() async throws {
            // The condition of --where: a row may cease to meet it, and is still found by its id.
            let world = try await World(rows: World.rows(10), admits: { $0.memberCode != "elsewhere" })
            let rows = World.rows(10)
            world.embedder.update { $0.refusesText = { $0.contains("Record 4 ") } }
            try await world.run()
            for number in [1, 2] {
                world.source.put(
                    SourceRecord(id: rows[number].id, memberCode: "elsewhere", content: rows[number].content)
                )
            }
            // A dead letter whose row is gone.
            world.source.delete(rows[4].id)
            for number in [0, 3, 8] {
                let id = rows[number].id + 1
                world.source.put(SourceRecord(id: id, memberCode: "member-0", content: .text("late \(id)")))
            }
            #expect(try await world.verify().late == 3)
        }

        @Test func `texts are compared in portions, so that memory is bounded`() async throws {
            let reads = Mutex(0)
            let hook = FaultHook(before: { call throws(PortFailure) in
                if call == "mysql.records" { reads.withLock { $0 += 1 } }
            })
            let long = String(repeating: "A line of a very long text.\n", count: 50)
            let rows = (1...8).map { SourceRecord(id: $0, memberCode: "m", content: .text("\($0) \(long)")) }
            let world = try await World(rows: rows, sourceFaults: hook)
            let plan = try world.plan(portion: 4300)
            try await world.run(workers: 1, plan: plan)
            reads.withLock { $0 = 0 }
            let verifier = Verifier(ports: world.ports, stop: StopSignal(), plan: plan, repairs: false)
            #expect(try await verifier.run(1) { _ in }.right == 8)
            #expect(reads.withLock { $0 } == 3)

            reads.withLock { $0 = 0 }
            let paging = PlanPaging(batchSize: 10, limit: nil)
            let dryRun = DryRun(ports: world.ports, stop: StopSignal(), plan: plan, paging: paging)
            #expect(try await dryRun.run { _ in }.unchanged == 8)
            #expect(reads.withLock { $0 } == 3)
        }

        @Test func `an outage is blamed on the service that was out`() async throws {
            let isDown = Mutex(false)
            let hook = FaultHook(before: { _ throws(PortFailure) in
                if isDown.withLock(\.self) { throw PortFailure(.unavailable, "connection refused") }
            })
            let world = try await World(rows: World.rows(1), pointFaults: hook)
            try await world.run()
            isDown.withLock { $0 = true }
            let failure = await #expect(throws: ServiceFailure.self) { try await world.verify() }
            #expect(failure?.service == .points)
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
