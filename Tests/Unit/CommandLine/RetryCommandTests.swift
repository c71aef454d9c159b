import Adapters
import Conformance
import Fakes
import Invariants
import Migration
import Scenarios
import Synchronization
import Testing

@testable import migrate

/// `migrate retry` of more than fits into a page.
@Suite(.timeLimit(.minutes(1))) struct `The retry command` {
    /// Every call with its answer.
    private final class Log: Sendable {
        private let kept = Mutex<[RecordedStep]>([])

        func add(_ step: RecordedStep) { kept.withLock { $0.append(step) } }
        var steps: [RecordedStep] { kept.withLock { $0 } }
    }

    /// The store whose workers fail what is opened again, from the moment on at which they are let loose.
    private final class Workers: Sendable {
        private let store = Mutex<FakeSupabase?>(nil)

        func begin(in store: FakeSupabase) { self.store.withLock { $0 = store } }
        var atWork: FakeSupabase? { store.withLock { $0 } }
    }

    /// A job of so many batches of ten records, all of which have failed; every other batch as a whole.
    private static func failedJob(batches: Int, in store: FakeSupabase) async throws -> JobSummary {
        let token = SystemEntropy().uuid()
        let opened = try await store.openJob(
            OpenIngestionJob(
                targetKey: "t",
                configHash: "h",
                config: [:],
                settings: JobSettings(maxRetries: 0, leaseSeconds: 60, batchTimeoutSeconds: 60),
                controllerId: "c",
                token: token,
                start: true
            )
        )
        let ids = (0..<batches).map { Array(RecordID($0) * 10..<RecordID($0) * 10 + 10) }
        _ = try await store.appendBatches(
            AppendIngestionBatches(
                job: opened.job.id,
                epoch: opened.epoch,
                token: token,
                expectedCursor: nil,
                batches: ids
            )
        )
        try await failAll(of: opened.job.id, in: store)
        return try #require(try await store.stats(GetIngestionJobStats(job: opened.job.id)).job)
    }

    private static func failAll(of job: JobID, in store: FakeSupabase) async throws {
        while true {
            let claim = SystemEntropy().uuid()
            let taken = try await store.claim(
                ClaimNextBatch(job: job, worker: "w", claimId: claim, limit: 16, configHash: "h", floor: nil)
            ).batches
            if taken.isEmpty { return }
            for batch in taken {
                let call = FinishBatch(
                    job: job,
                    batchNumber: batch.batchNumber,
                    attempt: batch.attempt,
                    claimId: claim,
                    outcome: batch.batchNumber.isMultiple(of: 2) ? .failed : .completed,
                    counts: BatchCounts(failed: batch.recordIds.count),
                    failedRecords: [],
                    retryAfterMs: nil,
                    error: nil
                )
                _ = try await store.finish(call)
            }
        }
    }

    @Test(arguments: [false, true])
    func `takes everything once, in pages that go on by key, while it fails again beside it`(
        isolate: Bool
    ) async throws {
        let log = Log()
        let workers = Workers()
        // After each page workers fail all that was opened again.
        let hook = FaultHook(after: { call async throws(PortFailure) in
            guard call.hasPrefix("requeue_failed"), let store = workers.atWork else { return }
            do { try await Self.failAll(of: 1, in: store) } catch {
                throw PortFailure(.rejected, "the workers could not fail: \(error)")
            }
        })
        let store = FakeSupabase(
            time: Time(SteppedClock()),
            entropy: SystemEntropy(),
            faults: hook,
            log: StepLog { log.add($0) }
        )
        let job = try await Self.failedJob(batches: 500, in: store)
        workers.begin(in: store)
        let report = try await requeue(
            job,
            RequeueFilter(),
            [.batches],
            isolate: isolate,
            in: store,
            entropy: SystemEntropy()
        )
        // Isolated records that fail again have new numbers: one page of them at most is taken a second time.
        #expect(isolate ? (2_500...2_525).contains(report.records) : report.records == 2_500)
        #expect(report.batches == (isolate ? report.records : 250))
        let pages = log.steps.compactMap { $0.call as? RequeueFailedBatches }
        #expect(isolate ? (10...11).contains(pages.count) : pages.count == 3)
        #expect(pages.map(\.filter.after).first == .some(nil))
        #expect(pages.dropFirst().allSatisfy { $0.filter.after != nil })
        #expect(Set(pages.map(\.requestId)).count == pages.count)
    }

    @Test func `takes every failed record once`() async throws {
        let store = FakeSupabase(time: Time(SteppedClock()), entropy: SystemEntropy())
        let job = try await Self.failedJob(batches: 500, in: store)
        let report = try await requeue(
            job,
            RequeueFilter(),
            [.records],
            isolate: false,
            in: store,
            entropy: SystemEntropy()
        )
        #expect(report.records == 2_500)
        #expect(report.batches == 25)
        let open = ListIngestionFailures(job: job.id, filter: .init(open: true), after: nil, limit: 1)
        let left = try await store.failures(open).rows.first
        #expect(left?.batchNumber.isMultiple(of: 2) == true, "only letters of failed batches are open")
    }
}
