import Migration

extension TrackingTables {
    /// `release_ingestion_batches`.
    mutating func release(
        _ call: ReleaseIngestionBatches,
        _ transaction: Transaction
    ) throws(PortFailure) -> ReleaseIngestionBatches.Answer {
        try Self.check(call)
        let until = Self.claimedUntil(call.filter, transaction.now)
        var answer = ReleaseIngestionBatches.Answer(
            result: .notFound,
            released: 0,
            failed: 0,
            records: 0,
            alive: 0,
            more: false,
            claimedUntil: until.text
        )
        guard let index = index(of: call.job) else { return answer }
        answer.result = .ok
        let meant = releasable(call, transaction.now).filter { call.dryRun || transaction.holds($0) }
        answer.more = meant.count >= call.limit
        let error = BatchError(code: ReleaseIngestionBatches.code, message: ReleaseIngestionBatches.message)
        for number in meant.prefix(call.limit).sorted() {
            let batch = jobs[index].batches[number]
            answer.records += Int64(batch.recordIDs.count)
            if batch.leaseExpiresAt.map({ $0 > transaction.now }) ?? false { answer.alive += 1 }
            if batch.retryCount < jobs[index].settings.maxRetries { answer.released += 1 } else { answer.failed += 1 }
            guard !call.dryRun else { continue }
            let end = FailedEnd(
                outcome: "reaped",
                error: error,
                counts: BatchCounts(failed: batch.recordIDs.count),
                letters: Self.letters(for: batch.recordIDs, error),
                retryAfter: .zero
            )
            fail(number, of: index, end, transaction)
        }
        return answer
    }

    private static func check(_ call: ReleaseIngestionBatches) throws(PortFailure) {
        let filter = call.filter
        try require((1...1000).contains(call.limit), "p_limit must be 1…1000")
        let isNamed =
            filter.worker != nil || filter.olderThanMs != nil || filter.batchNumbers != nil
            || filter.claimedUntil != nil
        try require(isNamed, "say which batches: by worker, older_than_ms, batch_numbers or claimed_until")
        let length = filter.worker?.unicodeScalars.count ?? 1
        try require((1...200).contains(length), "a worker is a text of 1…200 characters")
        let isAge = (0...ReleaseIngestionBatches.ageMaxMs).contains(filter.olderThanMs ?? 0)
        try require(isAge, "older_than_ms must be 0 to ten years")
        if let until = filter.claimedUntil, DatabaseTime(text: until) == nil {
            throw .invalid("claimed_until must be a time in ISO 8601")
        }
    }

    private static func claimedUntil(_ filter: ReleaseIngestionBatches.Filter, _ now: DatabaseTime) -> DatabaseTime {
        let aged = now - .milliseconds(filter.olderThanMs ?? 0)
        return filter.claimedUntil.flatMap { DatabaseTime(text: $0) }.map { min($0, aged) } ?? aged
    }

    /// Batches at work that the filter selects: oldest claim first.
    func releasable(_ call: ReleaseIngestionBatches, _ now: DatabaseTime) -> [Int] {
        guard let index = index(of: call.job) else { return [] }
        let until = Self.claimedUntil(call.filter, now)
        var keys: [(DatabaseTime, Int)] = []
        for batch in jobs[index].batches.atWork {
            guard let claimedAt = batch.claimedAt, claimedAt <= until,
                call.filter.batchNumbers?.contains(batch.number) ?? true,
                call.filter.worker.map({ Self.names($0, batch.workerID ?? "") }) ?? true
            else { continue }
            keys.append((claimedAt, batch.number))
        }
        return keys.sorted { $0 < $1 }.map(\.1)
    }

    /// Whether a name selects a worker: it may be the worker's, its runner's or its host's name.
    private static func names(_ name: String, _ worker: String) -> Bool {
        worker == name || worker.hasPrefix(name + "/") || worker.hasPrefix(name + ":")
    }

    /// `recount_ingestion_job`.
    mutating func recount(_ call: RecountIngestionJob, _ transaction: Transaction) -> RecountIngestionJob.Answer {
        var answer = RecountIngestionJob.Answer(result: .notFound, changes: [], batches: 0, letters: 0, more: false)
        guard let index = index(of: call.job) else { return answer }
        answer.result = .ok
        let (counted, exact) = (jobs[index].counters, jobs[index].recount)
        let records = jobs[index].batches.reduce(Int64(0)) { $0 + Int64($1.recordIDs.count - $1.moved) }
        let all =
            [("total_records", jobs[index].totalRecords, records)]
            + Counters.names.map {
                ($0.name, $0.value(counted), $0.value(exact))
            }
        answer.changes = all.filter { $0.1 != $0.2 }.map { .init(name: $0.0, from: $0.1, to: $0.2) }
        let known = jobs[index].failures.sorted { $0.key < $1.key }
        for (record, letter) in known where letter.resolvedAt == nil {
            guard jobs[index].batches[letter.batchNumber].finishedAt == nil else { continue }
            jobs[index].failures[record]?.resolvedAt = transaction.now
            answer.letters += 1
        }
        guard !answer.changes.isEmpty || answer.letters > 0 else { return answer }
        var detail = ["batches": "0", "letters": "\(answer.letters)"]
        if !answer.changes.isEmpty {
            detail["changes"] = answer.changes.map { "\($0.name) \($0.from) to \($0.to)" }.joined(separator: ", ")
        }
        record("recounted", in: index, transaction, detail)
        jobs[index].totalRecords = records
        jobs[index].shards = jobs[index].shards.map { _ in Counters() }
        jobs[index].shards[0] = exact
        return answer
    }
}

extension Counters {
    /// Every counter with its name in the stats, in their order.
    fileprivate static let names: [(name: String, value: @Sendable (Self) -> Int64)] = [
        ("processing", { Int64($0.inFlight) }), ("completed", { Int64($0.completedBatches) }),
        ("failed", { Int64($0.failedBatches) }), ("processed", { $0.processed }), ("skipped", { $0.skipped }),
        ("failed_records", { $0.failed }), ("missing", { $0.missing }), ("claims", { $0.claims }),
        ("retries", { $0.retries }), ("reaps", { $0.reaps }), ("releases", { $0.releases }),
        ("defers", { $0.defers }), ("service_failures", { $0.serviceFailures }), ("removed", { $0.removed }),
        ("billed_tokens", { $0.billedTokens }), ("billed_nanodollars", { $0.billedNanodollars }),
    ]
}
