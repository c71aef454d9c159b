import Migration

extension TrackingTables {
    /// The longest time for which a failure defers its batch.
    private static let retryAfterMax = Duration.seconds(604_800)

    /// `finish_batch`.
    mutating func finish(_ call: FinishBatch, _ transaction: Transaction) throws(PortFailure) -> FinishBatch.Answer {
        try Self.checkShape(of: call)
        guard let index = index(of: call.job), jobs[index].batches.indices.contains(call.batchNumber),
            isHeard(call, by: jobs[index].batches[call.batchNumber])
        else { return .init(result: .lost, status: nil, outcome: nil) }
        let batch = jobs[index].batches[call.batchNumber]
        guard batch.status == .processing || policy.fence == .number else {
            if batch.lastOutcome == "reaped" { return .init(result: .lost, status: nil, outcome: nil) }
            return .init(result: .duplicate, status: batch.status, outcome: batch.lastOutcome)
        }
        let letters = try Self.deadLetters(of: call, batch)
        switch call.outcome {
        case .completed:
            complete(call, letters, in: index, transaction)
        case .failed:
            let end = FailedEnd(
                outcome: "failed",
                error: call.error,
                counts: call.counts ?? BatchCounts(),
                letters: letters,
                retryAfter: call.retryAfterMs.map { min(max(.zero, .milliseconds($0)), Self.retryAfterMax) }
            )
            fail(call.batchNumber, of: index, end, transaction)
        case .released, .deferred:
            giveBack(call, in: index, transaction)
        }
        let status = jobs[index].batches[call.batchNumber].status
        return .init(result: .applied, status: status, outcome: call.outcome.rawValue)
    }

    /// The fence: whether the call may end the batch.
    private func isHeard(_ call: FinishBatch, by batch: BatchRow) -> Bool {
        switch policy.fence {
        case .attempt: batch.isFenced(by: call.attempt, call.claimId)
        case .status: batch.status == .processing || batch.isFenced(by: call.attempt, call.claimId)
        case .number: true
        }
    }

    /// Checks everything that does not depend on the row.
    private static func checkShape(of call: FinishBatch) throws(PortFailure) {
        try requireUUID(call.claimId, "p_claim_id")
        let paid = call.counts?.paid ?? .nothing
        let amounts = 0...Paid.most
        try require(amounts.contains(paid.tokens) && amounts.contains(paid.nanodollars), "paid is out of range")
        switch call.outcome {
        case .completed, .failed:
            guard let counts = call.counts else { throw .invalid("\(call.outcome.rawValue) needs p_counts") }
            try require(counts.isValid, "counts must not be negative")
        case .released, .deferred:
            let isOnlyPaid = call.counts.map { $0 == BatchCounts(paid: $0.paid) } ?? true
            try require(isOnlyPaid, "\(call.outcome.rawValue) takes only what was paid")
        }
    }

    /// The dead letters of a terminal end, ascending; throws unless counts and list describe this batch exactly.
    private static func deadLetters(of call: FinishBatch, _ batch: BatchRow) throws(PortFailure) -> [FailedRecord] {
        guard let counts = call.counts, [.completed, .failed].contains(call.outcome) else { return [] }
        let size = batch.recordIDs.count
        try require(counts.total == size, "counts sum to \(counts.total), but the batch has \(size) records")
        let isPart = counts.removed >= 0 && counts.removed <= counts.skipped + counts.missing
        try require(isPart, "removed are some of the skipped and the missing records")
        if call.failedRecords.isEmpty, counts.failed == size {
            return letters(for: batch.recordIDs, call.error ?? .unnamed)
        }
        let ids = call.failedRecords.map(\.recordId)
        try require(
            ids.count == counts.failed && Set(ids).count == ids.count,
            "p_failed_records must list the \(counts.failed) failed records once each"
        )
        try require(Set(ids).isSubset(of: batch.recordIDs), "p_failed_records names a record of another batch")
        return call.failedRecords.sorted { $0.recordId < $1.recordId }
    }

    static func letters(for records: [RecordID], _ error: BatchError) -> [FailedRecord] {
        records.map {
            FailedRecord(recordId: $0, stage: .batch, code: error.code, message: error.message, permanent: false)
        }
    }

    private mutating func complete(
        _ call: FinishBatch,
        _ letters: [FailedRecord],
        in index: Int,
        _ transaction: Transaction
    ) {
        let counts = call.counts ?? BatchCounts()
        jobs[index].batches[call.batchNumber].error = call.error
        end(call.batchNumber, of: index, as: .completed, "completed", transaction)
        jobs[index].batches[call.batchNumber].counts = counts.stored
        write(letters, of: call.batchNumber, in: index, transaction)
        var delta = Counters(completedBatches: 1, inFlight: -1)
        delta.addRecords(counts)
        delta.addBrakes(counts, letters)
        delta.addPaid(counts)
        recordEnd(of: call.batchNumber, in: index, transaction, delta)
        jobs[index].count(delta, at: call.batchNumber)
    }

    private mutating func giveBack(_ call: FinishBatch, in index: Int, _ transaction: Transaction) {
        let cap = Duration.seconds(jobs[index].settings.backoffCapSeconds)
        let isDefer = call.outcome == .deferred
        let wait = isDefer ? min(max(.milliseconds(call.retryAfterMs ?? 0), .seconds(1)), cap) : .zero
        jobs[index].batches[call.batchNumber].error = call.error
        end(call.batchNumber, of: index, as: .pending, call.outcome.rawValue, transaction)
        jobs[index].batches[call.batchNumber].nextRetryAt = transaction.now + wait
        if isDefer, !policy.deferralsAreFree { jobs[index].batches[call.batchNumber].retryCount += 1 }
        var delta = Counters(inFlight: -1, releases: isDefer ? 0 : 1, defers: isDefer ? 1 : 0)
        delta.addPaid(call.counts ?? BatchCounts())
        recordEnd(of: call.batchNumber, in: index, transaction, delta)
        jobs[index].count(delta, at: call.batchNumber)
    }

    /// An attempt that used a retry: reported by its worker, or found by the reaper.
    struct FailedEnd {
        /// `failed` or `reaped`.
        let outcome: String
        let error: BatchError?
        /// Stored only when no retry is left.
        let counts: BatchCounts
        let letters: [FailedRecord]
        /// Replaces the backoff.
        let retryAfter: Duration?
    }

    /// Uses one retry, or ends the batch for good when none is left.
    ///
    /// - Returns: whether the batch ended.
    @discardableResult
    mutating func fail(
        _ number: Int,
        of index: Int,
        _ end: FailedEnd,
        _ transaction: Transaction
    ) -> Bool {
        let retries = jobs[index].batches[number].retryCount
        let isFinal = retries >= jobs[index].settings.maxRetries
        jobs[index].batches[number].error = isFinal ? end.error ?? .unnamed : end.error
        self.end(number, of: index, as: isFinal ? .failed : .pending, end.outcome, transaction)
        var delta = Counters(inFlight: -1, reaps: end.outcome == "reaped" ? 1 : 0)
        delta.addPaid(end.counts)
        if isFinal {
            jobs[index].batches[number].counts = end.counts.stored
            write(end.letters, of: number, in: index, transaction)
            delta.failedBatches = 1
            delta.addRecords(end.counts)
            delta.addBrakes(end.counts, end.letters)
        } else {
            let wait = end.retryAfter ?? backoff(retries + 1, jobs[index].settings, transaction.chance)
            jobs[index].batches[number].retryCount = retries + 1
            jobs[index].batches[number].nextRetryAt = transaction.now + wait
            delta.retries = 1
            if !policy.onlyFinalAttemptsCount { delta.addRecords(end.counts) }
        }
        recordEnd(of: number, in: index, transaction, delta)
        jobs[index].count(delta, at: number)
        return isFinal
    }

    /// Equal jitter: half of the delay is fixed, half is random; `docs/tracking.md` §4.
    private func backoff(_ retry: Int, _ settings: JobSettings, _ chance: Double) -> Duration {
        let doubled = settings.backoffBaseSeconds << min(retry - 1, 30)
        let delay = Double(min(settings.backoffCapSeconds, doubled))
        // Rounded as PostgreSQL rounds an interval.
        return .microseconds(Int64((delay * (0.5 + 0.5 * chance) * 1_000_000).rounded(.toNearestOrEven)))
    }

    /// Closes the attempt; claim id, worker and outcome stay, so that a repeated finish is recognised.
    private mutating func end(
        _ number: Int,
        of index: Int,
        as status: BatchStatus,
        _ outcome: String,
        _ transaction: Transaction
    ) {
        jobs[index].batches[number].status = status
        jobs[index].batches[number].lastOutcome = outcome
        jobs[index].batches[number].leaseExpiresAt = nil
        jobs[index].batches[number].deadlineAt = nil
        jobs[index].batches[number].counts = BatchCounts()
        jobs[index].batches[number].finishedAt = status == .pending ? nil : transaction.now
    }

    private mutating func write(
        _ letters: [FailedRecord],
        of number: Int,
        in index: Int,
        _ transaction: Transaction
    ) {
        let attempt = jobs[index].batches[number].attempt
        for letter in letters {
            let known = jobs[index].failures[letter.recordId]
            jobs[index].failures[letter.recordId] = FailureRow(
                batchNumber: number,
                attempt: attempt,
                stage: letter.stage,
                code: letter.code,
                message: String(letter.message.prefix(500)),
                permanent: letter.permanent,
                firstAt: known?.firstAt ?? transaction.now,
                lastAt: transaction.now,
                times: (known?.times ?? 0) + 1,
                resolvedAt: nil
            )
        }
    }

    /// Writes one event per end: what became of the batch, and the final counts or the wait.
    private mutating func recordEnd(
        of number: Int,
        in index: Int,
        _ transaction: Transaction,
        _ delta: Counters
    ) {
        let batch = jobs[index].batches[number]
        var detail = ["status": batch.status.rawValue]
        detail["code"] = batch.error?.code
        if batch.status == .pending {
            detail["retry_count"] = String(batch.retryCount)
            detail["wait_ms"] = String(batch.nextRetryAt.milliseconds(since: transaction.now))
        } else {
            detail["processed"] = String(batch.counts.processed)
            detail["skipped"] = String(batch.counts.skipped)
            detail["failed"] = String(batch.counts.failed)
            detail["missing"] = String(batch.counts.missing)
            if delta.serviceFailures > 0 { detail["service_failures"] = String(delta.serviceFailures) }
            if delta.removed > 0 { detail["removed"] = String(delta.removed) }
        }
        if delta.billedTokens > 0 { detail["tokens"] = String(delta.billedTokens) }
        if delta.billedNanodollars > 0 { detail["nanodollars"] = String(delta.billedNanodollars) }
        record(batch.lastOutcome ?? "", in: index, transaction, batch: number, detail)
    }
}

extension BatchCounts {
    /// The counts that the row of a batch stores.
    fileprivate var stored: Self {
        var stored = self
        stored.removed = 0
        stored.paid = .nothing
        return stored
    }
}

extension Counters {
    /// Adds what the brakes count of an ended batch.
    fileprivate mutating func addBrakes(_ counts: BatchCounts, _ letters: [FailedRecord]) {
        serviceFailures += Int64(letters.count(where: \.isServiceFailure))
        removed += Int64(counts.removed)
    }

    /// Adds what an attempt has paid, whatever became of the attempt.
    fileprivate mutating func addPaid(_ counts: BatchCounts) {
        billedTokens += counts.paid.tokens
        billedNanodollars += counts.paid.nanodollars
    }
}

extension BatchError {
    /// The error of a batch that failed without a stated reason.
    fileprivate static let unnamed = Self(code: "failed", message: "")
}
