import Invariants
import Migration

// MARK: Steering and ending

extension TrackingModel {
    mutating func control(_ call: ControlIngestionJob, _ moment: Moment) -> ControlIngestionJob.Answer {
        guard let index = index(of: call.job) else { return .init(result: .notFound, status: nil) }
        let wanted: JobStatus = [.pause: .paused, .resume: .running, .cancel: .cancelled][call.action] ?? .cancelled
        let status = jobs[index].status
        if status == wanted { return .init(result: .unchanged, status: status) }
        guard status.isOpen else { return .init(result: .refused, status: status) }
        jobs[index].status = wanted
        jobs[index].reason = call.reason
        if wanted == .running, jobs[index].started == nil { jobs[index].started = moment.now }
        if wanted == .running { jobs[index].seen = (jobs[index].givenUp, jobs[index].removed) }
        if wanted == .cancelled { jobs[index].ended = moment.now }
        return .init(result: .applied, status: wanted)
    }

    mutating func finalize(_ call: FinalizeIngestionJob, _ moment: Moment) -> FinalizeIngestionJob.Answer {
        guard let index = index(of: call.job) else { return .init(result: .notFound, status: nil) }
        let job = jobs[index]
        guard job.status.isOpen else { return .init(result: .already, status: job.status) }
        let isDrained = job.batches.allSatisfy { $0.state == .done || $0.state == .failed }
        guard job.status != .pending, job.isSealed, isDrained else {
            return .init(result: .notReady, status: job.status)
        }
        jobs[index].status = job.batches.contains { $0.state == .failed } ? .failed : .completed
        jobs[index].ended = moment.now
        coverage.finalized += 1
        return .init(result: .finalized, status: jobs[index].status)
    }
}

// MARK: Requeues

extension TrackingModel {
    mutating func requeue(_ call: RequeueFailedBatches, _ moment: Moment) -> RequeueFailedBatches.Answer? {
        guard (1...1000).contains(call.limit) else { return nil }
        if let answer = refusal(of: call.requestId, call.job) { return answer }
        guard let index = index(of: call.job) else { return .refused(.notFound) }
        let job = jobs[index]
        let wanted = job.batches.filter { batch in
            batch.state == .failed && call.filter.batchNumbers?.contains(batch.number) ?? true
                && call.filter.after.map { Int64(batch.number) > $0 } ?? true
                && (!call.filter.asksForLetters
                    || job.letters.values.contains { call.filter.admits($0, in: batch.number) })
        }.map(\.number)
        let picked = wanted.prefix(call.limit)
        for number in picked {
            jobs[index].batches[number].retries = 0
            jobs[index].batches[number].counts = BatchCounts()
            jobs[index].resolveLetters(of: number, at: moment.now)
            if call.isolate {
                jobs[index].batches[number].state = .done
                jobs[index].batches[number].moved = job.batches[number].ids.count
            } else {
                jobs[index].batches[number].state = .waiting(until: moment.now)
            }
        }
        let ids = picked.flatMap { job.batches[$0].ids }
        if call.isolate { jobs[index].addRound(ids.map { [$0] }, at: moment.now) }
        let answer = RequeueAnswer(
            result: .applied,
            batches: call.isolate ? ids.count : picked.count,
            records: ids.count,
            more: wanted.count > picked.count,
            next: wanted.count > picked.count ? picked.last.map(Int64.init) : nil
        )
        settle(answer, call.requestId, index)
        return answer
    }

    mutating func requeue(_ call: RequeueFailedRecords, _ moment: Moment) -> RequeueFailedRecords.Answer? {
        guard (1...10_000).contains(call.limit), (1...1000).contains(call.batchSize) else { return nil }
        if let answer = refusal(of: call.requestId, call.job) { return answer }
        guard let index = index(of: call.job) else { return .refused(.notFound) }
        let job = jobs[index]
        let wanted = job.letters.values.filter { letter in
            job.batches[letter.batchNumber].state == .done && call.filter.admits(letter, in: letter.batchNumber)
                && call.filter.batchNumbers?.contains(letter.batchNumber) ?? true
                && call.filter.after.map { letter.recordId > $0 } ?? true
        }.sorted { $0.recordId < $1.recordId }
        let picked = wanted.prefix(call.limit)
        for letter in picked {
            jobs[index].batches[letter.batchNumber].counts.failed -= 1
            jobs[index].batches[letter.batchNumber].moved += 1
            jobs[index].letters[letter.recordId]?.resolvedAt = moment.now.text
        }
        let groups = stride(from: 0, to: picked.count, by: call.batchSize).map { start in
            picked.dropFirst(start).prefix(call.batchSize).map(\.recordId)
        }
        jobs[index].addRound(groups, at: moment.now)
        let answer = RequeueAnswer(
            result: .applied,
            batches: groups.count,
            records: picked.count,
            more: wanted.count > picked.count,
            next: wanted.count > picked.count ? picked.last?.recordId : nil
        )
        settle(answer, call.requestId, index)
        return answer
    }

    private func refusal(of request: String, _ job: JobID) -> RequeueAnswer? {
        guard let index = index(of: job) else { return .refused(.notFound) }
        if let last = jobs[index].lastRequest, last.id == request {
            var answer = last.answer
            answer.result = .duplicate
            return answer
        }
        if jobs[index].status == .cancelled { return .refused(.refused) }
        let rivals = jobs.filter { $0.target == jobs[index].target && $0.id != job && $0.status.isOpen }
        return rivals.isEmpty ? nil : .refused(.conflict)
    }

    private mutating func settle(_ answer: RequeueAnswer, _ request: String, _ index: Int) {
        jobs[index].lastRequest = (request, answer)
        guard answer.records > 0 else { return }
        coverage.requeued += 1
        jobs[index].seen = (jobs[index].givenUp, jobs[index].removed)
        if !jobs[index].status.isOpen { jobs[index].status = .running }
        jobs[index].ended = nil
    }
}

extension RequeueAnswer {
    fileprivate static func refused(_ result: Result) -> Self {
        Self(result: result, batches: 0, records: 0, more: false)
    }
}

extension RequeueFilter {
    fileprivate var asksForLetters: Bool { recordIds != nil || stage != nil || code != nil }

    fileprivate func admits(_ letter: FailureSummary, in batch: Int) -> Bool {
        letter.resolvedAt == nil && letter.batchNumber == batch && recordIds?.contains(letter.recordId) ?? true
            && stage.map { $0 == letter.stage } ?? true && code.map { $0 == letter.code } ?? true
    }
}

extension TrackingModel.Job {
    mutating func addRound(_ groups: [[RecordID]], at now: DatabaseTime) {
        guard !groups.isEmpty else { return }
        round += 1
        add(groups, round: round, at: now)
    }

    mutating func resolveLetters(of batch: Int, at now: DatabaseTime) {
        for (id, letter) in letters where letter.batchNumber == batch && letter.resolvedAt == nil {
            letters[id]?.resolvedAt = now.text
        }
    }
}

// MARK: Watching

extension TrackingModel {
    /// Recounted each time: the model has no counters that could be wrong.
    func stats(of id: JobID, isExact: Bool) -> JobStats {
        let found = index(of: id).map { jobs[$0] }
        let batches = found?.batches ?? []
        let count = { (status: BatchStatus) in batches.count { $0.status == status } }
        let sum = { (field: KeyPath<BatchCounts, Int>) in
            batches.reduce(Int64(0)) { total, batch in
                total + (batch.state == .done || batch.state == .failed ? Int64(batch.counts[keyPath: field]) : 0)
            }
        }
        return JobStats(
            result: found == nil ? .notFound : .ok,
            job: found?.summary,
            pending: count(.pending),
            processing: count(.processing),
            completed: count(.completed),
            failed: count(.failed),
            processed: sum(\.processed),
            skipped: sum(\.skipped),
            failedRecords: sum(\.failed),
            missing: sum(\.missing),
            claims: batches.reduce(0) { $0 + Int64($1.attempt) },
            retries: found?.retries ?? 0,
            reaps: found?.reaps ?? 0,
            releases: found?.releases ?? 0,
            defers: found?.defers ?? 0,
            serviceFailures: found?.givenUp ?? 0,
            serviceFailuresBaseline: found?.seen.givenUp ?? 0,
            removed: found?.removed ?? 0,
            removedBaseline: found?.seen.removed ?? 0,
            billedTokens: found?.paid.tokens ?? 0,
            billedNanodollars: found?.paid.nanodollars ?? 0,
            equal: isExact && found != nil ? true : nil
        )
    }

    /// Only whole lists: how they are filtered and paged is the conformance suite's business.
    func batches(_ call: ListIngestionBatches, _ moment: Moment) -> ListIngestionBatches.Answer? {
        guard call.filter == .init(), call.after == nil, call.limit == 1000 else { return nil }
        let rows = index(of: call.job).map { jobs[$0].batches } ?? []
        let summaries = rows.map { batch in
            var wait = 0
            if case .waiting(let until) = batch.state { wait = until.wait(at: moment.now) }
            return BatchSummary(
                batchNumber: batch.number,
                status: batch.status,
                round: batch.round,
                recordIds: batch.ids,
                attempt: batch.attempt,
                retryCount: batch.retries,
                counts: batch.counts,
                moved: batch.moved,
                workerId: batch.worker,
                nextRetryMs: wait,
                lastOutcome: batch.outcome,
                errorCode: batch.error?.code,
                errorMessage: batch.error?.message
            )
        }
        return .init(rows: summaries, next: nil)
    }

    func failures(_ call: ListIngestionFailures) -> ListIngestionFailures.Answer? {
        guard call.filter == .init(), call.after == nil, call.limit == 1000 else { return nil }
        let letters = index(of: call.job).map { jobs[$0].letters } ?? [:]
        return .init(rows: letters.values.sorted { $0.recordId < $1.recordId }, next: nil)
    }
}
