package import Migration
import Synchronization

/// The account's minute quota, shared by all runners through one row in the store.
///
/// The limits are those of the settings, or lower ones in the embedder's answers. Without either the gate lets
/// everything pass, and the server's own 429 answers set the pace.
package final class QuotaGate: Sendable {
    /// The answer of the gate.
    package enum Answer: Sendable, Equatable {
        /// Send after this wait.
        case after(Duration)
        /// The wait would be too long.
        case tooLong(Duration)
        /// No request may be sent at all.
        case stopped(QuotaStop)
    }

    /// The name of host, model, organisation and key: other accounts must not wait for this one.
    package let name: String
    private let known: Mutex<EmbedderLimits>

    /// Makes a gate.
    ///
    /// - Parameters:
    ///   - name: of host, model, organisation and key.
    ///   - tokensPerMinute: the limit in the settings; nil = unknown.
    ///   - requestsPerMinute: the limit in the settings; nil = unknown.
    package init(name: String, tokensPerMinute: Int?, requestsPerMinute: Int?) {
        self.name = name
        known = Mutex(EmbedderLimits(tokensPerMinute: tokensPerMinute, requestsPerMinute: requestsPerMinute))
    }

    /// The limits in force; nil = unknown.
    package var limits: EmbedderLimits { known.withLock(\.self) }

    /// Whether reservations are made at all.
    package var isOn: Bool { !limits.isUnknown }

    /// Reports the limits to the store.
    ///
    /// Waits for the store until the runner is told to stop: an old stop that is not cleared would end it at once.
    ///
    /// - Parameters:
    ///   - resumes: whether a person has started work again, which clears an old stop and a long pause.
    ///   - store: the job store.
    func open(resumes: Bool, _ store: StoreCaller) async {
        await report(
            QuotaReport(limits, resumed: resumes ? true : nil),
            to: store,
            within: nil,
            until: .drain
        )
    }

    /// Reserves the tokens of one request.
    ///
    /// If the store does not answer, the request may pass: a reservation only prevents refusals.
    func reserve(tokens: Int, waitMax: Duration, from store: StoreCaller) async -> Answer {
        guard isOn else { return .after(.zero) }
        let call = ReserveQuota(quota: name, cost: tokens, maxWaitMs: waitMax.milliseconds)
        var answer = await reservation(call, store)
        // The quota was reset: without its limits no runner would be slowed down any more.
        if answer?.unknown == true {
            await report(QuotaReport(limits), to: store)
            answer = await reservation(call, store)
        }
        guard let answer else { return .after(.zero) }
        if let reason = answer.stopReason { return .stopped(QuotaStop(reason: reason)) }
        let wait = min(max(.zero, .milliseconds(answer.waitMs)), RetryPolicy.statedMax)
        return answer.granted ? .after(wait) : .tooLong(wait)
    }

    /// Tells all runners that the server asked to wait.
    func throttled(_ wait: Duration, _ store: StoreCaller) async {
        await report(QuotaReport(throttledMs: wait.milliseconds), to: store)
    }

    /// Tells all runners that no request may be sent any more.
    func stop(_ failure: PortFailure, _ store: StoreCaller) async {
        await report(QuotaReport(stopReason: QuotaStop(failure).reason), to: store)
    }

    /// Takes the limits in an answer of the embedder; lower limits than the present ones become those of all runners.
    ///
    /// - Returns: the limits in force now, if they have become lower.
    func learn(_ stated: EmbedderLimits?, _ store: StoreCaller) async -> EmbedderLimits? {
        guard let stated else { return nil }
        let lower = known.withLock { known -> EmbedderLimits? in
            let lower = known.lowered(by: stated)
            if lower == known { return nil }
            known = lower
            return lower
        }
        if let lower { await report(QuotaReport(lower), to: store) }
        return lower
    }

    private func reservation(_ call: ReserveQuota, _ store: StoreCaller) async -> ReserveQuota.Answer? {
        await store.answer(within: .seconds(5), until: .release) { store throws(PortFailure) in
            try await store.reserveQuota(call)
        }
    }

    private func report(
        _ report: QuotaReport,
        to store: StoreCaller,
        within limit: Duration? = .seconds(5),
        until level: StopSignal.Level = .release
    ) async {
        // Without limits no runner makes reservations, so no runner would notice a report; but an old stop may still be
        // stored.
        guard isOn || report.resumed == true else { return }
        let call = ReportQuota(quota: name, report: report)
        _ = await store.answer(within: limit, until: level) { store throws(PortFailure) in
            try await store.reportQuota(call)
        }
    }
}

extension EmbedderLimits {
    /// The lower limits of the two; an unknown limit is ignored.
    func lowered(by other: EmbedderLimits) -> EmbedderLimits {
        func lower(_ limits: Int?...) -> Int? { limits.compactMap(\.self).min() }
        return EmbedderLimits(
            tokensPerMinute: lower(tokensPerMinute, other.tokensPerMinute),
            requestsPerMinute: lower(requestsPerMinute, other.requestsPerMinute)
        )
    }
}

extension QuotaReport {
    fileprivate init(_ limits: EmbedderLimits, resumed: Bool? = nil) {
        self.init(
            tokensPerMinute: limits.tokensPerMinute,
            requestsPerMinute: limits.requestsPerMinute,
            resumed: resumed
        )
    }
}

/// Why no runner may send any more, as the store keeps it: a word for the kind, and the sentence of the runner that
/// found it.
package struct QuotaStop: Sendable, Equatable {
    package let reason: String

    package init(reason: String) { self.reason = reason }

    init(_ failure: PortFailure) {
        let word = failure.kind == .unauthorised ? Self.unauthorised : "out of money: "
        reason = word + String(failure.detail.prefix(400))
    }

    /// The failure for a runner that learns of the stop.
    var failure: PortFailure {
        let kind: PortFailure.Kind = reason.hasPrefix(Self.unauthorised) ? .unauthorised : .outOfMoney
        return PortFailure(kind, "another runner reported: \(reason)")
    }

    private static let unauthorised = "unauthorised: "
}

extension Duration {
    /// Whole milliseconds, rounded down; the nearest number that fits if there are too many.
    package var milliseconds: Int {
        let (seconds, attoseconds) = components
        let (whole, overflows) = Int(seconds).multipliedReportingOverflow(by: 1000)
        let (sum, overflowsToo) = whole.addingReportingOverflow(Int(attoseconds / 1_000_000_000_000_000))
        return overflows || overflowsToo ? (seconds < 0 ? .min : .max) : sum
    }

    /// Seconds as a number for people.
    package var seconds: Double { self / .seconds(1) }
}
