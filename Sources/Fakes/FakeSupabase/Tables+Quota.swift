import Migration

/// A row of `ingestion_quota`.
struct QuotaRow: Sendable {
    /// The highest share of a limit that is used.
    static let shareMax = 0.975
    /// A throttle multiplies the share by this, but not below `shareMin`.
    static let cut = 0.985
    static let shareMin = 0.6
    /// The share that is regained per second without a throttle.
    static let recoveryPerSecond = 0.001
    /// Two throttles within this time count as one.
    static let cutInterval = Duration.seconds(1)
    /// How far ahead of its pace a request may be sent.
    static let burst = Duration.milliseconds(200)
    /// How far ahead a pause or a reservation may reach.
    static let reach = Duration.seconds(600)
    /// A longer pause or reservation ends when a person starts again.
    static let long = Duration.seconds(120)

    var tokensPerMinute = 0
    var requestsPerMinute = 0
    /// The share right after the last cut.
    var cutShare = Self.shareMax
    var cutAt: DatabaseTime?
    /// Theoretical arrival times: when everything granted so far has been paced out.
    var tokensArrival: DatabaseTime?
    var requestsArrival: DatabaseTime?
    var pauseUntil: DatabaseTime?
    var stopReason: String?

    /// The share of the limits that is used now: it recovers with time, not with calls.
    func share(at now: DatabaseTime) -> Double {
        guard let cutAt else { return Self.shareMax }
        let seconds = Double(now.microseconds - cutAt.microseconds) / 1_000_000
        return min(Self.shareMax, cutShare + max(0, seconds) * Self.recoveryPerSecond)
    }

    /// How long `amount` of a minute's `limit` takes at the present share: rounded up, so that the limit is never
    /// exceeded.
    func pace(of amount: Int, limit: Int, at now: DatabaseTime) -> Duration {
        let microseconds = (Double(amount) * 60_000_000 / (Double(limit) * share(at: now))).rounded(.up)
        // Far beyond the reach of a reservation; an absurd cost must not overflow.
        return .microseconds(Int64(min(microseconds, 1e9)))
    }

    /// Shortens reservations and pauses that reach further ahead than `reach`.
    mutating func keepWithinReach(of now: DatabaseTime) {
        let horizon = now + Self.reach
        tokensArrival = tokensArrival.map { min($0, horizon) }
        requestsArrival = requestsArrival.map { min($0, horizon) }
        pauseUntil = pauseUntil.map { min($0, horizon) }
    }

    /// Ends reservations and pauses that are longer than correct limits can cause.
    mutating func forgetLongWaits(at now: DatabaseTime) {
        let long = now + Self.long
        tokensArrival = tokensArrival.map { $0 > long ? now : $0 }
        requestsArrival = requestsArrival.map { $0 > long ? now : $0 }
        pauseUntil = pauseUntil.map { $0 > long ? now : $0 }
    }
}

extension TrackingTables {
    /// `reserve_quota`: the generic cell rate algorithm, for tokens and for requests at once.
    mutating func reserve(_ call: ReserveQuota, _ now: DatabaseTime) throws(PortFailure) -> ReserveQuota.Answer {
        try require(call.cost >= 0, "p_cost must not be negative")
        try require(call.maxWaitMs >= 0, "p_max_wait_ms must not be negative")
        guard var row = quotas[call.quota] else {
            return .init(granted: true, waitMs: 0, stopReason: nil, unknown: true)
        }
        if let reason = row.stopReason { return .init(granted: false, waitMs: 0, stopReason: reason) }
        row.keepWithinReach(of: now)
        quotas[call.quota] = row
        let horizon = now + QuotaRow.reach
        let open = max(now, row.pauseUntil ?? now)
        let earliest = open - QuotaRow.burst
        let tokens = max(earliest, row.tokensArrival ?? earliest)
        let requests = max(earliest, row.requestsArrival ?? earliest)
        // A limit of 0 is unknown: it paces nothing.
        let (pacesTokens, pacesRequests) = (row.tokensPerMinute > 0, row.requestsPerMinute > 0)
        let start = max(open, pacesTokens ? tokens : open, pacesRequests ? requests : open)
        let wait = start.wait(at: now)
        guard wait <= call.maxWaitMs else { return .init(granted: false, waitMs: wait, stopReason: nil) }
        if pacesTokens {
            row.tokensArrival = min(horizon, tokens + row.pace(of: call.cost, limit: row.tokensPerMinute, at: now))
        }
        if pacesRequests {
            row.requestsArrival = min(horizon, requests + row.pace(of: 1, limit: row.requestsPerMinute, at: now))
        }
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
        row.keepWithinReach(of: now)
        if report.resumed == true {
            row.stopReason = nil
            row.forgetLongWaits(at: now)
        }
        row.stopReason = report.stopReason.map { String($0.prefix(500)) } ?? row.stopReason
        if let throttled = report.throttledMs {
            // Five workers that see the same throttle cut the share once: only the first of them finds no pause.
            let isPaused = row.pauseUntil.map { $0 > now } ?? false
            let isFresh = row.cutAt.map { $0 + QuotaRow.cutInterval > now } ?? false
            if !isPaused, !isFresh {
                row.cutShare = max(QuotaRow.shareMin, row.share(at: now) * QuotaRow.cut)
                row.cutAt = now
            }
            let wait = min(QuotaRow.reach, .milliseconds(throttled))
            row.pauseUntil = max(row.pauseUntil ?? now, now + wait)
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

    /// `list_ingestion_quotas`: by name.
    func list(_ call: ListIngestionQuotas, _ now: DatabaseTime) throws(PortFailure) -> ListIngestionQuotas.Answer {
        // By bytes, as in the SQL.
        let names = quotas.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let rows = names.lazy.filter { name in
            call.after.map { $0.utf8.lexicographicallyPrecedes(name.utf8) } ?? true
        }
        let page = try Page(rows.compactMap { name in quotas[name]?.summary(name, at: now) }, limit: call.limit)
        return .init(rows: page.rows, next: page.next?.quota)
    }

    /// `reset_ingestion_quota`.
    mutating func reset(_ call: ResetIngestionQuota) -> ResetIngestionQuota.Answer {
        .init(result: quotas.removeValue(forKey: call.quota) == nil ? .notFound : .reset)
    }
}

extension QuotaRow {
    fileprivate func summary(_ name: String, at now: DatabaseTime) -> QuotaSummary {
        let ahead = [tokensArrival, requestsArrival].compactMap(\.self).max()
        return QuotaSummary(
            quota: name,
            tokensPerMinute: tokensPerMinute,
            requestsPerMinute: requestsPerMinute,
            share: share(at: now),
            pauseMs: pauseUntil?.wait(at: now) ?? 0,
            reservedMs: ahead?.wait(at: now) ?? 0,
            stopReason: stopReason
        )
    }
}
