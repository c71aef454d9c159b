package import Migration

extension TrackingTables {
    /// `get_ingestion_job_stats`: from the counters.
    package func stats(_ call: GetIngestionJobStats) -> JobStats {
        guard let index = index(of: call.job) else { return .notFound }
        return JobStats(jobs[index], jobs[index].counters, equal: nil)
    }

    /// `get_ingestion_job_stats_exact`: from the rows, and whether the counters equal them.
    func exactStats(_ call: GetIngestionJobStatsExact) -> JobStats {
        guard let index = index(of: call.job) else { return .notFound }
        let job = jobs[index]
        let recount = job.recount
        let planned = job.batches.reduce(0) { $0 + $1.recordIDs.count - $1.moved }
        let open = job.failures.values.count { $0.resolvedAt == nil }
        let isEqual = recount == job.counters && planned == job.totalRecords && open == recount.failed
        return JobStats(job, recount, equal: isEqual)
    }

    /// `control_ingestion_job`.
    mutating func control(
        _ call: ControlIngestionJob,
        _ transaction: Transaction
    ) throws(PortFailure) -> ControlIngestionJob.Answer {
        guard let index = index(of: call.job) else { return .init(result: .notFound, status: nil) }
        let status = jobs[index].status
        let target: JobStatus =
            switch call.action {
            case .pause: .paused
            case .resume: .running
            case .cancel: .cancelled
            }
        if status == target { return .init(result: .unchanged, status: status) }
        guard status.isOpen else { return .init(result: .refused, status: status) }
        switch call.action {
        case .pause:
            record("paused", in: index, transaction)
        case .resume:
            jobs[index].startedAt = jobs[index].startedAt ?? transaction.now
            if policy.resumeResetsBrakes { jobs[index].resetBrakes() }
            record("resumed", in: index, transaction)
        case .cancel:
            jobs[index].finishedAt = transaction.now
            record("cancelled", in: index, transaction)
        }
        jobs[index].status = target
        jobs[index].reason = call.reason.map { String($0.prefix(500)) }
        return .init(result: .applied, status: target)
    }

    /// `finalize_ingestion_job`.
    mutating func finalize(
        _ call: FinalizeIngestionJob,
        _ transaction: Transaction
    ) throws(PortFailure) -> FinalizeIngestionJob.Answer {
        guard let index = index(of: call.job) else { return .init(result: .notFound, status: nil) }
        let status = jobs[index].status
        guard status.isOpen else { return .init(result: .already, status: status) }
        let waiting = transaction.seen ?? waitingBatches(of: call.job)
        let isDrained = waiting.isEmpty && jobs[index].batches.working.isEmpty
        guard status != .pending, jobs[index].isSealed, isDrained else {
            return .init(result: .notReady, status: status)
        }
        let hasFailed = jobs[index].batches.contains { $0.status == .failed }
        jobs[index].status = hasFailed ? .failed : .completed
        jobs[index].finishedAt = transaction.now
        record("finalized", in: index, transaction, ["status": jobs[index].status.rawValue])
        return .init(result: .finalized, status: jobs[index].status)
    }
}

extension TrackingTables {
    func waitingBatches(of job: JobID) -> [Int] {
        index(of: job).map { jobs[$0].batches.waiting.map(\.number) } ?? []
    }
}

extension JobRow {
    /// The counters as recounted from the rows and, if events are recorded completely, from the events.
    var recount: Counters {
        var recount = Counters()
        for batch in batches {
            recount.claims += Int64(batch.attempt)
            switch batch.status {
            case .pending: break
            case .processing: recount.inFlight += 1
            case .completed: recount.completedBatches += 1
            case .failed: recount.failedBatches += 1
            }
            if batch.finishedAt != nil { recount.addRecords(batch.counts) }
        }
        guard settings.recordEvents, historyCutAt == nil else {
            let counted = counters
            (recount.retries, recount.reaps) = (counted.retries, counted.reaps)
            (recount.releases, recount.defers) = (counted.releases, counted.defers)
            (recount.serviceFailures, recount.removed) = (counted.serviceFailures, counted.removed)
            (recount.billedTokens, recount.billedNanodollars) = (counted.billedTokens, counted.billedNanodollars)
            return recount
        }
        for event in events {
            recount.serviceFailures += event.detail["service_failures"].flatMap { Int64($0) } ?? 0
            recount.removed += event.detail["removed"].flatMap { Int64($0) } ?? 0
            recount.billedTokens += event.detail["tokens"].flatMap { Int64($0) } ?? 0
            recount.billedNanodollars += event.detail["nanodollars"].flatMap { Int64($0) } ?? 0
            let isRetried = event.detail["status"] == BatchStatus.pending.rawValue
            switch event.kind {
            case "failed": recount.retries += isRetried ? 1 : 0
            case "reaped":
                recount.retries += isRetried ? 1 : 0
                recount.reaps += 1
            case "release": recount.releases += 1
            case "defer": recount.defers += 1
            default: break
            }
        }
        return recount
    }
}

extension JobStats {
    static var notFound: Self {
        var stats = Self(nil, Counters(), equal: nil)
        stats.result = .notFound
        return stats
    }

    init(_ job: JobRow?, _ counters: Counters, equal: Bool?) {
        self.init(
            result: .ok,
            job: job?.summary,
            pending: (job?.totalBatches ?? 0) - counters.completedBatches - counters.failedBatches - counters.inFlight,
            processing: counters.inFlight,
            completed: counters.completedBatches,
            failed: counters.failedBatches,
            processed: counters.processed,
            skipped: counters.skipped,
            failedRecords: counters.failed,
            missing: counters.missing,
            claims: counters.claims,
            retries: counters.retries,
            reaps: counters.reaps,
            releases: counters.releases,
            defers: counters.defers,
            serviceFailures: counters.serviceFailures,
            serviceFailuresBaseline: job?.serviceFailuresBaseline ?? 0,
            removed: counters.removed,
            removedBaseline: job?.removedBaseline ?? 0,
            billedTokens: counters.billedTokens,
            billedNanodollars: counters.billedNanodollars,
            equal: equal
        )
    }
}
