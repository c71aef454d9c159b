import Migration

/// What a person does about attempts that hang and counters that are wrong.
extension JobScene {
    private func release(
        _ job: JobID,
        _ filter: ReleaseIngestionBatches.Filter,
        limit: Int = 100,
        dryRun: Bool = false
    ) async throws -> ReleaseIngestionBatches.Answer {
        try await store.release(ReleaseIngestionBatches(job: job, filter: filter, limit: limit, dryRun: dryRun))
    }

    private func recount(_ job: JobID) async throws -> RecountIngestionJob.Answer {
        try await store.recount(RecountIngestionJob(job: job))
    }

    /// Claims one batch as a worker of that name.
    private func take(_ job: JobID, as worker: String) async throws -> Held {
        let id = Self.uuid()
        let call = ClaimNextBatch(job: job, worker: worker, claimId: id, limit: 1, configHash: hash, floor: nil)
        guard let batch = try await store.claim(call).batches.first else { throw RuleBroken("nothing for \(worker)") }
        return Held(job: job, batch: batch, claimID: id)
    }

    func releaseEndsAttemptsAtOnce() async throws {
        let job = try await planned([[1, 2], [3]])
        _ = try await take(job.job)
        let answer = try await release(job.job, .init(worker: "worker"))
        try expectEqual(
            [answer.released, answer.failed, Int(answer.records), answer.alive, answer.more ? 1 : 0],
            [1, 0, 2, 1, 0],
            "released"
        )
        let row = try await batch(job.job, 0)
        try expectEqual(row.status, .pending, "status of a released batch")
        try expectEqual(row.nextRetryMs, 0, "wait of a released batch")
        try expectEqual(row.retryCount, 1, "I7: retries of a released batch")
        try expectEqual(row.errorCode, ReleaseIngestionBatches.code, "code of a released batch")
        let event = try await events(job.job, of: 0).last
        try expectEqual(event?.kind, "reaped", "I1: the end in the history")
        try expectEqual(event?.detail["code"], ReleaseIngestionBatches.code, "the reason in the history")
        let stats = try await stats(job.job)
        try expectEqual([stats.processing, stats.pending], [0, 2], "I15: batches")
        try expectEqual([stats.reaps, stats.retries, stats.claims], [1, 1, 1], "I15: counters")
        try expectEqual(try await release(job.job, .init(worker: "worker")).released, 0, "I10: released again")
        try expectEqual(try await claim(job.job, limit: 2).batches.map(\.attempt), [2, 1], "I4: attempts after it")
    }

    func releasedWorkerIsLost() async throws {
        let job = try await planned([[1]])
        let held = try await take(job.job)
        _ = try await release(job.job, .init(batchNumbers: [0]))
        try expectEqual(try await heartbeat(held).result, .lost, "I3: heartbeat after the release")
        let late = try await finish(held, .completed, BatchCounts(processed: 1))
        try expectEqual(late, .init(result: .lost, status: nil, outcome: nil), "I3: finish after the release")
        let next = try await take(job.job)
        try expectEqual(try await finish(held, .released).result, .lost, "I3: release after the next claim")
        try await complete(next)
    }

    func releaseUsesTheBudget() async throws {
        let settings = JobSettings(maxRetries: 1, leaseSeconds: 120, batchTimeoutSeconds: 600)
        let job = try await planned([[1, 2]], settings: settings)
        _ = try await take(job.job)
        try expectEqual(try await release(job.job, .init(worker: "worker")).released, 1, "the first time")
        _ = try await take(job.job)
        let last = try await release(job.job, .init(worker: "worker"))
        try expectEqual([last.released, last.failed, Int(last.records)], [0, 1, 2], "with no retry left")
        try expectEqual(try await batch(job.job, 0).status, .failed, "status with no retry left")
        let letters = try await failures(job.job)
        try expectEqual(letters.map(\.recordId), [1, 2], "I16: dead letters")
        try expectEqual(Set(letters.map(\.code)), [ReleaseIngestionBatches.code], "codes of the dead letters")
        try expectEqual(try await stats(job.job).serviceFailures, 2, "given up for nothing of their own")
    }

    func releaseNamesWorkersRunnersAndHosts() async throws {
        let names = ["a:1/0", "a:1/1", "a:12/0", "ab:1/0", "a", "a.b:1/0", "A:1/0", "a%:1/0"]
        let job = try await planned(names.indices.map { [RecordID($0)] })
        for name in names { _ = try await take(job.job, as: name) }
        for (name, numbers) in [("a:1/0", 1), ("a:1", 2), ("a", 4), ("a%", 1), ("a:", 0), ("b", 0), ("ab", 1)] {
            let answer = try await release(job.job, .init(worker: name), dryRun: true)
            try expectEqual(answer.released, numbers, "batches of \(name)")
        }
        try expectEqual(try await release(job.job, .init(worker: "a:1")).released, 2, "batches of a runner")
        try expectEqual(try await stats(job.job).processing, 6, "I25: batches of the others")
    }

    func releaseJoinsItsConditions() async throws {
        let job = try await planned([[1], [2], [3]])
        _ = try await take(job.job)
        try await harness.advance(by: .seconds(60))
        _ = try await claim(job.job, limit: 2)
        let old = ReleaseIngestionBatches.Filter(olderThanMs: 60_000)
        try expectEqual(try await release(job.job, old, dryRun: true).released, 1, "claimed a minute ago")
        let none = ReleaseIngestionBatches.Filter(olderThanMs: 60_000, batchNumbers: [1, 2])
        try expectEqual(try await release(job.job, none).released, 0, "other batches, claimed a minute ago")
        let one = ReleaseIngestionBatches.Filter(worker: "worker", olderThanMs: 0, batchNumbers: [1, 77])
        try expectEqual(try await release(job.job, one).released, 1, "one batch")
        try expectEqual(try await batch(job.job, 1).status, .pending, "the batch that was meant")
        try expectEqual(try await release(job.job, old).released, 1, "the old one")
        try expectEqual(try await stats(job.job).processing, 1, "the batch that is left")
    }

    func releaseOnlySaysInADryRun() async throws {
        let job = try await planned([[1], [2]], settings: .noRetries)
        let held = try await take(job.job)
        let before = try await events(job.job)
        let answer = try await release(job.job, .init(olderThanMs: 0), dryRun: true)
        try expectEqual([answer.released, answer.failed, answer.alive], [0, 1, 1], "a dry run")
        try expectEqual(try await events(job.job), before, "history after a dry run")
        try await complete(held)
    }

    func releaseLeavesWhatIsClaimedAgain() async throws {
        let job = try await planned([[1], [2]])
        _ = try await claim(job.job, limit: 2)
        let plan = try await release(job.job, .init(worker: "worker"), dryRun: true)
        try expectEqual(plan.released, 2, "a dry run")
        let meant = ReleaseIngestionBatches.Filter(worker: "worker", claimedUntil: plan.claimedUntil)
        try await harness.advance(by: .seconds(1))
        try expectEqual(try await release(job.job, meant).released, 2, "what was meant")
        try await harness.advance(by: .seconds(1))
        let again = try await claim(job.job, limit: 2)
        try expectEqual(again.batches.count, 2, "claimed again")
        try expectEqual(try await release(job.job, meant).released, 0, "I10: what was claimed meanwhile")
    }

    func releasePagesByItsLimit() async throws {
        let job = try await planned([[1], [2], [3]])
        _ = try await claim(job.job, limit: 3)
        let first = try await release(job.job, .init(olderThanMs: 0), limit: 2)
        try expectEqual([first.released, first.more ? 1 : 0], [2, 1], "first page")
        let last = try await release(job.job, .init(olderThanMs: 0), limit: 2)
        try expectEqual([last.released, last.more ? 1 : 0], [1, 0], "last page")
    }

    func releaseWorksInAnyStatus() async throws {
        let job = try await planned([[1], [2]])
        _ = try await claim(job.job, limit: 2)
        _ = try await control(job.job, .pause)
        try expectEqual(try await release(job.job, .init(batchNumbers: [0])).released, 1, "while paused")
        _ = try await control(job.job, .cancel)
        try expectEqual(try await release(job.job, .init(batchNumbers: [1])).released, 1, "after a cancel")
        try expectEqual(try await release(.max, .init(olderThanMs: 0)).result, .notFound, "of an unknown job")
    }

    func releaseRefusesWrongInput() async throws {
        let job = try await planned([[1]])
        _ = try await take(job.job)
        for limit in [0, 1001] {
            try await expectRejected("limit \(limit)") { try await release(job.job, .init(worker: "w"), limit: limit) }
        }
        let wrong: [ReleaseIngestionBatches.Filter] = [
            .init(), .init(worker: ""), .init(worker: String(repeating: "w", count: 201)), .init(olderThanMs: -1),
            .init(olderThanMs: ReleaseIngestionBatches.ageMaxMs + 1), .init(claimedUntil: "yesterday noon"),
        ]
        for filter in wrong {
            try await expectRejected("\(filter)") { try await release(job.job, filter) }
        }
        try expectEqual(try await stats(job.job).processing, 1, "batches at work after wrong input")
    }

    func releasesAtTheSameTimeReleaseOnce() async throws {
        let job = try await planned((0..<6).map { [RecordID($0)] })
        let id = Self.uuid()
        let batches = try await claim(job.job, limit: 6, id: id).batches
        let counts = try await together(6) { index -> Int in
            guard index % 3 == 0 else { return try await release(job.job, .init(worker: "worker")).released }
            let held = Held(job: job.job, batch: batches[index], claimID: id)
            return try await finish(held, .completed, BatchCounts(processed: 1)).result == .applied ? 1 : 0
        }
        try expectEqual(counts.reduce(0, +), 6, "I1: ends of six attempts")
    }

    // MARK: Recounts

    func recountOfARightJobChangesNothing() async throws {
        let job = try await planned([[1], [2], [3], [4], [5, 6]], settings: .noRetries)
        try await complete(try await take(job.job))
        try await fail(try await take(job.job))
        _ = try await requeueBatches(job.job, isolate: true)
        _ = try await finish(try await take(job.job), .released)
        _ = try await take(job.job)
        let (before, history) = (try await stats(job.job), try await events(job.job))
        let nothing = RecountIngestionJob.Answer(result: .ok, changes: [], batches: 0, letters: 0, more: false)
        for _ in 0..<2 { try expectEqual(try await recount(job.job), nothing, "I15: a recount") }
        try expectEqual(try await stats(job.job), before, "I15: counters after a recount")
        try expectEqual(try await events(job.job), history, "history after a recount")
    }

    func recountWhileWorkGoesOn() async throws {
        // More than are at work, ended or just given back at any moment: a claim passes over what others pick. It may also
        // lock a batch that another one has taken since it looked, and answer with none.
        let job = try await planned((0..<30).map { [RecordID($0)] })
        let changes = try await together(8) { index -> Int in
            if index % 4 == 0 { return try await recount(job.job).changes.count }
            for _ in 0..<2 {
                var claimed: Held?
                for _ in 0..<20 where claimed == nil { claimed = try? await take(job.job, as: "worker \(index)") }
                guard let held = claimed else { throw RuleBroken("nothing for worker \(index)") }
                if index % 2 == 0 { try await complete(held) } else { _ = try await finish(held, .released) }
            }
            return 0
        }
        try expectEqual(changes.reduce(0, +), 0, "I15: counters that were wrong while work went on")
    }

    func recountOfAnUnknownJobIsNotFound() async throws {
        try expectEqual(try await recount(.max).result, .notFound, "recount of an unknown job")
    }

    /// An outcome comes with an end: a status that was changed by hand has none.
    func outcomeIsGoneWhileABatchIsAtWork() async throws {
        let job = try await planned([[1]])
        _ = try await finish(try await take(job.job), .deferred, retryAfterMs: 0)
        try expectEqual(try await batch(job.job, 0).lastOutcome, "defer", "outcome of a batch that waits")
        try await harness.advance(by: .seconds(2))
        let held = try await take(job.job)
        try expectEqual(try await batch(job.job, 0).lastOutcome, nil, "outcome of a batch at work")
        try await complete(held)
        try expectEqual(try await batch(job.job, 0).lastOutcome, "completed", "outcome of a batch that ended")
    }
}
