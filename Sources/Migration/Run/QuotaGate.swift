/// The account's minute quota, shared by all runners through one row in the store.
///
/// Without known limits it lets everything pass, and the server's own 429 answers drive.
package struct QuotaGate: Sendable {
    /// What the gate said.
    package enum Answer: Sendable, Equatable {
        /// Send after this wait.
        case after(Duration)
        /// The wait would be too long.
        case tooLong(Duration)
        /// Nobody may send at all.
        case stopped(reason: String)
    }

    /// Names provider, model and organisation.
    package let name: String
    /// Tokens a minute; nil = unknown.
    package let tokensPerMinute: Int?
    /// Requests a minute; nil = unknown.
    package let requestsPerMinute: Int?

    package init(name: String, tokensPerMinute: Int?, requestsPerMinute: Int?) {
        self.name = name
        self.tokensPerMinute = tokensPerMinute
        self.requestsPerMinute = requestsPerMinute
    }

    /// Whether reservations are made at all.
    package var isOn: Bool { tokensPerMinute != nil || requestsPerMinute != nil }

    /// Tells the store the limits.
    ///
    /// Waits for the store until the runner is told to stop: an old stop that is not cleared would end it at once.
    ///
    /// - Parameters:
    ///   - resumes: whether a person has started work again, which clears an old stop.
    ///   - store: the job store.
    func open(resumes: Bool, _ store: StoreCaller) async {
        await report(
            QuotaReport(
                tokensPerMinute: tokensPerMinute,
                requestsPerMinute: requestsPerMinute,
                resumed: resumes ? true : nil
            ),
            to: store,
            within: nil,
            until: .drain
        )
    }

    /// Reserves the tokens of one request.
    ///
    /// A store that does not answer lets it pass: a reservation only saves refusals.
    func reserve(tokens: Int, waitMax: Duration, from store: StoreCaller) async -> Answer {
        guard isOn else { return .after(.zero) }
        let call = ReserveQuota(quota: name, cost: tokens, maxWaitMs: waitMax.milliseconds)
        let answer = await store.answer(within: .seconds(5), until: .release) { store throws(PortFailure) in
            try await store.reserveQuota(call)
        }
        guard let answer else { return .after(.zero) }
        if let reason = answer.stopReason { return .stopped(reason: reason) }
        let wait = Duration.milliseconds(answer.waitMs)
        return answer.granted ? .after(wait) : .tooLong(wait)
    }

    /// Tells everybody that the server asked to wait.
    func throttled(_ wait: Duration, _ store: StoreCaller) async {
        await report(QuotaReport(throttledMs: wait.milliseconds), to: store)
    }

    /// Tells everybody that nobody may send any more.
    func stop(reason: String, _ store: StoreCaller) async {
        await report(QuotaReport(stopReason: reason), to: store)
    }

    private func report(
        _ report: QuotaReport,
        to store: StoreCaller,
        within limit: Duration? = .seconds(5),
        until level: StopSignal.Level = .release
    ) async {
        guard isOn else { return }
        let call = ReportQuota(quota: name, report: report)
        _ = await store.answer(within: limit, until: level) { store throws(PortFailure) in
            try await store.reportQuota(call)
        }
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    package var milliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }

    /// Seconds as a number for people.
    package var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
