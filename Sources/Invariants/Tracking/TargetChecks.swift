package import Migration

// The rules for several jobs of one target, and for several rounds of one job.

extension TrackingEvidence.Job {
    /// When the job was open, as ranges of event ids.
    ///
    /// It includes only what the order of events proves: a requeue opens an ended job, so the job counts as open from
    /// the first event that only an open job has.
    package var openSpans: [ClosedRange<Int64>] {
        var spans: [ClosedRange<Int64>] = []
        var begin: Int64?
        var isRequeued = false
        for event in events {
            switch event.kind {
            case "opened": begin = event.id
            case "cancelled", "finalized":
                if let begin { spans.append(begin...event.id) }
                begin = nil
                isRequeued = false
            case "requeued": isRequeued = begin == nil
            case "claimed", "paused", "resumed":
                if begin == nil, isRequeued { begin = event.id }
            default: break
            }
        }
        guard let begin, let last = events.last?.id else { return spans }
        return spans + [begin...(summary.status.isOpen ? .max : last)]
    }
}

extension TrackingEvidence {
    /// I11: jobs of the same target that were started earlier and were open at the same time as this one, whatever
    /// their status is now.
    package func jobsOpen(beside job: Job) -> [JobID] {
        guard jobs.count > 1, job.summary.settings.recordEvents else { return [] }
        let earlier = jobs.filter { $0.summary.targetKey == job.summary.targetKey && $0.summary.id < job.summary.id }
        if earlier.isEmpty { return [] }
        let spans = job.openSpans
        return earlier.filter { other in
            other.openSpans.contains { span in spans.contains { $0.overlaps(span) } }
        }.map(\.summary.id)
    }
}

extension JobHistory {
    /// I6: the records of a divided batch come back in batches of one record each, in a later round.
    var wrongDivisions: [String] {
        let divided = batches.filter { batch in
            batch.events.contains { $0.kind == "requeued" && $0.detail["mode"] == "isolate" }
        }
        if divided.isEmpty { return [] }
        var later: [RecordID: [BatchSummary]] = [:]
        for batch in batches where batch.row.round > 0 {
            for id in batch.row.recordIds { later[id, default: []].append(batch.row) }
        }
        return divided.flatMap { batch in
            batch.row.recordIds.compactMap { id in
                guard let next = later[id]?.first(where: { $0.round > batch.row.round }) else {
                    return "\(batch.name) was divided, but record \(id) is in no later batch"
                }
                return next.recordIds.count == 1
                    ? nil : "\(batch.name) was divided, but record \(id) shares batch \(next.batchNumber)"
            }
        }
    }
}
