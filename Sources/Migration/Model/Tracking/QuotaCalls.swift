/// Reserves tokens and one request of the shared minute quota.
package struct ReserveQuota: TrackingCall {
    package static let function = "reserve_quota"

    /// Names provider, model and organisation.
    package var quota: String
    /// Tokens of the request.
    package var cost: Int
    /// A longer wait is refused, not charged.
    package var maxWaitMs: Int

    /// All fields, in order.
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
        /// Set when nobody may send at all: no money, bad key.
        package var stopReason: String?

        /// All fields, in order.
        package init(granted: Bool, waitMs: Int, stopReason: String?) {
            self.granted = granted
            self.waitMs = waitMs
            self.stopReason = stopReason
        }
    }
}

/// What a worker learned about the quota; every field is optional.
package struct QuotaReport: Codable, Sendable, Equatable {
    /// The account's limit; creates the row when it is unknown.
    package var tokensPerMinute: Int?
    /// The account's limit; creates the row when it is unknown.
    package var requestsPerMinute: Int?
    /// The server asked everybody to wait this long.
    package var throttledMs: Int?
    /// Nobody may send any more.
    package var stopReason: String?
    /// true clears a stop.
    package var resumed: Bool?

    /// All fields, in order.
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

    /// Names provider, model and organisation.
    package var quota: String
    /// What was learned.
    package var report: QuotaReport

    /// All fields, in order.
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
        /// Set when nobody may send at all.
        package var stopReason: String?

        /// All fields, in order.
        package init(tokensPerMinute: Int, requestsPerMinute: Int, share: Double, pauseMs: Int, stopReason: String?) {
            self.tokensPerMinute = tokensPerMinute
            self.requestsPerMinute = requestsPerMinute
            self.share = share
            self.pauseMs = pauseMs
            self.stopReason = stopReason
        }
    }
}
