import Migration

// The rules for the events of one batch, in any circumstances.

extension BatchHistory {
    /// I1: for each attempt exactly one claim and at most one end.
    var unpairedEnds: [String] {
        var claimed: Set<Int> = []
        var ended: Set<Int> = []
        return events.compactMap { event in
            guard let attempt = event.attempt else { return nil }
            if event.kind == "claimed", !claimed.insert(attempt).inserted {
                return "\(name): attempt \(attempt) was claimed twice"
            }
            guard event.isEnd else { return nil }
            if !claimed.contains(attempt) { return "\(name): \(event.short) ends what was never claimed" }
            return ended.insert(attempt).inserted ? nil : "\(name): \(event.short) ends it a second time"
        }
    }

    /// I2: at most one `completed`, ever.
    var repeatedCompletions: [String] {
        let completions = events.filter { $0.kind == "completed" }
        return completions.count > 1 ? ["\(name) was completed \(completions.count) times"] : []
    }

    /// I4: attempts are 1, 2, 3 … through requeues too.
    var gapsInAttempts: [String] {
        let numbers = attempts.compactMap(\.claimed.attempt)
        if numbers != Array(0..<numbers.count).map({ $0 + 1 }) {
            return ["\(name): its claims are attempts \(numbers)"]
        }
        return numbers.count == row.attempt ? [] : ["\(name) says attempt \(row.attempt) after \(numbers.count) claims"]
    }

    /// I6: a completed or failed batch changes only through a requeue, and the row is in the state of its last event.
    var changesAfterTheEnd: [String] {
        var findings: [String] = []
        var status = BatchStatus.pending
        for event in events {
            let isAllowed =
                switch status {
                case .pending, .processing: event.kind != "requeued"
                case .completed: event.kind == "requeued" && event.detail["mode"] == "records"
                case .failed: event.kind == "requeued" && event.detail["mode"] != "records"
                }
            if !isAllowed { findings.append("\(name): \(event.short) changes a batch that is \(status.rawValue)") }
            status = event.status(after: status)
        }
        if status != row.status {
            findings.append("\(name) is \(row.status.rawValue), but ended as \(status.rawValue)")
        }
        return findings
    }

    /// I7: `failed` and `reaped` use the budget, `release` and `defer` do not, a requeue renews it.
    func retryMistakes(_ maxRetries: Int) -> [String] {
        var findings: [String] = []
        var retries = 0
        for event in events where event.isEnd || event.kind == "requeued" {
            if event.kind == "requeued" {
                if event.detail["mode"] != "records" { retries = 0 }
                continue
            }
            let isBudgeted = event.kind == "failed" || event.kind == "reaped"
            if event.detail["status"] == BatchStatus.pending.rawValue {
                let expected = retries + (isBudgeted ? 1 : 0)
                retries = event.number("retry_count") ?? 0
                if retries != expected {
                    findings.append("\(name): \(event.short) says \(retries) retries, not \(expected)")
                }
                if retries > maxRetries { findings.append("\(name): \(retries) retries of \(maxRetries)") }
            } else if isBudgeted, retries < maxRetries {
                findings.append("\(name): \(event.short) gave up after \(retries) retries of \(maxRetries)")
            }
        }
        if row.retryCount != retries {
            findings.append("\(name) says \(row.retryCount) retries, its events \(retries)")
        }
        return findings
    }

    /// I13: the counts of an ended batch add up to its records; a waiting batch has no counts.
    var wrongSums: [String] {
        let sum = row.counts.total + row.moved
        switch row.status {
        case .completed, .failed:
            return sum == row.recordIds.count ? [] : ["\(name): counts sum to \(sum) of \(row.recordIds.count)"]
        case .pending: return sum == 0 ? [] : ["\(name) waits, but counts \(sum) records"]
        case .processing: return row.moved == 0 ? [] : ["\(name) is at work, but \(row.moved) records were moved"]
        }
    }
}

extension EventSummary {
    /// The status of the batch after this event.
    fileprivate func status(after status: BatchStatus) -> BatchStatus {
        switch kind {
        case "claimed": .processing
        case "requeued":
            switch detail["mode"] {
            case "plain": .pending
            case "isolate": .completed
            default: status
            }
        default: detail["status"].flatMap { BatchStatus(rawValue: $0) } ?? status
        }
    }
}
