import Migration

/// A row of `ingestion_quota`.
struct QuotaRow: Sendable {
    /// Never more of a limit than this.
    static let shareMax = 0.975
    /// A throttle leaves this much of the share, and never less than `shareMin`.
    static let cut = 0.985
    static let shareMin = 0.6
    /// Share that comes back in a second without a throttle.
    static let recoveryPerSecond = 0.001
    /// Two throttles within this time are one.
    static let cutInterval = Duration.seconds(1)
    /// How far ahead of its pace a request may be sent.
    static let burst = Duration.milliseconds(200)

    var tokensPerMinute = 0
    var requestsPerMinute = 0
    /// The share right after the last cut.
    var cutShare = Self.shareMax
    var cutAt: DatabaseTime?
    /// Theoretical arrival times: when what was granted so far is paced out.
    var tokensArrival: DatabaseTime?
    var requestsArrival: DatabaseTime?
    var pauseUntil: DatabaseTime?
    var stopReason: String?

    /// The share of the limits that is used now: recovers by time, not by calls.
    func share(at now: DatabaseTime) -> Double {
        guard let cutAt else { return Self.shareMax }
        let seconds = Double(now.microseconds - cutAt.microseconds) / 1_000_000
        return min(Self.shareMax, cutShare + max(0, seconds) * Self.recoveryPerSecond)
    }

    /// How long `amount` of a minute's `limit` takes at the present share: rounded up, so that nothing is overspent.
    func pace(of amount: Int, limit: Int, at now: DatabaseTime) -> Duration {
        .microseconds(Int64((Double(amount) * 60_000_000 / (Double(limit) * share(at: now))).rounded(.up)))
    }
}

extension TrackingTables {
    /// `reserve_quota`: the generic cell rate algorithm, for tokens and for requests at once.
    mutating func reserve(_ call: ReserveQuota, _ now: DatabaseTime) throws(PortFailure) -> ReserveQuota.Answer {
        try require(call.cost >= 0, "p_cost must not be negative")
        try require(call.maxWaitMs >= 0, "p_max_wait_ms must not be negative")
        guard var row = quotas[call.quota] else { return .init(granted: true, waitMs: 0, stopReason: nil) }
        if let reason = row.stopReason { return .init(granted: false, waitMs: 0, stopReason: reason) }
        let open = max(now, row.pauseUntil ?? now)
        let earliest = open - QuotaRow.burst
        let tokens = max(earliest, row.tokensArrival ?? earliest)
        let requests = max(earliest, row.requestsArrival ?? earliest)
        // A limit of 0 is unknown: it paces nothing.
        let (pacesTokens, pacesRequests) = (row.tokensPerMinute > 0, row.requestsPerMinute > 0)
        let start = max(open, pacesTokens ? tokens : open, pacesRequests ? requests : open)
        let wait = start.wait(at: now)
        guard wait <= call.maxWaitMs else { return .init(granted: false, waitMs: wait, stopReason: nil) }
        if pacesTokens { row.tokensArrival = tokens + row.pace(of: call.cost, limit: row.tokensPerMinute, at: now) }
        if pacesRequests { row.requestsArrival = requests + row.pace(of: 1, limit: row.requestsPerMinute, at: now) }
        quotas[call.quota] = row
        return .init(granted: true, waitMs: wait, stopReason: nil)
    }

    /// `report_quota`.
    mutating func report(_ call: ReportQuota, _ now: DatabaseTime) throws(PortFailure) -> ReportQuota.Answer {
        try require(!call.quota.isEmpty, "p_quota must not be empty")
        let report = call.report
        try require((report.tokensPerMinute ?? 0) >= 0, "tokens_per_minute must not be negative")
        try require((report.requestsPerMinute ?? 0) >= 0, "requests_per_minute must not be negative")
        try require((report.throttledMs ?? 0) >= 0, "throttled_ms must not be negative")
        var row = quotas[call.quota] ?? QuotaRow()
        row.tokensPerMinute = report.tokensPerMinute ?? row.tokensPerMinute
        row.requestsPerMinute = report.requestsPerMinute ?? row.requestsPerMinute
        if report.resumed == true { row.stopReason = nil }
        row.stopReason = report.stopReason.map { String($0.prefix(500)) } ?? row.stopReason
        if let throttled = report.throttledMs {
            // Five workers that see one throttle cut the share once: only the first finds no pause.
            let isPaused = row.pauseUntil.map { $0 > now } ?? false
            let isFresh = row.cutAt.map { $0 + QuotaRow.cutInterval > now } ?? false
            if !isPaused, !isFresh {
                row.cutShare = max(QuotaRow.shareMin, row.share(at: now) * QuotaRow.cut)
                row.cutAt = now
            }
            row.pauseUntil = max(row.pauseUntil ?? now, now + .milliseconds(throttled))
        }
        quotas[call.quota] = row
        return .init(
            tokensPerMinute: row.tokensPerMinute,
            requestsPerMinute: row.requestsPerMinute,
            share: row.share(at: now),
            pauseMs: row.pauseUntil?.wait(at: now) ?? 0,
            stopReason: row.stopReason
        )
    }
}
