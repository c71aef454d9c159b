import Migration

/// Lists.
extension JobScene {
    func jobsAreListedNewestFirst() async throws {
        var ids: [JobID] = []
        for _ in 0..<3 {
            let job = try await opened()
            ids.append(job.job)
            if ids.count < 3 { _ = try await control(job.job, .cancel) }
        }
        let all = ListIngestionJobs.Filter(targetKey: target)
        let first = try await store.jobs(.init(job: nil, filter: all, after: nil, limit: 2))
        try expectEqual(first.rows.map(\.id), [ids[2], ids[1]], "first page")
        try expectEqual(first.next, ids[1], "the key to go on after")
        let second = try await store.jobs(.init(job: nil, filter: all, after: first.next, limit: 2))
        try expectEqual(second.rows.map(\.id), [ids[0]], "last page")
        try expectEqual(second.next, nil, "the key after the last page")
        let open = try await store.jobs(
            .init(job: nil, filter: .init(targetKey: target, open: true), after: nil, limit: 9)
        )
        try expectEqual(open.rows.map(\.id), [ids[2]], "open jobs")
        let ended = try await store.jobs(
            .init(job: nil, filter: .init(targetKey: target, open: false), after: nil, limit: 9)
        )
        try expectEqual(ended.rows.map(\.id), [ids[1], ids[0]], "ended jobs")
        let one = try await store.jobs(.init(job: ids[1], filter: .init(), after: nil, limit: 9))
        try expectEqual(one.rows.map(\.status), [.cancelled], "one job")
        let none = try await store.jobs(.init(job: .max, filter: .init(), after: nil, limit: 9))
        try expectEqual(none, .init(rows: [], next: nil), "an unknown job")
    }

    func batchesAreListedByNumber() async throws {
        let job = try await planned([[1], [2], [3], [4]])
        try await complete(try await take(job.job))
        let first = try await store.batches(.init(job: job.job, filter: .init(), after: nil, limit: 2))
        try expectEqual(first.rows.map(\.batchNumber), [0, 1], "first page")
        try expectEqual(first.next, 1, "the key to go on after")
        let second = try await store.batches(.init(job: job.job, filter: .init(), after: 1, limit: 2))
        try expectEqual(second.rows.map(\.batchNumber), [2, 3], "last page")
        try expectEqual(second.next, nil, "the key after a full last page")
        let pending = try await store.batches(
            .init(job: job.job, filter: .init(status: .pending, batchNumbers: [0, 3, 9]), after: nil, limit: 9)
        )
        try expectEqual(pending.rows.map(\.batchNumber), [3], "by status and number")
        let unknown = try await store.batches(.init(job: .max, filter: .init(), after: nil, limit: 9))
        try expectEqual(unknown, .init(rows: [], next: nil), "batches of an unknown job")
    }

    func failuresAreListedByRecord() async throws {
        let ids: [RecordID] = [-5, 0, 9_007_199_254_740_993]
        let job = try await planned([ids, [.max]])
        let letters = [
            FailedRecord.sample(ids[2]), .sample(ids[0], stage: .fetch), .sample(ids[1], code: "odd"),
        ]
        _ = try await finish(try await take(job.job), .completed, BatchCounts(failed: 3), failed: letters)
        _ = try await finish(try await take(job.job), .completed, BatchCounts(failed: 1), failed: [.sample(.max)])
        let first = try await store.failures(.init(job: job.job, filter: .init(), after: nil, limit: 3))
        try expectEqual(first.rows.map(\.recordId), ids, "first page, ascending")
        try expectEqual(first.next, ids[2], "the key to go on after")
        let second = try await store.failures(.init(job: job.job, filter: .init(), after: first.next, limit: 3))
        try expectEqual(second.rows.map(\.recordId), [.max], "last page")
        try expectEqual(second.next, nil, "the key after the last page")
        try expectEqual(try await failures(job.job, .init(stage: .fetch)).map(\.recordId), [-5], "by stage")
        try expectEqual(try await failures(job.job, .init(code: "odd")).map(\.recordId), [0], "by code")
        try expectEqual(try await failures(job.job, .init(batchNumbers: [1])).map(\.recordId), [.max], "by batch")
        try expectEqual(try await failures(job.job, .init(open: false)).count, 0, "resolved ones")
    }

    func eventsTellABatchsHistory() async throws {
        let settings = JobSettings(maxRetries: 1, leaseSeconds: 120, batchTimeoutSeconds: 600)
        let job = try await planned([[1, 2]], settings: settings)
        _ = try await finish(try await take(job.job), .released)
        _ = try await finish(try await take(job.job), .deferred, retryAfterMs: 1000)
        try await harness.advance(by: .seconds(2))
        _ = try await take(job.job)
        try await harness.advance(by: .seconds(151))
        _ = try await reap(job.job)
        try await harness.advance(by: .seconds(31))
        try await fail(try await take(job.job))
        _ = try await requeueBatches(job.job)
        try await complete(try await take(job.job))
        _ = try await finalize(job.job)
        let history = try await events(job.job, of: 0)
        let kinds = [
            "claimed", "release", "claimed", "defer", "claimed", "reaped", "claimed", "failed", "requeued", "claimed",
            "completed",
        ]
        try expectEqual(history.map(\.kind), kinds, "I1: the batch's history")
        let attempts = [1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5]
        try expectEqual(history.compactMap(\.attempt), attempts, "I4: attempts in the history")
        let claims = history.filter { $0.kind == "claimed" }.compactMap(\.claimId)
        try expectEqual(Set(claims).count, 5, "claim ids in the history")
        try expectEqual(history.first?.workerId, "worker", "worker in the history")
        let reaped = history.first { $0.kind == "reaped" }
        try expectEqual(reaped?.detail["code"], "lease_expired", "code of a reap")
        try expectEqual(reaped?.detail["status"], "pending", "status after a reap")
        try expectEqual(history.first { $0.kind == "requeued" }?.detail["mode"], "plain", "mode of a requeue")
        try expectEqual(history.last?.detail["processed"], "2", "counts of a completion")
        let job0 = try await events(job.job).filter { $0.batchNumber == nil }.map(\.kind)
        try expectEqual(job0, ["opened", "planned", "sealed", "finalized"], "the job's own history")
        try expect(history.map(\.id) == history.map(\.id).sorted(), "the history is not in order")
    }

    func eventsArePaged() async throws {
        let job = try await planned([[1]])
        for _ in 0..<3 { _ = try await finish(try await take(job.job), .released) }
        let claims = ListIngestionEvents.Filter(kind: "claimed")
        let first = try await store.events(.init(job: job.job, filter: claims, after: nil, limit: 2))
        try expectEqual(first.rows.map(\.attempt), [1, 2], "first page")
        try expectEqual(first.next, first.rows.last?.id, "the key to go on after")
        let second = try await store.events(.init(job: job.job, filter: claims, after: first.next, limit: 2))
        try expectEqual(second.rows.map(\.attempt), [3], "last page")
        try expectEqual(second.next, nil, "the key after the last page")
    }

    func eventsAreReadBackwards() async throws {
        let job = try await planned([[1], [2]])
        for _ in 0..<3 { _ = try await finish(try await take(job.job), .released) }
        let all = try await events(job.job).map(\.id)
        func pages(_ filter: ListIngestionEvents.Filter, limit: Int) async throws -> [[Int64]] {
            var pages: [[Int64]] = []
            var after: Int64?
            repeat {
                let call = ListIngestionEvents(job: job.job, filter: filter, after: after, limit: limit)
                let page = try await store.events(call)
                pages.append(page.rows.map(\.id))
                after = page.next
            } while after != nil && pages.count < 20
            return pages
        }
        let backwards = try await pages(.init(newest: true), limit: 4)
        try expectEqual(backwards.flatMap(\.self), all.reversed(), "newest first, whole")
        try expectEqual(backwards.first?.count, 4, "rows of a page")
        try expectEqual(try await pages(.init(newest: false), limit: 1000), [all], "oldest first")
        let claims = try await events(job.job).filter { $0.kind == "claimed" }.map(\.id)
        let newest = try await pages(.init(kind: "claimed", newest: true), limit: 2)
        try expectEqual(newest, [[claims[2], claims[1]], [claims[0]]], "of one kind")
        let first = try await events(job.job, of: 0).map(\.id)
        let ofOne = try await pages(.init(batchNumbers: [0], newest: true), limit: 1000)
        try expectEqual(ofOne, [first.reversed()], "of one batch")
        let none = try await store.events(.init(job: .max, filter: .init(newest: true), after: nil, limit: 9))
        try expectEqual(none, .init(rows: [], next: nil), "of an unknown job")
        try await expectRejected("no newest events") {
            try await store.events(.init(job: job.job, filter: .init(newest: true), after: nil, limit: 0))
        }
    }

    func requeuedBatchesAreListedAlone() async throws {
        let job = try await planned([[1, 2], [3, 4]], settings: .noRetries)
        for _ in 1...2 { try await fail(try await take(job.job)) }
        _ = try await finalize(job.job)
        func numbers(_ filter: ListIngestionBatches.Filter) async throws -> [Int] {
            try await store.batches(.init(job: job.job, filter: filter, after: nil, limit: 9)).rows.map(\.batchNumber)
        }
        try expectEqual(try await numbers(.init(requeued: true)), [], "before a requeue")
        _ = try await requeueBatches(job.job, RequeueFilter(batchNumbers: [0]), isolate: true)
        try expectEqual(try await numbers(.init(requeued: true)), [2, 3], "made by a requeue")
        try expectEqual(try await numbers(.init(requeued: false)), [0, 1], "planned from the source")
        try expectEqual(try await numbers(.init()), [0, 1, 2, 3], "all")
        try expectEqual(try await numbers(.init(batchNumbers: [1, 3], requeued: true)), [3], "and by number")
    }

    func eventsAreASwitch() async throws {
        let settings = JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600, recordEvents: false)
        let job = try await planned([[1]], settings: settings)
        _ = try await finish(try await take(job.job), .released)
        try await complete(try await take(job.job))
        try expectEqual(try await events(job.job).count, 0, "events of a job that records none")
        try expectEqual(try await stats(job.job).releases, 1, "releases counted without events")
    }

    func listsRefuseWrongLimits() async throws {
        let job = try await planned([[1]])
        for limit in [0, 1001] {
            try await expectRejected("\(limit) jobs") {
                try await store.jobs(.init(job: nil, filter: .init(), after: nil, limit: limit))
            }
            try await expectRejected("\(limit) batches") {
                try await store.batches(.init(job: job.job, filter: .init(), after: nil, limit: limit))
            }
            try await expectRejected("\(limit) failures") {
                try await store.failures(.init(job: job.job, filter: .init(), after: nil, limit: limit))
            }
            try await expectRejected("\(limit) events") {
                try await store.events(.init(job: job.job, filter: .init(), after: nil, limit: limit))
            }
        }
    }
}
