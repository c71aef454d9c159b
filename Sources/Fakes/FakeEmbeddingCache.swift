package import Migration
import Synchronization

/// The cache of vectors in memory: it outlives a process that is killed, as a file does.
package final class FakeEmbeddingCache: EmbeddingCache {
    private struct State {
        var vectors: [ExactText: [Float]] = [:]
        var damaged: Set<ExactText> = []
        var probe: [Float]?
        var probedAt: Duration?
        var isFull = false
    }

    private let state = Mutex(State())
    private let time: Time?
    private let probeInterval: Duration
    private let faults: FaultHook

    /// Makes an empty cache.
    ///
    /// - Parameters:
    ///   - time: tells when the probe is due again; nil = never.
    ///   - probeInterval: the time between two comparisons of the probe.
    ///   - faults: what its calls meet.
    package init(time: Time? = nil, probeInterval: Duration = CacheProbe.interval, faults: FaultHook = .none) {
        self.time = time
        self.probeInterval = probeInterval
        self.faults = faults
    }

    package func vectors(of texts: [String]) async throws(PortFailure) -> RecalledVectors {
        try await faults.around("cache.vectors") { () async throws(PortFailure) in
            state.withLock { state in
                var damaged = 0
                let vectors = texts.map { text -> [Float]? in
                    let text = ExactText(text)
                    guard let vector = state.vectors[text] else { return nil }
                    guard !state.damaged.contains(text) else {
                        damaged += 1
                        return nil
                    }
                    return vector
                }
                return RecalledVectors(vectors: vectors, damaged: damaged)
            }
        }
    }

    package func keep(_ vectors: [[Float]], of texts: [String]) async throws(PortFailure) {
        try await faults.around("cache.keep") { () async throws(PortFailure) in
            try state.withLock { state throws(PortFailure) in
                if state.isFull { throw PortFailure(.full, "the disk with the embedding cache is full", code: "full") }
                for (text, vector) in zip(texts, vectors) {
                    let text = ExactText(text)
                    state.vectors[text] = vector
                    state.damaged.remove(text)
                }
            }
        }
    }

    package func probe() async throws(PortFailure) -> CacheProbe {
        try await faults.around("cache.probe") { () async throws(PortFailure) in
            let now = time?.now ?? .zero
            return state.withLock { state in
                CacheProbe(
                    vector: state.probe,
                    isDue: state.probedAt.map { now - $0 >= probeInterval } ?? true
                )
            }
        }
    }

    package func noteProbe(_ vector: [Float]?) async throws(PortFailure) {
        try await faults.around("cache.note_probe") { () async throws(PortFailure) in
            state.withLock { state in
                state.probe = vector ?? state.probe
                state.probedAt = time?.now ?? .zero
            }
        }
    }

    // MARK: - What happens to a file

    /// The texts whose vectors are there.
    package var texts: [String] { state.withLock { $0.vectors.keys.sorted().map(\.text) } }

    package func has(_ text: String) -> Bool { state.withLock { $0.vectors[ExactText(text)] != nil } }

    /// The vector of the first text, in the order of the texts.
    package var anyVector: [Float]? {
        state.withLock { state in state.vectors.keys.min().flatMap { state.vectors[$0] } }
    }

    /// The vectors are gone.
    package func loseAll() { state.withLock { $0.vectors = [:] } }

    /// A part of the vectors is damaged: every `stride`th text, in the order of the texts.
    package func damage(everyOther stride: Int) {
        state.withLock { state in
            for (place, text) in state.vectors.keys.sorted().enumerated() where place % stride == 0 {
                state.damaged.insert(text)
            }
        }
    }

    /// Whether there is no room for further vectors.
    package func setFull(_ isFull: Bool) { state.withLock { $0.isFull = isFull } }

    /// The probe has another vector, as after a change of the model.
    package func setProbe(_ vector: [Float]) { state.withLock { $0.probe = vector } }
}
