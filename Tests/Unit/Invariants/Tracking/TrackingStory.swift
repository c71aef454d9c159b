// Longer than 300 lines: one step for each thing that can happen to a job.

import Invariants
import Migration
import Scenarios

/// A small history made by hand: three batches; one completed at once, one reaped, deferred and completed, one at work.
struct TrackingStory: Sendable {
    var evidence = TrackingEvidence(jobs: [])

    var job: TrackingEvidence.Job {
        get { evidence.jobs[0] }
        set { evidence.jobs[0] = newValue }
    }

    static func time(_ seconds: Int) -> String { (DatabaseTime.start + .seconds(seconds)).text }

    static let clean: Self = {
        var story = Self()
        story.begin()
        story.add("opened", at: 0)
        story.add("planned", at: 0, ["first_batch": "0", "batches": "3", "cursor": "8"])
        story.add("sealed", at: 0)
        story.add("claimed", batch: 0, attempt: 1, claim: "A", at: 0)
        story.add("claimed", batch: 1, attempt: 1, claim: "A", at: 0)
        story.add("completed", batch: 0, attempt: 1, claim: "A", at: 1, ["status": "completed"])
        let reaped = ["status": "pending", "retry_count": "1", "wait_ms": "5000"]
        story.add("reaped", batch: 1, attempt: 1, claim: "A", at: 15, reaped)
        story.add("claimed", batch: 1, attempt: 2, claim: "B", at: 20)
        let deferred = ["status": "pending", "retry_count": "1", "wait_ms": "1000"]
        story.add("defer", batch: 1, attempt: 2, claim: "B", at: 21, deferred)
        story.add("claimed", batch: 1, attempt: 3, claim: "C", at: 30)
        story.add("completed", batch: 1, attempt: 3, claim: "C", at: 31, ["status": "completed"])
        story.add("claimed", batch: 2, attempt: 1, claim: "D", at: 32)
        story.call()
        return story
    }()

    /// The rows as they are in the end.
    private mutating func begin() {
        let settings = JobSettings(maxRetries: 2, leaseSeconds: 10, batchTimeoutSeconds: 60)
        let summary = JobSummary(
            id: 1,
            targetKey: "target",
            status: .running,
            configHash: "hash",
            config: [:],
            settings: settings,
            planCursor: 8,
            planUpper: 8,
            sealed: true,
            nextBatchNumber: 3,
            totalBatches: 3,
            totalRecords: 8,
            sourceCount: nil,
            currentRound: 0,
            controllerId: "controller",
            createdAt: Self.time(0),
            startTime: Self.time(0),
            endTime: nil,
            reason: nil
        )
        let stats = JobStats(
            result: .ok,
            job: summary,
            pending: 0,
            processing: 1,
            completed: 2,
            failed: 0,
            processed: 4,
            skipped: 0,
            failedRecords: 1,
            missing: 0,
            claims: 5,
            retries: 1,
            reaps: 1,
            releases: 0,
            defers: 1,
            equal: nil
        )
        let letter = FailureSummary(
            recordId: 5,
            batchNumber: 1,
            attempt: 3,
            stage: .embed,
            code: "too_long",
            message: "",
            permanent: true,
            firstAt: Self.time(31),
            lastAt: Self.time(31),
            times: 1,
            resolvedAt: nil
        )
        let batches = [
            Self.batch(0, [1, 2, 3], .completed, attempt: 1, retries: 0, .init(processed: 3)),
            Self.batch(1, [4, 5], .completed, attempt: 3, retries: 1, .init(processed: 1, failed: 1)),
            Self.batch(2, [6, 7, 8], .processing, attempt: 1, retries: 0, .init(processed: 1)),
        ]
        evidence.jobs = [.init(summary: summary, stats: stats, batches: batches, failures: [letter], events: [])]
    }

    private static func batch(
        _ number: Int,
        _ ids: [RecordID],
        _ status: BatchStatus,
        attempt: Int,
        retries: Int,
        _ counts: BatchCounts
    ) -> BatchSummary {
        BatchSummary(
            batchNumber: number,
            status: status,
            round: 0,
            recordIds: ids,
            attempt: attempt,
            retryCount: retries,
            counts: counts,
            moved: 0,
            workerId: "worker",
            nextRetryMs: 0,
            lastOutcome: nil,
            errorCode: nil,
            errorMessage: nil
        )
    }

    /// What was called: the finish of a late worker among it.
    private mutating func call() {
        open(epoch: 1, token: "first")
        note(Self.claim("A"), Self.claimed([0, 1]), before: 3, after: 5)
        note(Self.finish(batch: 0, attempt: 1, "A"), Self.applied, before: 5, after: 6)
        let lost = FinishBatch.Answer(result: .lost, status: nil, outcome: nil)
        note(Self.finish(batch: 1, attempt: 1, "A"), lost, before: 8, after: 8)
        note(Self.finish(batch: 1, attempt: 3, "C"), Self.applied, before: 10, after: 11)
        heartbeat(batch: 2, attempt: 1, claim: "D", at: 33, leaseMs: 10_000, after: 12)
    }

    private static func claim(_ id: String) -> ClaimNextBatch {
        ClaimNextBatch(job: 1, worker: "worker", claimId: id, limit: 2, configHash: "hash", floor: nil)
    }

    private static func claimed(_ numbers: [Int]) -> ClaimNextBatch.Answer {
        let batches = numbers.map {
            ClaimedBatch(batchNumber: $0, attempt: 1, retryCount: 0, recordIds: [], leaseMs: 10_000, deadlineMs: 60_000)
        }
        return .init(result: .ok, jobStatus: .running, sealed: true, batches: batches, floor: nil, waitMs: 0)
    }

    private static let applied =
        FinishBatch.Answer(result: .applied, status: .completed, outcome: "completed")

    private static func finish(batch: Int, attempt: Int, _ claim: String) -> FinishBatch {
        FinishBatch(
            job: 1,
            batchNumber: batch,
            attempt: attempt,
            claimId: claim,
            outcome: .completed,
            counts: nil,
            failedRecords: [],
            retryAfterMs: nil,
            error: nil
        )
    }
}

// MARK: Ways to change it

extension TrackingStory {
    /// Appends an event.
    mutating func add(
        _ kind: String,
        batch: Int? = nil,
        attempt: Int? = nil,
        claim: String? = nil,
        at seconds: Int,
        _ detail: [String: String] = [:]
    ) {
        job.events.append(
            EventSummary(
                id: Int64(job.events.count + 1),
                at: Self.time(seconds),
                batchNumber: batch,
                attempt: attempt,
                claimId: claim,
                workerId: nil,
                kind: kind,
                detail: detail
            )
        )
    }

    /// Replaces each event of some sort by others.
    mutating func edit(
        _ isMeant: (EventSummary) -> Bool,
        with change: (EventSummary) -> [EventSummary]
    ) {
        job.events = job.events.flatMap { isMeant($0) ? change($0) : [$0] }
    }

    /// Changes the events of a kind.
    mutating func change(_ kind: String, batch: Int? = nil, _ body: (inout EventSummary) -> Void) {
        edit {
            $0.kind == kind && (batch == nil || $0.batchNumber == batch)
        } with: {
            [$0.with(body)]
        }
    }

    /// An event of the job before a claim.
    mutating func insert(_ kind: String, before claim: String) {
        edit {
            $0.claimId == claim
        } with: { event in
            [event.with { ($0.kind, $0.batchNumber, $0.attempt, $0.claimId) = (kind, nil, nil, nil) }, event]
        }
    }

    /// Changes a row.
    mutating func edit(batch: Int, _ body: (inout BatchSummary) -> Void) { body(&job.batches[batch]) }

    mutating func note<Call: TrackingCall>(
        _ call: Call,
        _ answer: Call.Answer,
        before: Int64,
        after: Int64,
        at seconds: Int = 0
    ) {
        let tick = 2 * evidence.calls.count
        evidence.calls.append(
            ObservedCall(
                call,
                answer: .given(answer),
                began: tick,
                ended: tick + 1,
                at: DatabaseTime.start + .seconds(seconds),
                eventBefore: before,
                eventAfter: after
            )
        )
    }

    mutating func heartbeat(batch: Int, attempt: Int, claim: String, at: Int, leaseMs: Int, after event: Int64) {
        let item = HeartbeatItem(batchNumber: batch, attempt: attempt, claimId: claim, counts: .init(processed: 1))
        let answer = BumpBatchProgress.Item(
            batchNumber: batch,
            attempt: attempt,
            result: .ok,
            reason: nil,
            leaseMs: leaseMs
        )
        note(
            BumpBatchProgress(job: 1, worker: "worker", items: [item]),
            .init(jobStatus: .running, items: [answer]),
            before: event,
            after: event,
            at: at
        )
    }

    /// Answers the finishes that had this result otherwise.
    mutating func answer(_ result: FinishBatch.Result, with other: (String) -> FinishBatch.Answer) {
        for index in evidence.calls.indices {
            guard let (call, answer) = evidence.calls[index].answered(FinishBatch.self), answer.result == result else {
                continue
            }
            evidence.calls[index].answer = .given(other(call.outcome.rawValue))
        }
    }

    /// The first claim again, with other batches in its answer.
    mutating func repeatClaim(listing numbers: [Int]) {
        note(Self.claim("A"), Self.claimed(numbers), before: 5, after: 5)
    }

    /// The first call of some sort again, with the same answer.
    mutating func repeatCall(_ isMeant: (ObservedCall) -> Bool) {
        guard var call = evidence.calls.first(where: isMeant) else { return }
        (call.began, call.ended) = (2 * evidence.calls.count, 2 * evidence.calls.count + 1)
        evidence.calls.append(call)
    }

    mutating func requeue(_ request: String) {
        let call = RequeueFailedBatches(job: 1, requestId: request, filter: .init(), isolate: false, limit: 1)
        let answer = RequeueAnswer(result: .applied, batches: 0, records: 0, more: false)
        note(call, answer, before: 12, after: 12)
    }

    mutating func removeHeartbeats() {
        evidence.calls.removeAll { $0.calls(BumpBatchProgress.self) }
    }

    /// Changes the finishes of batch 1.
    mutating func finishes(_ body: (inout FinishBatch) -> Void) {
        for index in evidence.calls.indices {
            guard var call = evidence.calls[index].sent(FinishBatch.self), call.batchNumber == 1 else { continue }
            body(&call)
            evidence.calls[index].call = call
        }
    }

    /// Batch 1 was given up and divided into batches of these records.
    mutating func divide(batch number: Int, into groups: [[RecordID]]) {
        job.summary.settings.maxRetries = 1
        change("completed", batch: number) { ($0.kind, $0.detail["status"]) = ("failed", "failed") }
        finishes { $0.outcome = .failed }
        add("requeued", batch: number, attempt: 3, claim: "C", at: 33, ["mode": "isolate"])
        edit(batch: number) { ($0.counts, $0.moved, $0.retryCount) = (BatchCounts(), $0.recordIds.count, 0) }
        for index in job.failures.indices { job.failures[index].resolvedAt = Self.time(33) }
        for ids in groups {
            var batch = Self.batch(job.batches.count, ids, .pending, attempt: 0, retries: 0, BatchCounts())
            batch.round = 1
            job.batches.append(batch)
        }
        (job.summary.nextBatchNumber, job.summary.totalBatches) = (job.batches.count, job.batches.count)
        (job.stats.pending, job.stats.processed, job.stats.failedRecords) = (groups.count, 3, 0)
    }

    /// Another job of the target, which was opened and cancelled by these events.
    mutating func addJob(from first: Int64, to last: Int64) {
        var other = job
        other.summary.id = JobID(evidence.jobs.count + 1)
        other.summary.status = .cancelled
        other.summary.planCursor = nil
        (other.summary.nextBatchNumber, other.summary.totalBatches, other.summary.totalRecords) = (0, 0, 0)
        (other.batches, other.failures) = ([], [])
        (other.stats.processing, other.stats.completed, other.stats.processed) = (0, 0, 0)
        (other.stats.failedRecords, other.stats.claims, other.stats.retries) = (0, 0, 0)
        (other.stats.reaps, other.stats.defers) = (0, 0)
        other.events = [job.events[0], job.events[0]]
        (other.events[0].id, other.events[1].id, other.events[1].kind) = (first, last, "cancelled")
        evidence.jobs.append(other)
    }

    mutating func open(epoch: Int, token: String) {
        let call = OpenIngestionJob(
            targetKey: "target",
            configHash: "hash",
            config: [:],
            settings: job.summary.settings,
            controllerId: "controller",
            token: token,
            start: true
        )
        let answer = OpenIngestionJob.Answer(result: .resumed, role: .controller, epoch: epoch, job: job.summary)
        note(call, answer, before: 12, after: 12)
    }

    mutating func join(
        _ result: JoinIngestionJob.Result,
        role: OpenIngestionJob.Role = .follower,
        _ change: (inout JobSummary) -> Void = { _ in }
    ) {
        var answered = job.summary
        change(&answered)
        let call = JoinIngestionJob(job: 1, configHash: "hash", controllerId: "controller", token: "token")
        let answer = JoinIngestionJob.Answer(result: result, role: role, epoch: 1, job: answered)
        note(call, answer, before: 12, after: 12)
    }

    /// A page of one controller, accepted when another one was in office.
    mutating func append(epoch: Int, after newer: Int) {
        open(epoch: newer, token: "second")
        let call = AppendIngestionBatches(
            job: 1,
            epoch: epoch,
            token: "first",
            expectedCursor: nil,
            batches: [[1, 2, 3]]
        )
        note(call, .init(result: .appended, cursor: 3, nextNumber: 1), before: 12, after: 12)
    }
}

extension EventSummary {
    func with(_ change: (inout Self) -> Void) -> Self {
        var copy = self
        change(&copy)
        return copy
    }
}
