import Migration

extension TrackingTables {
    /// `claim_next_batch`.
    mutating func claim(
        _ call: ClaimNextBatch,
        _ transaction: Transaction
    ) throws(PortFailure) -> ClaimNextBatch.Answer {
        try Self.check(call)
        let floor = try Self.key(of: call.floor)
        guard let index = index(of: call.job) else {
            return .init(result: .notFound, jobStatus: nil, sealed: false, batches: [], floor: nil, waitMs: 15_000)
        }
        var answer = ClaimNextBatch.Answer(
            result: .ok,
            jobStatus: jobs[index].status,
            sealed: jobs[index].isSealed,
            batches: [],
            floor: call.floor,
            waitMs: 15_000
        )
        guard jobs[index].configHash == call.configHash else {
            answer.result = .configMismatch
            return answer
        }
        // With the planted mistake, the call does not see what the original has taken since the batches were read.
        let isBlind = !policy.claimLocksItsID && transaction.seen?.isEmpty == false
        var taken = isBlind ? [] : held(by: call.claimId, of: index, transaction.now)
        if taken.isEmpty, jobs[index].status == .running {
            taken = pick(call, from: floor, of: index, transaction)
            let places = taken.map { jobs[index].batches.place(of: $0) }
            if let last = places.max() {
                answer.floor = ClaimFloor(nextRetryAt: last.availableAt.text, batchNumber: last.number)
                for number in taken { take(number, of: index, for: call, transaction) }
                jobs[index].count(Counters(inFlight: taken.count, claims: Int64(taken.count)), at: last.number)
            } else {
                answer.waitMs = wait(for: index, transaction.now)
            }
        }
        answer.batches = taken.sorted().map { claimed($0, of: index, transaction.now) }
        return answer
    }

    /// The first free batches in claim order, from the floor on.
    ///
    /// The floor only saves time: a second look without it finds a batch that came back out of order.
    private func pick(
        _ call: ClaimNextBatch,
        from floor: BatchTable.Place?,
        of index: Int,
        _ transaction: Transaction
    ) -> [Int] {
        if !policy.claimLocksBatches, let seen = transaction.seen { return Array(seen.prefix(call.limit)) }
        for start in floor == nil || !policy.claimLooksBelowItsFloor ? [floor] : [floor, nil] {
            let free = jobs[index].batches.claimable(from: start, at: transaction.now).lazy.map(\.number)
            let picked = Array(free.filter(transaction.holds).prefix(call.limit))
            if !picked.isEmpty { return picked }
        }
        return []
    }

    private static func check(_ call: ClaimNextBatch) throws(PortFailure) {
        try requireUUID(call.claimId, "p_claim_id")
        try require((1...16).contains(call.limit), "p_limit must be 1…16")
    }

    private static func key(of floor: ClaimFloor?) throws(PortFailure) -> BatchTable.Place? {
        guard let floor else { return nil }
        guard let time = DatabaseTime(text: floor.nextRetryAt) else { throw .invalid("p_floor is not one of ours") }
        return BatchTable.Place(availableAt: time, number: floor.batchNumber)
    }

    /// The batches that an earlier try of the same claim took, as long as their leases are valid.
    func held(by claimID: String, of index: Int, _ now: DatabaseTime) -> [Int] {
        let earliest = now - jobs[index].lease
        return jobs[index].batches.working.filter { number in
            jobs[index].batches[number].claimID == claimID
                && jobs[index].batches[number].claimedAt.map { $0 > earliest } ?? false
        }
    }

    /// The batches that a claim may take, in the order in which it locks the rows: those below the floor come last.
    func claimCandidates(_ call: ClaimNextBatch, _ now: DatabaseTime) -> [Int] {
        guard let index = index(of: call.job), jobs[index].status == .running,
            held(by: call.claimId, of: index, now).isEmpty
        else { return [] }
        let all = jobs[index].batches.claimable(from: nil, at: now).map(\.number)
        guard let floor = try? Self.key(of: call.floor) else { return all }
        let above = jobs[index].batches.claimable(from: floor, at: now).map(\.number)
        return above + all.prefix(all.count - above.count)
    }

    /// Milliseconds to the next batch that becomes available, between 1 s and 15 s.
    ///
    /// An open plan may get its next page at any moment.
    private func wait(for index: Int, _ now: DatabaseTime) -> Int {
        guard jobs[index].isSealed else { return 1000 }
        let next = jobs[index].batches.next(after: now)?.availableAt
        return min(15_000, max(1000, next?.wait(at: now) ?? 15_000))
    }

    private mutating func take(
        _ number: Int,
        of index: Int,
        for call: ClaimNextBatch,
        _ transaction: Transaction
    ) {
        let deadline = transaction.now + jobs[index].batchTimeout
        let leaseEnd = min(transaction.now + jobs[index].lease, deadline)
        jobs[index].batches[number].status = .processing
        jobs[index].batches[number].attempt += 1
        jobs[index].batches[number].lastOutcome = nil
        jobs[index].batches[number].claimID = call.claimId
        jobs[index].batches[number].workerID = call.worker
        jobs[index].batches[number].claimedAt = transaction.now
        jobs[index].batches[number].leaseExpiresAt = leaseEnd
        jobs[index].batches[number].deadlineAt = deadline
        jobs[index].batches[number].counts = BatchCounts()
        record("claimed", in: index, transaction, batch: number)
    }

    private func claimed(_ number: Int, of index: Int, _ now: DatabaseTime) -> ClaimedBatch {
        let batch = jobs[index].batches[number]
        return ClaimedBatch(
            batchNumber: number,
            attempt: batch.attempt,
            retryCount: batch.retryCount,
            recordIds: batch.recordIDs,
            leaseMs: batch.leaseExpiresAt?.milliseconds(since: now) ?? 0,
            deadlineMs: batch.deadlineAt?.milliseconds(since: now) ?? 0
        )
    }
}

extension TrackingTables {
    /// `bump_batch_progress`.
    mutating func heartbeat(
        _ call: BumpBatchProgress,
        _ transaction: Transaction
    ) throws(PortFailure) -> BumpBatchProgress.Answer {
        try require(call.items.count <= 1000, "p_items must be at most 1000")
        for item in call.items {
            try requireUUID(item.claimId, "claim_id")
            try require(item.counts.isValid, "counts must not be negative")
        }
        guard let index = index(of: call.job) else {
            return .init(jobStatus: nil, items: call.items.map { Self.answer($0, .lost, "not_found") })
        }
        for item in call.items where verdict(on: item, in: index, transaction.now).result == .ok {
            let size = jobs[index].batches[item.batchNumber].recordIDs.count
            try require(item.counts.total <= size, "counts are of no more records than the batch has")
        }
        var answers: [BumpBatchProgress.Item] = []
        for item in call.items { answers.append(extend(item, in: index, transaction.now)) }
        return .init(jobStatus: jobs[index].status, items: answers)
    }

    /// The result of an item: whether it is accepted, and why not.
    private func verdict(
        on item: HeartbeatItem,
        in index: Int,
        _ now: DatabaseTime
    ) -> (result: BumpBatchProgress.Result, reason: String?) {
        guard jobs[index].batches.indices.contains(item.batchNumber) else { return (.lost, "not_found") }
        let batch = jobs[index].batches[item.batchNumber]
        let isHeard = policy.fence == .status && batch.status == .processing
        guard isHeard || batch.isFenced(by: item.attempt, item.claimId) else { return (.lost, "new_owner") }
        guard batch.status == .processing, let deadline = batch.deadlineAt else {
            return (.lost, batch.lastOutcome == "reaped" ? "reaped" : "ended")
        }
        if jobs[index].status == .cancelled { return (.cancel, "cancelled") }
        if deadline <= now, policy.deadlineBoundsLeases { return (.cancel, "deadline") }
        return (.ok, nil)
    }

    private mutating func extend(
        _ item: HeartbeatItem,
        in index: Int,
        _ now: DatabaseTime
    ) -> BumpBatchProgress.Item {
        let (result, reason) = verdict(on: item, in: index, now)
        guard result == .ok else { return Self.answer(item, result, reason) }
        let number = item.batchNumber
        let batch = jobs[index].batches[number]
        let wanted = now + jobs[index].lease
        let limit = policy.deadlineBoundsLeases ? batch.deadlineAt : nil
        let extended = max(batch.leaseExpiresAt ?? now, min(wanted, limit ?? wanted))
        jobs[index].batches[number].leaseExpiresAt = extended
        if policy.progressIsAbsolute {
            jobs[index].batches[number].counts.raise(to: item.counts)
        } else {
            jobs[index].batches[number].counts = batch.counts + item.counts
        }
        return Self.answer(item, .ok, nil, leaseMs: extended.milliseconds(since: now))
    }

    private static func answer(
        _ item: HeartbeatItem,
        _ result: BumpBatchProgress.Result,
        _ reason: String?,
        leaseMs: Int = 0
    ) -> BumpBatchProgress.Item {
        .init(
            batchNumber: item.batchNumber,
            attempt: item.attempt,
            result: result,
            reason: reason,
            leaseMs: leaseMs
        )
    }
}

extension BatchCounts {
    /// Whether no count is negative and their sum is representable.
    var isValid: Bool {
        [processed, skipped, failed, missing].allSatisfy { (0...1_000_000_000).contains($0) }
    }
}
