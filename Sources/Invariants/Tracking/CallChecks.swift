import Migration

// The rules that the calls and their answers must keep with the events.

extension JobHistory {
    /// I3: only calls with the current (attempt, claim id) are accepted.
    var staleCallsApplied: [String] {
        guard isRecorded else { return [] }
        return staleFinishes + staleHeartbeats
    }

    private var staleFinishes: [String] {
        answered(FinishBatch.self) { _, call, answer in
            guard answer.result == .applied else { return nil }
            let isStored = batch(call.batchNumber)?.events.contains {
                $0.attempt == call.attempt && $0.claimId == call.claimId && $0.kind == call.outcome.rawValue
            }
            return isStored == true ? nil : "finish of \(Self.name(call)) was applied, but did not end that attempt"
        }
    }

    private var staleHeartbeats: [String] {
        answered(BumpBatchProgress.self) { observed, call, answer in
            zip(call.items, answer.items).compactMap { item, answer in
                answer.result == .lost ? nil : staleness(of: item, before: observed.eventBefore)
            }
        }.flatMap(\.self)
    }

    /// Why an item of a heartbeat should have been lost.
    private func staleness(of item: HeartbeatItem, before event: Int64?) -> String? {
        let name = "heartbeat of batch \(item.batchNumber) attempt \(item.attempt)"
        guard let batch = batch(item.batchNumber),
            let attempt = batch.attempts.first(where: {
                $0.claimed.attempt == item.attempt && $0.claimed.claimId == item.claimId
            })
        else { return "\(name) was accepted, but no claim has this attempt and claim id" }
        if let event, let end = attempt.end, end.id <= event { return "\(name) was accepted after its \(end.kind)" }
        return nil
    }

    /// I9: as long as the leases of a claim are valid, every answer to its claim id lists the same batches.
    var differingClaims: [String] {
        guard isRecorded else { return [] }
        let attempts = Dictionary(grouping: batches.flatMap(\.attempts)) { $0.claimed.claimId ?? "" }
        return answered(ClaimNextBatch.self) { observed, call, answer -> [String]? in
            if answer.batches.isEmpty { return nil }
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
        }.flatMap(\.self)
    }

    /// Whether an attempt was not ended and still in its first lease when another one began.
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
        return answered(FinishBatch.self) { _, call, answer in
            guard answer.result == .applied else { return nil }
            return applied.insert(Self.name(call)).inserted ? nil : "finish of \(Self.name(call)) was applied twice"
        }
    }

    /// Only the last request is remembered, so a repeat is excused if another request may have come between.
    private var repeatedRequeues: [String] {
        typealias Request = (id: String, began: Int, ended: Int)
        let batches = answered(RequeueFailedBatches.self) { observed, call, answer -> Request? in
            answer.result == .applied ? (call.requestId, observed.began, observed.ended ?? .max) : nil
        }
        let records = answered(RequeueFailedRecords.self) { observed, call, answer -> Request? in
            answer.result == .applied ? (call.requestId, observed.began, observed.ended ?? .max) : nil
        }
        let requests = (batches + records).sorted { $0.began < $1.began }
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
        return answered(AppendIngestionBatches.self) { _, call, answer in
            guard answer.result == .appended, let last = call.batches.last?.last else { return nil }
            return stored.insert(last).inserted ? nil : "the page up to \(last) was stored twice"
        }
    }

    /// Progress is absolute: the row of a batch at work shows the highest report, never a sum.
    private var progressCountedTwice: [String] {
        let now = batches.map(\.row).filter { $0.status == .processing }.compactMap {
            exaggeration(of: $0, before: .max)
        }
        return now
            + answered(ListIngestionBatches.self) { observed, _, answer -> [String]? in
                guard let end = observed.ended else { return nil }
                return answer.rows.filter { $0.status == .processing }.compactMap { exaggeration(of: $0, before: end) }
            }.flatMap(\.self)
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
        return both == highest ? nil : "batch \(row.batchNumber) counts \(row.counts), but heartbeats said \(highest)"
    }

    /// I11: epochs only rise, an old one plans nothing, and a target has one open job.
    var rivalControllers: [String] {
        var findings = rivals.map { "job \($0) of the same target is open too" }
        findings += rivalsOnce.map { "job \($0) of the same target was open at the same time" }
        findings += strangeJoins
        let opens =
            (answered(OpenIngestionJob.self) { observed, _, _ in Control(observed) }
            + answered(JoinIngestionJob.self) { observed, _, _ in Control(observed) })
            .sorted { $0.began < $1.began }
        for (index, open) in opens.enumerated() {
            for later in opens[(index + 1)...] {
                if later.epoch == open.epoch, later.token != open.token {
                    findings.append("epoch \(open.epoch) was given to two controllers")
                }
                if let end = open.ended, end < later.began, later.epoch < open.epoch {
                    findings.append("epoch \(later.epoch) was given after epoch \(open.epoch)")
                }
            }
        }
        let heard =
            answered(RenewController.self) { $2.result == .ok ? ($0.began, $1.epoch) : nil }
            + answered(AppendIngestionBatches.self) { $2.result == .lost ? nil : ($0.began, $1.epoch) }
            + answered(SealIngestionPlan.self) { $2.result == .lost ? nil : ($0.began, $1.epoch) }
        for (began, epoch) in heard {
            let newer = opens.first { $0.epoch > epoch && $0.ended.map { $0 < began } ?? false }
            if let newer { findings.append("epoch \(epoch) was heard after epoch \(newer.epoch) had begun") }
        }
        return findings
    }

    /// A join names its job: it opens no job, joins no other job, and joins no job that has ended.
    private var strangeJoins: [String] {
        answered(JoinIngestionJob.self) { _, call, answer in
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

    /// A controller lease as an open or a join gave it.
    private struct Control {
        let epoch: Int
        let token: String
        let began: Int
        let ended: Int?

        /// Nil where the call was given none.
        init?(_ observed: ObservedCall) {
            guard let lease = observed.controllerLease else { return nil }
            epoch = lease.epoch
            token = lease.token
            began = observed.began
            ended = observed.ended
        }
    }

    func batch(_ number: Int) -> BatchHistory? { batches.first { $0.row.batchNumber == number } }

    private static func name(_ call: FinishBatch) -> String {
        "batch \(call.batchNumber) attempt \(call.attempt) by claim \(call.claimId)"
    }
}

extension ObservedCall {
    /// Whether something had happened before the answer: then the answer may include it or not.
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
