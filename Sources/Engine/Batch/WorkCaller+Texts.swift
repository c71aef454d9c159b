import Migration

/// How texts get their vectors: what the runner has or another worker is about to get comes first, then the cache, and
/// only the rest is paid for.
extension WorkCaller {
    /// A text with its number of tokens.
    struct Text: Sendable {
        let text: String
        let tokens: Int
    }

    /// The vectors of some texts, in order, and what became of each.
    struct Vectors: Sendable {
        fileprivate(set) var vectors: [[Float]]
        /// Texts that were embedded and paid for, with their tokens.
        fileprivate(set) var embedded = 0
        fileprivate(set) var tokens = 0
        /// Texts whose vectors the runner had already.
        fileprivate(set) var shared = 0
        /// Texts whose vectors came from the cache.
        fileprivate(set) var recalled = 0
    }

    /// How often a request waits for other workers; then it embeds by itself what they embed.
    private static let waitsMax = 2
    /// How long it waits each time.
    private static let waitMax = Duration.seconds(60)

    /// The vectors of the texts of one request; suspect texts get a single short try.
    func vectors(for texts: [Text], isTrial: Bool) async throws(WorkEnd) -> Outcome<Vectors> {
        try await openCache()
        let claim = try await claim(texts.map(\.text))
        // However it ends, no worker waits for it any longer.
        defer { state.texts.end(claim) }
        var places = claim.standings.indices.filter { claim.standings[$0] == .own }
        var found: [Int: [Float]] = [:]
        for (place, vector) in zip(places, await recalled(places.map { texts[$0].text })) {
            if let vector { found[place] = vector }
        }
        let recalled = found.count
        places.removeAll { found[$0] != nil }
        var tokens = 0
        if !places.isEmpty {
            let own = places.map { texts[$0] }
            switch try await embed(own.map(\.text), tokens: own.reduce(0) { $0 + $1.tokens }, isTrial: isTrial) {
            case .answered(let answer):
                tokens = answer.tokens ?? own.reduce(0) { $0 + $1.tokens }
                for (place, vector) in zip(places, answer.vectors) { found[place] = vector }
            case .refused(let failure): return .refused(failure)
            case .suspect(let failure): return .suspect(failure)
            }
        }
        var answer = Vectors(vectors: [], embedded: places.count, tokens: tokens, recalled: recalled)
        for (place, standing) in claim.standings.enumerated() {
            let vector: [Float]? =
                switch standing {
                case .own: found[place]
                case .same(let first): found[first]
                case .known(let vector): vector
                }
            guard let vector else { preconditionFailure("every text of an answered request has a vector") }
            if standing != .own { answer.shared += 1 }
            answer.vectors.append(vector)
        }
        return .answered(answer)
    }

    /// Takes the texts, after the other workers that embed some of them.
    private func claim(_ texts: [String]) async throws(WorkEnd) -> TextExchange.Claim {
        var waits = 0
        while true {
            switch state.texts.take(texts, mayWait: waits < Self.waitsMax) {
            case .taken(let claim): return claim
            case .wait(let end):
                waits += 1
                try await wait(for: end)
            }
        }
    }

    /// Waits until another worker is done with its request, but not for long.
    func wait(for end: StopSignal) async throws(WorkEnd) {
        let start = ports.time.now
        let limit = min(Self.waitMax, permit.waitMax)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                await ports.time.sleep(for: limit, unless: permit.interruption, reaches: .release)
            }
            group.addTask { await end.wait(for: .release) }
            await group.next()
            group.cancelAll()
        }
        permit.addWait(ports.time.now - start)
        try checkpoint()
    }

    /// Embeds texts and keeps their vectors, before anything else can happen to them.
    ///
    /// A text that was taken over from another worker may have its vector by now: then it is not sent.
    private func embed(_ texts: [String], tokens: Int, isTrial: Bool) async throws(WorkEnd) -> Outcome<Embeddings> {
        let limit = isTrial ? state.patience(with: .embedder, atLeast: plan.suspicion.patience) : nil
        return try await attempt(.texts(tokens: tokens), isTrial: isTrial) { () async throws(PortFailure) in
            var vectors = state.texts.vectors(of: texts)
            let places = texts.indices.filter { vectors[$0] == nil }
            guard !places.isEmpty else { return Embeddings(vectors: vectors.compactMap(\.self), tokens: 0) }
            let sent = places.count == texts.count ? texts : places.map { texts[$0] }
            let answer = try await ports.embedder.embed(sent, within: limit)
            permit.pay(Paid(tokens: answer.tokens ?? tokens, pricePerMillion: plan.pricePerMillion))
            state.texts.learn(answer.vectors, of: sent)
            await keep(answer.vectors, of: sent)
            if let lower = await plan.quota.learn(answer.limits, store) { ports.report(.limitsLearned(lower)) }
            for (place, vector) in zip(places, answer.vectors) { vectors[place] = vector }
            return Embeddings(vectors: vectors.compactMap(\.self), tokens: answer.tokens, limits: answer.limits)
        }
    }
}
