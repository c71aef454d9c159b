import GRDB
import Migration

// Watching, controlling and ending a job, and what operators repair: sql/sqlite/005_operation.sql.

extension SQLiteTransaction {
    func stats(_ id: JobID) throws -> JobStats {
        guard let job = try job(id) else { return .none }
        let counters = try counters(id)
        let open = Int64(job.totalBatches) - counters.completedBatches - counters.failedBatches - counters.inFlight
        return JobStats(
            result: .ok,
            job: try job.summary,
            pending: Int(open),
            processing: Int(counters.inFlight),
            completed: Int(counters.completedBatches),
            failed: Int(counters.failedBatches),
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
            serviceFailuresBaseline: job.serviceFailuresBaseline,
            removed: counters.removed,
            removedBaseline: job.removedBaseline,
            billedTokens: counters.billedTokens,
            billedNanodollars: counters.billedNanodollars,
            equal: nil
        )
    }

    /// A recount of the tables: the stats, and the totals of the job, as they should be.
    private struct Recount {
        var stats: JobStats
        var batches: Int
        var records: Int64
        var letters: Int64
    }

    private func recount(_ job: SQLiteJob, _ counted: JobStats) throws -> Recount {
        guard let tables = try row("recount_batches", ["job": job.id]),
            let letters = try row("recount_letters", ["job": job.id])
        else { throw PortFailure(.unclassified, "nothing was counted") }
        var exact = counted
        exact.pending = try tables["pending"]
        exact.processing = try tables["processing"]
        exact.completed = try tables["completed"]
        exact.failed = try tables["failed"]
        exact.processed = try tables["processed"]
        exact.skipped = try tables["skipped"]
        exact.failedRecords = try tables["failed_records"]
        exact.missing = try tables["missing"]
        exact.claims = try tables["claims"]
        // How attempts ended is recounted from the events, where all of them are there.
        if job.hasWholeHistory, let ends = try row("recount_ends", ["job": job.id]) {
            exact.retries = try ends["retries"]
            exact.reaps = try ends["reaps"]
            exact.releases = try ends["releases"]
            exact.defers = try ends["defers"]
            exact.serviceFailures = try ends["service_failures"]
            exact.removed = try ends["removed"]
            exact.billedTokens = try ends["billed_tokens"]
            exact.billedNanodollars = try ends["billed_nanodollars"]
        }
        return try Recount(
            stats: exact,
            batches: tables["batches"],
            records: tables["records"],
            letters: letters["letters"]
        )
    }

    func exactStats(_ id: JobID) throws -> JobStats {
        guard let job = try job(id) else { return .none }
        let counted = try stats(id)
        let exact = try recount(job, counted)
        var answer = exact.stats
        answer.equal =
            exact.stats == counted && exact.batches == job.totalBatches && exact.records == job.totalRecords
            && exact.stats.failedRecords == exact.letters
        return answer
    }

    func control(_ call: ControlIngestionJob) throws -> ControlIngestionJob.Answer {
        let target: JobStatus =
            switch call.action {
            case .pause: .paused
            case .resume: .running
            case .cancel: .cancelled
            }
        guard let job = try job(call.job) else { return .init(result: .notFound, status: nil) }
        if job.status == target { return .init(result: .unchanged, status: target) }
        guard job.status.isOpen else { return .init(result: .refused, status: job.status) }
        try run(
            "control",
            [
                "job": job.id, "status": target.rawValue, "reason": call.reason?.first(500), "at": at,
                "wall": wall.microseconds,
            ]
        )
        // A person has looked at what made a brake pause it.
        if call.action == .resume { try run("set_baselines", ["job": job.id]) }
        try log(call.action == .resume ? "resumed" : target.rawValue, of: job)
        return .init(result: .applied, status: target)
    }

    func finalize(_ call: FinalizeIngestionJob) throws -> FinalizeIngestionJob.Answer {
        guard let job = try job(call.job) else { return .init(result: .notFound, status: nil) }
        guard job.status.isOpen else { return .init(result: .already, status: job.status) }
        let ended = try row("finalize", ["job": job.id, "at": at, "wall": wall.microseconds])
        guard let status: String = try ended?["status"] else { return .init(result: .notReady, status: job.status) }
        try log("finalized", of: job, ["status": status])
        return .init(result: .finalized, status: JobStatus(rawValue: status))
    }

    func release(_ call: ReleaseIngestionBatches) throws -> ReleaseIngestionBatches.Answer {
        let until = try Self.checkRelease(call, now)
        var answer = ReleaseIngestionBatches.Answer(
            result: .notFound,
            released: 0,
            failed: 0,
            records: 0,
            alive: 0,
            more: false,
            claimedUntil: until.text
        )
        guard let job = try job(call.job) else { return answer }
        answer.result = .ok
        let meant = try rows(
            "meant",
            [
                "job": job.id, "until": until.microseconds, "worker": call.filter.worker,
                "numbers": call.filter.batchNumbers.map { RecordList.text($0) }, "limit": call.limit,
            ]
        ).map(SQLiteBatch.init)
        answer.more = meant.count == call.limit
        let error = BatchError(code: ReleaseIngestionBatches.code, message: ReleaseIngestionBatches.message)
        var ends = Ends()
        for batch in meant.sorted(by: { $0.number < $1.number }) {
            answer.records += Int64(batch.recordCount)
            if let expires = batch.leaseExpiresAt, expires > now { answer.alive += 1 }
            if batch.retryCount < job.settings.maxRetries { answer.released += 1 } else { answer.failed += 1 }
            if !call.dryRun { try reap(batch, of: job, error, wait: .zero, &ends) }
        }
        try count(ends, of: job.id)
        return answer
    }

    /// - Returns: the latest claim time that is meant.
    private static func checkRelease(
        _ call: ReleaseIngestionBatches,
        _ now: DatabaseTime
    ) throws(PortFailure) -> DatabaseTime {
        let filter = call.filter
        try demandLimit(call.limit, upTo: 1000)
        let isNamed =
            filter.worker != nil || filter.olderThanMs != nil || filter.batchNumbers != nil
            || filter.claimedUntil != nil
        try demand(isNamed, "say which batches: by worker, older_than_ms, batch_numbers or claimed_until")
        let length = filter.worker?.unicodeScalars.count ?? 1
        try demand((1...200).contains(length), "a worker is a text of 1…200 characters")
        let age = filter.olderThanMs ?? 0
        try demand((0...ReleaseIngestionBatches.ageMaxMs).contains(age), "older_than_ms must be 0 to ten years")
        let aged = now - .milliseconds(age)
        guard let text = filter.claimedUntil else { return aged }
        guard let until = DatabaseTime(text: text) else { throw .invalid("claimed_until is no time of this store") }
        return min(until, aged)
    }

    func recount(_ call: RecountIngestionJob) throws -> RecountIngestionJob.Answer {
        let most = 10_000
        guard let job = try job(call.job) else {
            return .init(result: .notFound, changes: [], batches: 0, letters: 0, more: false)
        }
        let counted = try stats(job.id)
        let exact = try recount(job, counted)
        var changes = [
            RecountIngestionJob.Change(name: "total_batches", from: Int64(job.totalBatches), to: Int64(exact.batches)),
            RecountIngestionJob.Change(name: "total_records", from: job.totalRecords, to: exact.records),
        ]
        let (from, to) = (SQLiteCounters(counted), SQLiteCounters(exact.stats))
        changes += SQLiteCounters.names.map {
            .init(name: $0.name, from: from[keyPath: $0.path], to: to[keyPath: $0.path])
        }
        changes.removeAll { $0.from == $0.to }
        let odd = try rows("odd_batches", ["job": job.id, "limit": most])
        var (batches, letters) = (0, 0)
        for row in odd {
            let arguments: Arguments = ["job": job.id, "number": try row["batch_number"] as Int, "at": at]
            if try row["is_odd"] { batches += try run("mend_batch", arguments) }
            if ["pending", "processing"].contains(try row["status"] as String) {
                letters += try run("resolve_batch", arguments)
            }
        }
        try run("add_counters", ["job": job.id])
        try count(job.id, to.minus(from))
        let more = (exact.batches - job.totalBatches, exact.records - job.totalRecords)
        try run("add_totals", ["job": job.id, "batches": more.0, "records": more.1])
        if !changes.isEmpty || batches + letters > 0 {
            let list = changes.map { "\($0.name) \($0.from) to \($0.to)" }.joined(separator: ", ")
            let detail = ["batches": String(batches), "letters": String(letters), "changes": list.isEmpty ? nil : list]
            try log("recounted", of: job, detail)
        }
        return .init(result: .ok, changes: changes, batches: batches, letters: letters, more: odd.count == most)
    }
}

extension SQLiteCounters {
    /// The counters by their names in the stats, in the order of an answer.
    fileprivate static var names: [(name: String, path: WritableKeyPath<Self, Int64>)] {
        [
            ("processing", \.inFlight), ("completed", \.completedBatches), ("failed", \.failedBatches),
            ("processed", \.processed), ("skipped", \.skipped), ("failed_records", \.failed), ("missing", \.missing),
            ("claims", \.claims), ("retries", \.retries), ("reaps", \.reaps), ("releases", \.releases),
            ("defers", \.defers), ("service_failures", \.serviceFailures), ("removed", \.removed),
            ("billed_tokens", \.billedTokens), ("billed_nanodollars", \.billedNanodollars),
        ]
    }

    fileprivate init(_ stats: JobStats) {
        self.init(
            completedBatches: Int64(stats.completed),
            failedBatches: Int64(stats.failed),
            inFlight: Int64(stats.processing),
            processed: stats.processed,
            skipped: stats.skipped,
            failed: stats.failedRecords,
            missing: stats.missing,
            claims: stats.claims,
            retries: stats.retries,
            reaps: stats.reaps,
            releases: stats.releases,
            defers: stats.defers,
            serviceFailures: stats.serviceFailures,
            removed: stats.removed,
            billedTokens: stats.billedTokens,
            billedNanodollars: stats.billedNanodollars
        )
    }

    fileprivate func minus(_ other: Self) -> Self {
        var difference = self
        for (_, path) in Self.columns { difference[keyPath: path] -= other[keyPath: path] }
        return difference
    }
}

extension JobStats {
    /// The answer about a job that is not there.
    fileprivate static var none: Self {
        Self(
            result: .notFound,
            job: nil,
            pending: 0,
            processing: 0,
            completed: 0,
            failed: 0,
            processed: 0,
            skipped: 0,
            failedRecords: 0,
            missing: 0,
            claims: 0,
            retries: 0,
            reaps: 0,
            releases: 0,
            defers: 0,
            equal: nil
        )
    }
}
