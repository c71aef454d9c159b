import GRDB
import Migration

// The minute quota that all workers share (I22), and which processes are at work: sql/sqlite/007_quota.sql.
//
// A generic cell rate algorithm: two theoretical arrival times, one for tokens and one for requests. All times are
// microseconds of the lease clock; nil = never.

/// A row of `ingestion_quota`.
private struct Quota {
    /// How far ahead a pause or a reservation may reach, whatever a server asks for.
    static let reach: Int64 = 600_000_000
    /// A longer pause or reservation ends when a person starts again: correct limits never cause one.
    static let long: Int64 = 120_000_000
    static let shareMax = 0.975

    let name: String
    var tokensPerMinute: Int
    var requestsPerMinute: Int
    var share: Double
    let unitFactor: Double
    let burst: Int64
    var tokensArrival: Int64?
    var requestsArrival: Int64?
    var pauseUntil: Int64?
    var cutAt: Int64?
    var stopReason: String?

    init(_ row: SQLiteRow) throws {
        name = try row["quota"]
        tokensPerMinute = try row["tokens_per_minute"]
        requestsPerMinute = try row["requests_per_minute"]
        share = try row["share"]
        unitFactor = try row["unit_factor"]
        burst = try row["burst"]
        tokensArrival = try row["tokens_arrival_at"]
        requestsArrival = try row["requests_arrival_at"]
        pauseUntil = try row["pause_until"]
        cutAt = try row["cut_at"]
        stopReason = try row["stop_reason"]
        guard (0.1...1).contains(share) else { throw UnreadableColumn(name: "share") }
        guard (0...1_000_000).contains(unitFactor) else { throw UnreadableColumn(name: "unit_factor") }
    }

    /// The share in force: it recovers by 0.001 per second from the last cut on; with time, not with calls.
    func share(at now: Int64) -> Double {
        guard let cutAt else { return min(Self.shareMax, share) }
        return min(Self.shareMax, share + max(0, Double(now - cutAt) / 1_000_000) * 0.001)
    }

    /// Pulls back what reaches beyond the horizon.
    ///
    /// - Returns: whether anything did.
    mutating func keepWithinReach(of now: Int64) -> Bool {
        let horizon = now + Self.reach
        let isBeyond = [tokensArrival, requestsArrival, pauseUntil].contains { ($0 ?? .min) > horizon }
        tokensArrival = tokensArrival.map { min($0, horizon) }
        requestsArrival = requestsArrival.map { min($0, horizon) }
        pauseUntil = pauseUntil.map { min($0, horizon) }
        return isBeyond
    }

    /// Ends pauses and reservations that correct limits never cause.
    mutating func forgetLongWaits(at now: Int64) {
        func shortened(_ time: Int64?) -> Int64? { time.map { $0 > now + Self.long ? now : $0 } }
        tokensArrival = shortened(tokensArrival)
        requestsArrival = shortened(requestsArrival)
        pauseUntil = shortened(pauseUntil)
    }

    func summary(at now: Int64) -> QuotaSummary {
        let ahead = [tokensArrival, requestsArrival].compactMap(\.self).max()
        return QuotaSummary(
            quota: name,
            tokensPerMinute: tokensPerMinute,
            requestsPerMinute: requestsPerMinute,
            share: share(at: now),
            pauseMs: Self.wait(until: pauseUntil, at: now),
            reservedMs: Self.wait(until: ahead, at: now),
            stopReason: stopReason
        )
    }

    static func wait(until time: Int64?, at now: Int64) -> Int {
        time.map { DatabaseTime(microseconds: $0).wait(at: DatabaseTime(microseconds: now)) } ?? 0
    }
}

extension SQLiteTransaction {
    private func quota(_ name: String) throws -> Quota? { try row("quota", ["quota": name]).map(Quota.init) }

    private func store(_ quota: Quota) throws {
        try run(
            "set_quota",
            [
                "quota": quota.name, "tokens_per_minute": quota.tokensPerMinute,
                "requests_per_minute": quota.requestsPerMinute, "share": quota.share, "cut_at": quota.cutAt,
                "pause_until": quota.pauseUntil, "tokens_arrival_at": quota.tokensArrival,
                "requests_arrival_at": quota.requestsArrival, "stop_reason": quota.stopReason,
            ]
        )
    }

    func reserve(_ call: ReserveQuota) throws -> ReserveQuota.Answer {
        try demand(call.cost >= 0 && call.maxWaitMs >= 0, "cost and max_wait_ms are never negative")
        guard var quota = try quota(call.quota) else {
            return .init(granted: true, waitMs: 0, stopReason: nil, unknown: true)
        }
        if let reason = quota.stopReason { return .init(granted: false, waitMs: 0, stopReason: reason) }
        let now = now.microseconds
        if quota.keepWithinReach(of: now) { try store(quota) }
        let horizon = now + Quota.reach
        let share = quota.share(at: now)
        // What waited for a pause is paced after it, too.
        let open = max(now, quota.pauseUntil ?? now)
        let tokens = max(quota.tokensArrival ?? .min, open - quota.burst)
        let requests = max(quota.requestsArrival ?? .min, open - quota.burst)
        var start = open
        if quota.tokensPerMinute > 0 { start = max(start, tokens) }
        if quota.requestsPerMinute > 0 { start = max(start, requests) }
        let wait = Quota.wait(until: start, at: now)
        guard wait <= call.maxWaitMs else { return .init(granted: false, waitMs: wait, stopReason: nil) }
        // Whole microseconds, rounded up: many small requests together never exceed the limit.
        if quota.tokensPerMinute > 0 {
            let pace = Double(call.cost) * quota.unitFactor * 60_000_000 / (Double(quota.tokensPerMinute) * share)
            quota.tokensArrival = min(horizon, tokens + Int64(min(pace.rounded(.up), 1e9)))
        }
        if quota.requestsPerMinute > 0 {
            let pace = 60_000_000 / (Double(quota.requestsPerMinute) * share)
            quota.requestsArrival = min(horizon, requests + Int64(pace.rounded(.up)))
        }
        try store(quota)
        return .init(granted: true, waitMs: wait, stopReason: nil)
    }

    func report(_ call: ReportQuota) throws -> ReportQuota.Answer {
        let report = call.report
        try demand(!call.quota.isEmpty, "quota is required")
        let numbers = [report.tokensPerMinute, report.requestsPerMinute, report.throttledMs]
        try demand(numbers.allSatisfy { ($0 ?? 0) >= 0 }, "limits and waits are never negative")
        try run("add_quota", ["quota": call.quota])
        guard var quota = try quota(call.quota) else { throw PortFailure(.unclassified, "the quota was not made") }
        let now = now.microseconds
        _ = quota.keepWithinReach(of: now)
        if report.resumed == true { quota.forgetLongWaits(at: now) }
        if let throttled = report.throttledMs {
            // Five workers that see the same refusal cut the share once.
            if now >= quota.pauseUntil ?? .min, now >= quota.cutAt.map({ $0 + 1_000_000 }) ?? .min {
                quota.share = max(0.6, quota.share(at: now) * 0.985)
                quota.cutAt = now
            }
            let end = min(now + Quota.reach, now + Int64(min(throttled, 1_000_000)) * 1000)
            quota.pauseUntil = max(quota.pauseUntil ?? .min, end)
        }
        quota.tokensPerMinute = report.tokensPerMinute ?? quota.tokensPerMinute
        quota.requestsPerMinute = report.requestsPerMinute ?? quota.requestsPerMinute
        let reason = report.stopReason?.first(500)
        quota.stopReason = report.resumed == true ? reason : reason ?? quota.stopReason
        try store(quota)
        return .init(
            tokensPerMinute: quota.tokensPerMinute,
            requestsPerMinute: quota.requestsPerMinute,
            share: quota.share(at: now),
            pauseMs: Quota.wait(until: quota.pauseUntil, at: now),
            stopReason: quota.stopReason
        )
    }

    func list(_ call: ListIngestionQuotas) throws -> ListIngestionQuotas.Answer {
        try Self.demandLimit(call.limit, upTo: 1000)
        let rows = try rows("quotas", ["after": call.after, "limit": call.limit + 1])
        return Self.page(try rows.map { try Quota($0).summary(at: now.microseconds) }, limit: call.limit, key: \.quota)
    }

    func reset(_ call: ResetIngestionQuota) throws -> ResetIngestionQuota.Answer {
        .init(result: try run("reset_quota", ["quota": call.quota]) == 0 ? .notFound : .reset)
    }
}
