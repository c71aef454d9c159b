import Engine
import Fakes
import Migration
import Synchronization
import Testing

/// What the brakes count beside the ends that a worker has just reported.
extension EngineTests {
    @Suite struct BrakeCountingTests {
        private final class Box: Sendable {
            let brake = Mutex<JobBrake?>(nil)
            let looks = Mutex(0)
        }

        /// A job whose batches hold so many records each.
        private func open(_ world: World, _ rows: Int, batchSize: Int, retries: Int = 3) async throws
            -> OpenIngestionJob.Answer
        {
            let ids = World.rows(rows).map(\.id)
            let open = world.opening(
                settings: JobSettings(maxRetries: retries, leaseSeconds: 120, batchTimeoutSeconds: 600)
            )
            let opened = try await world.store.openJob(open)
            let append = AppendIngestionBatches(
                job: opened.job.id,
                epoch: opened.epoch,
                token: open.token,
                expectedCursor: nil,
                batches: stride(from: 0, to: rows, by: batchSize).map { Array(ids[$0..<$0 + batchSize]) }
            )
            #expect(try await world.store.appendBatches(append).result == .appended)
            return opened
        }

        private func claim(_ world: World, _ opened: OpenIngestionJob.Answer) async throws -> (ClaimedBatch, String) {
            let claim = ClaimNextBatch(
                job: opened.job.id,
                worker: "test",
                claimId: world.ports.entropy.uuid(),
                limit: 1,
                configHash: opened.job.configHash,
                floor: nil
            )
            return (try #require(try await world.store.claim(claim).batches.first), claim.claimId)
        }

        /// A job of two batches of ten that this test holds, and its brake at ten removals.
        private func hold(_ world: World, _ box: Box) async throws -> [HeldLease] {
            let opened = try await open(world, 20, batchSize: 10)
            let brake = JobBrake(
                ports: world.ports,
                state: RunnerState(stop: StopSignal()),
                job: opened.job.id,
                limits: BrakeLimits(removalsMin: 10)
            )
            box.brake.withLock { $0 = brake }
            var leases: [HeldLease] = []
            for _ in 0..<2 {
                let (batch, claimID) = try await claim(world, opened)
                leases.append(HeldLease(batch: batch, claimID: claimID, sent: world.time.now, brake: brake))
            }
            return leases
        }

        private func finish(_ world: World, _ lease: HeldLease, removed: Int) async throws {
            let finish = FinishBatch(
                job: 1,
                batchNumber: lease.batch.batchNumber,
                attempt: lease.batch.attempt,
                claimId: lease.claimID,
                outcome: .completed,
                counts: BatchCounts(processed: 10 - removed, skipped: removed, removed: removed),
                failedRecords: [],
                retryAfterMs: nil,
                error: nil
            )
            #expect(try await world.store.finish(finish).result == .applied)
        }

        @Test func `a batch whose end is stored and not yet known to its worker is not counted twice`() async throws {
            let box = Box()
            let hook = FaultHook(after: { call throws(PortFailure) in
                guard call == "get_ingestion_job_stats" else { return }
                let look = box.looks.withLock { count in
                    count += 1
                    return count
                }
                // The worker of the first batch hears of its end just after the second one has read the counters.
                if look == 2 { box.brake.withLock(\.self)?.removed(6) }
            })
            let world = try await World(rows: World.rows(20), storeFaults: hook)
            let leases = try await hold(world, box)
            try await leases[0].mayRemove(6)
            try await finish(world, leases[0], removed: 6)
            try await leases[1].mayRemove(4)
            #expect(box.looks.withLock(\.self) == 3)
            #expect(try await world.stats().job?.status == .running)
        }

        @Test func `batches that together remove too much pause the job, however long they are under way`() async throws
        {
            let box = Box()
            let world = try await World(rows: World.rows(20))
            let leases = try await hold(world, box)
            try await leases[0].mayRemove(6)
            await #expect(throws: WorkEnd.self) { try await leases[1].mayRemove(5) }
            let job = try await world.stats().job
            #expect(job?.status == .paused && job?.reason?.hasPrefix("11 of 11 records are gone or blank") == true)
        }

        @Test func `records that are given up because their processes died pause the job, too`() async throws {
            let world = try await World(rows: World.rows(8))
            let opened = try await open(world, 8, batchSize: 1, retries: 0)
            let journal = world.host.journal()
            for _ in 0..<6 {
                let (batch, claimID) = try await claim(world, opened)
                let attempt = LeaseNote.Attempt(batch: batch.batchNumber, attempt: batch.attempt, records: 1)
                await journal.note(LeaseNote(token: claimID, attempt: attempt), of: JobMark(opened.job))
            }
            journal.die()
            let runner = Runner(
                ports: world.ports,
                settings: Runner.Settings(workers: 1, name: "runner", brakes: BrakeLimits(failuresMax: 5)),
                stop: StopSignal()
            )
            let end = await runner.run(
                .working(opened.job),
                configHash: opened.job.configHash,
                plan: try world.plan()
            )
            guard case .braked(let brake) = end else {
                Issue.record("it ended with \(end)")
                return
            }
            #expect(brake.kind == .failures && brake.reason.hasPrefix("6 records were given up"))
            let stats = try await world.stats()
            #expect(stats.job?.status == .paused && stats.failedRecords == 6 && stats.processed == 0)
        }
    }
}
