import Invariants
import Migration
import Testing

private let minute: Int64 = 60_000_000_000

/// I7: when a retry may be used, and a batch given back for nothing.
@Suite struct `The end of an attempt` {
    private static func call(
        _ outcome: BatchOutcome,
        _ reason: String?,
        retryAfterMs: Int? = nil
    ) -> FinishBatch {
        FinishBatch(
            job: 1,
            batchNumber: 4,
            attempt: 2,
            claimId: "claim",
            outcome: outcome,
            counts: nil,
            failedRecords: [],
            retryAfterMs: retryAfterMs,
            error: reason.map { BatchError(code: $0, message: "") }
        )
    }

    /// Ten minutes after a claim whose lease has more than a minute left.
    private static func end(
        _ outcome: BatchOutcome,
        _ reason: String?,
        at now: Int64 = 10 * minute,
        _ change: (inout AttemptEnd) -> Void = { _ in }
    ) -> AttemptEnd {
        let attempt = AttemptEnd.Attempt(
            worker: "worker3.3/0",
            claimID: "claim",
            records: [1, 2],
            claimed: 0,
            leaseEnd: now + 2 * minute
        )
        var end = AttemptEnd(call(outcome, reason), of: attempt, by: "run0.0", at: now)
        end.batchTimeout = .seconds(600)
        change(&end)
        return end
    }

    private static func finding(_ end: AttemptEnd, _ deeds: Deeds = Deeds(), at now: Int64 = 10 * minute) -> String? {
        var contact = StoreContact(since: 0)
        for second in 1...Int64(1000) { contact.reached(at: min(now, second * 1_000_000_000)) }
        var deeds = deeds
        deeds.heartbeats["claim"] = now - minute / 2
        return end.finding(deeds, ClaimHistory(), contact)?.description
    }

    @Test func `uses a retry for a deadline that has passed without a write`() {
        #expect(Self.finding(Self.end(.failed, "deadline") { $0.isOwn = true }) == nil)
    }

    @Test func `uses no retry for anything else, nor early, nor after a write`() {
        #expect(
            Self.finding(Self.end(.failed, "interrupted") { $0.isOwn = true })
                == "I7 run0.0 uses a retry of batch 4 attempt 2 for interrupted, but no deadline has passed"
        )
        #expect(
            Self.finding(Self.end(.failed, "deadline", at: 5 * minute) { $0.isOwn = true }, at: 5 * minute)
                == "I7 run0.0 uses a retry of batch 4 attempt 2 for deadline, but it is only 300.0 seconds old"
        )
        var deeds = Deeds()
        deeds.wrote([2, 2], at: minute)
        #expect(
            Self.finding(Self.end(.failed, "deadline") { $0.isOwn = true }, deeds)
                == "I7 run0.0 uses a retry of batch 4 attempt 2 for deadline, but it has written points"
        )
        #expect(
            Self.finding(Self.end(.failed, nil))
                == "I7 run0.0 uses a retry of batch 4 attempt 2 of worker3.3/0 for no reason"
        )
    }

    @Test(arguments: [BatchOutcome.failed, .released])
    func `is told for another process only when that is dead`(outcome: BatchOutcome) {
        #expect(Self.finding(Self.end(outcome, "runner_died")) == nil)
        #expect(
            Self.finding(Self.end(outcome, "runner_died") { $0.holder = "worker3.3" })
                == "I7 run0.0 ends batch 4 attempt 2 for worker3.3 (runner_died), but that process lives"
        )
    }

    @Test func `gives a batch back for nothing only with a reason`() {
        let released = "I7 run0.0 gives batch 4 attempt 2 back for "
        let unexcused = "but has neither to stop nor another reason"
        #expect(
            Self.finding(Self.end(.released, "interrupted") { $0.isOwn = true })
                == released + "interrupted, " + unexcused
        )
        let stopped = Self.end(.released, "interrupted") { ($0.isOwn, $0.hasToStop) = (true, true) }
        #expect(Self.finding(stopped) == nil)
        let braked = Self.end(.released, "braked") { ($0.isOwn, $0.mayBrake) = (true, true) }
        #expect(Self.finding(braked) == nil)
        #expect(
            Self.finding(Self.end(.released, "braked") { $0.isOwn = true }) == released + "braked, " + unexcused
        )
    }

    @Test func `gives a batch back when its lease may be lost`() {
        let end = Self.end(.released, "lease_expired") { $0.isOwn = true }
        #expect(
            Self.finding(end)
                == "I7 run0.0 gives batch 4 attempt 2 back for lease_expired, but has neither to stop nor another reason"
        )
        // No heartbeat of the last minute, no answer for a while.
        #expect(end.finding(Deeds(), ClaimHistory(), StoreContact(since: 10 * minute)) == nil)
        var deeds = Deeds()
        deeds.heartbeats["claim"] = 10 * minute
        #expect(end.finding(deeds, ClaimHistory(), StoreContact(since: 0)) == nil)
    }

    @Test func `defers for as long as its reason needs`() {
        var deeds = Deeds()
        for (reason, seconds) in [("deadline", 1), ("quota", 600), ("suspects", 120), ("points_unavailable", 30)] {
            let right = Self.call(.deferred, reason, retryAfterMs: seconds * 1000)
            #expect(deeds.defers(right, by: "run0.0", at: 0) == nil)
            let long = Self.call(.deferred, reason, retryAfterMs: seconds * 1000 + 1)
            #expect(
                deeds.defers(long, by: "run0.0", at: 0)?.description
                    == "I7 run0.0 defers batch 4 for \(Duration.milliseconds(seconds * 1000 + 1)): \(reason)"
            )
        }
    }
}

/// I6: what a process may divide.
@Suite struct `The division of batches` {
    private static func call(_ numbers: [Int]?) -> RequeueFailedBatches {
        RequeueFailedBatches(
            job: 1,
            requestId: "R",
            filter: .init(batchNumbers: numbers),
            isolate: true,
            limit: 10
        )
    }

    private static func told(_ status: BatchStatus) -> Deeds {
        var deeds = Deeds()
        let finish = FinishBatch(
            job: 1,
            batchNumber: 4,
            attempt: 3,
            claimId: "claim",
            outcome: .failed,
            counts: nil,
            failedRecords: [],
            retryAfterMs: nil,
            error: nil
        )
        deeds.endWasAnswered(finish, FinishBatch.Answer(result: .applied, status: status, outcome: "failed"))
        return deeds
    }

    @Test func `is of batches that are given up, and have several records`() {
        #expect(Self.told(.failed).breach(byDividing: Self.call([4]), of: [2], "run0.0") == nil)
        #expect(
            Self.told(.pending).breach(byDividing: Self.call([4]), of: [2], "run0.0")?.description
                == "I6 run0.0 divides batch 4, but was not told that it is given up"
        )
        #expect(
            Self.told(.failed).breach(byDividing: Self.call([4]), of: [1], "run0.0")?.description
                == "I6 run0.0 divides batch 4 of a single record"
        )
        #expect(
            Self.told(.failed).breach(byDividing: Self.call(nil), of: [], "run0.0")?.description
                == "I6 run0.0 divides batches without a list of their numbers"
        )
    }
}
