import Migration

extension TrackingTables {
    /// Isolating stops when a call has made this many batches.
    private static let isolatedRecordsMax = 10_000

    /// `requeue_failed_batches`.
    mutating func requeue(
        _ call: RequeueFailedBatches,
        _ transaction: Transaction
    ) throws(PortFailure) -> RequeueAnswer {
        try requireUUID(call.requestId, "p_request_id")
        try require((1...1000).contains(call.limit), "p_limit must be 1…1000")
        guard let index = index(of: call.job) else { return .none(.notFound) }
        if let answer = refusal(of: call.requestId, index) { return answer }
        let failed = requeueCandidates(call)
        var records = 0
        let picked = failed.prefix(call.limit).prefix { number in
            if call.isolate, records >= Self.isolatedRecordsMax { return false }
            records += jobs[index].batches[number].recordIDs.count
            return true
        }
        if call.isolate {
            isolate(picked, of: index, transaction)
        } else {
            for number in picked { reopen(number, of: index, transaction) }
        }
        let answer = RequeueAnswer(
            result: .applied,
            batches: call.isolate ? records : picked.count,
            records: records,
            more: failed.count > picked.count,
            next: failed.count > picked.count ? picked.last.map(Int64.init) : nil
        )
        settle(answer, of: call.requestId, index)
        return answer
    }

    /// Failed batches that the filter selects, ascending.
    func requeueCandidates(_ call: RequeueFailedBatches) -> [Int] {
        guard let index = index(of: call.job) else { return [] }
        let filter = call.filter
        return jobs[index].batches.indices.filter { number in
            let batch = jobs[index].batches[number]
            let isDivided = !policy.onlyFailedBatchesAreDivided && call.isolate && batch.status == .completed
            guard batch.status == .failed || isDivided && batch.moved == 0,
                filter.batchNumbers?.contains(number) ?? true
            else { return false }
            guard filter.after.map({ Int64(number) > $0 }) ?? true else { return false }
            guard filter.recordIds != nil || filter.stage != nil || filter.code != nil else { return true }
            return batch.recordIDs.contains { id in
                jobs[index].failures[id].map { filter.admits($0, of: id, in: number) } ?? false
            }
        }
    }

    /// `requeue_failed_records`.
    mutating func requeue(
        _ call: RequeueFailedRecords,
        _ transaction: Transaction
    ) throws(PortFailure) -> RequeueAnswer {
        try requireUUID(call.requestId, "p_request_id")
        try require((1...1000).contains(call.batchSize), "p_batch_size must be 1…1000")
        try require((1...10_000).contains(call.limit), "p_limit must be 1…10000")
        guard let index = index(of: call.job) else { return .none(.notFound) }
        if let answer = refusal(of: call.requestId, index) { return answer }
        let letters = requeueCandidates(call)
        let picked = letters.prefix(call.limit)
        var delta = Counters()
        for (record, number) in picked {
            jobs[index].batches[number].counts.failed -= 1
            jobs[index].batches[number].moved += 1
            jobs[index].failures[record]?.resolvedAt = transaction.now
            delta.failed -= 1
        }
        for number in Set(picked.map(\.batchNumber)).sorted() {
            record("requeued", in: index, transaction, batch: number, ["mode": "records"])
        }
        let groups = stride(from: 0, to: picked.count, by: call.batchSize).map { start in
            picked.dropFirst(start).prefix(call.batchSize).map(\.record)
        }
        plan(groups, of: index, transaction)
        if let first = picked.first { jobs[index].count(delta, at: first.batchNumber) }
        let answer = RequeueAnswer(
            result: .applied,
            batches: groups.count,
            records: picked.count,
            more: letters.count > picked.count,
            next: letters.count > picked.count ? picked.last?.record : nil
        )
        settle(answer, of: call.requestId, index)
        return answer
    }

    /// Open dead letters of completed batches that the filter selects, ascending by record.
    func requeueCandidates(_ call: RequeueFailedRecords) -> [(record: RecordID, batchNumber: Int)] {
        guard let index = index(of: call.job) else { return [] }
        let job = jobs[index]
        return job.failures.sorted { $0.key < $1.key }.compactMap { id, letter in
            // When a job is being deleted, its batches are deleted first.
            guard job.batches.indices.contains(letter.batchNumber), call.filter.after.map({ id > $0 }) ?? true else {
                return nil
            }
            let isAdmitted = call.filter.admits(letter, of: id, in: letter.batchNumber)
            return isAdmitted && job.batches[letter.batchNumber].status == .completed ? (id, letter.batchNumber) : nil
        }
    }

    /// The answer when nothing may be done: for a repeat, a cancelled job, or another open job.
    private func refusal(of requestID: String, _ index: Int) -> RequeueAnswer? {
        if jobs[index].lastRequestID == requestID, var answer = jobs[index].lastRequestAnswer {
            answer.result = .duplicate
            return answer
        }
        if jobs[index].status == .cancelled { return .none(.refused) }
        if let open = indexOfOpenJob(target: jobs[index].targetKey), open != index { return .none(.conflict) }
        return nil
    }

    /// Opens the job again if something was requeued, and stores the answer for a repeat.
    private mutating func settle(_ answer: RequeueAnswer, of requestID: String, _ index: Int) {
        jobs[index].lastRequestID = requestID
        jobs[index].lastRequestAnswer = answer
        guard answer.records > 0 else { return }
        jobs[index].resetBrakes()
        guard !jobs[index].status.isOpen else { return }
        jobs[index].status = .running
        jobs[index].finishedAt = nil
    }

    /// failed → pending with a new budget; the attempt number continues.
    private mutating func reopen(_ number: Int, of index: Int, _ transaction: Transaction) {
        record("requeued", in: index, transaction, batch: number, ["mode": "plain"])
        withdraw(number, of: index, completed: 0, transaction)
        jobs[index].batches[number].status = .pending
        jobs[index].batches[number].finishedAt = nil
        if !policy.requeueKeepsAttempts { jobs[index].batches[number].attempt = 0 }
    }

    /// failed → completed with every record moved to a batch of its own in the next round.
    private mutating func isolate(_ numbers: some Sequence<Int>, of index: Int, _ transaction: Transaction) {
        var singles: [[RecordID]] = []
        for number in numbers {
            record("requeued", in: index, transaction, batch: number, ["mode": "isolate"])
            withdraw(number, of: index, completed: 1, transaction)
            let ids = jobs[index].batches[number].recordIDs
            jobs[index].batches[number].status = .completed
            jobs[index].batches[number].moved = ids.count
            jobs[index].batches[number].finishedAt = transaction.now
            let size = policy.recordsPerDividedBatch
            singles += stride(from: 0, to: ids.count, by: size).map { Array(ids[$0..<min($0 + size, ids.count)]) }
        }
        plan(singles, of: index, transaction)
    }

    /// Subtracts a failed batch's records from the counters and resolves its dead letters.
    private mutating func withdraw(_ number: Int, of index: Int, completed: Int, _ transaction: Transaction) {
        let batch = jobs[index].batches[number]
        var delta = Counters(completedBatches: completed, failedBatches: -1)
        delta.addRecords(batch.counts, sign: -1)
        jobs[index].count(delta, at: number)
        jobs[index].batches[number].counts = BatchCounts()
        jobs[index].batches[number].retryCount = 0
        jobs[index].batches[number].nextRetryAt = transaction.now
        for id in batch.recordIDs {
            guard let letter = jobs[index].failures[id], letter.batchNumber == number, letter.resolvedAt == nil else {
                continue
            }
            jobs[index].failures[id]?.resolvedAt = transaction.now
        }
    }

    /// Makes batches of the next round.
    private mutating func plan(_ groups: [[RecordID]], of index: Int, _ transaction: Transaction) {
        guard !groups.isEmpty else { return }
        jobs[index].currentRound += 1
        for ids in groups {
            jobs[index].batches.append(
                BatchRow(
                    number: jobs[index].batches.count,
                    round: jobs[index].currentRound,
                    recordIDs: ids,
                    nextRetryAt: transaction.now
                )
            )
        }
    }
}

extension RequeueAnswer {
    static func none(_ result: Result) -> Self { Self(result: result, batches: 0, records: 0, more: false) }
}

extension RequeueFilter {
    /// Whether the filter selects this open dead letter of a batch.
    func admits(_ letter: FailureRow, of record: RecordID, in number: Int) -> Bool {
        letter.resolvedAt == nil && letter.batchNumber == number
            && (batchNumbers?.contains(number) ?? true)
            && (recordIds?.contains(record) ?? true)
            && (stage.map { $0 == letter.stage } ?? true)
            && (code.map { $0 == letter.code } ?? true)
    }
}
