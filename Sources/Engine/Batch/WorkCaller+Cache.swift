import Migration

/// The cache of vectors: asked before the quota is reserved, filled before anything is written.
///
/// It only saves money, so nothing that happens to it ends the work: a cache that fails is given up, which is said once.
extension WorkCaller {
    /// Compares the probe with its cached vector, once per runner and at most once per day.
    ///
    /// A provider that has changed its model without a word is noticed: its vectors do not fit to the cached ones.
    func openCache() async throws(WorkEnd) {
        guard let cache = ports.cache else { return }
        while state.withCache(\.state) == .unproved {
            switch state.texts.take([BatchWork.probeText], mayWait: true) {
            case .wait(let end):
                // Every worker begins with this: one of them embeds the probe, and the others wait for it.
                try await wait(for: end)
            case .taken(let claim):
                defer { state.texts.end(claim) }
                return try await compareProbe(in: cache)
            }
        }
    }

    private func compareProbe(in cache: any EmbeddingCache) async throws(WorkEnd) {
        guard let probe = await asked({ () async throws(PortFailure) in try await cache.probe() }) else { return }
        guard probe.isDue || probe.vector == nil else { return state.withCache { $0.prove() } }
        try await waitForWrites()
        // If the embedder is not well, the next request tries again.
        guard let vector = try await probeVector() else { return }
        if let known = probe.vector {
            let cosine = CacheStanding.cosine(known, vector)
            guard cosine >= CacheStanding.cosineMin else {
                let digits = (cosine * 10_000).rounded(.down) / 10_000
                return giveUpCache(
                    "the embedder makes other vectors than those in the cache (cosine \(digits) for the same text), so "
                        + "its model has changed: set EMBEDDING_CACHE to a new file"
                )
            }
        }
        let first = probe.vector == nil ? vector : nil
        let isNoted: Void? = await asked { () async throws(PortFailure) in try await cache.noteProbe(first) }
        if isNoted != nil { state.withCache { $0.prove() } }
    }

    /// The cached vectors of texts, in order.
    func recalled(_ texts: [String]) async -> [[Float]?] {
        let nothing = [[Float]?](repeating: nil, count: texts.count)
        guard let cache = usableCache, !texts.isEmpty else { return nothing }
        let answer = await asked { () async throws(PortFailure) in try await cache.vectors(of: texts) }
        guard let answer, answer.vectors.count == texts.count else { return nothing }
        if answer.damaged > 0, state.withCache({ $0.foundDamage() }) {
            ports.report(.cacheDamaged(vectors: answer.damaged))
        }
        let vectors = answer.vectors.map { $0?.count == plan.schema.dimensions ? $0 : nil }
        for (text, vector) in zip(texts, vectors) { if let vector { state.texts.learn([vector], of: [text]) } }
        return vectors
    }

    /// Keeps what was paid for.
    func keep(_ vectors: [[Float]], of texts: [String]) async {
        guard let cache = usableCache else { return }
        let _: Void? = await asked { () async throws(PortFailure) in try await cache.keep(vectors, of: texts) }
    }

    private var usableCache: (any EmbeddingCache)? { state.withCache(\.state) == .proved ? ports.cache : nil }

    /// The answer of the cache; nil when it has failed.
    private func asked<Value: Sendable>(
        _ operation: () async throws(PortFailure) -> Value
    ) async -> Value? {
        let start = ports.time.now
        let value: Value?
        do throws(PortFailure) {
            value = try await operation()
            if state.withCache({ $0.answered(after: ports.time.now - start) }) {
                ports.report(.cacheGivenUp("each of its answers takes more than \(CacheStanding.patience)"))
            }
        } catch {
            value = nil
            if state.withCache({ $0.failed(error.kind) }) { ports.report(.cacheGivenUp(error.detail)) }
        }
        permit.addWait(ports.time.now - start)
        return value
    }

    private func giveUpCache(_ reason: String) {
        if state.withCache({ $0.giveUp() }) { ports.report(.cacheGivenUp(reason)) }
    }
}
