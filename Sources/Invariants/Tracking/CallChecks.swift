import Migration

// What the calls and their answers must agree on with the events.

extension JobHistory {
    /// I3: only the current (attempt, claim id) is heard.
    var staleCallsApplied: [String] {
        guard isRecorded else { return [] }
        return staleFinishes + staleHeartbeats
    }

    private var staleFinishes: [String] {
        answered(FinishBatch.self).compactMap { _, call, answer in
            guard answer.result == .applied else { return nil }
            let isStored = batch(call.batchNumber)?.events.contains {
                $0.attempt == call.attempt && $0.claimId == call.claimId && $0.kind == call.outcome.rawValue
            }
            return isStored == true ? nil : "finish of \(Self.name(call)) was applied, but did not end that attempt"
        }
    }

    private var staleHeartbeats: [String] {
        answered(BumpBatchProgress.self).flatMap { observed, call, answer in
            zip(call.items, answer.items).compactMap { item, answer in
                answer.result == .lost ? nil : staleness(of: item, before: observed.eventBefore)
            }
        }
    }

    /// Why an item of a heartbeat should have been lost.
    private func staleness(of item: HeartbeatItem, before event: Int64?) -> String? {
        let name = "heartbeat of batch \(item.batchNumber) attempt \(item.attempt)"
        guard let batch = batch(item.batchNumber),
            let attempt = batch.attempts.first(where: {
                $0.claimed.attempt == item.attempt && $0.claimed.claimId == item.claimId
            })
        else { return "\(name) was accepted, but nobody claimed it so" }
        if let event, let end = attempt.end, end.id <= event { return "\(name) was accepted after its \(end.kind)" }
        return nil
    }

    /// I9: while its leases live, every answer to one claim id lists the same batches.
    var differingClaims: [String] {
        guard isRecorded else { return [] }
        let attempts = Dictionary(grouping: batches.flatMap(\.attempts)) { $0.claimed.claimId ?? "" }
        return answered(ClaimNextBatch.self).flatMap { observed, call, answer -> [String] in
            if answer.batches.isEmpty { return [] }
            let mine = attempts[call.claimId] ?? []
            let isListed = { (attempt: BatchHistory.Attempt) in
                answer.batches.contains {
                    $0.batchNumber == attempt.claimed.batchNumber && $0.attempt == attempt.claimed.attempt
                }
            }
            let listed = mine.filter(isListed)
            if listed.count != answer.batches.count { return ["claim \(call.claimId) lists what it did not take"] }
            return mine.compactMap { other in
                if isListed(other) { return nil }
                if let end = other.end, observed.mayHaveSeen(end) { return nil }
                let liveTogether = listed.contains { isAlive($0, at: other) || isAlive(other, at: $0) }
                let number = other.claimed.batchNumber ?? 0
                return liveTogether
                    ? "claim \(call.claimId) holds batch \(number) too, but an answer leaves it out" : nil
            }
        }
    }

    /// Whether an attempt was neither over nor out of its first lease when another one began.
    private func isAlive(_ attempt: BatchHistory.Attempt, at other: BatchHistory.Attempt) -> Bool {
        attempt.claimed.id < other.claimed.id && attempt.end.map { $0.id > other.claimed.id } ?? true
            && other.claimedAt < decided(attempt.claimed) + lease
    }

    /// I10: a repeated call leaves the same state and gets a compatible answer.
    var harmfulRepeats: [String] {
        repeatedFinishes + repeatedRequeues + repeatedPages + progressCountedTwice
    }

    private var repeatedFinishes: [String] {
        var applied: Set<String> = []
        return answered(FinishBatch.self).compactMap { _, call, answer in
            guard answer.result == .applied else { return nil }
            return applied.insert(Self.name(call)).inserted ? nil : "finish of \(Self.name(call)) was applied twice"
        }
    }

    /// Only the last request is remembered, so another one that may have come in between excuses a repeat.
    private var repeatedRequeues: [String] {
        let batches = answered(RequeueFailedBatches.self).map { ($0, $1.requestId, $2.result) }
        let records = answered(RequeueFailedRecords.self).map { ($0, $1.requestId, $2.result) }
        let requests = (batches + records).compactMap { observed, id, result in
            result == .applied ? (id: id, began: observed.began, ended: observed.ended ?? .max) : nil
        }.sorted { $0.began < $1.began }
        return requests.enumerated().compactMap { index, first in
            guard let second = requests[(index + 1)...].first(where: { $0.id == first.id }) else { return nil }
            let isExcused = requests.contains { other in
                other.id != first.id && other.ended > first.began && other.began < max(first.ended, second.ended)
            }
            return isExcused ? nil : "requeue \(first.id) was applied twice"
        }
    }

    private var repeatedPages: [String] {
        var stored: Set<RecordID> = []
        return answered(AppendIngestionBatches.self).compactMap { _, call, answer in
            guard answer.result == .appended, let last = call.batches.last?.last else { return nil }
            return stored.insert(last).inserted ? nil : "the page up to \(last) was stored twice"
        }
    }

    /// Progress is absolute: a row at work shows the highest that was said, never a sum.
    private var progressCountedTwice: [String] {
        let now = batches.map(\.row).filter { $0.status == .processing }.compactMap {
            exaggeration(of: $0, before: .max)
        }
        return now
            + answered(ListIngestionBatches.self).flatMap { observed, _, answer -> [String] in
                guard let end = observed.ended else { return [] }
                return answer.rows.filter { $0.status == .processing }.compactMap { exaggeration(of: $0, before: end) }
            }
    }

    private func exaggeration(of row: BatchSummary, before tick: Int) -> String? {
        guard !calls.isEmpty else { return nil }
        var highest = BatchCounts()
        for heartbeat in heartbeats[row.batchNumber] ?? []
        where heartbeat.began < tick && heartbeat.item.attempt == row.attempt {
            highest.raise(to: heartbeat.item.counts)
        }
        var both = highest
        both.raise(to: row.counts)
        return both == highest ? nil : "batch \(row.batchNumber) counts \(row.counts), nobody said more than \(highest)"
    }

    /// I11: epochs only rise, an old one plans nothing, and a target has one open job.
    var rivalControllers: [String] {
        var findings = rivals.map { "job \($0) of the same target is open too" }
        findings += rivalsOnce.map { "job \($0) of the same target was open at the same time" }
        findings += strangeJoins
        let opens = (answered(OpenIngestionJob.self).map(\.observed) + answered(JoinIngestionJob.self).map(\.observed))
            .compactMap { observed in
                observed.controllerLease.map { (observed: observed, epoch: $0.epoch, token: $0.token) }
            }
            .sorted { $0.observed.began < $1.observed.began }
        for (index, open) in opens.enumerated() {
            for later in opens[(index + 1)...] {
                if later.epoch == open.epoch, later.token != open.token {
                    findings.append("epoch \(open.epoch) was given to two controllers")
                }
                if let end = open.observed.ended, end < later.observed.began, later.epoch < open.epoch {
                    findings.append("epoch \(later.epoch) was given after epoch \(open.epoch)")
                }
            }
        }
        let heard =
            answered(RenewController.self).map { ($0, $1.epoch, $2.result == .ok) }
            + answered(AppendIngestionBatches.self).map { ($0, $1.epoch, $2.result != .lost) }
            + answered(SealIngestionPlan.self).map { ($0, $1.epoch, $2.result != .lost) }
        for (observed, epoch, isAccepted) in heard where isAccepted {
            let newer = opens.first { $0.epoch > epoch && $0.observed.ended.map { $0 < observed.began } ?? false }
            if let newer { findings.append("epoch \(epoch) was heard after epoch \(newer.epoch) had begun") }
        }
        return findings
    }

    /// A join names its job: it makes none, joins no other one, and none that has ended.
    private var strangeJoins: [String] {
        answered(JoinIngestionJob.self).compactMap { _, call, answer in
            if let job = answer.job, job.id != call.job {
                return "a join of job \(call.job) was answered job \(job.id)"
            }
            if answer.result == .resumed, answer.job?.status.isOpen != true {
                return "a join was given job \(call.job), which had ended"
            }
            return answer.result != .resumed && answer.role == .controller
                ? "a join that was refused (\(answer.result.rawValue)) controls job \(call.job)" : nil
        }
    }

    func batch(_ number: Int) -> BatchHistory? { batches.first { $0.row.batchNumber == number } }

    private static func name(_ call: FinishBatch) -> String {
        "batch \(call.batchNumber) attempt \(call.attempt) by claim \(call.claimId)"
    }
}

extension ObservedCall {
    /// Whether something had happened before the answer: then the answer need not tell of it.
    fileprivate func mayHaveSeen(_ event: EventSummary) -> Bool {
        if let eventAfter { return event.id <= eventAfter }
        return until.map { event.time <= $0 } ?? true
    }

    /// The controller lease that an open or a join was given.
    package var controllerLease: (epoch: Int, token: String, controller: String)? {
        if let (call, answer) = answered(OpenIngestionJob.self), answer.role == .controller {
            (answer.epoch, call.token, call.controllerId)
        } else if let (call, answer) = answered(JoinIngestionJob.self), answer.role == .controller {
            (answer.epoch, call.token, call.controllerId)
        } else {
            nil
        }
    }
}
