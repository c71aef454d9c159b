import Migration

/// Lists and quotas.
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

    // MARK: Quotas

    private func reserve(_ cost: Int, maxWaitMs: Int = 1_000_000) async throws -> ReserveQuota.Answer {
        try await store.reserveQuota(ReserveQuota(quota: target, cost: cost, maxWaitMs: maxWaitMs))
    }

    private func report(_ report: QuotaReport) async throws -> ReportQuota.Answer {
        try await store.reportQuota(ReportQuota(quota: target, report: report))
    }

    func unknownQuotaGrantsEverything() async throws {
        for _ in 1...3 {
            let answer = try await reserve(1_000_000, maxWaitMs: 0)
            try expectEqual(answer, .init(granted: true, waitMs: 0, stopReason: nil), "an unknown quota")
        }
    }

    func quotaPacesTokens() async throws {
        let told = try await report(QuotaReport(tokensPerMinute: 6000))
        try expectEqual([told.tokensPerMinute, told.requestsPerMinute], [6000, 0], "limits")
        try expect(told.share > 0.97 && told.share <= 0.975, "share \(told.share) is not 0.975")
        // 97.5 tokens a second: 975 tokens are 10 s.
        try expectEqual(try await reserve(975).waitMs, 0, "the first request")
        try expectWithin(try await reserve(975).waitMs, 8800...10_000, "the second request")
        try expectWithin(try await reserve(1).waitMs, 18_800...20_000, "the third request")
        try await harness.advance(by: .seconds(60))
        try expectEqual(try await reserve(1).waitMs, 0, "a request after a minute of rest")
    }

    func quotaPacesRequests() async throws {
        _ = try await report(QuotaReport(requestsPerMinute: 6))
        try expectEqual(try await reserve(1).waitMs, 0, "the first request")
        try expectWithin(try await reserve(1).waitMs, 9000...10_300, "the second request")
    }

    func quotaRefusalIsNotCharged() async throws {
        _ = try await report(QuotaReport(tokensPerMinute: 6000))
        _ = try await reserve(975)
        for _ in 1...3 {
            let answer = try await reserve(97_500, maxWaitMs: 1000)
            try expectEqual(answer.granted, false, "a wait above the maximum")
            try expectWithin(answer.waitMs, 8800...10_000, "the wait that was too long")
        }
        let next = try await reserve(1)
        try expectEqual(next.granted, true, "a wait below the maximum")
        try expectWithin(next.waitMs, 8800...10_000, "the wait after refusals")
    }

    func quotaStopsForEverybody() async throws {
        let stopped = try await report(QuotaReport(tokensPerMinute: 6000, stopReason: "insufficient_quota"))
        try expectEqual(stopped.stopReason, "insufficient_quota", "reason told")
        let refused = try await reserve(1)
        try expectEqual(refused, .init(granted: false, waitMs: 0, stopReason: "insufficient_quota"), "stopped")
        let resumed = try await report(QuotaReport(resumed: true))
        try expectEqual(resumed.stopReason, nil, "reason after a resume")
        try expectEqual(resumed.tokensPerMinute, 6000, "the limit after a resume")
        try expectEqual(try await reserve(1).granted, true, "after a resume")
    }

    func throttlePausesEverybodyAndCutsOnce() async throws {
        let before = try await report(QuotaReport(tokensPerMinute: 6_000_000)).share
        let first = try await report(QuotaReport(throttledMs: 20_000))
        try expectWithin(first.pauseMs, 19_000...20_000, "pause")
        try expect(first.share < before, "a throttle did not cut the share")
        let again = try await report(QuotaReport(throttledMs: 5000))
        try expectWithin(again.pauseMs, 18_000...20_000, "a pause only moves later")
        try expect(again.share >= first.share, "a second throttle in one pause cut the share again")
        try expectWithin(try await reserve(1).waitMs, 18_000...20_000, "the wait in a pause")
        try await harness.advance(by: .seconds(21))
        let later = try await report(QuotaReport(throttledMs: 1000))
        try expect(later.share < 0.975, "share after a second pause: \(later.share)")
        try await harness.advance(by: .seconds(7200))
        let rested = try await report(QuotaReport())
        try expect(rested.share > 0.97 && rested.share <= 0.975, "share after two hours: \(rested.share)")
        try expectEqual(rested.pauseMs, 0, "pause after two hours")
    }

    func quotaPacesFromTheEndOfAPause() async throws {
        _ = try await report(QuotaReport(tokensPerMinute: 6000, throttledMs: 20_000))
        let first = try await reserve(975)
        try expectWithin(first.waitMs, 19_000...20_000, "the first request in a pause")
        // Else all that is reserved in the pause is sent at its end, and the next 60 s pass the limit (I22).
        try expectWithin(try await reserve(975).waitMs, 28_000...31_000, "I22: the second request in a pause")
    }

    func quotaRefusesWrongInput() async throws {
        try await expectRejected("a negative cost") { try await reserve(-1) }
        try await expectRejected("a negative wait") { try await reserve(1, maxWaitMs: -1) }
        try await expectRejected("a negative limit") { try await report(QuotaReport(tokensPerMinute: -1)) }
        try await expectRejected("a negative throttle") { try await report(QuotaReport(throttledMs: -1)) }
        try await expectRejected("a quota without a name") {
            try await store.reportQuota(ReportQuota(quota: "", report: QuotaReport()))
        }
    }
}
