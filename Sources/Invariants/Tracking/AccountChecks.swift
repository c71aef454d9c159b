import Migration

// The sums over rows, counters and dead letters.

extension JobHistory {
    /// I12: round 0 contains the ids that were read: ascending, disjoint, densely numbered, up to the cursor.
    var planMistakes: [String] {
        let rows = job.batches
        var findings: [String] = []
        if rows.map(\.batchNumber) != Array(rows.indices) {
            findings.append("batch numbers are \(rows.map(\.batchNumber))")
        }
        let planned = rows.filter { $0.round == 0 }
        let ids = planned.flatMap(\.recordIds)
        for (low, high) in zip(ids, ids.dropFirst()) where low >= high {
            findings.append("record \(high) is planned after \(low)")
        }
        if planned.contains(where: { $0.recordIds.isEmpty }) { findings.append("a planned batch is empty") }
        if ids.last != job.summary.planCursor {
            findings.append(
                "the cursor is \(job.summary.planCursor as Any), the last planned record \(ids.last as Any)"
            )
        }
        if job.summary.nextBatchNumber != rows.count || job.summary.totalBatches != rows.count {
            findings.append("the job counts \(job.summary.totalBatches) batches, there are \(rows.count)")
        }
        return findings
    }

    /// I14: ended and open records add up to the planned records.
    var wrongTotal: [String] {
        let ended = batches.filter(\.isFinal).reduce(0) { $0 + $1.row.counts.total }
        let open = batches.filter { !$0.isFinal }.reduce(0) { $0 + $1.row.recordIds.count }
        let total = job.summary.totalRecords
        return Int64(ended + open) == total ? [] : ["\(ended) records ended, \(open) open, but \(total) in all"]
    }

    /// I15: the counters equal a recount.
    var wrongCounters: [String] {
        let rows = job.batches
        let ended = batches.filter(\.isFinal).map(\.row.counts)
        let sum = { (field: KeyPath<BatchCounts, Int>) in ended.reduce(Int64(0)) { $0 + Int64($1[keyPath: field]) } }
        let stats = job.stats
        var counters: [(name: String, counted: Int64, recount: Int64)] = [
            ("pending", Int64(stats.pending), Int64(rows.count { $0.status == .pending })),
            ("processing", Int64(stats.processing), Int64(rows.count { $0.status == .processing })),
            ("completed", Int64(stats.completed), Int64(rows.count { $0.status == .completed })),
            ("failed batches", Int64(stats.failed), Int64(rows.count { $0.status == .failed })),
            ("processed", stats.processed, sum(\.processed)), ("skipped", stats.skipped, sum(\.skipped)),
            ("failed records", stats.failedRecords, sum(\.failed)), ("missing", stats.missing, sum(\.missing)),
        ]
        if isRecorded {
            let count = { (kinds: [String], isRetried: Bool) in
                Int64(
                    job.events.count {
                        kinds.contains($0.kind) && (!isRetried || $0.detail["status"] == BatchStatus.pending.rawValue)
                    }
                )
            }
            counters += [
                ("claims", stats.claims, count(["claimed"], false)),
                ("retries", stats.retries, count(["failed", "reaped"], true)),
                ("reaps", stats.reaps, count(["reaped"], false)),
                ("releases", stats.releases, count(["release"], false)),
                ("defers", stats.defers, count(["defer"], false)),
                ("service failures", stats.serviceFailures, told("service_failures")),
                ("removed", stats.removed, told("removed")),
                ("billed tokens", stats.billedTokens, told("tokens")),
                ("billed nanodollars", stats.billedNanodollars, told("nanodollars")),
            ]
        }
        return counters.filter { $0.counted != $0.recount }.map {
            "\($0.name): counted \($0.counted), there are \($0.recount)"
        }
    }

    /// The sum of a number over all events.
    private func told(_ key: String) -> Int64 { job.events.reduce(0) { $0 + Int64($1.number(key) ?? 0) } }

    /// I15: the counters of the brakes only rise, and a resume sets their baselines.
    var wrongBrakes: [String] {
        var findings: [String] = []
        let stats = job.stats
        if stats.serviceFailuresBaseline > stats.serviceFailures || stats.removedBaseline > stats.removed {
            findings.append("the brakes count from more than there is")
        }
        guard isRecorded else { return findings }
        // A requeue sets them too, and only the batches' events show that: then more may have been seen.
        guard let resumed = job.events.last(where: { $0.kind == "resumed" }) else { return findings }
        let seen = { (key: String) in
            job.events.reduce(Int64(0)) { $0 + ($1.id < resumed.id ? Int64($1.number(key) ?? 0) : 0) }
        }
        // A batch that ended while the job was resumed may count on either side of the resume.
        guard !calls.isEmpty, !zip(calls, calls.dropFirst()).contains(where: { $0.ended ?? .max > $1.began }) else {
            return findings
        }
        if stats.serviceFailuresBaseline < seen("service_failures") || stats.removedBaseline < seen("removed") {
            findings.append("resumed, and the brakes go on counting what was seen before")
        }
        return findings
    }

    /// I16: open dead letters are the failed records, one for each, all planned.
    var wrongDeadLetters: [String] {
        var findings: [String] = []
        let letters = job.failures
        if Set(letters.map(\.recordId)).count != letters.count { findings.append("a record has two dead letters") }
        let open = Dictionary(grouping: letters.filter { $0.resolvedAt == nil }, by: \.batchNumber)
        for batch in batches {
            let failed = batch.isFinal ? batch.row.counts.failed : 0
            let mine = open[batch.row.batchNumber] ?? []
            if mine.count != failed {
                findings.append("\(batch.name): \(failed) failed records, \(mine.count) dead letters")
            }
            if !Set(mine.map(\.recordId)).isSubset(of: batch.row.recordIds) {
                findings.append("\(batch.name): a dead letter of another batch's record")
            }
        }
        let planned = Set(job.batches.filter { $0.round == 0 }.flatMap(\.recordIds))
        let known = Set(job.batches.flatMap(\.recordIds) + letters.map(\.recordId))
        if !known.isSubset(of: planned) {
            findings.append("records were never planned: \(known.subtracting(planned).sorted())")
        }
        return findings
    }

    /// I17: a job is final only when sealed and drained, and it is `failed` exactly when one of its batches is.
    var wrongFinalStatus: [String] {
        var findings: [String] = []
        let status = job.summary.status
        if status == .completed || status == .failed {
            if !job.summary.sealed { findings.append("\(status.rawValue), but not sealed") }
            let open = batches.filter { !$0.isFinal }
            if !open.isEmpty { findings.append("\(status.rawValue), but \(open.map(\.name)) not ended") }
            let hasFailed = job.batches.contains { $0.status == .failed }
            if hasFailed != (status == .failed) {
                findings.append("\(status.rawValue), with failed batches: \(hasFailed)")
            }
        }
        return isRecorded ? findings + earlyFinals : findings
    }

    /// Every earlier `finalized`: a requeue may have opened the job again since.
    private var earlyFinals: [String] {
        job.events.filter { $0.kind == "finalized" }.flatMap { final -> [String] in
            let before = { (event: EventSummary) in event.id < final.id }
            let planned = job.events.filter { $0.kind == "planned" && before($0) }.reduce(0) {
                $0 + ($1.number("batches") ?? 0)
            }
            let round0 = batches.filter { $0.row.round == 0 }.prefix(planned)
            let later = batches.filter { $0.row.round > 0 && $0.events.first.map(before) ?? false }
            let open = (Array(round0) + later).filter { batch in
                let last = batch.events.last(where: before)
                return last.map {
                    $0.kind == "claimed" || $0.detail["status"] == "pending" || $0.detail["mode"] == "plain"
                } ?? true
            }
            let isSealed = job.events.contains { $0.kind == "sealed" && before($0) }
            return (isSealed ? [] : ["event \(final.id): finalized before it was sealed"])
                + (open.isEmpty ? [] : ["event \(final.id): finalized while \(open.map(\.name)) were open"])
        }
    }
}
