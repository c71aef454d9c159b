import Migration

/// Quotas.
extension JobScene {
    private func reserve(_ cost: Int, maxWaitMs: Int = 1_000_000) async throws -> ReserveQuota.Answer {
        try await store.reserveQuota(ReserveQuota(quota: target, cost: cost, maxWaitMs: maxWaitMs))
    }

    private func report(_ report: QuotaReport) async throws -> ReportQuota.Answer {
        try await store.reportQuota(ReportQuota(quota: target, report: report))
    }

    func unknownQuotaGrantsEverything() async throws {
        for _ in 1...3 {
            let answer = try await reserve(1_000_000, maxWaitMs: 0)
            try expectEqual(answer, .init(granted: true, waitMs: 0, stopReason: nil, unknown: true), "an unknown quota")
        }
    }

    func quotaPacesTokens() async throws {
        let told = try await report(QuotaReport(tokensPerMinute: 6000))
        try expectEqual([told.tokensPerMinute, told.requestsPerMinute], [6000, 0], "limits")
        try expect(told.share > 0.97 && told.share <= 0.975, "share \(told.share) is not 0.975")
        // 97.5 tokens per second: 975 tokens are 10 s.
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

    func quotaReachesTenMinutesAtMost() async throws {
        // A limit that is wrong: 60 tokens with a limit of one per minute.
        _ = try await report(QuotaReport(tokensPerMinute: 1))
        try expectEqual(try await reserve(60).waitMs, 0, "the first request")
        try expectWithin(try await reserve(60).waitMs, 590_000...600_000, "the wait after an hour was reserved")
        // A server that asks for a day.
        let paused = try await report(QuotaReport(tokensPerMinute: 6000, throttledMs: 86_400_000))
        try expectWithin(paused.pauseMs, 590_000...600_000, "a pause of a day")
        try await harness.advance(by: .seconds(601))
        try expectEqual(try await reserve(1).waitMs, 0, "a request after ten minutes")
    }

    func quotaBearsAnyNumber() async throws {
        _ = try await report(QuotaReport(tokensPerMinute: 1, requestsPerMinute: .max))
        for cost in [1 << 62, Int.max, 1 << 53 + 1, 0] {
            let answer = try await reserve(cost, maxWaitMs: .max)
            try expect(answer.granted, "a cost of \(cost) is not granted")
            try expectWithin(answer.waitMs, 0...600_000, "the wait for a cost of \(cost)")
        }
        let told = try await report(QuotaReport(tokensPerMinute: .max, requestsPerMinute: 1, throttledMs: .max))
        try expectEqual([told.tokensPerMinute, told.requestsPerMinute], [.max, 1], "limits")
        try expectWithin(told.pauseMs, 590_000...600_000, "the longest pause")
        try expectEqual(try await reserve(.max, maxWaitMs: 0).granted, false, "no wait")
        try expectEqual(try await reserve(1 << 62, maxWaitMs: 1 << 62).granted, true, "any wait")
    }

    func resumeEndsLongWaitsAlone() async throws {
        _ = try await report(QuotaReport(tokensPerMinute: 6000, throttledMs: 100_000))
        let usual = try await report(QuotaReport(resumed: true))
        try expectWithin(usual.pauseMs, 90_000...100_000, "a pause that servers ask for")
        _ = try await report(QuotaReport(throttledMs: 300_000))
        try expectWithin(try await report(QuotaReport()).pauseMs, 290_000...300_000, "without a person")
        try expectEqual(try await report(QuotaReport(resumed: true)).pauseMs, 0, "a long pause")
        try expectEqual(try await reserve(1).waitMs, 0, "after a long pause")
        // Of a limit that was wrong.
        _ = try await report(QuotaReport(tokensPerMinute: 1))
        _ = try await reserve(60)
        let resumed = try await report(QuotaReport(tokensPerMinute: 6000, resumed: true))
        try expectEqual(resumed.tokensPerMinute, 6000, "the limit")
        try expectWithin(try await reserve(1).waitMs, 0...1000, "after a long reservation")
    }

    func quotasAreListedByName() async throws {
        let names = ["-", "Z", "a", "ä", "\u{10000}", "\u{FF5E}"].map { "\(target)/\($0)" }
        for name in names.reversed() {
            let call = ReportQuota(quota: name, report: QuotaReport(tokensPerMinute: 6000, requestsPerMinute: 7))
            _ = try await store.reportQuota(call)
        }
        let stop = ReportQuota(quota: names[1], report: QuotaReport(throttledMs: 20_000, stopReason: "why"))
        _ = try await store.reportQuota(stop)
        _ = try await store.reserveQuota(ReserveQuota(quota: names[0], cost: 975, maxWaitMs: 0))
        var rows: [QuotaSummary] = []
        var after: String? = target
        repeat {
            let page = try await store.quotas(ListIngestionQuotas(after: after, limit: 4))
            rows += page.rows
            after = page.next
        } while after != nil
        rows = rows.filter { $0.quota.hasPrefix("\(target)/") }
        // In the order of their bytes, wherever the database was made.
        try expectEqual(rows.map(\.quota), [0, 1, 2, 3, 5, 4].map { names[$0] }, "names")
        try expectEqual(rows[2].tokensPerMinute, 6000, "tokens")
        try expectEqual(rows[2].requestsPerMinute, 7, "requests")
        try expectEqual([rows[2].pauseMs, rows[2].reservedMs], [0, 0], "nothing reserved")
        try expectWithin(rows[0].reservedMs, 8000...10_000, "reserved")
        try expectWithin(rows[1].pauseMs, 19_000...20_000, "pause")
        try expectEqual(rows[1].stopReason, "why", "stop")
        for limit in [0, 1001, -1] {
            try await expectRejected("a page of \(limit)") {
                try await store.quotas(ListIngestionQuotas(after: nil, limit: limit))
            }
        }
    }

    func quotaIsForgotten() async throws {
        _ = try await report(QuotaReport(tokensPerMinute: 1, throttledMs: 600_000, stopReason: "why"))
        let call = ResetIngestionQuota(quota: target)
        try expectEqual(try await store.resetQuota(call).result, .reset, "the first reset")
        try expectEqual(try await store.resetQuota(call).result, .notFound, "the second reset")
        let answer = try await reserve(1_000_000, maxWaitMs: 0)
        try expectEqual(answer, .init(granted: true, waitMs: 0, stopReason: nil, unknown: true), "after a reset")
        let told = try await report(QuotaReport(tokensPerMinute: 6000))
        try expectEqual([told.tokensPerMinute, told.pauseMs], [6000, 0], "told again")
        try expectEqual(try await reserve(1).unknown, nil, "a quota that is known again")
    }
}
