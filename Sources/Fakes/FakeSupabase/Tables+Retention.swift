import Migration

extension TrackingTables {
    /// `delete_ingestion_job`: batches from the last one on, then dead letters, then events, then the job itself.
    mutating func delete(_ call: DeleteIngestionJob, _ transaction: Transaction) throws(PortFailure) -> DeletionAnswer {
        try require((1...10_000).contains(call.limit), "p_limit must be 1…10000")
        guard let index = index(of: call.job) else { return .init(result: .notFound) }
        if !jobs[index].isBeingDeleted {
            if let refusal = try refusal(index, call.olderThanMs, transaction) { return .init(result: refusal) }
        }
        var answer = DeletionAnswer(result: .applied)
        var left = call.limit
        answer.batches = min(left, jobs[index].batches.count)
        jobs[index].batches.removeLast(answer.batches)
        jobs[index].deletedBatches += answer.batches
        left -= answer.batches
        let letters = jobs[index].failures.keys.sorted().suffix(left)
        for record in letters { jobs[index].failures[record] = nil }
        answer.failures = letters.count
        left -= answer.failures
        answer.events = min(left, jobs[index].events.count)
        jobs[index].events.removeLast(answer.events)
        left -= answer.events
        answer.more = left == 0
        if answer.more {
            jobs[index].isBeingDeleted = true
            jobs[index].status = .cancelled
            jobs[index].reason =
                "it is being deleted: `migrate prune`, or `migrate delete --job \(call.job)`, goes on with it"
        } else {
            deletedJobs.insert(call.job)
        }
        return answer
    }

    /// `delete_ingestion_events`: the oldest first.
    mutating func delete(
        _ call: DeleteIngestionEvents,
        _ transaction: Transaction
    ) throws(PortFailure) -> DeletionAnswer {
        try require((1...10_000).contains(call.limit), "p_limit must be 1…10000")
        guard let index = index(of: call.job) else { return .init(result: .notFound) }
        if let refusal = try refusal(index, call.olderThanMs, transaction) { return .init(result: refusal) }
        let count = min(call.limit, jobs[index].events.count)
        if count > 0 {
            jobs[index].events.removeFirst(count)
            jobs[index].historyCutAt = transaction.now
        }
        return .init(result: .applied, events: count, more: count == call.limit)
    }

    private func refusal(
        _ index: Int,
        _ olderThanMs: Int64?,
        _ transaction: Transaction
    ) throws(PortFailure) -> DeletionAnswer.Result? {
        try require((olderThanMs ?? 0) >= 0, "p_older_than_ms must not be negative")
        guard !jobs[index].status.isOpen, let ended = jobs[index].finishedAt else { return .open }
        guard let olderThanMs else { return nil }
        return ended > transaction.now - .milliseconds(min(olderThanMs, Self.aThousandYears)) ? .tooYoung : nil
    }

    /// Has the same effect as any longer time.
    private static let aThousandYears: Int64 = 31_557_600_000_000

    /// `list_ingestion_retention`: newest first.
    ///
    /// In the fake no rows are deleted by hand, so every row belongs to a job.
    func list(
        _ call: ListIngestionRetention,
        _ transaction: Transaction
    ) throws(PortFailure) -> ListIngestionRetention.Answer {
        let rows = jobs.reversed().lazy.filter { job in
            !deletedJobs.contains(job.id) && (call.after.map { job.id < $0 } ?? true)
        }
        let page = try Page(
            rows.map { job in
                RetentionSummary(
                    jobId: job.id,
                    job: job.summary,
                    endedMs: job.finishedAt.map { Int64(transaction.now.milliseconds(since: $0)) },
                    deleting: job.isBeingDeleted,
                    hasEvents: !job.events.isEmpty
                )
            },
            limit: call.limit
        )
        return .init(rows: page.rows, next: page.next?.jobId)
    }

    /// `get_ingestion_job_rows`.
    func count(_ call: GetIngestionJobRows) -> GetIngestionJobRows.Answer {
        guard let index = index(of: call.job) else { return .init(batches: 0, failures: 0, events: 0, rows: 0) }
        let job = jobs[index]
        return .init(
            batches: Int64(job.batches.count),
            failures: Int64(job.failures.count),
            events: Int64(job.events.count),
            rows: Int64(
                2 * job.batches.count + job.failures.count + job.events.count + job.shards.count + job.runners.count + 1
            )
        )
    }
}
