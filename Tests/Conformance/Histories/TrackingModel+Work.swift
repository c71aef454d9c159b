// Longer than 300 lines: the rules of claims and their ends, each written down a second time.

import Invariants
import Migration

// MARK: Claims and heartbeats

extension TrackingModel {
    mutating func claim(_ call: ClaimNextBatch, _ moment: Moment) -> ClaimNextBatch.Answer? {
        guard (1...16).contains(call.limit) else { return nil }
        guard let index = index(of: call.job) else {
            return .init(result: .notFound, jobStatus: nil, sealed: false, batches: [], floor: nil, waitMs: 15_000)
        }
        let job = jobs[index]
        var answer = ClaimNextBatch.Answer(
            result: .ok,
            jobStatus: job.status,
            sealed: job.isSealed,
            batches: [],
            floor: call.floor,
            waitMs: 15_000
        )
        guard job.hash == call.configHash else {
            answer.result = .configMismatch
            return answer
        }
        var numbers = job.batches.filter { $0.isHeld(by: call.claimId, within: job.lease, at: moment.now) }.map(
            \.number
        )
        if !numbers.isEmpty { coverage.repeatedClaims += 1 }
        if numbers.isEmpty, job.status == .running {
            // A floor is a hint: what lies below it comes last.
            let free = job.batches.compactMap { $0.place(at: moment.now) }.sorted { $0 < $1 }
            let above = free.filter { place in
                call.floor.flatMap { floor in
                    DatabaseTime(text: floor.nextRetryAt).map { place >= ($0, floor.batchNumber) }
                } ?? true
            }
            if above.isEmpty, !free.isEmpty { coverage.secondLooks += 1 }
            let picked = (above.isEmpty ? free : above).prefix(call.limit)
            numbers = picked.map(\.1)
            if let last = picked.last { answer.floor = ClaimFloor(nextRetryAt: last.0.text, batchNumber: last.1) }
            for number in numbers { jobs[index].take(number, for: call, at: moment.now) }
            if numbers.isEmpty { answer.waitMs = job.wait(at: moment.now) }
        }
        answer.batches = numbers.sorted().map { jobs[index].claimed($0, at: moment.now) }
        return answer
    }

    mutating func heartbeat(_ call: BumpBatchProgress, _ moment: Moment) -> BumpBatchProgress.Answer? {
        guard call.items.allSatisfy({ $0.counts.isPossible }) else { return nil }
        let index = index(of: call.job)
        let verdicts = call.items.map { item in
            index.map { judge(item, in: $0, moment) } ?? (.lost, "not_found")
        }
        for (item, verdict) in zip(call.items, verdicts) where verdict.0 == .ok {
            if let index, item.counts.total > jobs[index].batches[item.batchNumber].ids.count { return nil }
        }
        var answers: [BumpBatchProgress.Item] = []
        for (item, (result, reason)) in zip(call.items, verdicts) {
            var leaseMs = 0
            if result == .ok, let index {
                leaseMs = jobs[index].extend(item, at: moment.now)
            }
            answers.append(
                .init(
                    batchNumber: item.batchNumber,
                    attempt: item.attempt,
                    result: result,
                    reason: reason,
                    leaseMs: leaseMs
                )
            )
        }
        return .init(jobStatus: index.map { jobs[$0].status }, items: answers)
    }

    private mutating func judge(
        _ item: HeartbeatItem,
        in index: Int,
        _ moment: Moment
    ) -> (BumpBatchProgress.Result, String?) {
        let job = jobs[index]
        guard job.batches.indices.contains(item.batchNumber) else { return (.lost, "not_found") }
        let batch = job.batches[item.batchNumber]
        guard batch.attempt == item.attempt, batch.claim == item.claimId else {
            if batch.isHeld { coverage.staleMetNewOwner += 1 }
            return (.lost, "new_owner")
        }
        guard case .held(_, let lease, let deadline) = batch.state else {
            return (.lost, batch.outcome == "reaped" ? "reaped" : "ended")
        }
        if job.status == .cancelled { return (.cancel, "cancelled") }
        if deadline <= moment.now { return (.cancel, "deadline") }
        if lease < moment.now { coverage.leasesRevived += 1 }
        return (.ok, nil)
    }

    mutating func reset(_ call: ResetStuckBatches, _ moment: Moment) -> ResetStuckBatches.Answer? {
        guard (1...1000).contains(call.limit) else { return nil }
        guard let index = index(of: call.job) else { return .init(reset: 0, failed: 0, more: false) }
        let stuck = stuck(in: jobs[index], isFull: call.full, at: moment.now)
        var answer = ResetStuckBatches.Answer(reset: 0, failed: 0, more: stuck.count >= call.limit)
        for (number, _, deadline) in stuck.prefix(call.limit) {
            let isLate = deadline <= moment.now
            let error = BatchError(
                code: isLate ? "deadline_exceeded" : "lease_expired",
                message: isLate ? "the worker did not finish before the deadline" : "the worker sent no heartbeat"
            )
            let counts = BatchCounts(failed: jobs[index].batches[number].ids.count)
            jobs[index].reaps += 1
            if jobs[index].fail(number, "reaped", error, counts, [], nil, moment) {
                answer.failed += 1
            } else {
                answer.reset += 1
            }
        }
        coverage.reaped += answer.reset + answer.failed
        return answer
    }

    /// Batches whose lease and a quarter of it are over: oldest claim first.
    func stuck(
        in job: Job,
        isFull: Bool,
        at now: DatabaseTime
    ) -> [(number: Int, since: DatabaseTime, deadline: DatabaseTime)] {
        let grace = job.lease / 4
        let span = grace + .seconds(job.settings.batchTimeoutSeconds + 60)
        return job.batches.compactMap { batch in
            guard case .held(let since, let lease, let deadline) = batch.state, lease + grace < now,
                isFull || since > now - span
            else { return nil }
            return (batch.number, since, deadline)
        }.sorted { ($0.since, $0.number) < ($1.since, $1.number) }
    }
}

extension BatchCounts {
    var isPossible: Bool { min(processed, skipped, failed, missing) >= 0 }
}

extension TrackingModel.Batch {
    var isHeld: Bool {
        if case .held = state { true } else { false }
    }

    func isHeld(by claim: String, within lease: Duration, at now: DatabaseTime) -> Bool {
        guard case .held(let since, _, _) = state else { return false }
        return self.claim == claim && since > now - lease
    }

    /// Where it stands in the order of claims; nil when it cannot be claimed now.
    func place(at now: DatabaseTime) -> (DatabaseTime, Int)? {
        guard case .waiting(let until) = state, until <= now else { return nil }
        return (until, number)
    }
}

extension TrackingModel.Job {
    var lease: Duration { .seconds(settings.leaseSeconds) }

    func wait(at now: DatabaseTime) -> Int {
        guard isSealed else { return 1000 }
        let times = batches.compactMap { batch in
            if case .waiting(let until) = batch.state { until } else { nil }
        }
        return min(15_000, max(1000, times.min()?.wait(at: now) ?? 15_000))
    }

    mutating func take(_ number: Int, for call: ClaimNextBatch, at now: DatabaseTime) {
        let deadline = now + .seconds(settings.batchTimeoutSeconds)
        batches[number].state = .held(since: now, lease: min(now + lease, deadline), deadline: deadline)
        batches[number].attempt += 1
        batches[number].outcome = nil
        batches[number].claim = call.claimId
        batches[number].worker = call.worker
    }

    func claimed(_ number: Int, at now: DatabaseTime) -> ClaimedBatch {
        let batch = batches[number]
        guard case .held(_, let lease, let deadline) = batch.state else {
            preconditionFailure("batch \(number) was just taken, or found held")
        }
        return ClaimedBatch(
            batchNumber: number,
            attempt: batch.attempt,
            retryCount: batch.retries,
            recordIds: batch.ids,
            leaseMs: lease.milliseconds(since: now),
            deadlineMs: deadline.milliseconds(since: now)
        )
    }

    /// - Returns: how long the lease lasts now.
    mutating func extend(_ item: HeartbeatItem, at now: DatabaseTime) -> Int {
        guard case .held(let since, let lease, let deadline) = batches[item.batchNumber].state else {
            preconditionFailure("only a held batch is extended")
        }
        let extended = max(lease, min(now + self.lease, deadline))
        batches[item.batchNumber].state = .held(since: since, lease: extended, deadline: deadline)
        let old = batches[item.batchNumber].counts
        batches[item.batchNumber].counts = BatchCounts(
            processed: max(old.processed, item.counts.processed),
            skipped: max(old.skipped, item.counts.skipped),
            failed: max(old.failed, item.counts.failed),
            missing: max(old.missing, item.counts.missing)
        )
        return extended.milliseconds(since: now)
    }
}

// MARK: Ends

extension TrackingModel {
    mutating func finish(_ call: FinishBatch, _ moment: Moment) -> FinishBatch.Answer? {
        let ends = call.outcome == .completed || call.outcome == .failed
        let saysNothing = call.counts.map { $0 == BatchCounts(paid: $0.paid) } ?? true
        guard ends ? call.counts != nil : saysNothing else { return nil }
        let lost = FinishBatch.Answer(result: .lost, status: nil, outcome: nil)
        guard let index = index(of: call.job), jobs[index].batches.indices.contains(call.batchNumber) else {
            return lost
        }
        let batch = jobs[index].batches[call.batchNumber]
        guard batch.attempt == call.attempt, batch.claim == call.claimId else {
            if batch.isHeld { coverage.staleMetNewOwner += 1 }
            return lost
        }
        guard batch.isHeld else {
            if batch.outcome == "reaped" { return lost }
            coverage.repeatedFinishes += 1
            return .init(result: .duplicate, status: batch.status, outcome: batch.outcome)
        }
        let counts = call.counts ?? BatchCounts()
        if ends, !Self.isConsistent(call, counts, batch.ids) { return nil }
        jobs[index].paid += counts.paid
        switch call.outcome {
        case .completed:
            jobs[index].batches[call.batchNumber].end(.done, "completed", call.error, counts)
            let all = call.failedRecords.isEmpty && counts.failed == batch.ids.count
            let code = call.error?.code ?? "failed"
            let letters = all ? batch.letters(code, call.error?.message ?? "") : call.failedRecords
            jobs[index].bury(letters, of: call.batchNumber, at: moment.now)
            jobs[index].removed += Int64(counts.removed)
        case .failed:
            let wait = call.retryAfterMs.map { Duration.milliseconds(min(max(0, $0), 7 * 86_400_000)) }
            _ = jobs[index].fail(call.batchNumber, "failed", call.error, counts, call.failedRecords, wait, moment)
        case .released:
            jobs[index].releases += 1
            jobs[index].batches[call.batchNumber].end(.waiting(until: moment.now), "release", call.error)
        case .deferred:
            jobs[index].defers += 1
            let cap = Duration.seconds(jobs[index].settings.backoffCapSeconds)
            let wait = min(max(.seconds(1), .milliseconds(call.retryAfterMs ?? 0)), cap)
            jobs[index].batches[call.batchNumber].end(.waiting(until: moment.now + wait), "defer", call.error)
        }
        let status = jobs[index].batches[call.batchNumber].status
        return .init(result: .applied, status: status, outcome: call.outcome.rawValue)
    }

    private static func isConsistent(_ call: FinishBatch, _ counts: BatchCounts, _ ids: [RecordID]) -> Bool {
        guard counts.isPossible, counts.total == ids.count, counts.removed >= 0,
            counts.removed <= counts.skipped + counts.missing
        else { return false }
        let listed = call.failedRecords.map(\.recordId)
        if listed.isEmpty { return counts.failed == 0 || counts.failed == ids.count }
        return listed.count == counts.failed && Set(listed).count == listed.count && Set(listed).isSubset(of: ids)
    }
}

extension TrackingModel.Batch {
    var status: BatchStatus {
        switch state {
        case .waiting: .pending
        case .held: .processing
        case .done: .completed
        case .failed: .failed
        }
    }

    mutating func end(
        _ state: TrackingModel.State,
        _ outcome: String,
        _ error: BatchError?,
        _ counts: BatchCounts = .init()
    ) {
        self.state = state
        self.outcome = outcome
        self.error = error
        self.counts = counts
        // The row does not keep it.
        self.counts.removed = 0
        self.counts.paid = .nothing
    }

    /// Every record, with the error of the batch.
    func letters(_ code: String, _ message: String) -> [FailedRecord] {
        ids.map { FailedRecord(recordId: $0, stage: .batch, code: code, message: message, permanent: false) }
    }
}

extension TrackingModel.Job {
    /// An attempt that failed: one retry of the budget, or the end.
    ///
    /// - Returns: whether it is the end.
    mutating func fail(
        _ number: Int,
        _ outcome: String,
        _ error: BatchError?,
        _ counts: BatchCounts,
        _ failed: [FailedRecord],
        _ wait: Duration?,
        _ moment: TrackingModel.Moment
    ) -> Bool {
        let batch = batches[number]
        guard batch.retries < settings.maxRetries else {
            let error = error ?? BatchError(code: "failed", message: "")
            let all = failed.isEmpty && counts.failed == batch.ids.count
            batches[number].end(.failed, outcome, error, counts)
            bury(all ? batch.letters(error.code, error.message) : failed, of: number, at: moment.now)
            removed += Int64(counts.removed)
            return true
        }
        retries += 1
        batches[number].retries += 1
        // 30, 60, 120 s … up to the cap; half is certain, half is chance.
        var delay = Double(settings.backoffBaseSeconds)
        for _ in 0..<min(batch.retries, 30) { delay *= 2 }
        delay = min(delay, Double(settings.backoffCapSeconds))
        let jittered = delay * (0.5 + 0.5 * moment.chance)
        let wait = wait ?? .microseconds((jittered * 1_000_000).rounded(.toNearestOrEven))
        batches[number].end(.waiting(until: moment.now + wait), outcome, error)
        return false
    }

    mutating func bury(_ failed: [FailedRecord], of number: Int, at now: DatabaseTime) {
        for record in failed {
            if !["no_member_code", "too_long", "invalid_utf8"].contains(record.code) { givenUp += 1 }
            let before = letters[record.recordId]
            letters[record.recordId] = FailureSummary(
                recordId: record.recordId,
                batchNumber: number,
                attempt: batches[number].attempt,
                stage: record.stage,
                code: record.code,
                message: record.message,
                permanent: record.permanent,
                firstAt: before?.firstAt ?? now.text,
                lastAt: now.text,
                times: (before?.times ?? 0) + 1,
                resolvedAt: nil
            )
        }
    }
}
