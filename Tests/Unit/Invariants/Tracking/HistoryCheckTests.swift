import Invariants
import Migration
import Scenarios
import Testing

/// A check that cannot fail is a defect: for each there is a history that breaks exactly its invariant.
@Suite struct `Checks of a tracking history` {
    @Test func `find nothing in a history without a mistake`() {
        #expect(TrackingStory.clean.evidence.violations() == [])
    }

    @Test(arguments: Breach.all) func `find what was planted, and nothing else`(_ breach: Breach) {
        var story = TrackingStory.clean
        breach.plant(&story)
        let violations = story.evidence.violations()
        #expect(Set(violations.map(\.invariant)) == [breach.invariant], "\(violations)")
    }

    @Test func `excuse a repeated requeue when another one came in between`() {
        var story = TrackingStory.clean
        for request in ["R", "S", "R"] { story.requeue(request) }
        #expect(story.evidence.violations() == [])
    }

    @Test func `excuse a job of the same target that was opened when the other one was closed`() {
        var story = TrackingStory.clean
        // A requeue has opened it again; it is open from its next claim on.
        story.job.summary.status = .cancelled
        story.add("finalized", at: 40)
        story.add("requeued", batch: 1, at: 42, ["mode": "records"])
        story.add("claimed", batch: 2, attempt: 1, claim: "E", at: 45)
        story.add("cancelled", at: 46)
        #expect(story.job.openSpans.map(\.lowerBound) == [1, 15])
        #expect(story.job.openSpans.map(\.upperBound) == [13, 16])
        for (end, rivals) in [(Int64(14), [JobID]()), (15, [1])] {
            var both = story
            both.addJob(from: 14, to: end)
            #expect(both.evidence.jobsOpen(beside: both.evidence.jobs[1]) == rivals)
        }
    }

    /// The history of a server on which an event may be written an hour after its call decided.
    @Test(arguments: [true, false]) func `judge by when a call began, if that is known`(isKnown: Bool) {
        var story = TrackingStory.clean
        story.change("reaped") { ($0.at, $0.detail["wait_ms"]) = (TrackingStory.time(5), "0") }
        story.evidence.slack = .seconds(3600)
        if !isKnown { for index in story.evidence.calls.indices { story.evidence.calls[index].at = nil } }
        #expect(story.evidence.violations(of: [.oneLease]).isEmpty == !isKnown)
    }

    @Test func `each have a history that breaks them`() {
        #expect(Set(Breach.all.map(\.invariant)) == Set(TrackingInvariant.allCases))
    }

    @Test func `name the invariant by its number`() {
        #expect(TrackingInvariant.currentFence.description == "I3")
        #expect(TrackingInvariant.finalStatus.description == "I17")
    }
}

/// One way to break an invariant.
struct Breach: Sendable, CustomTestStringConvertible {
    let invariant: TrackingInvariant
    let how: String
    let plant: @Sendable (inout TrackingStory) -> Void

    init(_ invariant: TrackingInvariant, _ how: String, _ plant: @escaping @Sendable (inout TrackingStory) -> Void) {
        self.invariant = invariant
        self.how = how
        self.plant = plant
    }

    var testDescription: String { "\(invariant): \(how)" }

    static let all: [Self] = [
        Self(.oneClaimOneEnd, "an attempt is deferred twice") { story in
            story.edit {
                $0.kind == "defer"
            } with: {
                [$0, $0]
            }
            story.job.stats.defers = 2
        },
        Self(.completedOnce, "a completed batch waits again") { story in
            story.change("defer") { $0.kind = "completed" }
            story.job.stats.defers = 0
        },
        Self(.currentFence, "a late worker's finish is applied") { story in
            story.answer(.lost) { .init(result: .applied, status: .completed, outcome: $0) }
        },
        Self(.currentFence, "a heartbeat is heard after the end") { story in
            story.heartbeat(batch: 0, attempt: 1, claim: "A", at: 2, leaseMs: 10_000, after: 6)
        },
        Self(.denseAttempts, "the first claim is attempt 2") { story in
            story.edit {
                $0.claimId == "D"
            } with: {
                [$0.with { $0.attempt = 2 }]
            }
            story.edit(batch: 2) { $0.attempt = 2 }
            story.removeHeartbeats()
            story.heartbeat(batch: 2, attempt: 2, claim: "D", at: 33, leaseMs: 10_000, after: 12)
        },
        Self(.oneLease, "the reaper comes before the lease is over") { story in
            story.change("reaped") { ($0.at, $0.detail["wait_ms"]) = (TrackingStory.time(5), "0") }
            story.edit {
                $0.claimId == "B" && $0.kind == "claimed"
            } with: {
                [$0.with { $0.at = TrackingStory.time(6) }]
            }
        },
        Self(.oneLease, "a batch is taken from its holder") { story in
            story.edit {
                $0.kind == "defer"
            } with: { _ in
                []
            }
            story.job.stats.defers = 0
        },
        Self(.oneLease, "a heartbeat passes the deadline") { story in
            story.heartbeat(batch: 2, attempt: 1, claim: "D", at: 33, leaseMs: 60_000, after: 12)
        },
        Self(.endedStaysEnded, "a completed batch is requeued as a whole") { story in
            story.add("requeued", batch: 0, attempt: 1, claim: "A", at: 33, ["mode": "plain"])
        },
        Self(.endedStaysEnded, "records of a divided batch come back together") { story in
            story.divide(batch: 1, into: [[4, 5]])
        },
        Self(.endedStaysEnded, "a record of a divided batch does not come back") { story in
            story.divide(batch: 1, into: [[4]])
            story.job.summary.totalRecords = 7
        },
        Self(.retryBudget, "a defer uses the budget") { story in
            story.change("defer") { $0.detail["retry_count"] = "2" }
            story.edit(batch: 1) { $0.retryCount = 2 }
        },
        Self(.retryBudget, "a batch is given up too early") { story in
            story.change("completed", batch: 1) { ($0.kind, $0.detail["status"]) = ("failed", "failed") }
            story.edit(batch: 1) { $0.status = .failed }
            story.finishes { $0.outcome = .failed }
            (story.job.stats.completed, story.job.stats.failed) = (1, 1)
        },
        Self(.termsOfClaims, "a claim before the backoff is over") { story in
            story.edit {
                $0.claimId == "B" && $0.kind == "claimed"
            } with: {
                [$0.with { $0.at = TrackingStory.time(17) }]
            }
        },
        Self(.termsOfClaims, "a claim of a paused job") { story in
            story.insert("paused", before: "D")
        },
        Self(.termsOfClaims, "a claim with another configuration") { story in
            story.job.summary.configHash = "other"
        },
        Self(.repeatedClaim, "the repeated claim forgets a batch") { story in
            story.repeatClaim(listing: [0])
        },
        Self(.harmlessRepeats, "progress is added up") { story in
            story.edit(batch: 2) { $0.counts.processed = 2 }
        },
        Self(.harmlessRepeats, "a repeated finish is applied again") { story in
            story.repeatCall { $0.calls(FinishBatch.self) }
        },
        Self(.harmlessRepeats, "a repeated requeue is applied again") { story in
            story.requeue("R")
            story.requeue("R")
        },
        Self(.oneController, "a join is given a job that had ended") { story in
            story.join(.resumed) { $0.status = .cancelled }
        },
        Self(.oneController, "a join is given another job") { story in
            story.join(.resumed) { $0.id = 2 }
        },
        Self(.oneController, "a join that was refused controls the job") { story in
            story.join(.configMismatch, role: .controller)
        },
        Self(.oneController, "another job of the target was open meanwhile") { story in
            story.addJob(from: 20, to: 30)
        },
        Self(.oneController, "a page of an old epoch is stored") { story in
            story.append(epoch: 1, after: 2)
        },
        Self(.oneController, "two controllers in one epoch") { story in
            story.open(epoch: 1, token: "other")
        },
        Self(.exactPlan, "the cursor is ahead of the batches") { story in
            story.job.summary.planCursor = 9
        },
        Self(.exactPlan, "a record is planned twice") { story in
            story.job.batches[1].recordIds = [3, 5]
        },
        Self(.sumOfABatch, "one batch counts a record of another") { story in
            story.edit(batch: 0) { $0.counts.processed = 2 }
            story.edit(batch: 1) { $0.counts.processed = 2 }
        },
        Self(.sumOfTheJob, "the job has a record more than its batches") { story in
            story.job.summary.totalRecords = 9
        },
        Self(.exactCounters, "a release was counted, and none happened") { story in
            story.job.stats.releases = 1
        },
        Self(.exactCounters, "failures of services that no event tells of") { story in
            story.job.stats.serviceFailures = 1
        },
        Self(.exactCounters, "removals that no event tells of") { story in
            story.job.stats.removed = 1
        },
        Self(.exactCounters, "the brakes count from more than there is") { story in
            story.job.stats.removedBaseline = 1
        },
        Self(.deadLetters, "a failed record has no dead letter") { story in
            story.job.failures = []
        },
        Self(.deadLetters, "a resolved dead letter of a record that was not planned") { story in
            var stray = story.job.failures[0]
            (stray.recordId, stray.resolvedAt) = (99, TrackingStory.time(1))
            story.job.failures.append(stray)
        },
        Self(.finalStatus, "completed with a batch at work") { story in
            story.job.summary.status = .completed
        },
        Self(.finalStatus, "was finalized with a batch at work") { story in
            story.add("finalized", at: 34)
        },
    ]
}
