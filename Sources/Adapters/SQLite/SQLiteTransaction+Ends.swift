import GRDB
import Migration

// How attempts end: sql/sqlite/004_work.sql.

extension SQLiteTransaction {
    func finish(_ call: FinishBatch) throws -> FinishBatch.Answer {
        try Self.checkShape(call)
        let claim = try call.claimId.uuid("claim_id")
        let state = try row(
            "finish_state",
            ["job": call.job, "number": call.batchNumber, "attempt": call.attempt, "claim": claim]
        )
        guard let state, let job = try job(call.job),
            let result = FinishBatch.Result(rawValue: try state["result"]), result != .lost
        else { return .init(result: .lost, status: nil, outcome: nil) }
        let batch = try SQLiteBatch(state)
        guard result == .applied else {
            return .init(result: .duplicate, status: batch.status, outcome: batch.lastOutcome)
        }
        let letters = try letters(of: call, batch)
        let status = try end(batch, of: job, call, letters)
        return .init(result: .applied, status: status, outcome: call.outcome.rawValue)
    }

    private static func checkShape(_ call: FinishBatch) throws(PortFailure) {
        switch call.outcome {
        case .completed, .failed:
            guard let counts = call.counts else { throw .invalid("\(call.outcome.rawValue) takes counts") }
            try demand(counts.isSane, "counts are never negative")
        case .released, .deferred:
            let isOnlyPaid = call.counts.map { $0 == BatchCounts(paid: $0.paid) } ?? true
            try demand(isOnlyPaid, "\(call.outcome.rawValue) takes only what was paid")
        }
        let paid = call.counts?.paid ?? .nothing
        let isFit = (0...Paid.most).contains(paid.tokens) && (0...Paid.most).contains(paid.nanodollars)
        try demand(isFit, "paid are tokens and nanodollars from 0 to \(Paid.most)")
    }

    /// The failed records of an end with counts: exactly those that failed, distinct and of this batch (I13, I16).
    private func letters(of call: FinishBatch, _ batch: SQLiteBatch) throws -> [FailedRecord] {
        guard let counts = call.counts, call.outcome == .completed || call.outcome == .failed else { return [] }
        try demand(counts.total == batch.recordCount, "counts must sum to the records of the batch")
        try demand(
            counts.removed >= 0 && counts.removed <= counts.skipped + counts.missing,
            "removed are some of the skipped and the missing records"
        )
        guard !call.failedRecords.isEmpty else {
            try demand([0, batch.recordCount].contains(counts.failed), "failed records must be listed")
            if counts.failed == 0 { return [] }
            let code = call.error?.code.first(100) ?? "failed"
            return try everyRecord(of: batch, call.job, BatchError(code: code, message: call.error?.message ?? ""))
        }
        let ids = Set(call.failedRecords.map(\.recordId))
        try demand(
            call.failedRecords.count == counts.failed && ids.count == counts.failed,
            "the failed records must be as many as were counted, and distinct"
        )
        let known = Set(try recordIDs(call.job, batch.number))
        try demand(ids.isSubset(of: known), "a failed record is not of this batch")
        return call.failedRecords
    }

    /// Every record of a batch as failed, with the error of the whole batch.
    private func everyRecord(of batch: SQLiteBatch, _ job: JobID, _ error: BatchError) throws -> [FailedRecord] {
        try recordIDs(job, batch.number).map {
            FailedRecord(recordId: $0, stage: .batch, code: error.code, message: error.message, permanent: false)
        }
    }

    private func end(
        _ batch: SQLiteBatch,
        of job: SQLiteJob,
        _ call: FinishBatch,
        _ letters: [FailedRecord]
    ) throws -> BatchStatus {
        let counts = call.counts ?? BatchCounts()
        let error = call.error.map { BatchError(code: $0.code.first(100), message: $0.message.first(500)) }
        var delta = SQLiteCounters(inFlight: -1)
        // What an attempt has paid is paid, whatever became of it.
        delta.billedTokens = counts.paid.tokens
        delta.billedNanodollars = counts.paid.nanodollars
        let status: BatchStatus
        switch call.outcome {
        case .completed:
            status = .completed
            try close(batch, of: job, Closing(.completed, "completed", counts, letters, error))
        case .failed where batch.retryCount < job.settings.maxRetries:
            status = .pending
            delta.retries = 1
            let given = call.retryAfterMs.map { Duration.milliseconds(max(0, min($0, 604_800_000))) }
            let wait = given ?? backoff(batch.retryCount + 1, job.settings)
            try giveBack(batch, of: job, "failed", wait, retries: 1, error, counts.paid)
        case .failed:
            status = .failed
            let error = error ?? BatchError(code: "failed", message: "")
            try close(batch, of: job, Closing(.failed, "failed", counts, letters, error))
        case .released:
            status = .pending
            delta.releases = 1
            try giveBack(batch, of: job, "release", .zero, retries: 0, error, counts.paid)
        case .deferred:
            status = .pending
            delta.defers = 1
            let most = Duration.seconds(job.settings.backoffCapSeconds)
            let wait = min(max(.seconds(1), .milliseconds(call.retryAfterMs ?? 0)), most)
            try giveBack(batch, of: job, "defer", wait, retries: 0, error, counts.paid)
        }
        if status != .pending {
            if status == .completed { delta.completedBatches = 1 } else { delta.failedBatches = 1 }
            delta.add(counts)
            delta.serviceFailures = Int64(letters.count(where: \.isServiceFailure))
            delta.removed = Int64(counts.removed)
        }
        try count(job.id, delta)
        return status
    }

    /// How a batch ends for good.
    private struct Closing {
        let status: BatchStatus
        let outcome: String
        let counts: BatchCounts
        let letters: [FailedRecord]
        let error: BatchError?

        init(
            _ status: BatchStatus,
            _ outcome: String,
            _ counts: BatchCounts,
            _ letters: [FailedRecord],
            _ error: BatchError?
        ) {
            self.status = status
            self.outcome = outcome
            self.counts = counts
            self.letters = letters
            self.error = error
        }
    }

    private func close(_ batch: SQLiteBatch, of job: SQLiteJob, _ end: Closing) throws {
        try run(
            "close",
            [
                "job": job.id, "number": batch.number, "status": end.status.rawValue, "outcome": end.outcome, "at": at,
                "processed": end.counts.processed, "skipped": end.counts.skipped, "failed": end.counts.failed,
                "missing": end.counts.missing, "code": end.error?.code, "message": end.error?.message,
            ]
        )
        try bury(end.letters, of: batch, job.id)
        try log(
            end.outcome,
            of: job,
            batch: batch.number,
            [
                "status": end.status.rawValue, "code": end.error?.code, "processed": String(end.counts.processed),
                "skipped": String(end.counts.skipped), "failed": String(end.counts.failed),
                "missing": String(end.counts.missing),
                "service_failures": Self.unlessZero(Int64(end.letters.count(where: \.isServiceFailure))),
                "removed": Self.unlessZero(Int64(end.counts.removed)),
                "tokens": Self.unlessZero(end.counts.paid.tokens),
                "nanodollars": Self.unlessZero(end.counts.paid.nanodollars),
            ]
        )
    }

    /// Ends an attempt and makes its batch claimable again after a wait.
    ///
    /// The attempt's counts are dropped: record counts and dead letters change only when a batch ends.
    private func giveBack(
        _ batch: SQLiteBatch,
        of job: SQLiteJob,
        _ outcome: String,
        _ wait: Duration,
        retries: Int,
        _ error: BatchError?,
        _ paid: Paid = .nothing
    ) throws {
        let available = now + wait
        try run(
            "give_back",
            [
                "job": job.id, "number": batch.number, "outcome": outcome, "available": available.microseconds,
                "retries": retries, "code": error?.code, "message": error?.message,
            ]
        )
        try log(
            outcome,
            of: job,
            batch: batch.number,
            [
                "status": "pending", "code": error?.code, "retry_count": String(batch.retryCount + retries),
                "wait_ms": String(available.milliseconds(since: now)), "tokens": Self.unlessZero(paid.tokens),
                "nanodollars": Self.unlessZero(paid.nanodollars),
            ]
        )
    }

    private static func unlessZero(_ number: Int64) -> String? { number == 0 ? nil : String(number) }

    /// Equal jitter: half of the delay is fixed, half is chance.
    private func backoff(_ retry: Int, _ settings: JobSettings) -> Duration {
        var seconds = Double(settings.backoffBaseSeconds)
        for _ in 1..<max(1, min(retry, 31)) { seconds *= 2 }
        seconds = min(Double(settings.backoffCapSeconds), seconds) * (0.5 + 0.5 * entropy.unit())
        return .microseconds(Int64((seconds * 1_000_000).rounded(.toNearestOrEven)))
    }

    /// What the reaper or an operator has ended.
    struct Ends {
        var reset = 0
        var failed = 0
        /// Records of the failed batches.
        var records = 0
    }

    /// Ends an attempt whose worker does not do so itself: it uses a retry.
    ///
    /// The wait is until the batch may be claimed again; nil = the backoff.
    func reap(
        _ batch: SQLiteBatch,
        of job: SQLiteJob,
        _ error: BatchError,
        wait: Duration?,
        _ ends: inout Ends
    ) throws {
        if batch.retryCount < job.settings.maxRetries {
            let wait = wait ?? backoff(batch.retryCount + 1, job.settings)
            try giveBack(batch, of: job, "reaped", wait, retries: 1, error)
            ends.reset += 1
        } else {
            let counts = BatchCounts(failed: batch.recordCount)
            let letters = try everyRecord(of: batch, job.id, error)
            try close(batch, of: job, Closing(.failed, "reaped", counts, letters, error))
            ends.failed += 1
            ends.records += batch.recordCount
        }
    }

    /// None of these ends is about the content of records.
    func count(_ ends: Ends, of job: JobID) throws {
        let all = Int64(ends.reset + ends.failed)
        guard all > 0 else { return }
        try count(
            job,
            SQLiteCounters(
                failedBatches: Int64(ends.failed),
                inFlight: -all,
                failed: Int64(ends.records),
                retries: Int64(ends.reset),
                reaps: all,
                serviceFailures: Int64(ends.records)
            )
        )
    }
}
