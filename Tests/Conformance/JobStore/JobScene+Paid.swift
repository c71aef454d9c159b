import Migration

/// What attempts say that they have paid.
extension JobScene {
    private func expectPaid(_ job: JobID, _ tokens: Int64, _ nanodollars: Int64, _ when: String) async throws {
        let stats = try await stats(job)
        try expectEqual([stats.billedTokens, stats.billedNanodollars], [tokens, nanodollars], "paid \(when)")
        let exact = try await store.exactStats(GetIngestionJobStatsExact(job: job))
        try expectEqual(exact.equal, true, "I15: counters equal the recount \(when)")
        try expectEqual([exact.billedTokens, exact.billedNanodollars], [tokens, nanodollars], "recounted \(when)")
    }

    private func paid(_ tokens: Int64) -> Paid { Paid(tokens: tokens, nanodollars: tokens * 20) }

    func paidIsAddedWithEveryEnd() async throws {
        let settings = JobSettings(maxRetries: 1, leaseSeconds: 120, batchTimeoutSeconds: 600)
        let job = try await planned([[1, 2], [3]], settings: settings)
        try await expectPaid(job.job, 0, 0, "by a new job")
        _ = try await finish(try await take(job.job), .released, BatchCounts(paid: paid(1)))
        try await expectPaid(job.job, 1, 20, "after a release")
        _ = try await finish(try await take(job.job), .deferred, BatchCounts(paid: paid(10)), retryAfterMs: 1000)
        try await expectPaid(job.job, 11, 220, "after a defer")
        try await harness.advance(by: .seconds(2))
        for (tokens, sum) in [(100, 111), (1_000, 1_111)] as [(Int64, Int64)] {
            let held = try await take(job.job)
            let counts = BatchCounts(failed: held.size, paid: paid(tokens))
            _ = try await finish(held, .failed, counts, retryAfterMs: 0, error: BatchError(code: "broken", message: ""))
            try await expectPaid(job.job, sum, sum * 20, "after a failed attempt")
        }
        let last = try await take(job.job)
        _ = try await finish(last, .completed, BatchCounts(processed: last.size, paid: paid(10_000)))
        let rest = try await take(job.job)
        let counts = BatchCounts(failed: rest.size, paid: paid(5))
        _ = try await finish(rest, .failed, counts, error: BatchError(code: "broken", message: ""))
        try await expectPaid(job.job, 11_116, 222_320, "after a completion and a batch that was given up")
        _ = try await finalize(job.job)
        _ = try await requeueBatches(job.job)
        try await expectPaid(job.job, 11_116, 222_320, "after a requeue, which gives nothing back")
        try await complete(try await take(job.job))
        try await expectPaid(job.job, 11_116, 222_320, "after an end that says nothing")
    }

    func paidIsAddedOnce() async throws {
        let job = try await planned([[1], [2], [3]])
        let held = try await take(job.job)
        let counts = BatchCounts(processed: 1, paid: paid(7))
        try expectEqual(try await finish(held, .completed, counts).result, .applied, "finish")
        for repeated in [counts, BatchCounts(processed: 1, paid: paid(9))] {
            try expectEqual(try await finish(held, .completed, repeated).result, .duplicate, "repeated")
        }
        let release = BatchCounts(paid: paid(9))
        try expectEqual(try await finish(held, .released, release).result, .duplicate, "as a release")
        try await expectPaid(job.job, 7, 140, "I10: after repeats")
        let released = try await take(job.job)
        for expected in [FinishBatch.Result.applied, .duplicate, .duplicate] {
            let answer = try await finish(released, .released, BatchCounts(paid: paid(1)))
            try expectEqual(answer.result, expected, "release")
        }
        try await expectPaid(job.job, 8, 160, "I10: after repeats of a release")
        let late = try await take(job.job)
        try await harness.advance(by: .seconds(151))
        _ = try await reap(job.job)
        try expectEqual(try await finish(late, .completed, counts).result, .lost, "I3: the reaped attempt")
        try await expectPaid(job.job, 8, 160, "after an end that was lost: what it paid is unknown")
    }

    func paidIsBounded() async throws {
        let job = try await planned([[1]])
        let held = try await take(job.job)
        for (tokens, nanodollars) in [(-1, 0), (0, -1), (Paid.most + 1, 0), (0, Paid.most + 1), (.max, .min)]
            as [(Int64, Int64)]
        {
            var counts = BatchCounts(processed: 1)
            counts.paid.tokens = tokens
            counts.paid.nanodollars = nanodollars
            try await expectRejected("\(tokens) tokens, \(nanodollars)") { try await finish(held, .completed, counts) }
        }
        try await expectPaid(job.job, 0, 0, "after refused amounts")
        let most = Paid(tokens: .max, nanodollars: .max)
        try expectEqual([most.tokens, most.nanodollars], [Paid.most, Paid.most], "what the program sends at most")
        _ = try await finish(held, .completed, BatchCounts(processed: 1, paid: most))
        try await expectPaid(job.job, Paid.most, Paid.most, "after the most that can be told")
    }

    func givingBackSaysOnlyWhatWasPaid() async throws {
        let job = try await planned([[1, 2]])
        let held = try await take(job.job)
        for outcome in [BatchOutcome.released, .deferred] {
            for counts in [
                BatchCounts(processed: 1), BatchCounts(skipped: 2), BatchCounts(failed: 1, paid: paid(3)),
                BatchCounts(missing: 1, removed: 1),
            ] {
                try await expectRejected("\(outcome) with \(counts)") { try await finish(held, outcome, counts) }
            }
        }
        try expectEqual(try await heartbeat(held).result, .ok, "the lease is kept")
        _ = try await finish(held, .released, BatchCounts())
        try await expectPaid(job.job, 0, 0, "after nothing was paid")
    }
}
