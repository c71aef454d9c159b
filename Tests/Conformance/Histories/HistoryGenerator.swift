// Longer than 300 lines: one choice among all calls of the contract, and what each needs.

package import Invariants
import Migration

/// Makes up what clients might call: workers that finish late, planners that die, operators, repeats, wrong input.
///
/// It asks the model what is there, so that most calls mean something; some are made from what was true long ago.
package struct HistoryGenerator: Sendable {
    /// What a worker once held.
    private struct Fence: Sendable {
        let job: JobID
        let batch: ClaimedBatch
        let claim: String
    }

    private let dice: Dice
    private var model = TrackingModel()
    private var now: Int64 = 0
    private var fences: [Fence] = []
    private var floors: [ClaimFloor] = []
    private var tokens: [(job: JobID, epoch: Int, token: String)] = []
    private var requests: [String] = []
    private var past: [any TrackingCall] = []

    package init(seed: UInt64) { dice = Dice(seed) }

    /// A history of so many calls.
    package static func history(seed: UInt64, steps: Int) -> [RecordedStep] {
        var generator = Self(seed: seed)
        return (0..<steps).map { _ in generator.next() }
    }

    private mutating func next() -> RecordedStep {
        now += passed()
        let call = call()
        // A multiple of 1/32: every delay made of it is a whole number of microseconds.
        let step = RecordedStep(at: now, chance: Double(dice.below(32)) / 32, call: call)
        let answer = model.answer(step)
        past.append(call)
        remember(call, answer)
        return step
    }

    /// Mostly nothing; sometimes a lease, a deadline, or a controller's lease.
    private func passed() -> Int64 {
        switch dice.below(20) {
        case 0..<11: 0
        case 11..<15: Int64(dice.below(3000)) * 1000
        case 15..<17: Int64(dice.number(4...16)) * 1_000_000 + Int64(dice.below(1000))
        case 17: 31_000_000
        case 18: 91_000_000
        default: Int64(dice.number(1...200)) * 1_000_000
        }
    }

    private mutating func remember(_ call: any TrackingCall, _ answer: RecordedAnswer?) {
        switch call {
        case let call as OpenIngestionJob:
            guard let answer = answer?.value(OpenIngestionJob.Answer.self), answer.role == .controller else { return }
            tokens.append((answer.job.id, answer.epoch, call.token))
        case let call as JoinIngestionJob:
            guard let answer = answer?.value(JoinIngestionJob.Answer.self), answer.role == .controller else { return }
            tokens.append((call.job, answer.epoch, call.token))
        case let call as ClaimNextBatch:
            guard let answer = answer?.value(ClaimNextBatch.Answer.self) else { return }
            for batch in answer.batches { fences.append(Fence(job: call.job, batch: batch, claim: call.claimId)) }
            if let floor = answer.floor { floors.append(floor) }
        default: break
        }
    }
}

// MARK: What is called

extension HistoryGenerator {
    private mutating func call() -> any TrackingCall {
        guard !model.jobs.isEmpty else { return open() }
        if dice.oneIn(20), let repeated = dice.pick(Array(past.suffix(30))) { return repeated }
        return switch dice.below(100) {
        case 0..<3: open()
        case 3: join()
        case 4: addServers()
        case 5..<12: append()
        case 12..<14: seal()
        case 14: renew()
        case 15..<36: claim()
        case 36..<41: repeatedClaim()
        case 41..<50: heartbeat()
        case 50..<70: finish()
        case 70..<77: ResetStuckBatches(job: job(), limit: 1000, full: dice.oneIn(3))
        case 77..<83: control()
        case 83..<87: FinalizeIngestionJob(job: job())
        case 87..<90: requeueBatches()
        case 90..<92: requeueRecords()
        case 92..<94: quota()
        default: read()
        }
    }

    /// Mostly the newest.
    private func job() -> JobID {
        if dice.oneIn(40) { return 999_999 }
        return dice.oneIn(4) ? dice.pick(model.jobs)?.id ?? 1 : model.jobs.last?.id ?? 1
    }

    private func find(_ id: JobID) -> TrackingModel.Job? { model.index(of: id).map { model.jobs[$0] } }

    private func open() -> any TrackingCall {
        let known = dice.pick(tokens)?.token
        return OpenIngestionJob(
            targetKey: dice.oneIn(8) ? "other" : "target",
            configHash: dice.oneIn(15) ? "hash-2" : "hash-1",
            config: dice.oneIn(2) ? ["model": "m", "collection": "c"] : ["model": "m"],
            settings: JobSettings(
                maxRetries: dice.below(4),
                leaseSeconds: dice.number(4...60),
                batchTimeoutSeconds: dice.pick([10, 90, 600]) ?? 10,
                backoffBaseSeconds: dice.pick([0, 1, 30]) ?? 0,
                backoffCapSeconds: dice.pick([10, 1800]) ?? 10,
                servers: dice.oneIn(2) ? servers() : JobServers()
            ),
            controllerId: "controller",
            token: dice.oneIn(5) ? known ?? dice.uuid() : dice.uuid(),
            start: !dice.oneIn(6)
        )
    }

    private func join() -> any TrackingCall {
        let known = dice.pick(tokens)?.token
        return JoinIngestionJob(
            job: job(),
            configHash: dice.oneIn(15) ? "hash-2" : "hash-1",
            controllerId: "joiner",
            token: dice.oneIn(3) ? known ?? dice.uuid() : dice.uuid()
        )
    }

    private func addServers() -> any TrackingCall { AddIngestionServers(job: job(), servers: servers()) }

    /// A few of a few; sometimes more than a job may have, or a name that is too long.
    private func servers() -> JobServers {
        let some = { (dice: Dice) in
            (0..<dice.below(3)).map { _ in ["a:1/b", "B:1/b", "é:1", "z", "https://x"][dice.below(5)] }
        }
        if dice.oneIn(15) { return JobServers(points: (0..<dice.number(18...22)).map { "p\($0)" }) }
        if dice.oneIn(15) { return JobServers(source: [String(repeating: "é", count: dice.number(499...502))]) }
        return JobServers(source: some(dice), points: some(dice), embedder: some(dice))
    }

    /// The controller's epoch and token; or those of one that was replaced.
    private func controller(of job: JobID) -> (epoch: Int, token: String) {
        let mine = tokens.filter { $0.job == job }
        let chosen = dice.oneIn(5) ? dice.pick(mine) : mine.last
        return (chosen?.epoch ?? 1, chosen?.token ?? dice.uuid())
    }

    private func append() -> any TrackingCall {
        let job = find(job())
        let cursor = dice.oneIn(15) ? job?.batches.first?.ids.last : job?.cursor
        var last: RecordID = cursor ?? dice.pick([-1000, -1, 9_007_199_254_740_990]) ?? 0
        let batches = (0..<dice.number(1...5)).map { _ in
            (0..<dice.number(1...4)).map { _ -> RecordID in
                last += RecordID(dice.number(dice.oneIn(60) ? 0...0 : 1...3))
                return last
            }
        }
        let (epoch, token) = controller(of: job?.id ?? 0)
        return AppendIngestionBatches(
            job: job?.id ?? 999_999,
            epoch: epoch,
            token: token,
            expectedCursor: cursor,
            batches: batches
        )
    }

    private func seal() -> any TrackingCall {
        let id = job()
        let (epoch, token) = controller(of: id)
        let cursor = dice.oneIn(8) ? 5 : find(id)?.cursor
        return SealIngestionPlan(
            job: id,
            epoch: epoch,
            token: token,
            expectedCursor: cursor,
            upper: cursor,
            sourceCount: dice.oneIn(2) ? 7 : nil
        )
    }

    private func renew() -> any TrackingCall {
        let id = job()
        let (epoch, token) = controller(of: id)
        return RenewController(job: id, epoch: epoch, token: token)
    }

    private func claim() -> any TrackingCall {
        ClaimNextBatch(
            job: job(),
            worker: "worker-\(dice.below(4))",
            claimId: dice.uuid(),
            limit: dice.oneIn(50) ? 17 : dice.number(1...3),
            configHash: dice.oneIn(30) ? "hash-2" : "hash-1",
            floor: dice.oneIn(2) ? floors.suffix(dice.number(1...20)).max { $0.nextRetryAt < $1.nextRetryAt } : nil
        )
    }

    private func repeatedClaim() -> any TrackingCall {
        let held = Set(fences.suffix(20).filter(isHeld).map(\.claim))
        let claims = past.suffix(60).filter {
            ($0 as? ClaimNextBatch).map { held.contains($0.claimId) } ?? false
        }
        return dice.pick(claims) ?? claim()
    }

    /// Something that is held now, or that was held once.
    private func fence() -> Fence? {
        guard dice.oneIn(4) else {
            return dice.pick(fences.suffix(40).filter(isHeld)) ?? dice.pick(fences)
        }
        return dice.pick(fences)
    }

    private func isHeld(_ fence: Fence) -> Bool {
        guard let job = find(fence.job), job.batches.indices.contains(fence.batch.batchNumber) else { return false }
        let row = job.batches[fence.batch.batchNumber]
        return row.isHeld && row.attempt == fence.batch.attempt
    }

    private func heartbeat() -> any TrackingCall {
        let items = (0..<dice.number(1...3)).compactMap { _ in fence() }.map { fence in
            HeartbeatItem(
                batchNumber: dice.oneIn(40) ? 77 : fence.batch.batchNumber,
                attempt: fence.batch.attempt,
                claimId: fence.claim,
                counts: progress(of: fence.batch.recordIds.count)
            )
        }
        return BumpBatchProgress(job: job(), worker: "worker", items: items)
    }

    /// Sometimes less than nothing, or of more records than there are.
    private func progress(of records: Int) -> BatchCounts {
        let kind = dice.below(60)
        let processed = kind == 0 ? -1 : min(dice.below(3), records)
        let skipped = min(dice.below(2), records - max(0, processed))
        return BatchCounts(processed: processed, skipped: skipped, missing: kind == 1 ? records + 1 : 0)
    }

    private func finish() -> any TrackingCall {
        guard let fence = fence() else { return claim() }
        let ids = fence.batch.recordIds
        let outcome = dice.pick([
            BatchOutcome.completed, .completed, .completed, .failed, .failed, .released, .deferred,
        ])
        let failed = dice.oneIn(3) ? Array(ids.prefix(dice.number(0...ids.count))) : []
        var counts = BatchCounts(failed: failed.count)
        for _ in failed.count..<ids.count {
            switch dice.below(4) {
            case 0: counts.skipped += 1
            case 1: counts.missing += 1
            default: counts.processed += 1
            }
        }
        if dice.oneIn(3) { counts.removed = dice.below(counts.skipped + counts.missing + (dice.oneIn(20) ? 2 : 1)) }
        if dice.oneIn(40) { counts.processed += 1 }
        if dice.oneIn(2) { counts.paid = Paid(tokens: Int64(dice.below(9_000)), nanodollars: Int64(dice.below(90))) }
        let onlyPaid = dice.oneIn(2) ? BatchCounts(paid: counts.paid) : nil
        let ends = outcome == .completed || outcome == .failed
        // An empty list with every record failed means "all, with the batch's error".
        let isSaidShortly = failed.count == ids.count && dice.oneIn(2)
        return FinishBatch(
            job: fence.job,
            batchNumber: fence.batch.batchNumber,
            attempt: dice.oneIn(30) ? fence.batch.attempt + 1 : fence.batch.attempt,
            claimId: fence.claim,
            outcome: outcome ?? .completed,
            counts: ends != dice.oneIn(50) ? counts : onlyPaid,
            failedRecords: !ends || isSaidShortly
                ? []
                : failed.map {
                    FailedRecord(
                        recordId: $0,
                        stage: dice.oneIn(2) ? .embed : .fetch,
                        code: dice.pick(["too_long", "gone", "no_member_code", "invalid_utf8"]) ?? "gone",
                        message: "why",
                        permanent: dice.oneIn(2)
                    )
                },
            retryAfterMs: dice.oneIn(3) ? dice.number(0...40_000) : nil,
            error: dice.oneIn(2)
                ? BatchError(code: dice.oneIn(5) ? "too_long" : "broken", message: "it broke") : nil
        )
    }

    private func control() -> any TrackingCall {
        // Resumed more often than paused, and rarely cancelled: else nothing would go on.
        let action: ControlIngestionJob.Action = dice.oneIn(20) ? .cancel : dice.oneIn(3) ? .pause : .resume
        return ControlIngestionJob(job: job(), action: action, reason: dice.oneIn(2) ? "why" : nil)
    }

    private mutating func request() -> String {
        if dice.oneIn(5), let old = dice.pick(requests) { return old }
        requests.append(dice.uuid())
        return requests[requests.count - 1]
    }

    private func filter() -> RequeueFilter {
        switch dice.below(6) {
        case 0: RequeueFilter(batchNumbers: [0, 1, 2])
        case 1: RequeueFilter(code: "too_long")
        case 2: RequeueFilter(stage: .batch)
        case 3: RequeueFilter(after: 1)
        default: RequeueFilter()
        }
    }

    private mutating func requeueBatches() -> any TrackingCall {
        RequeueFailedBatches(
            job: job(),
            requestId: request(),
            filter: filter(),
            isolate: dice.oneIn(2),
            limit: dice.number(1...3)
        )
    }

    private mutating func requeueRecords() -> any TrackingCall {
        RequeueFailedRecords(
            job: job(),
            requestId: request(),
            filter: filter(),
            batchSize: dice.number(1...3),
            limit: dice.number(1...5)
        )
    }

    private func quota() -> any TrackingCall {
        if dice.oneIn(3) {
            let throttled = dice.oneIn(3) ? 500 : nil
            return ReportQuota(
                quota: "quota",
                report: QuotaReport(tokensPerMinute: 60_000, requestsPerMinute: 600, throttledMs: throttled)
            )
        }
        return ReserveQuota(quota: "quota", cost: dice.below(500), maxWaitMs: dice.below(2000))
    }

    private func read() -> any TrackingCall {
        switch dice.below(7) {
        case 6: ListIngestionJobs(job: nil, filter: .init(collection: "c"), after: nil, limit: 1000)
        case 0: GetIngestionJobStats(job: job())
        case 1: GetIngestionJobStatsExact(job: job())
        case 2: ListIngestionFailures(job: job(), filter: .init(), after: nil, limit: 1000)
        case 3: ListIngestionEvents(job: job(), filter: .init(), after: nil, limit: 1000)
        default: ListIngestionBatches(job: job(), filter: .init(), after: nil, limit: 1000)
        }
    }
}
