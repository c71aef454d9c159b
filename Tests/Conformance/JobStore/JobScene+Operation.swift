import Migration

/// The reaper, steering, ending, watching.
extension JobScene {
    func reaperEndsExpiredLeases() async throws {
        let job = try await planned([[1], [2]])
        _ = try await take(job.job)
        try await harness.advance(by: .seconds(151))
        let alive = try await take(job.job)
        try expectEqual(try await reap(job.job), .init(reset: 1, failed: 0, more: false), "I25: reaped")
        let row = try await batch(job.job, 0)
        try expectEqual(row.status, .pending, "status of a reaped batch")
        try expectEqual(row.lastOutcome, "reaped", "outcome of a reaped batch")
        try expectEqual(row.errorCode, "lease_expired", "code of a reaped batch")
        try expectEqual(row.retryCount, 1, "I7: retries of a reaped batch")
        try expectWithin(row.nextRetryMs, 14_000...30_000, "backoff of a reaped batch")
        try expectEqual(try await reap(job.job).reset, 0, "I10: reaped again")
        let stats = try await stats(job.job)
        try expectEqual([stats.reaps, stats.retries, stats.claims], [1, 1, 2], "counters")
        try await complete(alive)
    }

    func reaperGivesAQuarterOfTheLeaseAsGrace() async throws {
        let job = try await planned([[1]])
        _ = try await take(job.job)
        try await harness.advance(by: .seconds(145))
        try expectEqual(try await reap(job.job, full: true).reset, 0, "reaped within the grace")
        try await harness.advance(by: .seconds(6))
        try expectEqual(try await reap(job.job).reset, 1, "reaped after the grace")
    }

    func reaperNamesTheDeadline() async throws {
        let settings = JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 100)
        let job = try await planned([[1]], settings: settings)
        _ = try await take(job.job)
        try await harness.advance(by: .seconds(131))
        try expectEqual(try await reap(job.job).reset, 1, "reaped")
        try expectEqual(try await batch(job.job, 0).errorCode, "deadline_exceeded", "code after the deadline")
    }

    func reaperUsesTheBudget() async throws {
        let settings = JobSettings(maxRetries: 1, leaseSeconds: 120, batchTimeoutSeconds: 600)
        let job = try await planned([[1, 2]], settings: settings)
        _ = try await take(job.job)
        try await harness.advance(by: .seconds(151))
        try expectEqual(try await reap(job.job), .init(reset: 1, failed: 0, more: false), "first reap")
        try await harness.advance(by: .seconds(31))
        _ = try await take(job.job)
        try await harness.advance(by: .seconds(151))
        try expectEqual(try await reap(job.job), .init(reset: 0, failed: 1, more: false), "last reap")
        let row = try await batch(job.job, 0)
        try expectEqual(row.status, .failed, "status when the budget is used up")
        try expectEqual(row.counts, BatchCounts(failed: 2), "I13: counts when the budget is used up")
        let letters = try await failures(job.job)
        try expectEqual(letters.map(\.recordId), [1, 2], "I16: dead letters")
        try expectEqual(Set(letters.map(\.code)), ["lease_expired"], "codes of the dead letters")
        try expectEqual(Set(letters.map(\.stage)), [.batch], "stages of the dead letters")
    }

    func reaperPagesByItsLimit() async throws {
        let job = try await planned([[1], [2], [3]])
        _ = try await claim(job.job, limit: 3)
        try await harness.advance(by: .seconds(151))
        let first = try await reap(job.job, limit: 2)
        try expectEqual([first.reset, first.more ? 1 : 0], [2, 1], "first page")
        let second = try await reap(job.job, limit: 2)
        try expectEqual([second.reset, second.more ? 1 : 0], [1, 0], "last page")
    }

    func reaperLooksFarBackOnlyWhenFull() async throws {
        let job = try await planned([[1]])
        _ = try await take(job.job)
        try await harness.advance(by: .seconds(5000))
        try expectEqual(try await reap(job.job).reset, 0, "an old claim without full")
        try expectEqual(try await reap(job.job, full: true).reset, 1, "an old claim with full")
    }

    func reaperWorksInAnyStatus() async throws {
        let job = try await planned([[1], [2]])
        _ = try await claim(job.job, limit: 2)
        _ = try await control(job.job, .pause)
        try await harness.advance(by: .seconds(151))
        try expectEqual(try await reap(job.job, limit: 1).reset, 1, "reaped while paused")
        _ = try await control(job.job, .cancel)
        try expectEqual(try await reap(job.job).reset, 1, "reaped after a cancel")
        let unknown = try await reap(.max)
        try expectEqual(unknown, .init(reset: 0, failed: 0, more: false), "reaped in an unknown job")
    }

    func reaperRefusesWrongLimits() async throws {
        let job = try await planned([[1]])
        try await expectRejected("limit 0") { try await reap(job.job, limit: 0) }
        try await expectRejected("limit 1001") { try await reap(job.job, limit: 1001) }
    }

    func reapersAtTheSameTimeReapOnce() async throws {
        let settings = JobSettings(maxRetries: 1, leaseSeconds: 120, batchTimeoutSeconds: 600)
        let job = try await planned((0..<6).map { [RecordID($0)] }, settings: settings)
        _ = try await claim(job.job, limit: 6)
        try await harness.advance(by: .seconds(151))
        let answers = try await together(4) { _ in try await reap(job.job) }
        try expectEqual(answers.reduce(0) { $0 + $1.reset }, 6, "I1: batches reaped by four reapers")
        try expectEqual(answers.reduce(0) { $0 + $1.failed }, 0, "I1: batches reaped twice")
    }

    // MARK: Steering

    func pauseStopsClaimsUntilResume() async throws {
        let job = try await planned([[1]])
        try expectEqual(try await control(job.job, .pause), .init(result: .applied, status: .paused), "pause")
        try await takeNothing(job.job, "from a paused job")
        try expectEqual(try await control(job.job, .resume), .init(result: .applied, status: .running), "resume")
        try await complete(try await take(job.job))
    }

    func pauseAtTheSameTimeAsClaims() async throws {
        let job = try await planned((0..<10).map { [RecordID($0)] })
        _ = try await together(6) { index in
            if index == 3 {
                _ = try await control(job.job, .pause)
                let before = try await stats(job.job).processing
                try await takeNothing(job.job, "once pause has returned")
                try expectEqual(try await stats(job.job).processing, before, "I8: batches claimed after the pause")
            } else {
                _ = try await claim(job.job, limit: 2)
            }
        }
    }

    func controlFollowsTheStateMachine() async throws {
        let applied = ControlIngestionJob.Result.applied
        let pending = try await opened(start: false)
        try expectEqual(
            try await control(pending.job, .pause),
            .init(result: applied, status: .paused),
            "pause pending"
        )
        try expectEqual(try await control(pending.job, .pause).result, .unchanged, "I10: pause paused")
        try expectEqual(try await control(pending.job, .resume).status, .running, "resume paused")
        try expectEqual(try await control(pending.job, .resume).result, .unchanged, "I10: resume running")
        let cancelled = try await control(pending.job, .cancel, reason: "not wanted")
        try expectEqual(cancelled, .init(result: applied, status: .cancelled), "cancel running")
        try expectEqual(try await control(pending.job, .cancel).result, .unchanged, "I10: cancel cancelled")
        for action in [ControlIngestionJob.Action.pause, .resume] {
            let answer = try await control(pending.job, action)
            try expectEqual(answer, .init(result: .refused, status: .cancelled), "\(action) cancelled")
        }
        let completed = try await planned([])
        _ = try await finalize(completed.job)
        for action in ControlIngestionJob.Action.allCases {
            let answer = try await control(completed.job, action)
            try expectEqual(answer, .init(result: .refused, status: .completed), "\(action) completed")
        }
        try expectEqual(try await control(.max, .pause), .init(result: .notFound, status: nil), "pause an unknown job")
    }

    func cancelKeepsReasonAndBatches() async throws {
        let job = try await planned([[1], [2]])
        _ = try await take(job.job)
        _ = try await control(job.job, .cancel, reason: "the operator said no")
        let summary = try await summary(job.job)
        try expectEqual(summary.reason, "the operator said no", "reason")
        try expect(summary.endTime != nil, "a cancelled job has no end time")
        try expectEqual(try await batch(job.job, 0).status, .processing, "status of a batch at work")
        try expectEqual(try await batch(job.job, 1).status, .pending, "status of a waiting batch")
    }

    // MARK: Ending

    func finalizeNeedsASealedAndDrainedJob() async throws {
        let job = try await opened()
        let notReady = FinalizeIngestionJob.Answer(result: .notReady, status: .running)
        try expectEqual(try await finalize(job.job), notReady, "I17: before the seal")
        _ = try await append([[1], [2]], to: job, after: nil)
        _ = try await seal(job, at: 2)
        try expectEqual(try await finalize(job.job), notReady, "I17: with waiting batches")
        let first = try await take(job.job)
        let second = try await take(job.job)
        try await complete(first)
        try expectEqual(try await finalize(job.job), notReady, "I17: with a batch at work")
        _ = try await finish(second, .deferred, retryAfterMs: 1000)
        try expectEqual(try await finalize(job.job), notReady, "I17: with a deferred batch")
        try await harness.advance(by: .seconds(2))
        try await complete(try await take(job.job))
        let done = try await finalize(job.job)
        try expectEqual(done, .init(result: .finalized, status: .completed), "I17: when drained")
        try expect(try await summary(job.job).endTime != nil, "a final job has no end time")
        try expectEqual(try await finalize(job.job), .init(result: .already, status: .completed), "I10: repeated")
    }

    func finalizeFailsAJobWithAFailedBatch() async throws {
        let job = try await planned([[1], [2]], settings: .noRetries)
        try await complete(try await take(job.job))
        try await fail(try await take(job.job))
        try expectEqual(try await finalize(job.job), .init(result: .finalized, status: .failed), "I17: a failed batch")
    }

    func finalizeCompletesAJobWithDeadLetters() async throws {
        let job = try await planned([[1, 2]])
        let counts = BatchCounts(processed: 1, failed: 1)
        _ = try await finish(try await take(job.job), .completed, counts, failed: [.sample(2)])
        let answer = try await finalize(job.job)
        try expectEqual(answer, .init(result: .finalized, status: .completed), "I17: only dead letters")
        try expectEqual(try await stats(job.job).failedRecords, 1, "failed records beside a completed job")
    }

    func finalizeAnEmptyPlan() async throws {
        let job = try await planned([])
        try expectEqual(try await finalize(job.job), .init(result: .finalized, status: .completed), "an empty job")
    }

    func finalizeByStatus() async throws {
        let job = try await opened(start: false)
        _ = try await seal(job, at: nil)
        try expectEqual(try await finalize(job.job), .init(result: .notReady, status: .pending), "a pending job")
        _ = try await control(job.job, .pause)
        try expectEqual(try await finalize(job.job), .init(result: .finalized, status: .completed), "a paused job")
        let other = try await opened()
        _ = try await control(other.job, .cancel)
        try expectEqual(try await finalize(other.job), .init(result: .already, status: .cancelled), "a cancelled job")
        try expectEqual(try await finalize(.max), .init(result: .notFound, status: nil), "an unknown job")
    }

    func finalizeAtTheSameTimeAsTheLastEnds() async throws {
        let job = try await planned((0..<5).map { [RecordID($0)] })
        let id = Self.uuid()
        let batches = try await claim(job.job, limit: 5, id: id).batches
        _ = try await together(10) { index in
            if index < 5 {
                try await complete(Held(job: job.job, batch: batches[index], claimID: id))
            } else {
                let answer = try await finalize(job.job)
                if answer.result == .finalized {
                    try expectEqual(try await stats(job.job).completed, 5, "I17: completed batches of a final job")
                }
            }
        }
        _ = try await finalize(job.job)
        try expectEqual(try await summary(job.job).status, .completed, "I17: status when all have ended")
    }

    // MARK: Watching

    func statsCountEveryState() async throws {
        let job = try await planned([[1], [2], [3], [4]], settings: .noRetries)
        try await complete(try await take(job.job))
        try await fail(try await take(job.job))
        _ = try await take(job.job)
        let stats = try await stats(job.job)
        try expectEqual(stats.result, .ok, "result")
        try expectEqual([stats.pending, stats.processing, stats.completed, stats.failed], [1, 1, 1, 1], "batches")
        try expectEqual([stats.processed, stats.failedRecords, stats.claims], [1, 1, 3], "records and claims")
        try expectEqual(stats.equal, nil, "the counters say nothing of a recount")
        var exact = try await store.exactStats(GetIngestionJobStatsExact(job: job.job))
        try expectEqual(exact.equal, true, "I15: counters equal the recount")
        exact.equal = nil
        try expectEqual(exact, stats, "I15: the recount")
    }

    func statsOfAnUnknownJobAreNotFound() async throws {
        try expectEqual(try await stats(.max).result, .notFound, "counters of an unknown job")
        let exact = try await store.exactStats(GetIngestionJobStatsExact(job: .max))
        try expectEqual(exact.result, .notFound, "recount of an unknown job")
        try expectEqual(exact.job, nil, "an unknown job")
    }
}
