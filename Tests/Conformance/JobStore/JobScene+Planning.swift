import Migration

/// Opening a job, its controller, its plan.
extension JobScene {
    func schemaVersionAnswers() async throws {
        let answer = try await store.schemaVersion(SchemaVersion())
        try expect(answer.version >= answer.minClient && answer.minClient >= 1, "versions are odd: \(answer)")
    }

    func openMakesOneJobForATarget() async throws {
        let token = Self.uuid()
        let first = try await open(token: token)
        try expectEqual(first.result, .created, "first open")
        try expectEqual(first.role, .controller, "role of the creator")
        try expectEqual(first.epoch, 1, "first epoch")
        try expectEqual(first.job.status, .running, "status with start")
        try expectEqual(first.job.settings, .usual, "stored settings")
        try expectEqual(first.job.config, ["model": hash], "stored configuration")
        try expectEqual(first.job.sealed, false, "a new plan is open")
        let again = try await open(token: token)
        try expectEqual(again.result, .resumed, "repeated open")
        try expectEqual(again.job.id, first.job.id, "job of the repeated open")
        try expectEqual(again.epoch, 1, "our own token keeps the epoch")
        try expectEqual(again.role, .controller, "our own token keeps the role")
    }

    func openAtTheSameTimeMakesOneJob() async throws {
        let answers = try await together(6) { _ in try await open() }
        try expectEqual(Set(answers.map(\.job.id)).count, 1, "jobs made by six opens at once")
        try expectEqual(answers.count { $0.result == .created }, 1, "opens that created")
        try expectEqual(answers.count { $0.role == .controller }, 1, "controllers after six opens at once")
    }

    func openWhileAnotherControlsMakesAFollower() async throws {
        _ = try await open()
        let other = try await open()
        try expectEqual(other.role, .follower, "role of the second")
        try expectEqual(other.epoch, 1, "a follower raises no epoch")
    }

    func openAfterTheControllerLeaseRaisesTheEpoch() async throws {
        let first = try await opened()
        try await harness.advance(by: .seconds(31))
        let second = try await open()
        try expectEqual(second.role, .controller, "role after the lease ran out")
        try expectEqual(second.epoch, 2, "I11: epoch after a takeover")
        try expectEqual(second.job.id, first.job, "the job stays")
        let renewal = try await store.renewController(.init(job: first.job, epoch: 1, token: first.token))
        try expectEqual(renewal.result, .lost, "I11: renewal of the old epoch")
    }

    func openRefusesAnotherConfiguration() async throws {
        let first = try await open(start: false)
        let other = try await open(hash: "hash-2")
        try expectEqual(other.result, .configMismatch, "open with another configuration")
        try expectEqual(other.job.configHash, hash, "the stored hash")
        try expectEqual(other.job.config, ["model": hash], "the stored configuration")
        try expectEqual(try await summary(first.job.id), first.job, "the job is untouched")
    }

    func openStartsOnlyWhenAsked() async throws {
        let first = try await open(start: false)
        try expectEqual(first.job.status, .pending, "status without start")
        try expectEqual(first.job.startTime, nil, "start time before the start")
        let second = try await open(start: true)
        try expectEqual(second.job.status, .running, "status after a start")
        try expect(second.job.startTime != nil, "a started job has no start time")
    }

    func openNeverUnpauses() async throws {
        let job = try await opened()
        _ = try await control(job.job, .pause)
        let again = try await open(token: job.token)
        try expectEqual(again.job.status, .paused, "status of a paused job after open")
    }

    func openAfterTheEndMakesANewJob() async throws {
        let first = try await opened()
        _ = try await control(first.job, .cancel)
        let second = try await open()
        try expectEqual(second.result, .created, "open after a cancel")
        try expect(second.job.id > first.job, "the new job has no higher id")
    }

    func openRefusesWrongInput() async throws {
        var settings = JobSettings.usual
        settings.leaseSeconds = 0
        try await expectRejected("a lease of 0 s") { [settings] in try await open(settings: settings) }
        settings = .usual
        settings.maxRetries = -1
        try await expectRejected("a negative budget") { [settings] in try await open(settings: settings) }
        settings = .usual
        settings.batchTimeoutSeconds = 0
        try await expectRejected("a deadline of 0 s") { [settings] in try await open(settings: settings) }
        settings = .usual
        settings.backoffBaseSeconds = -1
        try await expectRejected("a negative backoff") { [settings] in try await open(settings: settings) }
        try await expectRejected("an empty target") { try await open(target: "") }
        try await expectRejected("a token that is no UUID") { try await open(token: "me") }
        let filter = ListIngestionJobs.Filter(targetKey: target)
        let jobs = try await store.jobs(ListIngestionJobs(job: nil, filter: filter, after: nil, limit: 10))
        try expectEqual(jobs.rows, [], "jobs left by refused opens")
    }

    func renewKeepsTheControllerLease() async throws {
        let job = try await opened()
        for _ in 1...3 {
            try await harness.advance(by: .seconds(20))
            let renewal = try await store.renewController(.init(job: job.job, epoch: 1, token: job.token))
            try expectEqual(renewal.result, .ok, "renewal in time")
            try expectWithin(renewal.ttlMs, 29_000...30_000, "time to live")
        }
        try expectEqual(try await open().role, .follower, "role of another after renewals")
    }

    func renewRevivesALeaseNobodyTook() async throws {
        let job = try await opened()
        try await harness.advance(by: .seconds(300))
        let renewal = try await store.renewController(.init(job: job.job, epoch: 1, token: job.token))
        try expectEqual(renewal.result, .ok, "renewal of an expired lease that was not taken")
        try expectEqual(try await open().role, .follower, "role of another afterwards")
    }

    func renewIsLostForStrangers() async throws {
        let job = try await opened()
        let stranger = try await store.renewController(.init(job: job.job, epoch: 1, token: Self.uuid()))
        try expectEqual(stranger.result, .lost, "renewal with another token")
        let old = try await store.renewController(.init(job: job.job, epoch: 0, token: job.token))
        try expectEqual(old.result, .lost, "renewal with another epoch")
        let unknown = try await store.renewController(.init(job: .max, epoch: 1, token: job.token))
        try expectEqual(unknown.result, .lost, "renewal of an unknown job")
    }

    func appendNumbersBatchesDensely() async throws {
        let job = try await opened()
        let first = try await append([[1, 2], [5]], to: job, after: nil)
        try expectEqual(first, .init(result: .appended, cursor: 5, nextNumber: 2), "first page")
        let second = try await append([[6, 900]], to: job, after: 5)
        try expectEqual(second, .init(result: .appended, cursor: 900, nextNumber: 3), "second page")
        let summary = try await summary(job.job)
        try expectEqual(summary.totalBatches, 3, "I12: planned batches")
        try expectEqual(summary.totalRecords, 5, "I12: planned records")
        try expectEqual(summary.nextBatchNumber, 3, "I12: next number")
        try expectEqual(summary.planCursor, 900, "I12: the cursor is the last id")
        let rows = try await store.batches(.init(job: job.job, filter: .init(), after: nil, limit: 10)).rows
        try expectEqual(rows.map(\.recordIds), [[1, 2], [5], [6, 900]], "I12: records of the batches")
        try expectEqual(rows.map(\.batchNumber), [0, 1, 2], "I12: batch numbers")
    }

    func appendKeepsEveryBitOfAnID() async throws {
        let ids: [RecordID] = [
            .min, -9_007_199_254_740_993, -1, 0, 9_007_199_254_740_993, 1_823_456_789_012_345_679, .max,
        ]
        let job = try await planned([ids])
        try expectEqual(try await take(job.job).batch.recordIds, ids, "ids of a claimed batch")
        try expectEqual(try await batch(job.job, 0).recordIds, ids, "ids of a listed batch")
        try expectEqual(try await summary(job.job).planCursor, .max, "the cursor")
    }

    func appendRepeatedIsADuplicate() async throws {
        let job = try await opened()
        _ = try await append([[1, 2], [3, 4]], to: job, after: nil)
        let before = try await summary(job.job)
        let again = try await append([[1, 2], [3, 4]], to: job, after: nil)
        try expectEqual(again, .init(result: .duplicate, cursor: 4, nextNumber: 2), "I10: repeated page")
        try expectEqual(try await summary(job.job), before, "I10: the job after a repeated page")
        _ = try await append([[5]], to: job, after: 4)
        let late = try await append([[1, 2], [3, 4]], to: job, after: nil)
        try expectEqual(late.result, .cursorMismatch, "a page that comes again after the next one")
    }

    func appendElsewhereChangesNothing() async throws {
        let job = try await opened()
        _ = try await append([[1, 2]], to: job, after: nil)
        let before = try await summary(job.job)
        for cursor in [nil, 1, 3] as [RecordID?] {
            let answer = try await append([[8, 9]], to: job, after: cursor)
            try expectEqual(
                answer,
                .init(result: .cursorMismatch, cursor: 2, nextNumber: 1),
                "page after \(cursor ?? -1)"
            )
        }
        let other = try await append([[1], [2]], to: job, after: nil)
        try expectEqual(other.result, .cursorMismatch, "the same ids in other batches")
        try expectEqual(try await summary(job.job), before, "the job after refused pages")
    }

    func appendOfAnOldEpochIsLost() async throws {
        let old = try await opened()
        try await harness.advance(by: .seconds(31))
        _ = try await open()
        try expectEqual(try await append([[1]], to: old, after: nil).result, .lost, "I11: page of an old epoch")
        try expectEqual(try await seal(old, at: nil), .lost, "I11: seal of an old epoch")
        try expectEqual(try await summary(old.job).totalBatches, 0, "I11: batches from an old epoch")
    }

    func appendAfterTheSealIsRefused() async throws {
        let job = try await planned([[1, 2]])
        try expectEqual(try await append([[3]], to: job, after: 2).result, .sealed, "page after the seal")
        try expectEqual(try await summary(job.job).totalRecords, 2, "records after a refused page")
    }

    func appendToAnEndedJobIsClosed() async throws {
        let job = try await opened()
        _ = try await control(job.job, .cancel)
        try expectEqual(try await append([[1]], to: job, after: nil).result, .closed, "page of a cancelled job")
        try expectEqual(try await seal(job, at: nil), .closed, "seal of a cancelled job")
        let unknown = Opened(job: .max, epoch: 1, token: job.token)
        try expectEqual(try await append([[1]], to: unknown, after: nil).result, .closed, "page of an unknown job")
        try expectEqual(try await seal(unknown, at: nil), .closed, "seal of an unknown job")
    }

    func appendRefusesIDsOutOfOrder() async throws {
        let job = try await opened()
        _ = try await append([[10]], to: job, after: nil)
        let pages: [[[RecordID]]] = [
            [[12, 11]], [[11, 11]], [[11, 12], [12, 13]], [[12], [11]], [[10, 11]], [[9]],
        ]
        for page in pages {
            try await expectRejected("page \(page)") { try await append(page, to: job, after: 10) }
        }
        try expectEqual(try await summary(job.job).totalRecords, 1, "records after refused pages")
    }

    func appendRefusesEmptyPages() async throws {
        let job = try await opened()
        try await expectRejected("a page without batches") { try await append([], to: job, after: nil) }
        try await expectRejected("a batch without records") { try await append([[1], []], to: job, after: nil) }
        try expectEqual(try await summary(job.job).totalBatches, 0, "batches after refused pages")
    }

    func sealIsStoredOnce() async throws {
        let job = try await opened()
        _ = try await append([[1, 7]], to: job, after: nil)
        let call = SealIngestionPlan(
            job: job.job,
            epoch: job.epoch,
            token: job.token,
            expectedCursor: 7,
            upper: 9_007_199_254_740_993,
            sourceCount: 3
        )
        try expectEqual(try await store.sealPlan(call).result, .sealed, "seal")
        let sealed = try await summary(job.job)
        try expectEqual(sealed.sealed, true, "sealed")
        try expectEqual(sealed.planUpper, 9_007_199_254_740_993, "the bound")
        try expectEqual(sealed.sourceCount, 3, "the source's count")
        try expectEqual(try await store.sealPlan(call).result, .alreadySealed, "I10: repeated seal")
        try expectEqual(try await summary(job.job), sealed, "I10: the job after a repeated seal")
    }

    func sealNeedsTheCursor() async throws {
        let job = try await opened()
        _ = try await append([[1, 7]], to: job, after: nil)
        for cursor in [nil, 1, 8] as [RecordID?] {
            try expectEqual(try await seal(job, at: cursor), .cursorMismatch, "seal at another cursor")
        }
        try expectEqual(try await summary(job.job).sealed, false, "sealed by a wrong cursor")
    }

    /// Runs calls at the same time and waits for all.
    func together<Answer: Sendable>(
        _ count: Int,
        _ call: @escaping @Sendable (Int) async throws -> Answer
    ) async throws -> [Answer] {
        try await withThrowingTaskGroup(of: Answer.self) { group in
            for index in 0..<count { group.addTask { try await call(index) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }
}
