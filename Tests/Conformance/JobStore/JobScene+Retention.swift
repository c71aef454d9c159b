import Migration

/// Deleting jobs and histories.
extension JobScene {
    private func delete(_ job: JobID, limit: Int = 1000, olderThanMs: Int64? = nil) async throws -> DeletionAnswer {
        try await store.deleteJob(DeleteIngestionJob(job: job, limit: limit, olderThanMs: olderThanMs))
    }

    private func deleteEvents(
        _ job: JobID,
        limit: Int = 1000,
        olderThanMs: Int64? = nil
    ) async throws -> DeletionAnswer {
        try await store.deleteEvents(DeleteIngestionEvents(job: job, limit: limit, olderThanMs: olderThanMs))
    }

    private func rows(_ job: JobID) async throws -> GetIngestionJobRows.Answer {
        try await store.countRows(GetIngestionJobRows(job: job))
    }

    /// What the store tells of these jobs, read in small pages.
    private func retention(_ jobs: JobID...) async throws -> [RetentionSummary] {
        var found: [RetentionSummary] = []
        var after = jobs.max().map { $0 + 1 }
        repeat {
            let page = try await store.retention(ListIngestionRetention(after: after, limit: 2))
            found += page.rows.filter { jobs.contains($0.jobId) }
            after = page.next
        } while after.map { $0 > jobs.min() ?? 0 } ?? false
        return found
    }

    /// An ended job with something in every table: a completed batch with two dead letters, a failed one, and one at work.
    private func endedJob() async throws -> (job: JobID, held: Held) {
        let job = try await planned([[1, 2, 3], [4, 5], [6], [7, 8]], settings: .noRetries)
        let letters = [FailedRecord.sample(2), .sample(3)]
        _ = try await finish(
            try await take(job.job),
            .completed,
            BatchCounts(processed: 1, failed: 2),
            failed: letters
        )
        try await fail(try await take(job.job))
        let held = try await take(job.job)
        _ = try await control(job.job, .cancel)
        return (job.job, held)
    }

    /// Everything that can be read of a job.
    private struct Everything: Equatable {
        let stats: JobStats
        let batches: [BatchSummary]
        let failures: [FailureSummary]
        let events: [EventSummary]
        let rows: GetIngestionJobRows.Answer
    }

    private func everything(of job: JobID) async throws -> Everything {
        Everything(
            stats: try await stats(job),
            batches: try await store.batches(.init(job: job, filter: .init(), after: nil, limit: 1000)).rows,
            failures: try await failures(job, .init()),
            events: try await events(job),
            rows: try await rows(job)
        )
    }

    func deletionLeavesNothingOfAJob() async throws {
        let (old, _) = try await endedJob()
        let next = try await planned([[1], [2, 3]], settings: .noRetries)
        try await fail(try await take(next.job))
        let other = try await open(target: target + "-other").job.id
        let before = [try await everything(of: next.job), try await everything(of: other)]
        let counted = try await rows(old)
        try expectEqual([counted.batches, counted.failures], [4, 4], "batches and dead letters before")
        try expect([1, 16].contains(counted.rows - 2 * 4 - 4 - counted.events - 1), "all rows before: \(counted)")
        let answer = try await delete(old)
        let expected = DeletionAnswer(result: .applied, batches: 4, failures: 4, events: Int(counted.events))
        try expectEqual(answer, expected, "deleted")
        try expectEqual(try await stats(old).result, .notFound, "stats")
        try expectEqual(try await rows(old), .init(batches: 0, failures: 0, events: 0, rows: 0), "rows")
        let batches = try await store.batches(.init(job: old, filter: .init(), after: nil, limit: 10)).rows
        try expectEqual(batches.map(\.batchNumber), [], "batches")
        try expectEqual(try await failures(old, .init()).map(\.recordId), [], "dead letters")
        try expectEqual(try await events(old).map(\.kind), [], "events")
        try expectEqual(try await retention(old, next.job).map(\.jobId), [next.job], "listed")
        try expectEqual(try await delete(old), .init(result: .notFound), "I10: repeated")
        let jobs = try await store.jobs(.init(job: old, filter: .init(), after: nil, limit: 1)).rows
        try expectEqual(jobs.map(\.id), [], "jobs")
        let after = [try await everything(of: next.job), try await everything(of: other)]
        try expectEqual(after, before, "other jobs")
    }

    func deletionGoesOnPageByPage() async throws {
        let (job, held) = try await endedJob()
        let counted = try await rows(job)
        let total = Int(counted.batches + counted.failures + counted.events)
        var deleted = 0
        var pages = 0
        var answer = DeletionAnswer(result: .applied, more: true)
        while answer.more {
            answer = try await delete(job, limit: 3)
            pages += 1
            try expectEqual(answer.result, .applied, "page \(pages)")
            let page = answer.batches + answer.failures + answer.events
            try expect(page == 3 || !answer.more, "page \(pages) is neither full nor the last: \(answer)")
            deleted += page
            if !answer.more { break }
            let left = try await rows(job)
            let read = Int(left.batches + left.failures + left.events)
            try expectEqual(read, total - deleted, "rows left after page \(pages)")
            try await expectClosed(job, held)
        }
        try expectEqual(deleted, total, "deleted in all pages")
        try expectEqual(pages, total / 3 + 1, "pages")
        try expectEqual(try await rows(job).rows, 0, "rows in the end")
        try expectEqual(try await finish(held, .completed, BatchCounts(processed: 1)).result, .lost, "a late end")
        try expectEqual(try await rows(job).rows, 0, "rows after a late end")
    }

    /// What calls get of a job whose deletion has begun: nothing opens it, nothing is handed out.
    private func expectClosed(_ job: JobID, _ held: Held) async throws {
        let summary = try await summary(job)
        try expectEqual(summary.status, .cancelled, "status while it is deleted")
        try expect(summary.reason?.contains("migrate delete --job \(job)") == true, "reason: \(summary.reason ?? "")")
        try expectEqual(try await claim(job).batches.count, 0, "batches to claim")
        try expectEqual(try await requeueBatches(job).result, .refused, "requeue of batches")
        try expectEqual(try await requeueRecords(job).result, .refused, "requeue of records")
        try expectEqual(try await control(job, .resume).result, .refused, "resume")
        try expectEqual(try await finalize(job).result, .already, "finalize")
        try expectEqual(try await join(job).result, .ended, "join")
        try expect(try await heartbeat(held).result != .ok, "a heartbeat")
        try expectEqual(try await deleteEvents(job, limit: 1, olderThanMs: 86_400_000).result, .tooYoung, "its history")
        try expectEqual(try await retention(job).map(\.deleting), [true], "that it is being deleted")
    }

    func deletionOfAnOpenJobIsRefused() async throws {
        let job = try await opened(start: false)
        func refuse(_ state: JobStatus) async throws {
            let before = try await everything(of: job.job)
            try expectEqual(try await summary(job.job).status, state, "state")
            try expectEqual(try await delete(job.job), .init(result: .open), "a \(state) job")
            try expectEqual(try await deleteEvents(job.job), .init(result: .open), "history of a \(state) job")
            try expectEqual(try await everything(of: job.job), before, "the \(state) job")
        }
        try await refuse(.pending)
        _ = try await control(job.job, .resume)
        try await refuse(.running)
        _ = try await control(job.job, .pause)
        try await refuse(.paused)
        _ = try await control(job.job, .cancel)
        try expectEqual(try await delete(job.job).result, .applied, "a cancelled job")
    }

    func deletionOfAYoungJobIsRefused() async throws {
        let (job, _) = try await endedJob()
        try await harness.advance(by: .seconds(3_000))
        for age in [3_600_000, Int64.max] {
            try expectEqual(try await delete(job, olderThanMs: age), .init(result: .tooYoung), "\(age) ms")
            let history = try await deleteEvents(job, olderThanMs: age)
            try expectEqual(history, .init(result: .tooYoung), "history, \(age) ms")
        }
        try await harness.advance(by: .seconds(700))
        try expectEqual(try await deleteEvents(job, olderThanMs: 3_600_000).result, .applied, "history of an old job")
        // What has begun goes on, whatever age is asked for.
        try expectEqual(try await delete(job, limit: 1, olderThanMs: 3_600_000).more, true, "an old job")
        try expectEqual(try await delete(job, olderThanMs: .max).result, .applied, "the rest of it")
    }

    /// An opened job is as young as its last end.
    func deletionOfARequeuedJobIsRefused() async throws {
        let job = try await planned([[1]], settings: .noRetries)
        try await fail(try await take(job.job))
        _ = try await finalize(job.job)
        try await harness.advance(by: .seconds(7_200))
        _ = try await requeueBatches(job.job)
        try expectEqual(try await delete(job.job, olderThanMs: 3_600_000).result, .open, "a requeued job")
        try await complete(try await take(job.job))
        _ = try await finalize(job.job)
        try expectEqual(try await delete(job.job, olderThanMs: 3_600_000).result, .tooYoung, "one that has just ended")
        try expectEqual(try await retention(job.job).first?.endedMs.map { $0 < 3_600_000 }, true, "its age")
    }

    func deletionsAtTheSameTimeDeleteEachRowOnce() async throws {
        let (job, _) = try await endedJob()
        let counted = try await rows(job)
        let answers = try await withThrowingTaskGroup(of: [DeletionAnswer].self) { group in
            for limit in 1...4 {
                group.addTask {
                    var answers: [DeletionAnswer] = []
                    repeat { answers.append(try await delete(job, limit: limit)) } while answers.last?.more == true
                    return answers
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        try expectEqual(answers.reduce(0) { $0 + Int64($1.batches) }, counted.batches, "batches")
        try expectEqual(answers.reduce(0) { $0 + Int64($1.failures) }, counted.failures, "dead letters")
        try expectEqual(answers.reduce(0) { $0 + Int64($1.events) }, counted.events, "events")
        try expectEqual(try await rows(job).rows, 0, "rows left")
    }

    func deletionRefusesWrongInput() async throws {
        let (job, _) = try await endedJob()
        let before = try await everything(of: job)
        for limit in [0, -1, 10_001] {
            try await expectRejected("a page of \(limit)") { try await delete(job, limit: limit) }
            try await expectRejected("a page of \(limit) events") { try await deleteEvents(job, limit: limit) }
        }
        try await expectRejected("a negative age") { try await delete(job, olderThanMs: -1) }
        try await expectRejected("a negative age of a history") { try await deleteEvents(job, olderThanMs: -1) }
        for limit in [0, 1001] {
            try await expectRejected("a list of \(limit)") {
                try await store.retention(ListIngestionRetention(after: nil, limit: limit))
            }
        }
        try expectEqual(try await everything(of: job), before, "the job")
        try expectEqual(try await deleteEvents(.max).result, .notFound, "history of an unknown job")
        try expectEqual(try await delete(.max).result, .notFound, "an unknown job")
    }

    func deletedJobIsOpenedByNobody() async throws {
        let token = Self.uuid()
        let old = try await open(token: token).job.id
        _ = try await control(old, .cancel)
        _ = try await delete(old)
        try expectEqual(try await join(old).result, .notFound, "join")
        try expectEqual(try await addServers(old, JobServers(source: ["s"])).result, .notFound, "servers")
        try expectEqual(try await claim(old).result, .notFound, "claim")
        try expectEqual(try await control(old, .resume).result, .notFound, "resume")
        let new = try await open(token: token)
        try expectEqual(new.result, .created, "the next job")
        try expect(new.job.id > old, "number \(new.job.id) was used before, by \(old)")
    }

    func historyIsCutFromItsBegin() async throws {
        let job = try await planned([[1], [2]], settings: .noRetries)
        try await complete(try await take(job.job))
        try await fail(try await take(job.job))
        _ = try await finalize(job.job)
        let before = try await events(job.job)
        try expectEqual(try await summary(job.job).historyCutAt, nil, "a whole history")
        let first = try await deleteEvents(job.job, limit: 2)
        try expectEqual(first, .init(result: .applied, events: 2, more: true), "the first page")
        try expectEqual(try await events(job.job), Array(before.dropFirst(2)), "what is left")
        try await checkAccounting()
        let rest = try await deleteEvents(job.job)
        try expectEqual(rest, .init(result: .applied, events: before.count - 2), "the rest")
        try expectEqual(try await events(job.job).count, 0, "events in the end")
        try expectEqual(try await deleteEvents(job.job), .init(result: .applied), "I10: repeated")
        try expect(try await summary(job.job).historyCutAt != nil, "that the history is cut")
        try expectEqual(try await retention(job.job).map(\.hasEvents), [false], "that there is a history")
        try expectEqual([try await stats(job.job).retries, try await rows(job.job).batches], [0, 2], "the job itself")
        // Opened again, it goes on with a new history.
        _ = try await requeueBatches(job.job)
        try expectEqual(try await events(job.job).map(\.kind), ["requeued"], "the new history")
        try expectEqual(try await retention(job.job).map(\.hasEvents), [true], "that there is a history again")
        try await complete(try await take(job.job))
        _ = try await finalize(job.job)
        try expectEqual(try await deleteEvents(job.job).result, .applied, "the new history")
        let left = try await rows(job.job)
        try expectEqual([left.events, left.batches], [0, 2], "what is left in the end")
    }

    func retentionTellsWhatDecides() async throws {
        let (old, _) = try await endedJob()
        try await harness.advance(by: .seconds(100))
        var settings = JobSettings.usual
        settings.recordEvents = false
        let open = try await open(settings: settings)
        let rows = try await retention(old, open.job.id)
        try expectEqual(rows.map(\.jobId), [open.job.id, old], "newest first")
        try expectEqual(rows.map(\.deleting), [false, false], "being deleted")
        try expectEqual(rows.map(\.hasEvents), [false, true], "history")
        try expectEqual(rows.first?.endedMs, nil, "age of an open job")
        try expectWithin(Int(rows.last?.endedMs ?? 0), 100_000...160_000, "age of an ended job")
        try expectEqual(rows.map(\.job), [try await summary(open.job.id), try await summary(old)], "the jobs")
    }
}

extension JobStoreConformance.Rule {
    /// Retention: checks the rule if it is one of these.
    func retaining(_ scene: JobScene) async throws -> Bool {
        switch self {
        case .deletionLeavesNothingOfAJob: try await scene.deletionLeavesNothingOfAJob()
        case .deletionGoesOnPageByPage: try await scene.deletionGoesOnPageByPage()
        case .deletionOfAnOpenJobIsRefused: try await scene.deletionOfAnOpenJobIsRefused()
        case .deletionOfAYoungJobIsRefused: try await scene.deletionOfAYoungJobIsRefused()
        case .deletionOfARequeuedJobIsRefused: try await scene.deletionOfARequeuedJobIsRefused()
        case .deletionsAtTheSameTimeDeleteEachRowOnce: try await scene.deletionsAtTheSameTimeDeleteEachRowOnce()
        case .deletionRefusesWrongInput: try await scene.deletionRefusesWrongInput()
        case .deletedJobIsOpenedByNobody: try await scene.deletedJobIsOpenedByNobody()
        case .historyIsCutFromItsBegin: try await scene.historyIsCutFromItsBegin()
        case .retentionTellsWhatDecides: try await scene.retentionTellsWhatDecides()
        case .requeueGoesOnAfterThePageBefore: try await scene.requeueGoesOnAfterThePageBefore()
        default: return false
        }
        return true
    }
}
