import Engine
import Fakes
import Migration
import Synchronization
import Testing
import TextProcessing

/// The whole engine over the fakes, in real threads with a fast clock.
///
/// What needs an exact schedule is the simulation's. One after the other, because a starved heartbeat loses its lease; with
/// a limit of time, because an engine that waits for ever is the failure to be found.
@Suite(.serialized, .timeLimit(.minutes(5))) struct EngineTests {}

extension EngineTests {
    @Suite struct RunnerTests {
        func expectEnded(_ reason: StopReason, _ status: JobStatus, _ comment: Comment? = nil) {
            guard case .jobEnded(status) = reason else {
                Issue.record("ended with \(reason), not \(status) \(comment ?? "")")
                return
            }
        }

        @Test func `every record is accounted for and a second run pays for nothing`() async throws {
            let world = try await World(rows: World.rows(95))
            expectEnded(try await world.run(), .completed)
            let stats = try await world.stats()
            #expect(stats.processed == 95)
            #expect(stats.completed == 10)
            #expect(stats.equal == true)
            let report = try await world.verify()
            #expect(report.isRight)
            #expect(report.right == 95)
            #expect(report.strangers == 0)

            let paid = world.embedder.totals.texts
            expectEnded(try await world.run(), .completed)
            #expect(try await world.stats(2).processed == 95)
            #expect(world.embedder.totals.texts == paid)
        }

        @Test func `rows that cannot be migrated are counted with their reasons, and the batch completes`() async throws
        {
            var rows = World.rows(5)
            rows.append(SourceRecord(id: 1, memberCode: nil, content: .text("whose is it")))
            rows.append(SourceRecord(id: 2, memberCode: "m", content: .null))
            rows.append(SourceRecord(id: 3, memberCode: "m", content: .text(" \n\t ")))
            rows.append(SourceRecord(id: 4, memberCode: "m", content: .undecodable))
            rows.append(SourceRecord(id: 5, memberCode: "m", content: .text(String(repeating: "long ", count: 1000))))
            let world = try await World(rows: rows, bytesMax: 2000)
            expectEnded(try await world.run(), .completed)
            let stats = try await world.stats()
            #expect(stats.processed == 5)
            #expect(stats.skipped == 2)
            #expect(stats.failedRecords == 3)
            let report = try await world.verify()
            #expect(report.verdict == .failed && report.findings.isEmpty)
            #expect(report.failures.map(\.code) == ["no_member_code", "invalid_utf8", "too_long"])
            #expect(report.blank == 2)
        }

        @Test func `a batch of very long texts is worked on in portions and counted as one`() async throws {
            let portions = Mutex(0)
            let hook = FaultHook(before: { call throws(PortFailure) in
                if call == "mysql.records" { portions.withLock { $0 += 1 } }
            })
            let long = String(repeating: "A line of a very long text.\n", count: 50)
            let rows = (1...8).map { SourceRecord(id: $0, memberCode: "m", content: .text("\($0) \(long)")) }
            let world = try await World(
                rows: rows + [SourceRecord(id: 9, memberCode: "m", content: .null)],
                sourceFaults: hook
            )
            expectEnded(try await world.run(workers: 1, plan: world.plan(portion: 4300)), .completed)
            #expect(portions.withLock { $0 } == 3, "8 texts of 1,402 bytes, at most 4,300 at once")
            let stats = try await world.stats()
            #expect(stats.processed == 8)
            #expect(stats.skipped == 1)
            #expect(stats.completed == 1)
        }

        @Test func `leave to write is asked for before each request of a large batch`() async throws {
            let upserts = Mutex(0)
            let hook = FaultHook(before: { call throws(PortFailure) in
                if call == "qdrant.upsert" { upserts.withLock { $0 += 1 } }
            })
            let world = try await World(rows: World.rows(250), pointFaults: hook)
            expectEnded(try await world.run(workers: 1, batchSize: 250), .completed)
            // 250 parents and 250 children, ready at once, in writes of 200, which the fake sends as requests of 100.
            #expect(upserts.withLock { $0 } == 5)
            #expect(try await world.verify().right == 250)
        }

        @Test func `a text that the embedder refuses fails alone`() async throws {
            let world = try await World(rows: World.rows(30))
            world.embedder.update { $0.refusesText = { $0.contains("Record 17 ") } }
            expectEnded(try await world.run(), .completed)
            let stats = try await world.stats()
            #expect(stats.processed == 29)
            #expect(stats.failedRecords == 1)
            let failures = try await world.store.failures(
                ListIngestionFailures(job: 1, filter: .init(), after: nil, limit: 10)
            )
            #expect(failures.rows.map(\.recordId) == [World.rows(30)[17].id])
            #expect(failures.rows.map(\.stage) == [.embed])
        }

        @Test func `out of money stops everything, keeps everything, and the next run goes on`() async throws {
            let world = try await World(rows: World.rows(60))
            world.embedder.update { $0.isOutOfMoney = true }
            guard case .fatal(.embedder, let failure) = try await world.run() else {
                Issue.record("did not stop")
                return
            }
            #expect(failure.kind == .outOfMoney)
            let stopped = try await world.stats()
            #expect(stopped.retries == 0)
            #expect(stopped.failed == 0)
            #expect(stopped.processing == 0)
            world.embedder.update { $0.isOutOfMoney = false }
            expectEnded(try await world.run(), .completed)
            #expect(try await world.verify().right == 60)
        }

        @Test func `a runner that is told to leave gives its batches back, and nothing is paid twice`() async throws {
            let stop = StopSignal()
            let upserts = Mutex(0)
            let hook = FaultHook(after: { call throws(PortFailure) in
                guard call == "qdrant.upsert" else { return }
                if upserts.withLock({
                    $0 += 1
                    return $0
                }) == 4 {
                    stop.raise(.release)
                }
            })
            let world = try await World(rows: World.rows(100), pointFaults: hook)
            guard case .signalled = try await world.run(stop: stop) else {
                Issue.record("did not stop")
                return
            }
            let stopped = try await world.stats()
            #expect(stopped.processing == 0, "everything was given back")
            #expect(stopped.retries == 0, "a release costs no budget")
            #expect(stopped.completed < 10, "it stopped in the middle")
            expectEnded(try await world.run(), .completed)
            #expect(try await world.verify().right == 100)
        }

        @Test func `a drain lets the batches in flight finish and claims no more`() async throws {
            let stop = StopSignal()
            let hook = FaultHook(after: { call throws(PortFailure) in
                if call == "openai.embed" { stop.raise(.drain) }
            })
            let world = try await World(rows: World.rows(100), embedderFaults: hook)
            guard case .signalled = try await world.run(workers: 2, stop: stop) else {
                Issue.record("did not stop")
                return
            }
            let stats = try await world.stats()
            #expect(stats.completed >= 1 && stats.completed <= 2)
            #expect(stats.releases == 0)
            #expect(stats.processing == 0)
        }

        @Test func `three runners share a job and every batch is completed exactly once`() async throws {
            let world = try await World(rows: World.rows(200))
            try await withThrowingTaskGroup(of: StopReason.self) { group in
                for number in 0..<3 { group.addTask { try await world.run(batchSize: 5, name: "runner-\(number)") } }
                for try await reason in group { expectEnded(reason, .completed) }
            }
            let history = try await world.store.events(
                ListIngestionEvents(job: 1, filter: .init(kind: "completed"), after: nil, limit: 1000)
            )
            let completed = history.rows.compactMap(\.batchNumber)
            #expect(completed.sorted() == Array(0..<40))
            #expect(try await world.stats().processed == 200)
            #expect(try await world.verify().isRight)
        }

        @Test func `half of the store's answers may be lost after the commit`() async throws {
            let chance = SeededEntropy(42)
            let lost = Mutex<[String: Int]>([:])
            let hook = FaultHook(after: { call throws(PortFailure) in
                guard call != "get_ingestion_job_stats_exact", !call.hasPrefix("list_"), chance.unit() < 0.5 else {
                    return
                }
                lost.withLock { $0[call, default: 0] += 1 }
                throw PortFailure(.outcomeUnknown, "the answer was lost")
            })
            let world = try await World(rows: World.rows(60), storeFaults: hook)
            expectEnded(try await world.run(batchSize: 5), .completed)
            let stats = try await world.stats()
            #expect(stats.processed == 60)
            #expect(stats.equal == true)
            #expect(stats.retries == 0)
            #expect(lost.withLock { $0["finish_batch"] ?? 0 } > 0)
            #expect(lost.withLock { $0["claim_next_batch"] ?? 0 } > 0)
        }

        @Test func `throttling costs no record and no budget`() async throws {
            let calls = Mutex(0)
            let hook = FaultHook(before: { call throws(PortFailure) in
                guard call == "openai.embed" else { return }
                if calls.withLock({
                    $0 += 1
                    return $0
                }) % 2 == 1 {
                    throw PortFailure(.throttled(retryAfter: .seconds(2)), "rate limit")
                }
            })
            let world = try await World(rows: World.rows(80), embedderFaults: hook)
            expectEnded(try await world.run(), .completed)
            let stats = try await world.stats()
            #expect(stats.processed == 80)
            #expect(stats.retries == 0)
            #expect(world.events.contains { if case .throttled = $0 { true } else { false } })
        }

        @Test func `an outage of the point store defers the batch and uses no budget`() async throws {
            let failures = Mutex(0)
            let hook = FaultHook(before: { call throws(PortFailure) in
                // Six tries and their probes: with a good probe it would be the points that are suspect.
                guard ["qdrant.upsert", "qdrant.probe"].contains(call) else { return }
                if failures.withLock({
                    $0 += 1
                    return $0
                }) <= 9 {
                    throw PortFailure(.unavailable, "connection refused")
                }
            })
            let world = try await World(rows: World.rows(10), pointFaults: hook)
            expectEnded(try await world.run(workers: 1), .completed)
            let stats = try await world.stats()
            #expect(stats.processed == 10)
            #expect(stats.defers == 1)
            #expect(stats.retries == 0)
        }

        @Test func `a limit plans no more, and another configuration is refused`() async throws {
            let world = try await World(rows: World.rows(50))
            expectEnded(try await world.run(limit: 25), .completed)
            #expect(try await world.stats().job?.totalRecords == 25)

            _ = try await world.store.openJob(world.opening())
            let other = JobConfiguration(values: ["table": "ip_summary", "model": "other"])
            let refused = try await world.store.openJob(world.opening(configuration: other))
            #expect(refused.result == .configMismatch)
            #expect(other.differences(from: refused.job.config).map(\.name) == ["model"])
        }

        @Test func `a planner that dies between pages is replaced, and the plan is complete and without repeats`()
            async throws
        {
            let world = try await World(rows: World.rows(40))
            // The first controller stores one page of ten and is never heard of again.
            let first = world.opening()
            let opened = try await world.store.openJob(first)
            let ids = World.rows(40).map(\.id)
            let page = AppendIngestionBatches(
                job: opened.job.id,
                epoch: opened.epoch,
                token: first.token,
                expectedCursor: nil,
                batches: [Array(ids[..<10])]
            )
            #expect(try await world.store.appendBatches(page).result == .appended)
            expectEnded(try await world.run(), .completed)
            let batches = try await world.store.batches(
                ListIngestionBatches(job: opened.job.id, filter: .init(), after: nil, limit: 100)
            )
            #expect(batches.rows.flatMap(\.recordIds) == ids)
            #expect(world.events.contains { if case .controlling(true, epoch: 2) = $0 { true } else { false } })
        }
    }
}
