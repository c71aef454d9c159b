import Migration

// Which attempt may hold a batch, and when.

extension JobHistory {
    /// I5: no two unexpired leases on one batch, and none beyond its deadline.
    var overlappingLeases: [String] {
        guard isRecorded else { return [] }
        return batches.flatMap { takenFromItsHolder(in: $0) + reapedTooEarly(in: $0) } + leasesBeyondTheirDeadline
    }

    private func takenFromItsHolder(in batch: BatchHistory) -> [String] {
        zip(batch.attempts, batch.attempts.dropFirst()).compactMap { first, second in
            if let end = first.end, end.id < second.claimed.id { return nil }
            return "\(batch.name): \(second.claimed.short) took what attempt \(first.claimed.attempt ?? 0) held"
        }
    }

    /// A worker that ends its attempt gives its lease back; the reaper must wait until it runs out.
    private func reapedTooEarly(in batch: BatchHistory) -> [String] {
        batch.attempts.compactMap { attempt in
            // An operator need not wait.
            guard let end = attempt.end, end.kind == "reaped",
                end.detail["code"] != ReleaseIngestionBatches.code, end.time < leaseEnd(of: attempt, in: batch)
            else { return nil }
            return "\(batch.name): \(end.short) while its lease lived"
        }
    }

    /// The earliest time at which a lease can run out: counted from its claim, or from the last accepted heartbeat.
    private func leaseEnd(of attempt: BatchHistory.Attempt, in batch: BatchHistory) -> DatabaseTime {
        (heartbeats[batch.row.batchNumber] ?? []).filter { $0.item.attempt == attempt.claimed.attempt }
            .compactMap(\.until).reduce(decided(attempt.claimed) + lease) { max($0, $1) }
    }

    private var leasesBeyondTheirDeadline: [String] {
        let timeout = Duration.seconds(job.summary.settings.batchTimeoutSeconds)
        return batches.flatMap { batch in
            (heartbeats[batch.row.batchNumber] ?? []).compactMap { heartbeat -> String? in
                guard let until = heartbeat.until,
                    let attempt = batch.attempts.first(where: { $0.claimed.attempt == heartbeat.item.attempt }),
                    attempt.claimedAt + timeout < until
                else { return nil }
                return "\(batch.name): a heartbeat of attempt \(heartbeat.item.attempt) got a lease beyond its deadline"
            }
        }
    }

    /// I8: no claim comes before its time, while the job does not run, or with another configuration.
    var forbiddenClaims: [String] {
        claimsOfAnotherConfiguration + (isRecorded ? claimsBeforeTheirTime + claimsWhileNotRunning : [])
    }

    private var claimsOfAnotherConfiguration: [String] {
        answered(ClaimNextBatch.self) { _, call, answer in
            if answer.batches.isEmpty || call.configHash == job.summary.configHash { return nil }
            return "claim \(call.claimId) has another configuration, and got batches"
        }
    }

    private var claimsBeforeTheirTime: [String] {
        batches.flatMap { batch -> [String] in
            var last: EventSummary?
            return batch.events.compactMap { event in
                defer { last = event }
                guard event.kind == "claimed", let last, last.kind != "claimed" else { return nil }
                let available = decided(last) + .milliseconds(last.number("wait_ms") ?? 0)
                guard event.time < available else { return nil }
                return "\(batch.name): \(event.short) at \(event.at), before \(available.text)"
            }
        }
    }

    /// Claims share the job lock only with each other, so the order of their events and the job's events is exact.
    private var claimsWhileNotRunning: [String] {
        var findings: [String] = []
        var stopped: String?
        let start = job.summary.startTime.flatMap { DatabaseTime(text: $0) }
        for event in job.events {
            switch event.kind {
            case "paused", "cancelled", "finalized": stopped = event.kind
            case "resumed": stopped = nil
            case "requeued": if stopped == "finalized" { stopped = nil }
            case "claimed":
                let name = "batch \(event.batchNumber ?? 0): \(event.short)"
                if let stopped { findings.append("\(name) of a job that was \(stopped)") }
                guard let start else {
                    findings.append("\(name) of a job that was never started")
                    break
                }
                if event.time + slack < start { findings.append("\(name) before the job was started") }
            default: break
            }
        }
        return findings
    }
}

// MARK: When a call was decided

extension JobHistory {
    /// The earliest time at which the call that wrote this event may have been decided; the latest is the event's own.
    func decided(_ event: EventSummary) -> DatabaseTime {
        guard slack > .zero else { return event.time }
        let began = (writers[event.kind] ?? []).filter { $0.mayHaveWritten(event) }.compactMap(\.at).min()
        return min(event.time, max(event.time - slack, began ?? event.time - slack))
    }
}

extension ObservedCall {
    /// The kinds of batch events that it may write.
    var writes: [String] {
        if calls(ClaimNextBatch.self) { return ["claimed"] }
        if let call = sent(FinishBatch.self) { return [call.outcome.rawValue] }
        if calls(ResetStuckBatches.self) { return ["reaped"] }
        return calls(RequeueFailedBatches.self) || calls(RequeueFailedRecords.self) ? ["requeued"] : []
    }

    /// Whether the call may have written an event: it names the same claim or attempt, and was in progress at that
    /// time.
    fileprivate func mayHaveWritten(_ event: EventSummary) -> Bool {
        guard let at, at <= event.time else { return false }
        let wasUnderWay = until.map { event.time <= $0 }
        if let call = sent(ClaimNextBatch.self) { return call.claimId == event.claimId && wasUnderWay != false }
        guard let call = sent(FinishBatch.self) else { return wasUnderWay == true }
        return call.batchNumber == event.batchNumber && call.attempt == event.attempt && call.claimId == event.claimId
            && wasUnderWay != false
    }
}
