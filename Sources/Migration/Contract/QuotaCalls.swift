/// Reserves tokens and one request of the shared minute quota.
package struct ReserveQuota: TrackingCall {
    package static let function = "reserve_quota"

    /// The name of host, model, organisation and key.
    package var quota: String
    /// Tokens of the request.
    package var cost: Int
    /// A longer wait is refused and not charged.
    package var maxWaitMs: Int

    package init(quota: String, cost: Int, maxWaitMs: Int) {
        self.quota = quota
        self.cost = cost
        self.maxWaitMs = maxWaitMs
    }

    /// Whether and when to send.
    package struct Answer: Codable, Sendable, Equatable {
        /// Whether the tokens are reserved, to be used after the wait; true with no wait if the quota is unknown.
        package var granted: Bool
        /// Milliseconds to wait before sending, or the wait that was too long.
        package var waitMs: Int
        /// Set while no runner may send requests: the account has no credit left, or the key is refused.
        package var stopReason: String?
        /// true if the quota is unknown, because no runner has reported its limits or it was reset; otherwise nil.
        package var unknown: Bool?

        package init(granted: Bool, waitMs: Int, stopReason: String?, unknown: Bool? = nil) {
            self.granted = granted
            self.waitMs = waitMs
            self.stopReason = stopReason
            self.unknown = unknown
        }
    }
}

/// What a worker has learned about the quota; every field is optional.
package struct QuotaReport: Codable, Sendable, Equatable {
    /// The account's limit; creates the row if it does not exist.
    package var tokensPerMinute: Int?
    /// The account's limit; creates the row if it does not exist.
    package var requestsPerMinute: Int?
    /// The server asked for a wait of this length; at most ten minutes are stored.
    package var throttledMs: Int?
    /// The reason why no runner may send any more.
    package var stopReason: String?
    /// true clears a stop, and a pause or reservation of more than two minutes.
    package var resumed: Bool?

    package init(
        tokensPerMinute: Int? = nil,
        requestsPerMinute: Int? = nil,
        throttledMs: Int? = nil,
        stopReason: String? = nil,
        resumed: Bool? = nil
    ) {
        self.tokensPerMinute = tokensPerMinute
        self.requestsPerMinute = requestsPerMinute
        self.throttledMs = throttledMs
        self.stopReason = stopReason
        self.resumed = resumed
    }
}

/// Shares with all workers what one of them has learned about the quota.
package struct ReportQuota: TrackingCall {
    package static let function = "report_quota"

    /// The name of host, model, organisation and key.
    package var quota: String
    package var report: QuotaReport

    package init(quota: String, report: QuotaReport) {
        self.quota = quota
        self.report = report
    }

    /// The present state of the quota.
    package struct Answer: Codable, Sendable, Equatable {
        /// 0 = unknown: nothing is reserved.
        package var tokensPerMinute: Int
        /// 0 = unknown: nothing is reserved.
        package var requestsPerMinute: Int
        /// Share of the limits that is used, at most 0.975.
        package var share: Double
        /// Milliseconds for which all runners still wait.
        package var pauseMs: Int
        /// Set while no runner may send requests, with the reason.
        package var stopReason: String?

        package init(tokensPerMinute: Int, requestsPerMinute: Int, share: Double, pauseMs: Int, stopReason: String?) {
            self.tokensPerMinute = tokensPerMinute
            self.requestsPerMinute = requestsPerMinute
            self.share = share
            self.pauseMs = pauseMs
            self.stopReason = stopReason
        }
    }
}

/// Lists the quotas by name.
package struct ListIngestionQuotas: TrackingCall {
    package static let function = "list_ingestion_quotas"

    /// Continue after this name, in the order of bytes.
    @ExplicitNull package var after: String?
    /// 1…1000 rows per page.
    package var limit: Int

    package init(after: String?, limit: Int) {
        self.after = after
        self.limit = limit
    }

    package typealias Answer = ListPage<QuotaSummary, String>
}

/// Deletes everything that is known about a quota: limits, pause, reservations and stop.
package struct ResetIngestionQuota: TrackingCall {
    package static let function = "reset_ingestion_quota"

    /// The name of host, model, organisation and key.
    package var quota: String

    package init(quota: String) { self.quota = quota }

    package enum Result: String, Codable, Sendable {
        case reset
        case notFound = "not_found"
    }

    package struct Answer: Codable, Sendable, Equatable {
        package var result: Result

        package init(result: Result) { self.result = result }
    }
}
