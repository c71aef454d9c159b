import GRDB
import Migration

// What people and `verify` read, and deleting old jobs: sql/sqlite/008_lists.sql.

extension SQLiteTransaction {
    func list(_ call: ListIngestionJobs) throws -> ListIngestionJobs.Answer {
        try Self.demandLimit(call.limit, upTo: 1000)
        let rows = try rows(
            "jobs",
            [
                "job": call.job, "after": call.after, "target": call.filter.targetKey,
                "collection": call.filter.collection, "open": call.filter.open, "limit": call.limit + 1,
            ]
        )
        return Self.page(try rows.map { try SQLiteJob($0).summary }, limit: call.limit, key: \.id)
    }

    func list(_ call: ListIngestionBatches) throws -> ListIngestionBatches.Answer {
        try Self.demandLimit(call.limit, upTo: 1000)
        let rows = try rows(
            "batches",
            [
                "job": call.job, "after": call.after, "status": call.filter.status?.rawValue,
                "numbers": call.filter.batchNumbers.map { RecordList.text($0) }, "requeued": call.filter.requeued,
                "limit": call.limit + 1,
            ]
        )
        let batches = try rows.map { row in
            let batch = try SQLiteBatch(row)
            return BatchSummary(
                batchNumber: batch.number,
                status: batch.status,
                round: batch.round,
                recordIds: RecordList.ids(try row["record_ids"]),
                attempt: batch.attempt,
                retryCount: batch.retryCount,
                counts: batch.counts,
                moved: batch.moved,
                workerId: batch.workerID,
                nextRetryMs: batch.status == .pending ? batch.nextRetryAt.wait(at: now) : 0,
                lastOutcome: batch.lastOutcome,
                errorCode: batch.errorCode,
                errorMessage: batch.errorMessage
            )
        }
        return Self.page(batches, limit: call.limit, key: \.batchNumber)
    }

    func list(_ call: ListIngestionFailures) throws -> ListIngestionFailures.Answer {
        try Self.demandLimit(call.limit, upTo: 1000)
        let rows = try rows(
            "failures",
            [
                "job": call.job, "after": call.after, "open": call.filter.open,
                "stage": call.filter.stage?.rawValue, "code": call.filter.code,
                "numbers": call.filter.batchNumbers.map { RecordList.text($0) }, "limit": call.limit + 1,
            ]
        )
        let failures = try rows.map { row in
            try FailureSummary(
                recordId: row["record_id"],
                batchNumber: row["batch_number"],
                attempt: row["attempt"],
                stage: FailureStage(rawValue: row["stage"]) ?? .batch,
                code: row["code"],
                message: row["message"],
                permanent: row["permanent"],
                firstAt: row["first_at"],
                lastAt: row["last_at"],
                times: row["times"],
                resolvedAt: row["resolved_at"]
            )
        }
        return Self.page(failures, limit: call.limit, key: \.recordId)
    }

    func list(_ call: ListIngestionEvents) throws -> ListIngestionEvents.Answer {
        try Self.demandLimit(call.limit, upTo: 1000)
        let rows = try rows(
            call.filter.newest == true ? "newest_events" : "events",
            [
                "job": call.job, "after": call.after, "kind": call.filter.kind,
                "numbers": call.filter.batchNumbers.map { RecordList.text($0) }, "limit": call.limit + 1,
            ]
        )
        let events = try rows.map { row in
            try EventSummary(
                id: row["id"],
                at: row["at"],
                batchNumber: row["batch_number"],
                attempt: row["attempt"],
                claimId: row["claim_id"],
                workerId: row["worker_id"],
                kind: row["kind"],
                detail: row.json("detail")
            )
        }
        return Self.page(events, limit: call.limit, key: \.id)
    }

    // MARK: Retention

    /// Why an ended job may not be changed here, or nil; nil milliseconds = whenever it ended.
    private func refusal(_ job: SQLiteJob, olderThanMs: Int64?) -> DeletionAnswer.Result? {
        if job.status.isOpen { return .open }
        // A thousand years has the same effect as any longer time.
        guard let age = olderThanMs, let ended = job.finishedAt else { return nil }
        return ended > wall - .milliseconds(min(age, 31_557_600_000_000)) ? .tooYoung : nil
    }

    func delete(_ call: DeleteIngestionJob) throws -> DeletionAnswer {
        try Self.demandLimit(call.limit, upTo: 10_000)
        try demand((call.olderThanMs ?? 0) >= 0, "older_than_ms must not be negative")
        let job = try job(call.job)
        if let job, !job.isDeleting, let refusal = refusal(job, olderThanMs: call.olderThanMs) {
            return DeletionAnswer(result: refusal)
        }
        var answer = DeletionAnswer(result: .applied)
        var left = call.limit
        func delete(_ statement: String) throws -> Int {
            guard left > 0 else { return 0 }
            let deleted = try run(statement, ["job": call.job, "limit": left])
            left -= deleted
            return deleted
        }
        answer.batches = try delete("delete_batches")
        answer.failures = try delete("delete_failures")
        answer.events = try delete("delete_events")
        answer.more = left == 0
        var others = 0
        if left > 0 {
            others = try run("delete_counters", ["job": call.job])
            try run("delete_job", ["job": call.job])
        } else if job != nil {
            let reason =
                "it is being deleted: `migrate prune`, or `migrate delete --job \(call.job)`, goes on with it"
            try run("mark_deleting", ["job": call.job, "reason": reason])
        }
        if job == nil, answer.batches + answer.failures + answer.events + others == 0 { answer.result = .notFound }
        return answer
    }

    func delete(_ call: DeleteIngestionEvents) throws -> DeletionAnswer {
        try Self.demandLimit(call.limit, upTo: 10_000)
        try demand((call.olderThanMs ?? 0) >= 0, "older_than_ms must not be negative")
        guard let job = try job(call.job) else { return DeletionAnswer(result: .notFound) }
        if let refusal = refusal(job, olderThanMs: call.olderThanMs) { return DeletionAnswer(result: refusal) }
        let oldest = try row("oldest_events", ["job": job.id, "limit": call.limit])
        let events: Int = try oldest?["events"] ?? 0
        if let oldest, let through: Int64 = try oldest["through"] {
            try run("cut_events", ["job": job.id, "through": through])
            try run("cut_history", ["job": job.id, "through": through, "at": at])
        }
        return DeletionAnswer(result: .applied, events: events, more: events == call.limit)
    }

    func list(_ call: ListIngestionRetention) throws -> ListIngestionRetention.Answer {
        try Self.demandLimit(call.limit, upTo: 1000)
        let rows = try rows("retention", ["after": call.after, "limit": call.limit + 1])
        let jobs = try rows.map { row in
            let job = try (row["id"] as JobID?) == nil ? nil : SQLiteJob(row)
            return try RetentionSummary(
                jobId: row["known_id"],
                job: job?.summary,
                endedMs: job?.finishedAt.map { Int64(wall.milliseconds(since: $0)) },
                deleting: job?.isDeleting ?? false,
                hasEvents: row["has_events"]
            )
        }
        return Self.page(jobs, limit: call.limit, key: \.jobId)
    }

    func countRows(_ call: GetIngestionJobRows) throws -> GetIngestionJobRows.Answer {
        guard let row = try row("rows", ["job": call.job]) else {
            return .init(batches: 0, failures: 0, events: 0, rows: 0)
        }
        let (batches, lists, others): (Int64, Int64, Int64) = try (row["batches"], row["lists"], row["others"])
        let (failures, events): (Int64, Int64) = try (row["failures"], row["events"])
        return .init(
            batches: batches,
            failures: failures,
            events: events,
            rows: batches + lists + failures + events + others
        )
    }
}
