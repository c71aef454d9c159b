/// Reserves tokens and one request of the shared minute quota.
package struct ReserveQuota: TrackingCall {
    package static let function = "reserve_quota"

    /// Names host, model, organisation and key.
    package var quota: String
    /// Tokens of the request.
    package var cost: Int
    /// A longer wait is refused, not charged.
    package var maxWaitMs: Int

    package init(quota: String, cost: Int, maxWaitMs: Int) {
        self.quota = quota
        self.cost = cost
        self.maxWaitMs = maxWaitMs
    }

    /// Whether and when to send.
    package struct Answer: Codable, Sendable, Equatable {
        /// Whether the tokens are ours after the wait; true with no wait where the quota is unknown.
        package var granted: Bool
        /// Milliseconds to wait before sending, or that were too many.
        package var waitMs: Int
        /// Set while no runner may send requests: the account has no money or the key is refused.
        package var stopReason: String?
        /// true where the quota is not known, because nobody has told its limits or somebody has reset it; else nil.
        package var unknown: Bool?

        package init(granted: Bool, waitMs: Int, stopReason: String?, unknown: Bool? = nil) {
            self.granted = granted
            self.waitMs = waitMs
            self.stopReason = stopReason
            self.unknown = unknown
        }
    }
}

/// What a worker learned about the quota; every field is optional.
package struct QuotaReport: Codable, Sendable, Equatable {
    /// The account's limit; creates the row when it is unknown.
    package var tokensPerMinute: Int?
    /// The account's limit; creates the row when it is unknown.
    package var requestsPerMinute: Int?
    /// The server asked everybody to wait this long; ten minutes at most are kept.
    package var throttledMs: Int?
    /// Nobody may send any more.
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

/// Tells all workers what one of them learned about the quota.
package struct ReportQuota: TrackingCall {
    package static let function = "report_quota"

    /// Names host, model, organisation and key.
    package var quota: String
    package var report: QuotaReport

    package init(quota: String, report: QuotaReport) {
        self.quota = quota
        self.report = report
    }

    /// The quota as it now stands.
    package struct Answer: Codable, Sendable, Equatable {
        /// 0 = unknown: nothing is reserved.
        package var tokensPerMinute: Int
        /// 0 = unknown: nothing is reserved.
        package var requestsPerMinute: Int
        /// Share of the limits that is used, at most 0.975.
        package var share: Double
        /// Milliseconds that everybody still waits.
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

    /// Go on after this name, in the order of bytes.
    @ExplicitNull package var after: String?
    /// 1…1000 rows a page.
    package var limit: Int

    package init(after: String?, limit: Int) {
        self.after = after
        self.limit = limit
    }

    package typealias Answer = ListPage<QuotaSummary, String>
}

/// Forgets all that is known of a quota: limits, pause, reservations and stop.
package struct ResetIngestionQuota: TrackingCall {
    package static let function = "reset_ingestion_quota"

    /// Names host, model, organisation and key.
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
