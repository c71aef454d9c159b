import Conformance
import Migration
import Synchronization
import Testing

@testable import Fakes

/// A fake store whose database clock moves only when a rule moves it.
private final class SteppedHarness: JobStoreHarness {
    let store: any JobStore
    private let clock: SteppedClock

    init(seed: UInt64, interleaving: (@Sendable () async -> Void)? = nil) {
        let clock = SteppedClock()
        self.clock = clock
        store = FakeSupabase(time: Time(clock), entropy: SeededEntropy(seed), interleaving: interleaving)
    }

    func advance(by duration: Duration) async throws { clock.advance(by: duration) }
}

@Suite struct `The fake job store` {
    @Test(arguments: JobStoreConformance.Rule.allCases)
    func `keeps the job-store rules`(rule: JobStoreConformance.Rule) async throws {
        try await JobStoreConformance { SteppedHarness(seed: 1) }.check(rule)
    }

    @Test(arguments: JobStoreConformance.Rule.allCases)
    func `keeps the job-store rules while calls overlap`(rule: JobStoreConformance.Rule) async throws {
        for seed in 1...5 as ClosedRange<UInt64> {
            try await JobStoreConformance {
                let entropy = SeededEntropy(seed)
                // A different number of pauses at each step, so that calls overtake each other.
                return SteppedHarness(seed: seed) {
                    for _ in 0...(entropy.next() % 4) { await Task.yield() }
                }
            }.check(rule)
        }
    }

    @Test func `knows every function of the contract`() {
        for call in TrackingContract.calls { #expect(call is any FakeCall.Type, "\(call.function)") }
    }

    @Test func `refuses a function that it does not know`() async {
        struct Stranger: TrackingCall {
            typealias Answer = JobPresence
            static let function = "drop_everything"
        }
        let store = FakeSupabase(time: Time(SteppedClock()), entropy: SeededEntropy(1))
        let failure = await #expect(throws: PortFailure.self) { try await store.perform(Stranger()) }
        #expect(failure?.kind == .rejected)
        #expect(failure?.detail.contains("drop_everything") == true)
    }
}

/// What a call does between its steps: the first time a given step is reached, something else.
private final class Interruption: Sendable {
    private let action = Mutex<(@Sendable () async -> Void)?>(nil)
    private let steps = Mutex(0)

    /// Runs the action within the pause before the `step`-th step from now.
    func arm(step: Int, _ action: @escaping @Sendable () async -> Void) {
        steps.withLock { $0 = step }
        self.action.withLock { $0 = action }
    }

    func pause() async {
        let isReached = steps.withLock { steps in
            steps -= 1
            return steps == 0
        }
        guard isReached else { return }
        let action = action.withLock { action in
            defer { action = nil }
            return action
        }
        await action?()
    }
}

@Suite struct `The fake job store's locks` {
    private let interruption = Interruption()
    private let store: FakeSupabase
    private let job: JobID

    init() async throws {
        store = FakeSupabase(
            time: Time(SteppedClock()),
            entropy: SeededEntropy(1),
            interleaving: { [interruption] in await interruption.pause() }
        )
        let token = SeededEntropy(2).uuid()
        job = try await store.openJob(
            OpenIngestionJob(
                targetKey: "t",
                configHash: "h",
                config: [:],
                settings: JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600),
                controllerId: "c",
                token: token,
                start: true
            )
        ).job.id
        _ = try await store.appendBatches(
            AppendIngestionBatches(job: job, epoch: 1, token: token, expectedCursor: nil, batches: [[1], [2]])
        )
    }

    private func claim(_ seed: UInt64) async throws -> (number: Int?, id: String) {
        let id = SeededEntropy(seed).uuid()
        let call = ClaimNextBatch(job: job, worker: "w", claimId: id, limit: 1, configHash: "h", floor: nil)
        return (try await store.claim(call).batches.first?.batchNumber, id)
    }

    @Test func `let a claim pass over the row that another claim holds`() async throws {
        let inner = Mutex<Int?>(nil)
        // Claim lock, job lock, row lock: the third pause is within the lock of the row.
        interruption.arm(step: 3) {
            let number = try? await claim(11).number
            inner.withLock { $0 = number }
        }
        #expect(try await claim(10).number == 0)
        #expect(inner.withLock { $0 } == 1)
    }

    @Test func `make a call wait for a row, at most two seconds`() async throws {
        let held = try await claim(10)
        let item = HeartbeatItem(batchNumber: 0, attempt: 1, claimId: held.id, counts: BatchCounts(processed: 1))
        let failure = Mutex<PortFailure?>(nil)
        interruption.arm(step: 1) {
            do throws(PortFailure) {
                _ = try await store.finish(
                    FinishBatch(
                        job: job,
                        batchNumber: 0,
                        attempt: 1,
                        claimId: held.id,
                        outcome: .released,
                        counts: nil,
                        failedRecords: [],
                        retryAfterMs: nil,
                        error: nil
                    )
                )
            } catch {
                failure.withLock { $0 = error }
            }
        }
        let answer = try await store.heartbeat(BumpBatchProgress(job: job, worker: "w", items: [item]))
        #expect(answer.items.first?.result == .ok)
        #expect(failure.withLock { $0?.code } == "55P03")
        #expect(failure.withLock { $0?.kind } == .unavailable)
    }

    @Test func `make a claim wait for a pause of the job that came first`() async throws {
        let isRefused = Mutex(false)
        interruption.arm(step: 1) {
            let claimed = try? await claim(10)
            isRefused.withLock { $0 = claimed == nil }
        }
        _ = try await store.control(ControlIngestionJob(job: job, action: .pause, reason: nil))
        #expect(isRefused.withLock { $0 })
        #expect(try await claim(11).number == nil)
    }

    @Test func `are all free again after a call that failed`() async throws {
        let call = ClaimNextBatch(job: job, worker: "w", claimId: "no", limit: 1, configHash: "h", floor: nil)
        await #expect(throws: PortFailure.self) { try await store.claim(call) }
        #expect(try await claim(10).number == 0)
        #expect(try await claim(11).number == 1)
    }
}

@Suite struct `The fake job store's hook` {
    @Test func `loses a call before it is done, or its answer after`() async throws {
        let isLost = Mutex(false)
        let faults = FaultHook(
            before: { call throws(PortFailure) in
                if call == "open_ingestion_job", !isLost.withLock({ $0 }) {
                    throw PortFailure(.unavailable, "not reached")
                }
            },
            after: { call throws(PortFailure) in
                if call == "open_ingestion_job" { throw PortFailure(.outcomeUnknown, "no answer") }
            }
        )
        let store = FakeSupabase(time: Time(SteppedClock()), entropy: SeededEntropy(1), faults: faults)
        let open = OpenIngestionJob(
            targetKey: "t",
            configHash: "h",
            config: [:],
            settings: JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600),
            controllerId: "c",
            token: SeededEntropy(2).uuid(),
            start: true
        )
        let all = ListIngestionJobs(job: nil, filter: .init(), after: nil, limit: 9)
        await #expect(throws: PortFailure.self) { try await store.openJob(open) }
        #expect(try await store.jobs(all).rows.isEmpty)
        isLost.withLock { $0 = true }
        await #expect(throws: PortFailure.self) { try await store.openJob(open) }
        #expect(try await store.jobs(all).rows.count == 1)
    }
}
