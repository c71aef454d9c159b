import Migration

// The outcomes of the records at the end: I10, I12 and I18.

extension RecordEvidence {
    /// The first record whose outcome in the tables does not match the collection; nil when all match.
    package var wrongRecord: Finding? {
        for job in jobs {
            if let finding = wrongPlan(of: job) ?? wrongOutcome(of: job) { return finding }
        }
        return nil
    }

    /// I10: what was paid is counted once, however often ends are reported: no more than the embedder has billed.
    package var countedTooOften: Finding? {
        guard let billed else { return nil }
        let counted = jobs.reduce(Int64(0)) { $0 + $1.stats.billedTokens }
        return counted > billed
            ? Finding(10, "\(counted) tokens are counted as paid, of \(billed) that were billed") : nil
    }

    /// I12: the plan contains every row that existed all the time, and otherwise only rows that other applications have
    /// added or changed.
    ///
    /// For a job with a limit: the first rows, up to the limit.
    private func wrongPlan(of job: TrackingEvidence.Job) -> Finding? {
        let planned = Set(job.batches.filter { $0.round == 0 }.flatMap(\.recordIds))
        let limit = limits[job.summary.id]
        if let limit, planned.count > limit {
            return Finding(12, "\(planned.count) records are planned, the limit is \(limit)")
        }
        guard job.summary.sealed else { return nil }
        let isFull = planned.count == limit
        let last = planned.max() ?? .min
        for place in rows.indices where !planned.contains(rows[place].id) {
            let id = rows[place].id
            if hasChanged(id) || history.arrived.contains(id) || isFull && id > last { continue }
            return Finding(12, "record \(id) is not in the plan")
        }
        return nil
    }

    /// I18: each record is processed with all points right, skipped, missing, or an open dead letter.
    private func wrongOutcome(of job: TrackingEvidence.Job) -> Finding? {
        if let finding = wronglyMissing(in: job) { return finding }
        let letters = job.openLetters
        var blank: Int64 = 0
        var missing: Int64 = 0
        var isExact = true
        for batch in job.batches where batch.isSettled {
            for id in batch.recordIds {
                if hasChanged(id) {
                    isExact = false
                    continue
                }
                if letters.contains(id) { continue }
                if history.vanished.contains(id) {
                    missing += 1
                    continue
                }
                // Some records had all their points before the run began: for them only the row has to be readable.
                if let defect = defects[id], defect.isOfRow || incomplete.contains(id) {
                    return Finding(18, "record \(id) has \(defect.name) and is no dead letter")
                }
                if history.shapes[id] == nil {
                    blank += 1
                    let row = row(id)
                    if row?.memberCode == nil, row?.content != .null {
                        return Finding(18, "record \(id) has no tenant, but no dead letter")
                    }
                } else if incomplete.contains(id) {
                    return Finding(
                        18,
                        "record \(id) of batch \(batch.batchNumber) counts as processed, but its points are not all there"
                    )
                }
            }
        }
        let stats = job.stats
        if isExact, stats.skipped != blank {
            return Finding(18, "\(stats.skipped) records count as skipped, \(blank) are blank")
        }
        if isExact, stats.missing != missing {
            return Finding(18, "\(stats.missing) records count as missing, \(missing) have vanished")
        }
        return wrongLetter(letters, of: job)
    }

    /// No row that existed when it was planned and ever since counts as missing.
    private func wronglyMissing(in job: TrackingEvidence.Job) -> Finding? {
        for batch in job.batches where batch.isSettled && batch.counts.missing > 0 {
            let deleted = batch.recordIds.count { history.deleted.contains($0) }
            if batch.counts.missing > deleted {
                return Finding(
                    18,
                    "batch \(batch.batchNumber) counts \(batch.counts.missing) records as missing, "
                        + "\(deleted) of its rows were ever deleted"
                )
            }
        }
        return nil
    }

    /// A dead letter needs a reason: a refusal of the embedder, a missing tenant, or a batch that failed as a whole.
    private func wrongLetter(_ letters: Set<RecordID>, of job: TrackingEvidence.Job) -> Finding? {
        var failed = Set(job.batches.filter { $0.status == .failed }.flatMap(\.recordIds))
        failed.formUnion(job.failures.filter { $0.code == refusalCode }.map(\.recordId))
        for id in letters.sorted() where !failed.contains(id) && !hasChanged(id) && defects[id] == nil {
            guard let row = row(id) else { continue }
            let isRefused = if case .text(let text) = row.content { text.hasPrefix(refusedWord) } else { false }
            if !isRefused, row.memberCode != nil || history.shapes[id] != nil {
                return Finding(18, "record \(id) is a dead letter without a reason")
            }
        }
        return nil
    }
}

extension TrackingEvidence.Job {
    /// The records of open dead letters.
    var openLetters: Set<RecordID> { Set(failures.filter { $0.resolvedAt == nil }.map(\.recordId)) }
}

extension BatchSummary {
    /// Whether the batch holds the final outcomes of its records.
    var isSettled: Bool { status == .completed && moved == 0 }
}
