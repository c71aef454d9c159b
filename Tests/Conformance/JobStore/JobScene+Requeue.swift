import Migration

/// Opening failed work again.
extension JobScene {
    /// A failed job: batch 0 completed, batches 1… failed with codes `code-1`….
    private func failedJob(_ batches: [[RecordID]] = [[1, 2], [3, 4]]) async throws -> Opened {
        let job = try await planned([[0]] + batches, settings: .noRetries)
        try await complete(try await take(job.job))
        for number in 1...batches.count { try await fail(try await take(job.job), code: "code-\(number)") }
        try expectEqual(try await finalize(job.job).status, .failed, "a failed job")
        return job
    }

    /// A completed job of one batch, with dead letters of records 2, 3 and 4 (the last at another stage).
    private func jobWithDeadLetters() async throws -> Opened {
        let job = try await planned([[1, 2, 3, 4]])
        let letters = [
            FailedRecord.sample(2), .sample(3), .sample(4, stage: .chunk, code: "other"),
        ]
        _ = try await finish(
            try await take(job.job),
            .completed,
            BatchCounts(processed: 1, failed: 3),
            failed: letters
        )
        _ = try await finalize(job.job)
        return job
    }

    func requeueOpensFailedBatchesAgain() async throws {
        let job = try await failedJob()
        let answer = try await requeueBatches(job.job)
        try expectEqual(answer, .init(result: .applied, batches: 2, records: 4, more: false), "requeue")
        let summary = try await summary(job.job)
        try expectEqual(summary.status, .running, "status of the job")
        try expectEqual(summary.endTime, nil, "end time of the job")
        try expectEqual(summary.totalRecords, 5, "I14: records never change")
        try expectEqual(summary.totalBatches, 3, "batches")
        let row = try await batch(job.job, 1)
        try expectEqual(row.status, .pending, "status of the batch")
        try expectEqual([row.retryCount, row.attempt, row.round], [0, 1, 0], "I4, I7: retries, attempt, round")
        try expectEqual(row.counts, BatchCounts(), "counts of the batch")
        let stats = try await stats(job.job)
        try expectEqual([stats.failed, stats.pending], [0, 2], "batches by status")
        try expectEqual([stats.failedRecords, stats.processed], [0, 1], "I15: records")
        try expectEqual(try await failures(job.job).count, 0, "I16: open dead letters")
        try expectEqual(try await failures(job.job, .init(open: false)).count, 4, "resolved dead letters")
        try await checkAccounting()
        for _ in 1...2 { try await complete(try await take(job.job)) }
        try expectEqual(try await finalize(job.job).status, .completed, "I17: status in the end")
    }

    func requeueIsolatesRecords() async throws {
        let job = try await failedJob([[1, 2, 3]])
        let answer = try await requeueBatches(job.job, isolate: true)
        try expectEqual(answer, .init(result: .applied, batches: 3, records: 3, more: false), "requeue")
        let parent = try await batch(job.job, 1)
        try expectEqual(parent.status, .completed, "status of the parent")
        try expectEqual(parent.moved, 3, "I13: moved records of the parent")
        try expectEqual(parent.counts, BatchCounts(), "I13: counts of the parent")
        try expectEqual(try await events(job.job, of: 1).last?.detail["mode"], "isolate", "mode told by the history")
        let children = try await store.batches(.init(job: job.job, filter: .init(), after: 1, limit: 10)).rows
        try expectEqual(children.map(\.recordIds), [[1], [2], [3]], "records of the children")
        try expectEqual(children.map(\.round), [1, 1, 1], "round of the children")
        let summary = try await summary(job.job)
        try expectEqual([summary.currentRound, summary.totalBatches], [1, 5], "round and batches of the job")
        try expectEqual(summary.totalRecords, 4, "I14: records never change")
        try await checkAccounting()
        try await complete(try await take(job.job))
        try await fail(try await take(job.job), code: "poison")
        try await complete(try await take(job.job))
        try expectEqual(try await finalize(job.job).status, .failed, "I17: the poisoned record's batch failed")
        try expectEqual(try await failures(job.job).map(\.recordId), [2], "I16: the poisoned record")
        try expectEqual(try await failures(job.job).map(\.times), [2], "times it was given up")
    }

    func requeueMovesDeadLettersToNewBatches() async throws {
        let job = try await jobWithDeadLetters()
        let answer = try await requeueRecords(job.job, batchSize: 2)
        try expectEqual(answer, .init(result: .applied, batches: 2, records: 3, more: false), "requeue")
        let parent = try await batch(job.job, 0)
        try expectEqual(parent.status, .completed, "status of the old batch")
        try expectEqual(parent.counts, BatchCounts(processed: 1), "I13: counts of the old batch")
        try expectEqual(parent.moved, 3, "I13: moved records of the old batch")
        try expectEqual(try await events(job.job, of: 0).last?.detail["mode"], "records", "mode told by the history")
        try expectEqual(try await batch(job.job, 1).recordIds, [2, 3], "records of the first new batch")
        try expectEqual(try await batch(job.job, 2).recordIds, [4], "records of the second new batch")
        try expectEqual(try await batch(job.job, 2).round, 1, "round of a new batch")
        try expectEqual(try await summary(job.job).status, .running, "status of the job")
        try expectEqual(try await stats(job.job).failedRecords, 0, "I15: failed records")
        try expectEqual(try await failures(job.job).count, 0, "I16: open dead letters")
    }

    func requeuedRecordThatFailsAgainKeepsOneDeadLetter() async throws {
        let job = try await jobWithDeadLetters()
        let filter = RequeueFilter(recordIds: [3])
        try expectEqual(try await requeueRecords(job.job, filter).records, 1, "records requeued")
        let first = try await failures(job.job, .init(open: false)).first { $0.recordId == 3 }
        try await harness.advance(by: .seconds(60))
        _ = try await finish(
            try await take(job.job),
            .completed,
            BatchCounts(failed: 1),
            failed: [.sample(3, stage: .upsert, code: "again")]
        )
        let letters = try await failures(job.job).filter { $0.recordId == 3 }
        try expectEqual(letters.count, 1, "I16: dead letters of one record")
        guard let letter = letters.first else { return }
        try expectEqual([letter.times, letter.batchNumber], [2, 1], "times and batch")
        try expectEqual(letter.code, "again", "the last code")
        try expectEqual(letter.resolvedAt, nil, "resolved")
        try expectEqual(letter.firstAt, first?.firstAt, "when it first failed")
        try expect(letter.lastAt > letter.firstAt, "the last failure is not after the first")
    }

    func requeueResolvesOnlyOpenDeadLetters() async throws {
        let job = try await planned([[1, 2]], settings: .noRetries)
        func failRecord(_ id: RecordID) async throws {
            let counts = BatchCounts(processed: 1, failed: 1)
            _ = try await finish(try await take(job.job), .failed, counts, failed: [.sample(id)])
            try await harness.advance(by: .seconds(10))
            _ = try await requeueBatches(job.job)
        }
        try await failRecord(1)
        let resolved = try await failures(job.job, .init())
        try expectEqual(resolved.map(\.recordId), [1], "dead letters of the first end")
        try await failRecord(2)
        let letters = try await failures(job.job, .init())
        try expectEqual(letters.first, resolved.first, "a dead letter that was resolved before")
        try expect(letters.count == 2 && letters[1].resolvedAt != nil, "the other is not resolved: \(letters)")
    }

    func requeueRepeatedIsADuplicate() async throws {
        let job = try await failedJob()
        let request = Self.uuid()
        let first = try await requeueBatches(job.job, limit: 1, request: request)
        try expectEqual(first, .init(result: .applied, batches: 1, records: 2, more: true, next: 1), "requeue")
        let before = try await summary(job.job)
        var expected = first
        expected.result = .duplicate
        try expectEqual(try await requeueBatches(job.job, limit: 1, request: request), expected, "I10: repeated")
        try expectEqual(try await summary(job.job), before, "I10: the job after a repeated requeue")
        let next = try await requeueBatches(job.job, limit: 1)
        try expectEqual(next, .init(result: .applied, batches: 1, records: 2, more: false), "the next page")

        let other = try await requeueRecords(job.job, request: request)
        try expect(other.result != .duplicate || other.records == 2, "an old request id got another answer: \(other)")
    }

    func requeueObeysItsFilter() async throws {
        let job = try await failedJob([[1, 2], [3, 4], [5], [6]])
        let byCode = try await requeueBatches(job.job, RequeueFilter(code: "code-2"))
        try expectEqual([byCode.batches, byCode.records], [1, 2], "by code")
        try expectEqual(try await batch(job.job, 2).status, .pending, "the batch with the code")
        let byRecord = try await requeueBatches(job.job, RequeueFilter(recordIds: [5, 3, 99]))
        try expectEqual([byRecord.batches, byRecord.records], [1, 1], "by record")
        try expectEqual(try await batch(job.job, 3).status, .pending, "the batch of the record")
        let byStage = try await requeueBatches(job.job, RequeueFilter(stage: .embed))
        try expectEqual(byStage.batches, 0, "by a stage that no failure has")
        let both = try await requeueBatches(job.job, RequeueFilter(batchNumbers: [1], code: "code-4"))
        try expectEqual(both.batches, 0, "by conditions that no batch meets together")
        let byNumber = try await requeueBatches(job.job, RequeueFilter(batchNumbers: [4, 0, 77], stage: .batch))
        try expectEqual(byNumber.batches, 1, "by number")
        try expectEqual(try await batch(job.job, 1).status, .failed, "the batch that no filter met")
    }

    func requeueOfRecordsObeysItsFilter() async throws {
        let job = try await jobWithDeadLetters()
        try expectEqual(try await requeueRecords(job.job, .init(code: "nothing")).records, 0, "by an unknown code")
        try expectEqual(try await summary(job.job).status, .completed, "status after a requeue of nothing")
        try expectEqual(try await requeueRecords(job.job, .init(stage: .chunk)).records, 1, "by stage")
        let page = try await requeueRecords(job.job, .init(batchNumbers: [0]), limit: 1)
        try expectEqual(page, .init(result: .applied, batches: 1, records: 1, more: true, next: 2), "a page")
        try expectEqual(try await batch(job.job, 1).recordIds, [4], "the record of the stage")
        try expectEqual(try await batch(job.job, 2).recordIds, [2], "the first record of the page")
        try expectEqual(try await batch(job.job, 2).round, 2, "rounds count requeues")
    }

    func requeueOfRecordsLeavesFailedBatchesAlone() async throws {
        let job = try await failedJob()
        let answer = try await requeueRecords(job.job)
        try expectEqual(
            answer,
            .init(result: .applied, batches: 0, records: 0, more: false),
            "records of failed batches"
        )
        try expectEqual(try await summary(job.job).status, .failed, "status after a requeue of nothing")
    }

    func requeueOfNothingLeavesTheJobEnded() async throws {
        let job = try await planned([])
        _ = try await finalize(job.job)
        let before = try await summary(job.job)
        try expectEqual(try await requeueBatches(job.job).result, .applied, "requeue of nothing")
        try expectEqual(try await summary(job.job), before, "the job after a requeue of nothing")
    }

    func requeueWorksInAnOpenJob() async throws {
        let job = try await planned([[1], [2]], settings: .noRetries)
        try await fail(try await take(job.job))
        _ = try await control(job.job, .pause)
        try expectEqual(try await requeueBatches(job.job).batches, 1, "requeue in a paused job")
        try expectEqual(try await summary(job.job).status, .paused, "status of a paused job after a requeue")
    }

    func requeueOfACancelledJobIsRefused() async throws {
        let job = try await planned([[1]], settings: .noRetries)
        try await fail(try await take(job.job))
        _ = try await control(job.job, .cancel)
        try expectEqual(try await requeueBatches(job.job).result, .refused, "batches of a cancelled job")
        try expectEqual(try await requeueRecords(job.job).result, .refused, "records of a cancelled job")
    }

    func requeueBesideAnOpenJobIsAConflict() async throws {
        let old = try await failedJob()
        _ = try await open()
        try expectEqual(try await requeueBatches(old.job).result, .conflict, "I11: a second open job by batches")
        try expectEqual(try await requeueRecords(old.job).result, .conflict, "I11: a second open job by records")
        try expectEqual(try await summary(old.job).status, .failed, "status after a conflict")
        try expectEqual(try await batch(old.job, 1).status, .failed, "batch after a conflict")
    }

    func requeueOfAnUnknownJobIsNotFound() async throws {
        try expectEqual(try await requeueBatches(.max).result, .notFound, "batches of an unknown job")
        try expectEqual(try await requeueRecords(.max).result, .notFound, "records of an unknown job")
    }

    func requeueRefusesWrongInput() async throws {
        let job = try await failedJob()
        try await expectRejected("0 batches") { try await requeueBatches(job.job, limit: 0) }
        try await expectRejected("1001 batches") { try await requeueBatches(job.job, limit: 1001) }
        try await expectRejected("0 records") { try await requeueRecords(job.job, limit: 0) }
        try await expectRejected("10001 records") { try await requeueRecords(job.job, limit: 10_001) }
        try await expectRejected("batches of 0") { try await requeueRecords(job.job, batchSize: 0) }
        try await expectRejected("batches of 1001") { try await requeueRecords(job.job, batchSize: 1001) }
        try await expectRejected("a request id that is no UUID") { try await requeueBatches(job.job, request: "me") }
        try expectEqual(try await summary(job.job).status, .failed, "status after refused requeues")
    }

    func lateEndOfARequeuedBatchChangesNothing() async throws {
        let job = try await planned([[1]], settings: .noRetries)
        let held = try await take(job.job)
        try await fail(held)
        _ = try await requeueBatches(job.job)
        let late = try await finish(held, .completed, BatchCounts(processed: 1))
        try expect(late.result != .applied, "I6: a late end was applied to a requeued batch")
        try expectEqual(try await batch(job.job, 0).status, .pending, "I6: status after a late end")
        try await complete(try await take(job.job))
    }

    /// Pages that go on by key take each failed batch, and each dead letter, once.
    func requeueGoesOnAfterThePageBefore() async throws {
        let job = try await planned([[1], [2], [3], [4, 5, 6, 7]], settings: .noRetries)
        for _ in 1...3 { try await fail(try await take(job.job)) }
        let letters = [FailedRecord.sample(4), .sample(5), .sample(6), .sample(7)]
        _ = try await finish(try await take(job.job), .completed, BatchCounts(failed: 4), failed: letters)
        for after in [2, Int64.max] {
            let nothing = try await requeueBatches(job.job, RequeueFilter(after: after))
            try expectEqual(nothing, .init(result: .applied, batches: 0, records: 0, more: false), "after \(after)")
        }
        let first = try await requeueBatches(job.job, RequeueFilter(after: .min), limit: 1)
        try expectEqual(first, .init(result: .applied, batches: 1, records: 1, more: true, next: 0), "the first page")
        // It fails again before the next page is asked for.
        try await fail(try await take(job.job))
        let second = try await requeueBatches(job.job, RequeueFilter(after: first.next), limit: 1)
        try expectEqual(second, .init(result: .applied, batches: 1, records: 1, more: true, next: 1), "the second page")
        let third = try await requeueBatches(job.job, RequeueFilter(after: second.next), isolate: true, limit: 1)
        try expectEqual(third, .init(result: .applied, batches: 1, records: 1, more: false), "the last page")
        try expectEqual(try await batch(job.job, 0).status, .failed, "what failed again meanwhile")

        for (after, more) in [(5, 2), (6, 1), (7, 0), (Int64.max, 0)] as [(Int64, Int)] {
            let filter = RequeueFilter(code: "nothing", after: after)
            try expectEqual(try await requeueRecords(job.job, filter).records, 0, "\(more) records, of no such code")
        }
        let records = try await requeueRecords(job.job, RequeueFilter(after: .min), limit: 2)
        try expectEqual(records, .init(result: .applied, batches: 1, records: 2, more: true, next: 5), "records 4, 5")
        let request = Self.uuid()
        let rest = try await requeueRecords(job.job, RequeueFilter(after: 5), limit: 1, request: request)
        try expectEqual(rest, .init(result: .applied, batches: 1, records: 1, more: true, next: 6), "record 6")
        let again = try await requeueRecords(job.job, RequeueFilter(after: 5), limit: 1, request: request)
        try expectEqual(again, .init(result: .duplicate, batches: 1, records: 1, more: true, next: 6), "I10: repeated")
        let beyond = try await requeueRecords(job.job, RequeueFilter(after: 7))
        try expectEqual(beyond.records, 0, "after the last")
        let last = try await requeueRecords(job.job, RequeueFilter(recordIds: [4, 7, 9], after: 6))
        try expectEqual(last, .init(result: .applied, batches: 1, records: 1, more: false), "record 7")
    }
}
