/// The results of the requests of one batch: whether a service accepted any of them.
package struct RequestTrials: Sendable {
    /// A service that has refused requests, all with the same code.
    package struct Refusal: Sendable, Equatable {
        package let service: Service
        package let code: String
        /// How many requests of this runner the service had accepted before the first refusal.
        package let passesBefore: Int
    }

    private var refusals: [Refusal] = []
    /// Services that accepted a request of the batch, or refused some for different reasons.
    private var cleared: Set<Service> = []

    package init() {}

    /// A request was accepted.
    package mutating func passed(_ service: Service) { cleared.insert(service) }

    package mutating func refused(_ service: Service, code: String, passesBefore: Int) {
        guard let first = refusals.first(where: { $0.service == service }) else {
            return refusals.append(Refusal(service: service, code: code, passesBefore: passesBefore))
        }
        if first.code != code { cleared.insert(service) }
    }

    /// The service that has refused every request of the batch for the same reason; nil when there is none.
    package var refusedAltogether: Refusal? { refusals.first { !cleared.contains($0.service) } }
}

/// Tells apart a service that refuses everything and records that are refused.
///
/// There is one per runner. A batch whose every request was refused for the same reason, while the service accepted
/// nothing from the other workers either, proves nothing against its records: it is given back once. If several such
/// batches of different records follow each other, the service is the cause. A single bad batch, or a job of only bad
/// records that is too small to judge, is given up the second time.
package struct RefusalStreak: Sendable {
    /// One batch may be bad, and so may two with neighbouring records.
    package static let batchesMin = 3
    /// Batches may contain a single record each.
    package static let recordsMin = 10
    /// How long a batch that was given back rests: as long as the breaker of writes (`WriteBreaker.restMin`).
    package static let rest = Duration.seconds(15)

    /// What to do with a batch whose every request was refused.
    package enum Verdict: Sendable, Equatable {
        /// Its records are given up.
        case records
        /// It is given back, this once.
        case doubt
        /// The job is paused.
        case service(Brake)
    }

    private struct Streak {
        let code: String
        /// The numbers of the batches.
        var batches: Set<Int> = []
        var records = 0
    }

    private var passes: [Service: Int] = [:]
    private var streaks: [Service: Streak] = [:]
    private var doubted: Set<Int> = []

    package init() {}

    /// How many requests a service has accepted.
    package func passes(of service: Service) -> Int { passes[service] ?? 0 }

    /// A service accepted a request: so it refused the earlier ones for their content.
    package mutating func passed(_ service: Service) {
        passes[service, default: 0] += 1
        streaks[service] = nil
    }

    /// Judges a completed batch.
    ///
    /// - number: the batch's number.
    ///   - number: of the batch.
    ///   - trials: the results of its requests.
    ///   - failed: how many of its records would be given up for reasons outside their content.
    ///   - records: how many records it has.
    /// - Returns: what to do with it.
    package mutating func judge(batch number: Int, _ trials: RequestTrials, failed: Int, of records: Int) -> Verdict {
        // A few refused records among many that need no request are typical of a second run over bad records.
        guard failed > 0, failed >= records / 2, let refusal = trials.refusedAltogether,
            passes(of: refusal.service) == refusal.passesBefore
        else { return .records }
        let known = streaks[refusal.service].flatMap { $0.code == refusal.code ? $0 : nil }
        var streak = known ?? Streak(code: refusal.code)
        if streak.batches.insert(number).inserted { streak.records += failed }
        streaks[refusal.service] = streak
        if streak.batches.count >= Self.batchesMin, streak.records >= Self.recordsMin {
            return .service(
                Brake(
                    .refusals,
                    "\(refusal.service.role) refused every request of \(streak.batches.count) batches in a row with the code "
                        + "\(refusal.code.prefix(100)): these records are not given up (--max-failures 0 does that)"
                )
            )
        }
        return doubted.insert(number).inserted ? .doubt : .records
    }
}

extension Service {
    /// The service's role, for sentences.
    fileprivate var role: String {
        switch self {
        case .source: "the source"
        case .store: "the tracking store"
        case .embedder: "the embedder"
        case .points: "the point store"
        }
    }
}
