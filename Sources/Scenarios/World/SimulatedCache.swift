import Fakes
import Invariants
import Migration
import Simulation

/// The cache of a host, as one process uses it; what it asks and keeps is watched for I33.
struct SimulatedCache: EmbeddingCache {
    let cache: FakeEmbeddingCache
    let link: Link

    private var bug: PortBug? { link.world.portBug }

    func vectors(of texts: [String]) async throws(PortFailure) -> RecalledVectors {
        link.process.cacheTraffic.wasAsked(for: texts)
        var answer = try await cache.vectors(of: texts)
        if bug == .recallsAnotherVector, let other = cache.anyVector {
            answer = RecalledVectors(vectors: answer.vectors.map { $0 == nil ? nil : other }, damaged: answer.damaged)
        }
        if bug == .paysForRecalledVectors {
            for (text, vector) in zip(texts, answer.vectors) where vector != nil {
                link.process.recalledTokens += Int64(SimulatedText.tokens(text))
            }
        }
        return answer
    }

    func keep(_ vectors: [[Float]], of texts: [String]) async throws(PortFailure) {
        let (cache, process) = (cache, link.process)
        if bug == .keepsAfterTheWrite {
            process.unkept.append {
                process.cacheTraffic.keeps(texts)
                try? await cache.keep(vectors, of: texts)
            }
            return
        }
        process.cacheTraffic.keeps(texts)
        try await cache.keep(vectors, of: texts)
    }

    func probe() async throws(PortFailure) -> CacheProbe { try await cache.probe() }

    func noteProbe(_ vector: [Float]?) async throws(PortFailure) { try await cache.noteProbe(vector) }
}

extension Link {
    /// I33, before points are sent.
    func checkKept(_ points: [Point]) {
        guard world.plan.has(.caches) else { return }
        for point in points {
            guard case .child(_, _, let text, _) = point.body else { continue }
            world.watch.report(
                process.cacheTraffic.breach(
                    byWriting: text,
                    isPaid: process.traffic.hasPaid(for: text),
                    process.name
                )
            )
        }
    }

    /// Keeps what a process with a mistake has not kept yet.
    func keepLate() async {
        let late = process.unkept
        process.unkept = []
        for keep in late { await keep() }
    }
}

/// What happens to the caches of the hosts.
extension SimulatedWorld {
    /// The caches have vectors of a part of the rows, as after a migration into another collection.
    func warmCaches() async throws(PortFailure) {
        let words = WordVectors(dimensions: Self.dimensions)
        // Each is made once: hosts have many texts in common.
        var known: [String: [Float]] = [:]
        for cache in caches {
            let share = simulation.chance.unit() * 0.5
            for row in source.snapshot where simulation.chance.chance(share) {
                // What the embedder never accepts was not embedded before either.
                guard case .text(let text) = row.content, Workload.isOrdinary(text), defects[row.id] == nil else {
                    continue
                }
                let texts = watch.expected(row.id)?.children.map(\.text) ?? []
                var vectors: [[Float]] = []
                for text in texts {
                    let vector = known[text] ?? words.vector(of: text)
                    known[text] = vector
                    vectors.append(vector)
                }
                try await cache.keep(vectors, of: texts)
            }
        }
    }

    func strikeCaches(_ clock: SimClock) async {
        guard !caches.isEmpty else { return }
        let host = below(caches.count)
        let cache = caches[host]
        switch below(4) {
        case 0:
            simulation.note("the cache of host \(host) loses everything")
            cache.loseAll()
        case 1:
            simulation.note("a part of the cache of host \(host) is damaged")
            cache.damage(everyOther: 1 + below(4))
        case 2:
            simulation.note("the cache of host \(host) has no room")
            cache.setFull(true)
            try? await clock.sleep(for: drawn(.seconds(1)...Duration.seconds(60)))
            cache.setFull(false)
        default:
            simulation.note("the cache of host \(host) has vectors of another model")
            cache.setProbe([Float](repeating: 1, count: Self.dimensions))
        }
    }
}
