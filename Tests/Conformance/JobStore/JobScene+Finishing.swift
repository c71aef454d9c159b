// Longer than 300 lines: the rules of one function stand together.

import Migration

/// How attempts end.
extension JobScene {
    func finishCompletedIsFinal() async throws {
        let job = try await planned([[1, 2, 3, 4, 5]])
        let held = try await take(job.job)
        let letter = FailedRecord(recordId: 3, stage: .embed, code: "too_long", message: "9000 tokens", permanent: true)
        let counts = BatchCounts(processed: 2, skipped: 1, failed: 1, missing: 1)
        let answer = try await finish(held, .completed, counts, failed: [letter])
        try expectEqual(answer, .init(result: .applied, status: .completed, outcome: "completed"), "answer")
        let row = try await batch(job.job, 0)
        try expectEqual(row.status, .completed, "status")
        try expectEqual(row.counts, counts, "I13: counts")
        try expectEqual(row.lastOutcome, "completed", "outcome")
        let stats = try await stats(job.job)
        try expectEqual(
            [stats.processed, stats.skipped, stats.failedRecords, stats.missing],
            [2, 1, 1, 1],
            "counters"
        )
        try expectEqual([stats.completed, stats.processing, stats.failed], [1, 0, 0], "batches")
        let letters = try await failures(job.job)
        try expectEqual(letters.map(\.recordId), [3], "I16: dead letters")
        guard let dead = letters.first else { return }
        try expectEqual(dead.stage, .embed, "stage")
        try expectEqual(dead.code, "too_long", "code")
        try expectEqual(dead.message, "9000 tokens", "message")
        try expectEqual(dead.permanent, true, "permanent")
        try expectEqual([dead.batchNumber, dead.attempt, dead.times], [0, 1, 1], "batch, attempt, times")
        try await takeNothing(job.job, "after the only batch completed")
    }

    func finishRepeatedIsADuplicate() async throws {
        let settings = JobSettings(maxRetries: 1, leaseSeconds: 120, batchTimeoutSeconds: 600)
        let job = try await planned([[1, 2]], settings: settings)
        let released = try await take(job.job)
        for result in [FinishBatch.Result.applied, .duplicate, .duplicate] {
            let answer = try await finish(released, .released)
            try expectEqual(answer, .init(result: result, status: .pending, outcome: "release"), "I10: release")
        }
        let deferred = try await take(job.job)
        for result in [FinishBatch.Result.applied, .duplicate] {
            let answer = try await finish(deferred, .deferred, retryAfterMs: 1000)
            try expectEqual(answer, .init(result: result, status: .pending, outcome: "defer"), "I10: defer")
        }
        try await harness.advance(by: .seconds(2))
        let failed = try await take(job.job)
        for result in [FinishBatch.Result.applied, .duplicate] {
            let counts = BatchCounts(failed: 2)
            let answer = try await finish(
                failed,
                .failed,
                counts,
                retryAfterMs: 0,
                error: .init(code: "x", message: "")
            )
            try expectEqual(answer, .init(result: result, status: .pending, outcome: "failed"), "I10: failed")
        }
        let completed = try await take(job.job)
        for result in [FinishBatch.Result.applied, .duplicate] {
            let answer = try await finish(completed, .completed, BatchCounts(processed: 2))
            try expectEqual(answer, .init(result: result, status: .completed, outcome: "completed"), "I10: completed")
        }
        let stats = try await stats(job.job)
        try expectEqual([stats.claims, stats.retries, stats.releases, stats.defers], [4, 1, 1, 1], "I10: counters")
        try expectEqual(stats.processed, 2, "I2: records of one applied completion")
    }

    func finishRepeatedWithAnotherOutcomeKeepsTheFirst() async throws {
        let job = try await planned([[1]])
        let held = try await take(job.job)
        try await complete(held)
        let other = try await finish(held, .failed, BatchCounts(failed: 1), error: .init(code: "x", message: ""))
        try expectEqual(other, .init(result: .duplicate, status: .completed, outcome: "completed"), "I6: second end")
        try expectEqual(try await batch(job.job, 0).counts, BatchCounts(processed: 1), "I6: counts after a second end")
    }

    func finishAtTheSameTimeIsAppliedOnce() async throws {
        let job = try await planned([[1, 2]])
        let held = try await take(job.job)
        let answers = try await together(5) { _ in try await finish(held, .completed, BatchCounts(processed: 2)) }
        try expectEqual(answers.count { $0.result == .applied }, 1, "I2: applied ends of one attempt")
        try expectEqual(answers.count { $0.result == .duplicate }, 4, "I10: duplicates of one end")
        try expectEqual(try await stats(job.job).processed, 2, "I2: records")
    }

    func finishOfAnOldAttemptIsLost() async throws {
        let job = try await planned([[1]])
        let old = try await take(job.job)
        _ = try await finish(old, .released)
        let owner = try await take(job.job)
        let lost = FinishBatch.Answer(result: .lost, status: nil, outcome: nil)
        try expectEqual(try await finish(old, .completed, BatchCounts(processed: 1)), lost, "I3: end by a zombie")
        let thief = Held(job: job.job, batch: owner.batch, claimID: Self.uuid())
        try expectEqual(try await finish(thief, .released), lost, "I3: end with another claim id")
        var future = owner.batch
        future.attempt = 3
        let early = Held(job: job.job, batch: future, claimID: owner.claimID)
        try expectEqual(try await finish(early, .released), lost, "I3: end of an attempt that never was")
        try await complete(owner)
    }

    func finishOfAnUnknownBatchIsLost() async throws {
        let job = try await planned([[1]])
        var held = try await take(job.job)
        var nowhere = held.batch
        nowhere.batchNumber = 7
        let lost = FinishBatch.Answer(result: .lost, status: nil, outcome: nil)
        try expectEqual(
            try await finish(Held(job: job.job, batch: nowhere, claimID: held.claimID), .released),
            lost,
            "end of an unknown batch"
        )
        held = Held(job: .max, batch: held.batch, claimID: held.claimID)
        try expectEqual(try await finish(held, .released), lost, "end in an unknown job")
    }

    func finishAfterTheLeaseIsApplied() async throws {
        let job = try await planned([[1]])
        let held = try await take(job.job)
        try await harness.advance(by: .seconds(1000))
        try await complete(held)
    }

    func finishAfterTheReaperIsLost() async throws {
        let job = try await planned([[1]])
        let held = try await take(job.job)
        try await harness.advance(by: .seconds(151))
        _ = try await reap(job.job)
        let lost = FinishBatch.Answer(result: .lost, status: nil, outcome: nil)
        try expectEqual(try await finish(held, .completed, BatchCounts(processed: 1)), lost, "I3: end after the reaper")
        try await harness.advance(by: .seconds(60))
        try await complete(try await take(job.job))
    }

    func finishFailedUsesTheBudget() async throws {
        let job = try await planned([[1, 2]])
        for (retry, backoff) in [15_000...30_000, 30_000...60_000, 60_000...120_000].enumerated() {
            let held = try await take(job.job)
            try expectEqual(held.batch.retryCount, retry, "I7: retries told by the claim")
            try expectEqual(try await fail(held), .pending, "status with budget left")
            let row = try await batch(job.job, 0)
            try expectEqual(row.retryCount, retry + 1, "I7: retries")
            try expectWithin(row.nextRetryMs, (backoff.lowerBound - 1000)...backoff.upperBound, "backoff")
            try expectEqual(row.counts, BatchCounts(), "counts of a failed attempt with budget left")
            try expectEqual(row.errorCode, "broken", "error code")
            try expectEqual(row.errorMessage, "it broke", "error message")
            try expectEqual(try await failures(job.job).count, 0, "dead letters with budget left")
            try await takeNothing(job.job, "during the backoff")
            try await harness.advance(by: .milliseconds(backoff.upperBound))
        }
        try expectEqual(try await fail(try await take(job.job)), .failed, "status when the budget is used up")
        let row = try await batch(job.job, 0)
        try expectEqual(row.retryCount, 3, "I7: retries at the end")
        try expectEqual(row.counts, BatchCounts(failed: 2), "I13: counts at the end")
        try await harness.advance(by: .seconds(10_000))
        try await takeNothing(job.job, "of a failed batch")
    }

    func backoffNeverPassesTheCap() async throws {
        let settings = JobSettings(
            maxRetries: 9,
            leaseSeconds: 120,
            batchTimeoutSeconds: 600,
            backoffBaseSeconds: 30,
            backoffCapSeconds: 45
        )
        let job = try await planned([[1]], settings: settings)
        for _ in 0..<6 {
            try await fail(try await take(job.job))
            try expectWithin(try await batch(job.job, 0).nextRetryMs, 14_000...45_000, "backoff below the cap")
            try await harness.advance(by: .seconds(46))
        }
    }

    func finishFailedHonoursItsOwnWait() async throws {
        let job = try await planned([[1]])
        try await fail(try await take(job.job), retryAfterMs: 0)
        let held = try await take(job.job)
        try expectEqual(held.batch.retryCount, 1, "I7: retries after a failure with its own wait")
        try await fail(held, retryAfterMs: 5000)
        try expectWithin(try await batch(job.job, 0).nextRetryMs, 4000...5000, "the wait that was asked for")
    }

    func finishFailedForGoodWritesDeadLetters() async throws {
        let job = try await planned([[1, 2, 3]], settings: .noRetries)
        let held = try await take(job.job)
        let letter = FailedRecord(recordId: 2, stage: .upsert, code: "refused", message: "no", permanent: false)
        let counts = BatchCounts(processed: 1, skipped: 1, failed: 1)
        let error = BatchError(code: "upsert", message: "Qdrant said no")
        let answer = try await finish(held, .failed, counts, failed: [letter], error: error)
        try expectEqual(answer, .init(result: .applied, status: .failed, outcome: "failed"), "answer")
        try expectEqual(try await batch(job.job, 0).counts, counts, "I13: counts")
        try expectEqual(try await failures(job.job).map(\.recordId), [2], "I16: dead letters")
        let stats = try await stats(job.job)
        try expectEqual([stats.failed, stats.completed], [1, 0], "batches")
        try expectEqual([stats.processed, stats.skipped, stats.failedRecords], [1, 1, 1], "I15: records")
    }

    func finishAllFailedTakesTheBatchError() async throws {
        let job = try await planned([[1, 2], [3, 4]], settings: .noRetries)
        let error = BatchError(code: "no_vectors", message: "none came")
        _ = try await finish(try await take(job.job), .failed, BatchCounts(failed: 2), error: error)
        _ = try await finish(try await take(job.job), .completed, BatchCounts(failed: 2), error: error)
        let letters = try await failures(job.job)
        try expectEqual(letters.map(\.recordId), [1, 2, 3, 4], "I16: dead letters")
        try expectEqual(Set(letters.map(\.code)), ["no_vectors"], "codes")
        try expectEqual(Set(letters.map(\.stage)), [.batch], "stages")
        try expectEqual(Set(letters.map(\.message)), ["none came"], "messages")
    }

    func finishFailedForGoodWithoutAnErrorIsNamed() async throws {
        let job = try await planned([[1, 2]], settings: .noRetries)
        _ = try await finish(try await take(job.job), .failed, BatchCounts(failed: 2))
        let row = try await batch(job.job, 0)
        try expectEqual([row.errorCode, row.errorMessage], ["failed", ""], "error of the batch")
        let letters = try await failures(job.job)
        try expectEqual(letters.map(\.code), ["failed", "failed"], "codes of the dead letters")
        try expectEqual(letters.map(\.message), ["", ""], "messages of the dead letters")
    }

    func releaseIsFreeAndAtOnce() async throws {
        let job = try await planned([[1]])
        for _ in 1...5 {
            let held = try await take(job.job)
            try expectEqual(held.batch.retryCount, 0, "I7: retries after releases")
            try expectEqual(try await finish(held, .released).status, .pending, "status after a release")
        }
        let stats = try await stats(job.job)
        try expectEqual([stats.claims, stats.releases, stats.retries], [5, 5, 0], "counters")
        try expectEqual([stats.pending, stats.processing], [1, 0], "batches")
    }

    func deferIsFreeAndLater() async throws {
        let job = try await planned([[1]])
        let expected: [(asked: Int, got: ClosedRange<Int>)] = [
            (0, 0...1000), (20_000, 19_000...20_000), (9_000_000, 1_799_000...1_800_000),
        ]
        for (asked, got) in expected {
            let held = try await take(job.job)
            try expectEqual(held.batch.retryCount, 0, "I7: retries after defers")
            _ = try await finish(held, .deferred, retryAfterMs: asked)
            try expectWithin(try await batch(job.job, 0).nextRetryMs, got, "wait of a defer by \(asked) ms")
            try await harness.advance(by: .milliseconds(got.upperBound))
        }
        try expectEqual(try await stats(job.job).defers, 3, "defers")
    }

    func releasedBatchGoesBehindTheOthers() async throws {
        let job = try await planned([[1], [2]])
        let first = try await take(job.job)
        try await harness.advance(by: .seconds(1))
        _ = try await finish(first, .released)
        try expectEqual(try await take(job.job).batch.batchNumber, 1, "the batch that was available first")
        try expectEqual(try await take(job.job).batch.batchNumber, 0, "the released batch")
    }

    func finishNeedsCountsThatAddUp() async throws {
        let job = try await planned([[1, 2, 3]])
        let held = try await take(job.job)
        let wrong = [
            BatchCounts(processed: 2), BatchCounts(processed: 4), BatchCounts(),
            BatchCounts(processed: 4, missing: -1),
        ]
        for counts in wrong {
            try await expectRejected("completed with \(counts)") { try await finish(held, .completed, counts) }
            try await expectRejected("failed with \(counts)") { try await finish(held, .failed, counts) }
        }
        try await expectRejected("completed without counts") { try await finish(held, .completed) }
        try await expectRejected("failed without counts") { try await finish(held, .failed) }
        for outcome in [BatchOutcome.released, .deferred] {
            try await expectRejected("\(outcome) with counts") {
                try await finish(held, outcome, BatchCounts(processed: 3), retryAfterMs: 1000)
            }
        }
        try expectEqual(try await batch(job.job, 0).status, .processing, "status after refused ends")
        try await complete(held)
    }

    func finishNeedsExactlyTheFailedRecords() async throws {
        let job = try await planned([[1, 2, 3], [4, 5, 6]])
        let held = try await take(job.job)
        let lists: [[RecordID]] = [[], [1], [1, 1], [1, 4], [1, 2, 3]]
        for ids in lists {
            try await expectRejected("2 failed, listed \(ids)") {
                try await finish(
                    held,
                    .completed,
                    BatchCounts(processed: 1, failed: 2),
                    failed: ids.map { .sample($0) }
                )
            }
        }
        try await expectRejected("none failed, listed one") {
            try await finish(held, .completed, BatchCounts(processed: 3), failed: [.sample(1)])
        }
        try expectEqual(try await failures(job.job).count, 0, "dead letters after refused ends")
        let right = [FailedRecord.sample(3), .sample(1)]
        let answer = try await finish(held, .completed, BatchCounts(processed: 1, failed: 2), failed: right)
        try expectEqual(answer.result, .applied, "the right list, in any order")
        try expectEqual(try await failures(job.job).map(\.recordId), [1, 3], "dead letters")
    }

    func finishWorksWhileTheJobIsPausedOrCancelled() async throws {
        let job = try await planned([[1], [2], [3]])
        let first = try await take(job.job)
        let second = try await take(job.job)
        let third = try await take(job.job)
        _ = try await control(job.job, .pause)
        try await complete(first)
        _ = try await control(job.job, .cancel)
        try await complete(second)
        try expectEqual(try await finish(third, .released).result, .applied, "release in a cancelled job")
        try expectEqual(try await stats(job.job).completed, 2, "completed batches")
    }

    func longMessagesAreCut() async throws {
        let job = try await planned([[1, 2]], settings: .noRetries)
        let long = String(repeating: "é", count: 900)
        let letter = FailedRecord(recordId: 1, stage: .fetch, code: "long", message: long, permanent: false)
        let error = BatchError(code: "long", message: long)
        let counts = BatchCounts(processed: 1, failed: 1)
        let answer = try await finish(try await take(job.job), .failed, counts, failed: [letter], error: error)
        try expectEqual(answer.result, .applied, "an end with a long message")
        try expectEqual(try await batch(job.job, 0).errorMessage?.count, 500, "characters kept of the batch's message")
        try expectEqual(
            try await failures(job.job).first?.message.count,
            500,
            "characters kept of the record's message"
        )
    }
}

extension FailedRecord {
    /// A failure of this record, whatever it was.
    static func sample(_ id: RecordID, stage: FailureStage = .embed, code: String = "bad") -> Self {
        Self(recordId: id, stage: stage, code: code, message: "it failed", permanent: false)
    }
}
