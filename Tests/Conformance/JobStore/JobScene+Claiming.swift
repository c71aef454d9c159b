// Longer than 300 lines: the rules of one function stand together.

import Migration

/// Claims and heartbeats.
extension JobScene {
    func claimHandsOutBatchesInOrder() async throws {
        let job = try await planned([[3, 4, 9], [10], [11]])
        let answer = try await claim(job.job, limit: 2)
        try expectEqual(answer.result, .ok, "claim")
        try expectEqual(answer.jobStatus, .running, "job status")
        try expectEqual(answer.sealed, true, "sealed")
        try expectEqual(answer.batches.map(\.batchNumber), [0, 1], "batches in order")
        guard let first = answer.batches.first else { return }
        try expectEqual(first.recordIds, [3, 4, 9], "records")
        try expectEqual(first.attempt, 1, "I4: first attempt")
        try expectEqual(first.retryCount, 0, "retries")
        try expectWithin(first.leaseMs, 119_000...120_000, "lease")
        try expectWithin(first.deadlineMs, 599_000...600_000, "deadline")
        let row = try await batch(job.job, 0)
        try expectEqual(row.status, .processing, "status of a claimed batch")
        try expectEqual(row.workerId, "worker", "worker of a claimed batch")
        try expectEqual(try await stats(job.job).processing, 2, "batches in processing")
        try expectEqual(try await take(job.job).batch.batchNumber, 2, "the next batch")
        try await takeNothing(job.job, "after all are taken")
    }

    func claimNeverHandsOutABatchTwice() async throws {
        let job = try await planned((0..<12).map { [RecordID($0)] })
        let answers = try await together(8) { _ in try await claim(job.job, limit: 3) }
        let numbers = answers.flatMap { $0.batches.map(\.batchNumber) }
        try expectEqual(Set(numbers).count, numbers.count, "I5: batches handed out once by claims at once")
        var rest = numbers.count
        while true {
            let more = try await claim(job.job, limit: 16).batches
            if more.isEmpty { break }
            rest += more.count
        }
        try expectEqual(rest, 12, "batches handed out in all")
    }

    func claimRepeatedListsTheSame() async throws {
        let job = try await planned([[1], [2], [3]])
        let id = Self.uuid()
        let first = try await claim(job.job, limit: 2, id: id).batches
        try expectEqual(first.count, 2, "claimed")
        let again = try await claim(job.job, limit: 2, id: id).batches
        try expectEqual(again.map(\.batchNumber), first.map(\.batchNumber), "I9: batches of the repeated claim")
        try expectEqual(again.map(\.attempt), first.map(\.attempt), "I9: attempts of the repeated claim")
        _ = try await control(job.job, .pause)
        let paused = try await claim(job.job, limit: 2, id: id)
        try expectEqual(paused.batches.map(\.batchNumber), first.map(\.batchNumber), "I9: repeated while paused")
        try expectEqual(try await stats(job.job).claims, 2, "I10: claims counted once")
    }

    func claimsWithOneIDAtTheSameTimeAgree() async throws {
        let job = try await planned((0..<8).map { [RecordID($0)] })
        let id = Self.uuid()
        let answers = try await together(4) { _ in try await claim(job.job, limit: 3, id: id) }
        let sets = Set(answers.map { $0.batches.map(\.batchNumber) })
        try expectEqual(sets.count, 1, "I9: different answers to one claim id: \(sets.sorted { "\($0)" < "\($1)" })")
        try expectEqual(try await stats(job.job).processing, 3, "batches taken by one claim id")
    }

    func claimRepeatedAfterALeaseIsANewClaim() async throws {
        let job = try await planned([[1], [2]])
        let id = Self.uuid()
        let first = try await claim(job.job, id: id).batches
        try await harness.advance(by: .seconds(121))
        let late = try await claim(job.job, id: id).batches
        try expect(
            late.map(\.batchNumber) != first.map(\.batchNumber),
            "a claim repeated after its lease got the old batch back"
        )
    }

    func claimRefusesAnotherConfiguration() async throws {
        let job = try await planned([[1]])
        let answer = try await claim(job.job, hash: "hash-2")
        try expectEqual(answer.result, .configMismatch, "I8: claim with another configuration")
        try expectEqual(answer.batches.count, 0, "I8: batches for another configuration")
        try expectEqual(try await stats(job.job).processing, 0, "I8: batches taken by another configuration")
    }

    func claimOfAnUnknownJobIsNotFound() async throws {
        let answer = try await claim(.max)
        try expectEqual(answer.result, .notFound, "claim of an unknown job")
        try expectEqual(answer.jobStatus, nil, "status of an unknown job")
        try expectEqual(answer.batches.count, 0, "batches of an unknown job")
    }

    func claimNeedsARunningJob() async throws {
        let job = try await opened(start: false)
        _ = try await append([[1]], to: job, after: nil)
        let pending = try await claim(job.job)
        try expectEqual(pending.result, .ok, "claim of a pending job")
        try expectEqual(pending.jobStatus, .pending, "status told by the claim")
        try expectEqual(pending.batches.count, 0, "I8: batches of a pending job")
        _ = try await control(job.job, .resume)
        _ = try await control(job.job, .pause)
        try await takeNothing(job.job, "from a paused job")
        _ = try await control(job.job, .cancel)
        try await takeNothing(job.job, "from a cancelled job")
    }

    func claimWaitsForTheRetryTime() async throws {
        let job = try await planned([[1]])
        _ = try await finish(try await take(job.job), .deferred, retryAfterMs: 60_000)
        let early = try await claim(job.job)
        try expectEqual(early.batches.count, 0, "I8: batches before their time")
        try expectEqual(early.waitMs, 15_000, "the longest wait")
        try await harness.advance(by: .seconds(50))
        let soon = try await claim(job.job)
        try expectEqual(soon.batches.count, 0, "I8: batches before their time")
        try expectWithin(soon.waitMs, 9000...10_000, "the wait to the next batch")
        try await harness.advance(by: .milliseconds(9800))
        let late = try await claim(job.job)
        if late.batches.isEmpty { try expectEqual(late.waitMs, 1000, "the shortest wait") }
        try await harness.advance(by: .seconds(1))
        if late.batches.isEmpty { try expectEqual(try await take(job.job).batch.attempt, 2, "attempt in time") }
    }

    func claimWorksBeforeTheSeal() async throws {
        let job = try await opened()
        let empty = try await claim(job.job)
        try expectEqual(empty.sealed, false, "sealed before the seal")
        try expectEqual(empty.waitMs, 1000, "the wait for the next page of an open plan")
        _ = try await append([[1]], to: job, after: nil)
        try expectEqual(try await take(job.job).batch.recordIds, [1], "batch of an open plan")
    }

    func claimFloorHidesNothing() async throws {
        let job = try await planned([[1], [2], [3]])
        let zero = try await take(job.job)
        let one = try await claim(job.job)
        guard let floor = one.floor else { throw RuleBroken("a claim that got a batch gives no floor") }
        _ = try await finish(zero, .released)
        try await harness.advance(by: .seconds(1))
        var seen: [Int] = []
        var next: ClaimFloor? = floor
        for _ in 0..<2 {
            let answer = try await claim(job.job, floor: next)
            seen += answer.batches.map(\.batchNumber)
            next = answer.floor
        }
        try expectEqual(seen.sorted(), [0, 2], "batches found from a floor on")
    }

    func claimLooksBelowAFloorThatIsTooHigh() async throws {
        let job = try await planned([[1]])
        let far = ClaimFloor(nextRetryAt: "2999-01-01T00:00:00.000000Z", batchNumber: 0)
        let answer = try await claim(job.job, floor: far)
        try expectEqual(answer.batches.map(\.batchNumber), [0], "the second look without the floor")
    }

    func claimRefusesWrongInput() async throws {
        let job = try await planned([[1]])
        try await expectRejected("limit 0") { try await claim(job.job, limit: 0) }
        try await expectRejected("limit 17") { try await claim(job.job, limit: 17) }
        try await expectRejected("a claim id that is no UUID") { try await claim(job.job, id: "mine") }
        let floor = ClaimFloor(nextRetryAt: "yesterday night", batchNumber: 0)
        try await expectRejected("a floor that is no time") { try await claim(job.job, floor: floor) }
        try expectEqual(try await stats(job.job).processing, 0, "batches taken by refused claims")
    }

    func attemptsCountUpWithoutGap() async throws {
        let job = try await planned([[1]], settings: .noRetries)
        for attempt in 1...3 {
            let held = try await take(job.job)
            try expectEqual(held.batch.attempt, attempt, "I4: attempt")
            _ = try await finish(held, .released)
        }
        let held = try await take(job.job)
        try expectEqual(held.batch.attempt, 4, "I4: attempt after releases")
        try await fail(held)
        _ = try await requeueBatches(job.job)
        try expectEqual(try await take(job.job).batch.attempt, 5, "I4: attempt after a requeue")
    }

    func leaseNeverPassesTheDeadline() async throws {
        let settings = JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 60)
        let job = try await planned([[1]], settings: settings)
        let held = try await take(job.job)
        try expectWithin(held.batch.leaseMs, 59_000...60_000, "I5: lease of a batch with an early deadline")
        try await harness.advance(by: .seconds(30))
        try expectWithin(try await heartbeat(held).leaseMs, 29_000...30_000, "lease after a heartbeat")
    }

    // MARK: Heartbeats

    func heartbeatExtendsTheLease() async throws {
        let job = try await planned([[1]])
        let held = try await take(job.job)
        for _ in 1...4 {
            try await harness.advance(by: .seconds(100))
            let answer = try await heartbeat(held)
            try expectEqual(answer.result, .ok, "heartbeat")
            try expectEqual(answer.reason, nil, "reason of an accepted heartbeat")
            try expectWithin(answer.leaseMs, 119_000...120_000, "lease after a heartbeat")
            try expectEqual(try await reap(job.job), .init(reset: 0, failed: 0, more: false), "I25: reaped while alive")
        }
    }

    func heartbeatStopsAtTheDeadline() async throws {
        let job = try await planned([[1]])
        let held = try await take(job.job)
        for second in stride(from: 100, through: 600, by: 100) {
            try await harness.advance(by: .seconds(100))
            let answer = try await heartbeat(held)
            if second < 600 {
                try expectEqual(answer.result, .ok, "heartbeat after \(second) s")
            } else {
                try expectEqual(answer.result, .cancel, "heartbeat at the deadline")
                try expectEqual(answer.reason, "deadline", "reason at the deadline")
            }
        }
        let end = try await finish(held, .deferred, retryAfterMs: 1000)
        try expectEqual(end.result, .applied, "end of a batch past its deadline that was not reaped")
    }

    func heartbeatOfAnEndedAttemptIsLost() async throws {
        let job = try await planned([[1], [2]])
        let held = try await take(job.job)
        try await harness.advance(by: .seconds(1))
        _ = try await finish(held, .released)
        let ended = try await heartbeat(held)
        try expectEqual(ended.result, .lost, "I3: heartbeat after the end")
        try expectEqual(ended.reason, "ended", "reason after the end")
        let owner = try await take(job.job)
        try expectEqual(owner.batch.batchNumber, 1, "batches in order of availability")
        let again = try await take(job.job)
        try expectEqual(again.batch.batchNumber, 0, "the released batch")
        let stale = try await heartbeat(held)
        try expectEqual(stale.result, .lost, "I3: heartbeat of an old attempt")
        try expectEqual(stale.reason, "new_owner", "reason with a new owner")
        let thief = Held(job: job.job, batch: again.batch, claimID: Self.uuid())
        try expectEqual(try await heartbeat(thief).result, .lost, "I3: heartbeat with another claim id")
        var nowhere = again.batch
        nowhere.batchNumber = 99
        let unknown = try await heartbeat(Held(job: job.job, batch: nowhere, claimID: again.claimID))
        try expectEqual(unknown.reason, "not_found", "reason of an unknown batch")
    }

    func heartbeatOfAReapedAttemptIsLost() async throws {
        let job = try await planned([[1]])
        let held = try await take(job.job)
        try await harness.advance(by: .seconds(151))
        try expectEqual(try await reap(job.job).reset, 1, "reaped")
        let answer = try await heartbeat(held)
        try expectEqual(answer.result, .lost, "I3: heartbeat after the reaper")
        try expectEqual(answer.reason, "reaped", "reason after the reaper")
        try expectEqual(answer.leaseMs, 0, "lease after the reaper")
    }

    func heartbeatRevivesAnExpiredLease() async throws {
        let job = try await planned([[1]])
        let held = try await take(job.job)
        try await harness.advance(by: .seconds(200))
        try expectEqual(try await heartbeat(held).result, .ok, "heartbeat of an expired lease that was not reaped")
        try expectEqual(try await reap(job.job).reset, 0, "reaped after the revival")
        try await complete(held)
    }

    func heartbeatCountsOnlyRise() async throws {
        let job = try await planned([[1, 2, 3, 4]])
        let held = try await take(job.job)
        _ = try await heartbeat(held, BatchCounts(processed: 2, skipped: 1))
        _ = try await heartbeat(held, BatchCounts(processed: 1, missing: 1))
        let counts = try await batch(job.job, 0).counts
        try expectEqual(
            counts,
            BatchCounts(processed: 2, skipped: 1, missing: 1),
            "I10: progress after a late heartbeat"
        )
        try expectEqual(try await stats(job.job).processed, 0, "records counted before the end")
        _ = try await finish(held, .released)
        try expectEqual(try await batch(job.job, 0).counts, BatchCounts(), "progress after a release")
    }

    func heartbeatTellsOfACancel() async throws {
        let job = try await planned([[1]])
        let held = try await take(job.job)
        _ = try await control(job.job, .cancel)
        let answer = try await heartbeat(held)
        try expectEqual(answer.result, .cancel, "heartbeat of a cancelled job")
        try expectEqual(answer.reason, "cancelled", "reason of a cancelled job")
        try await complete(held)
    }

    func heartbeatAnswersInTheOrderOfItems() async throws {
        let job = try await planned([[1], [2], [3]])
        let id = Self.uuid()
        let batches = try await claim(job.job, limit: 3, id: id).batches
        let items = batches.reversed().map {
            HeartbeatItem(batchNumber: $0.batchNumber, attempt: $0.attempt, claimId: id, counts: BatchCounts())
        }
        let answer = try await store.heartbeat(BumpBatchProgress(job: job.job, worker: "w", items: items))
        try expectEqual(answer.items.map(\.batchNumber), [2, 1, 0], "order of the answers")
        try expectEqual(answer.jobStatus, .running, "job status")
        let none = try await store.heartbeat(BumpBatchProgress(job: job.job, worker: "w", items: []))
        try expectEqual(none, .init(jobStatus: .running, items: []), "a heartbeat without items")
        let unknown = try await store.heartbeat(BumpBatchProgress(job: .max, worker: "w", items: items))
        try expectEqual(unknown.jobStatus, nil, "status of an unknown job")
        try expectEqual(unknown.items.map(\.result), [.lost, .lost, .lost], "items of an unknown job")
    }

    func heartbeatRefusesNegativeCounts() async throws {
        let job = try await planned([[1]])
        let held = try await take(job.job)
        try await expectRejected("negative progress") { try await heartbeat(held, BatchCounts(processed: -1)) }
        try expectEqual(try await batch(job.job, 0).counts, BatchCounts(), "progress after a refused heartbeat")
    }

    func heartbeatRefusesMoreThanTheBatchHas() async throws {
        let job = try await planned([[1, 2, 3], [4]])
        let held = try await take(job.job)
        let other = try await take(job.job)
        _ = try await heartbeat(held, BatchCounts(processed: 1))
        for counts in [
            BatchCounts(processed: 4), BatchCounts(processed: 1, skipped: 1, failed: 1, missing: 1),
            BatchCounts(processed: 900_000_000, skipped: 900_000_000, failed: 900_000_000),
        ] {
            try await expectRejected("progress of more records than the batch has: \(counts)") {
                try await heartbeat(held, counts)
            }
        }
        let items = [(other, 1), (held, 4)].map { held, processed in
            HeartbeatItem(
                batchNumber: held.batch.batchNumber,
                attempt: held.batch.attempt,
                claimId: held.claimID,
                counts: BatchCounts(processed: processed)
            )
        }
        try await expectRejected("a list with too much progress") {
            try await store.heartbeat(BumpBatchProgress(job: job.job, worker: "w", items: items))
        }
        try expectEqual(try await batch(job.job, 1).counts, BatchCounts(), "progress beside a refused item")
        try expectEqual(try await batch(job.job, 0).counts, BatchCounts(processed: 1), "progress after refusals")
        let all = try await heartbeat(held, BatchCounts(processed: 1, skipped: 1, missing: 1))
        try expectEqual(all.result, .ok, "progress of all records")
        // What does not concern the row is not judged by it, as at the end of an attempt.
        _ = try await finish(held, .released)
        let late = try await heartbeat(held, BatchCounts(processed: 4))
        try expectEqual(late.result, .lost, "a heartbeat after the end, whatever it says")
    }

    func heartbeatOfAMalformedListChangesNothing() async throws {
        let job = try await planned([[1], [2]])
        let id = Self.uuid()
        let batches = try await claim(job.job, limit: 2, id: id).batches
        let items = batches.map {
            HeartbeatItem(batchNumber: $0.batchNumber, attempt: 1, claimId: id, counts: BatchCounts(processed: 1))
        }
        try expectEqual(items.count, 2, "batches held")
        var stranger = items
        stranger[1].claimId = "mine"
        var negative = items
        negative[1].counts.missing = -1
        let tooMany = (0...1000).map { items[$0 % 2] }
        for (name, list) in [("no UUID", stranger), ("a negative count", negative), ("1001 items", tooMany)] {
            try await expectRejected("a list with \(name)") {
                try await store.heartbeat(BumpBatchProgress(job: job.job, worker: "w", items: list))
            }
            try expectEqual(try await batch(job.job, 0).counts, BatchCounts(), "progress after \(name)")
        }
    }
}
