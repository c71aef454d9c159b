import GRDB
import Migration

// What workers call: sql/sqlite/004_work.sql.

extension SQLiteTransaction {
    func claim(_ call: ClaimNextBatch) throws -> ClaimNextBatch.Answer {
        try Self.demandLimit(call.limit, upTo: 16)
        let claim = try call.claimId.uuid("claim_id")
        let floor = try call.floor.map(Self.place)
        guard let job = try job(call.job) else {
            return .init(result: .notFound, jobStatus: nil, sealed: false, batches: [], floor: nil, waitMs: 15_000)
        }
        var answer = ClaimNextBatch.Answer(
            result: job.configHash == call.configHash ? .ok : .configMismatch,
            jobStatus: job.status,
            sealed: job.isSealed,
            batches: [],
            floor: call.floor,
            waitMs: 15_000
        )
        guard answer.result == .ok else { return answer }
        let repeated = try rows(
            "claimed_before",
            ["job": job.id, "claim": claim, "now": now.microseconds, "lease_seconds": job.settings.leaseSeconds]
        )
        var numbers: [Int] = try repeated.map { try $0["batch_number"] }
        if numbers.isEmpty, job.status == .running {
            var taken = try take(call, claim, job, floor)
            // The floor only saves time: a second look finds a batch that came back out of order.
            if taken.isEmpty, floor != nil { taken = try take(call, claim, job, nil) }
            numbers = taken.map(\.number).sorted()
            answer.floor =
                taken.max { ($0.at, $0.number) < ($1.at, $1.number) }.map {
                    ClaimFloor(nextRetryAt: $0.at.text, batchNumber: $0.number)
                } ?? answer.floor
            if numbers.isEmpty { answer.waitMs = try wait(for: job) }
        }
        guard !numbers.isEmpty else { return answer }
        answer.batches = try rows("claimed", ["job": job.id, "numbers": RecordList.text(numbers)]).map { row in
            try ClaimedBatch(
                batchNumber: row["batch_number"],
                attempt: row["attempt"],
                retryCount: row["retry_count"],
                recordIds: RecordList.ids(row["record_ids"]),
                leaseMs: DatabaseTime(microseconds: row["lease_expires_at"]).milliseconds(since: now),
                deadlineMs: DatabaseTime(microseconds: row["deadline_at"]).milliseconds(since: now)
            )
        }
        return answer
    }

    private typealias Place = (at: DatabaseTime, number: Int)

    private static func place(_ floor: ClaimFloor) throws(PortFailure) -> (at: DatabaseTime, number: Int) {
        guard let at = DatabaseTime(text: floor.nextRetryAt) else {
            throw .invalid("the floor is no time of this store")
        }
        return (at, floor.batchNumber)
    }

    private func take(_ call: ClaimNextBatch, _ claim: String, _ job: SQLiteJob, _ floor: Place?) throws -> [Place] {
        let taken: [Place] = try rows(
            "take",
            [
                "job": job.id, "claim": claim, "worker": call.worker.first(200), "now": now.microseconds,
                "lease_seconds": job.settings.leaseSeconds, "timeout_seconds": job.settings.batchTimeoutSeconds,
                "floor_at": floor?.at.microseconds ?? .min, "floor_number": floor?.number ?? 0, "limit": call.limit,
            ]
        ).map { try (DatabaseTime(microseconds: $0["next_retry_at"]), $0["batch_number"]) }
        for place in taken.sorted(by: { $0.number < $1.number }) { try log("claimed", of: job, batch: place.number) }
        if !taken.isEmpty {
            try count(job.id, SQLiteCounters(inFlight: Int64(taken.count), claims: Int64(taken.count)))
        }
        return taken
    }

    /// Until a batch may be claimed; an open plan may get its next page at any moment.
    private func wait(for job: SQLiteJob) throws -> Int {
        guard job.isSealed else { return 1000 }
        guard let row = try row("next_retry", ["job": job.id, "now": now.microseconds]) else { return 15_000 }
        return min(15_000, max(1000, DatabaseTime(microseconds: try row["next_retry_at"]).wait(at: now)))
    }

    func heartbeat(_ call: BumpBatchProgress) throws -> BumpBatchProgress.Answer {
        try demand(call.items.count <= 1000, "items must be a list of at most 1000")
        let job = try job(call.job)
        var answers: [BumpBatchProgress.Item] = []
        for item in call.items {
            try demand(item.counts.isSane, "counts are four numbers, none of them negative")
            answers.append(try heartbeat(item, item.claimId.uuid("claim_id"), call.job, job))
        }
        return .init(jobStatus: job?.status, items: answers)
    }

    private func heartbeat(
        _ item: HeartbeatItem,
        _ claim: String,
        _ id: JobID,
        _ job: SQLiteJob?
    ) throws -> BumpBatchProgress.Item {
        func answer(_ result: BumpBatchProgress.Result, _ reason: String?, _ lease: Int = 0) -> BumpBatchProgress.Item {
            .init(batchNumber: item.batchNumber, attempt: item.attempt, result: result, reason: reason, leaseMs: lease)
        }
        let state = try row(
            "heartbeat_state",
            [
                "job": id, "number": item.batchNumber, "attempt": item.attempt, "claim": claim,
                "now": now.microseconds,
            ]
        )
        guard let state, let job else { return answer(.lost, "not_found") }
        if let reason: String = try state["reason"] {
            return answer(["cancelled", "deadline"].contains(reason) ? .cancel : .lost, reason)
        }
        let records: Int = try state["record_count"]
        try demand(item.counts.total <= records, "counts are of no more records than the batch has")
        let kept = try row(
            "heartbeat",
            [
                "job": id, "number": item.batchNumber, "now": now.microseconds,
                "lease_seconds": job.settings.leaseSeconds, "processed": item.counts.processed,
                "skipped": item.counts.skipped, "failed": item.counts.failed, "missing": item.counts.missing,
            ]
        )
        let expires = DatabaseTime(microseconds: try kept?["lease_expires_at"] ?? 0)
        return answer(.ok, nil, expires.milliseconds(since: now))
    }

    func resetStuck(_ call: ResetStuckBatches) throws -> ResetStuckBatches.Answer {
        try Self.demandLimit(call.limit, upTo: 1000)
        guard let job = try job(call.job) else { return .init(reset: 0, failed: 0, more: false) }
        let stuck = try rows(
            "stuck",
            [
                "job": job.id, "now": now.microseconds, "grace": Int64(job.settings.leaseSeconds) * 250_000,
                "full": call.full, "timeout_seconds": job.settings.batchTimeoutSeconds, "limit": call.limit,
            ]
        ).map(SQLiteBatch.init)
        var ends = Ends()
        for batch in stuck {
            let isLate = batch.deadlineAt.map { $0 <= now } ?? false
            let error =
                isLate
                ? BatchError(code: "deadline_exceeded", message: "the worker did not finish before the deadline")
                : BatchError(code: "lease_expired", message: "the worker sent no heartbeat")
            try reap(batch, of: job, error, wait: nil, &ends)
        }
        try count(ends, of: job.id)
        return .init(reset: ends.reset, failed: ends.failed, more: stuck.count == call.limit)
    }
}

extension BatchCounts {
    /// Whether no count is negative and their sum can be calculated.
    var isSane: Bool {
        [processed, skipped, failed, missing].allSatisfy { (0...Int(Int32.max)).contains($0) }
    }
}
