import Migration

/// What the brakes of a job look at: failures that are not the records' own, removals, and from where both are counted.
extension JobScene {
    private func letter(_ record: RecordID, _ code: String) -> FailedRecord {
        FailedRecord(recordId: record, stage: .upsert, code: code, message: "why", permanent: true)
    }

    /// Completes a batch with these failures, the other records processed.
    private func complete(_ held: Held, failing codes: [String]) async throws {
        let failed = zip(held.batch.recordIds, codes).map { letter($0, $1) }
        let counts = BatchCounts(processed: held.size - failed.count, failed: failed.count)
        try expectEqual(try await finish(held, .completed, counts, failed: failed).result, .applied, "completed")
    }

    private func expectBrakes(
        _ job: JobID,
        _ expected: [Int64],
        _ when: String
    ) async throws {
        let stats = try await stats(job)
        let found = [
            stats.serviceFailures, stats.serviceFailuresBaseline, stats.removed, stats.removedBaseline,
        ]
        try expectEqual(found, expected, "service failures, their baseline, removed, its baseline \(when)")
        let exact = try await store.exactStats(GetIngestionJobStatsExact(job: job))
        try expectEqual(exact.equal, true, "I15: counters equal the recount \(when)")
        try expectEqual(
            [exact.serviceFailures, exact.serviceFailuresBaseline, exact.removed, exact.removedBaseline],
            expected,
            "recounted \(when)"
        )
    }

    func serviceFailuresAreNotOfTheContent() async throws {
        let job = try await planned([[1, 2, 3, 4, 5], [6, 7, 8]])
        try await expectBrakes(job.job, [0, 0, 0, 0], "of a new job")
        try await complete(try await take(job.job), failing: FailedRecord.contentCodes)
        try await expectBrakes(job.job, [0, 0, 0, 0], "after failures of each code of the content")
        try await complete(try await take(job.job), failing: ["point_refused", "too_long", "TOO_LONG"])
        try await expectBrakes(job.job, [2, 0, 0, 0], "after two others")
    }

    func serviceFailuresOfAWholeBatchAreCounted() async throws {
        let settings = JobSettings(maxRetries: 2, leaseSeconds: 30, batchTimeoutSeconds: 600, backoffBaseSeconds: 0)
        let job = try await planned([[1, 2, 3]], settings: settings)
        try await fail(try await take(job.job), retryAfterMs: 0)
        try await expectBrakes(job.job, [0, 0, 0, 0], "after an attempt that will be repeated")
        for expected in [0, 3] as [Int64] {
            _ = try await take(job.job)
            try await harness.advance(by: .seconds(40))
            _ = try await reap(job.job)
            try await expectBrakes(job.job, [expected, 0, 0, 0], "after a reaped attempt")
        }
        _ = try await finalize(job.job)
        let other = try await planned([[1, 2], [3]], settings: .noRetries)
        try await fail(try await take(other.job), code: "deadline")
        try await expectBrakes(other.job, [2, 0, 0, 0], "after a batch that was given up")
        try await fail(try await take(other.job), code: "too_long")
        try await expectBrakes(other.job, [2, 0, 0, 0], "after a batch that was given up for what it holds")
    }

    func serviceFailuresAreNeverLowered() async throws {
        let job = try await planned([[1, 2], [3, 4]], settings: .noRetries)
        try await complete(try await take(job.job), failing: ["point_refused"])
        try await fail(try await take(job.job))
        _ = try await finalize(job.job)
        try await expectBrakes(job.job, [3, 0, 0, 0], "at the end")
        _ = try await requeueRecords(job.job)
        _ = try await requeueBatches(job.job)
        try expectEqual(try await stats(job.job).failedRecords, 0, "failed records after requeues")
        try await expectBrakes(job.job, [3, 3, 0, 0], "after requeues")
        // The same record once more is one more failure.
        for _ in 1...2 { try await complete(try await take(job.job), failing: ["point_refused"]) }
        try await expectBrakes(job.job, [5, 3, 0, 0], "after records failed again")
    }

    func removedRecordsAreCounted() async throws {
        let job = try await planned([[1, 2, 3], [4, 5]])
        let held = try await take(job.job)
        let counts = BatchCounts(processed: 1, skipped: 1, missing: 1, removed: 2)
        try expectEqual(try await finish(held, .completed, counts).result, .applied, "completed")
        try await expectBrakes(job.job, [0, 0, 2, 0], "after two removals")
        try expectEqual(try await finish(held, .completed, counts).result, .duplicate, "repeated")
        try await expectBrakes(job.job, [0, 0, 2, 0], "I10: after the repeated finish")
        let stats = try await stats(job.job)
        try expectEqual([stats.skipped, stats.missing], [1, 1], "they are skipped and missing, too")
        let other = try await take(job.job)
        _ = try await finish(other, .completed, BatchCounts(processed: 2))
        try await expectBrakes(job.job, [0, 0, 2, 0], "after a batch that says nothing of removals")
    }

    func removedIsPartOfSkippedAndMissing() async throws {
        let job = try await planned([[1, 2, 3]])
        let held = try await take(job.job)
        for (counts, why) in [
            (BatchCounts(processed: 2, missing: 1, removed: 2), "more removed than skipped and missing"),
            (BatchCounts(processed: 3, removed: 1), "removed of processed records"),
            (BatchCounts(skipped: 3, removed: -1), "a negative number of removed"),
        ] {
            try await expectRejected(why) { try await finish(held, .completed, counts) }
        }
        try await expectBrakes(job.job, [0, 0, 0, 0], "after refused counts")
        _ = try await finish(held, .completed, BatchCounts(skipped: 2, missing: 1, removed: 3))
        try await expectBrakes(job.job, [0, 0, 3, 0], "when all were removed")
    }

    func resumeSetsTheBaselines() async throws {
        let job = try await planned([[1, 2], [3, 4], [5]])
        let counts = BatchCounts(missing: 1, removed: 1)
        let held = try await take(job.job)
        var all = counts
        all.failed = 1
        _ = try await finish(held, .completed, all, failed: [letter(1, "point_refused")])
        try await expectBrakes(job.job, [1, 0, 1, 0], "before the pause")
        _ = try await control(job.job, .resume)
        try await expectBrakes(job.job, [1, 0, 1, 0], "after a resume of a running job")
        _ = try await control(job.job, .pause, reason: "too many")
        try await expectBrakes(job.job, [1, 0, 1, 0], "while it is paused")
        _ = try await control(job.job, .resume)
        try await expectBrakes(job.job, [1, 1, 1, 1], "after the resume")
        _ = try await control(job.job, .resume)
        try await complete(try await take(job.job), failing: ["point_refused", "point_refused"])
        try await expectBrakes(job.job, [3, 1, 1, 1], "after further failures")
        _ = try await control(job.job, .pause)
        _ = try await control(job.job, .resume)
        try await expectBrakes(job.job, [3, 3, 1, 1], "after the second resume")
    }

    func requeueSetsTheBaselines() async throws {
        let job = try await planned([[1, 2], [3]], settings: .noRetries)
        let counts = BatchCounts(failed: 1, missing: 1, removed: 1)
        _ = try await finish(try await take(job.job), .completed, counts, failed: [letter(2, "point_refused")])
        let nothing = RequeueFilter(code: "unknown")
        _ = try await requeueRecords(job.job, nothing)
        try await expectBrakes(job.job, [1, 0, 1, 0], "after a requeue of nothing")
        let request = Self.uuid()
        _ = try await requeueRecords(job.job, request: request)
        try await expectBrakes(job.job, [1, 1, 1, 1], "after a requeue of a job at work")
        for _ in 1...2 { try await fail(try await take(job.job)) }
        try await expectBrakes(job.job, [3, 1, 1, 1], "after two batches were given up")
        _ = try await requeueRecords(job.job, request: request)
        try await expectBrakes(job.job, [3, 1, 1, 1], "I10: after a repeated requeue")
        _ = try await finalize(job.job)
        _ = try await requeueBatches(job.job, isolate: true)
        try await expectBrakes(job.job, [3, 3, 1, 1], "after a requeue of a job that had ended")
    }
}
