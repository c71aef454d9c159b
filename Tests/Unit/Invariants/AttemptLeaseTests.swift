import Invariants
import Migration
import Testing

private let second: Int64 = 1_000_000_000

/// I5, I20 and I25: what a lease allows, and how long it may last.
@Suite struct `The lease of an attempt` {
    @Test func `is there when a write begins`() {
        let lease = AttemptLease(claimed: 0, leaseEnd: 100)
        #expect(AttemptLease.breach(lease, byWriting: 7, "run0.0", at: 100) == nil)
        #expect(
            AttemptLease.breach(lease, byWriting: 7, "run0.0", at: 101)?.description
                == "I20 run0.0 writes record 7 after its lease"
        )
        #expect(
            AttemptLease.breach(nil, byWriting: 7, "run0.0", at: 0)?.description
                == "I20 run0.0 writes record 7 without a lease"
        )
    }

    @Test func `ends with its deadline`() {
        let (early, late) = (DatabaseTime.start, DatabaseTime.start + .seconds(1))
        #expect(AttemptLease.breach(of: 3, leaseEnd: early, deadline: late) == nil)
        #expect(AttemptLease.breach(of: 3, leaseEnd: late, deadline: nil) == nil)
        #expect(
            AttemptLease.breach(of: 3, leaseEnd: late, deadline: early)?.description
                == "I5 the lease of batch 3 reaches beyond its deadline"
        )
    }

    @Test func `is taken back in time when its holder is dead`() {
        let breach = { (now: Int64, healedAt: Int64) in
            AttemptLease.breach(
                of: 3,
                heldAt: now * second,
                leaseEnd: 200 * second,
                lease: .seconds(120),
                healedAt: healedAt * second
            )
        }
        #expect(breach(252, 0) == nil)
        #expect(breach(253, 0)?.description == "I25 batch 3 is still held, its lease ended 53.0 seconds ago")
        #expect(breach(253, 83) == nil, "something was broken until a moment ago")
    }
}

/// I10: what a row counts.
@Suite struct `The progress of attempts` {
    private static func item(_ processed: Int, attempt: Int = 1) -> HeartbeatItem {
        HeartbeatItem(batchNumber: 3, attempt: attempt, claimId: "claim", counts: .init(processed: processed))
    }

    @Test func `is no more than the most that each attempt has said`() {
        var progress = ProgressHistory()
        #expect(progress.wasSaid(Self.item(4), of: 1, known: 4) == nil)
        #expect(progress.wasSaid(Self.item(2), of: 1, known: 4) == nil)
        #expect(progress.wasSaid(Self.item(2), of: 1, known: nil) == nil)
        #expect(
            progress.wasSaid(Self.item(2), of: 1, known: 6)?.description == "I10 batch 3 counts 6 records, its worker 4"
        )
        #expect(
            progress.wasSaid(Self.item(1, attempt: 2), of: 1, known: 4)?.description
                == "I10 batch 3 counts 4 records, its worker 1"
        )
    }
}

/// I25: which process may be reaped.
@Suite struct `The history of claims` {
    private static let reap = EventSummary(
        id: 9,
        at: DatabaseTime.start.text,
        batchNumber: 3,
        attempt: 1,
        claimId: "claim",
        workerId: "run0.0/0",
        kind: "reaped",
        detail: ["code": "lease_expired"]
    )

    /// A claim that was sent at these seconds.
    private static func sent(_ moments: [Int64]) -> ClaimHistory {
        var claims = ClaimHistory()
        for moment in moments { claims.wasSent("claim", at: moment * second) }
        return claims
    }

    /// The process had answers up to now, or none since a minute before the claim was answered.
    private static func finding(
        _ claims: ClaimHistory,
        claimed: Int64 = 101,
        calls: [ObservedCall] = [],
        isReaching: Bool = true
    ) -> String? {
        let now = claimed * second + 20 * second
        let contact = StoreContact(since: isReaching ? now : now - 90 * second)
        return claims.breach(by: reap, of: "run0.0", claimed: claimed * second, contact, calls, at: now)?.description
    }

    private static func call(at seconds: Int, batches: [ClaimedBatch]) -> ObservedCall {
        ObservedCall(
            ClaimNextBatch(job: 1, worker: "run0.0/0", claimId: "claim", limit: 1, configHash: "hash", floor: nil),
            answer: .given(
                ClaimNextBatch.Answer(
                    result: .ok,
                    jobStatus: .running,
                    sealed: true,
                    batches: batches,
                    floor: nil,
                    waitMs: 0
                )
            ),
            began: 0,
            ended: 1,
            at: DatabaseTime.start + .seconds(seconds)
        )
    }

    private static let batch = ClaimedBatch(
        batchNumber: 3,
        attempt: 1,
        retryCount: 0,
        recordIds: [1],
        leaseMs: 120_000,
        deadlineMs: 600_000
    )

    @Test func `names a process that is reaped although it reaches the store`() {
        let found = "I25 batch 3 of run0.0 was reaped, but it lives and reaches the store"
        #expect(Self.finding(Self.sent([100])) == found)
        #expect(Self.finding(Self.sent([100]), calls: [Self.call(at: 101, batches: [Self.batch])]) == found)
        #expect(Self.finding(Self.sent([100]), isReaching: false) == nil)
    }

    @Test func `excuses a claim of which its sender did not know`() {
        #expect(Self.finding(ClaimHistory()) == nil, "it was not sent")
        #expect(Self.finding(Self.sent([60])) == nil, "answered after it was given up")
        #expect(Self.finding(Self.sent([60, 101]), claimed: 90) == nil, "asked for until it was given up")
        #expect(Self.finding(Self.sent([100]), calls: [Self.call(at: 99, batches: [Self.batch])]) == nil)
        #expect(Self.finding(Self.sent([100]), calls: [Self.call(at: 101, batches: [])]) == nil)
    }

    @Test func `says nothing of a deadline`() {
        var reap = Self.reap
        reap.detail["code"] = "deadline_exceeded"
        let claims = Self.sent([100])
        let contact = StoreContact(since: 120 * second)
        #expect(claims.breach(by: reap, of: "run0.0", claimed: 101 * second, contact, [], at: 120 * second) == nil)
    }
}

/// Whether a process has had an answer every few seconds.
@Suite struct `The contact to the store` {
    @Test func `is lost in a silence, and in one that is over`() {
        var contact = StoreContact(since: 0)
        #expect(contact.wasReaching(since: 0, at: 25 * second) && !contact.wasReaching(since: 0, at: 26 * second))
        contact.reached(at: 30 * second)
        #expect(!contact.wasReaching(since: 30 * second, at: 31 * second))
        #expect(contact.wasReaching(since: 30 * second + 1, at: 31 * second))
    }
}
