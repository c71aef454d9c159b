/// Keeps vectors by the exact texts of which one embedder has made them, so that no text is paid for twice.
///
/// It belongs to one embedder, model and number of dimensions. It holds no text. A call either answers or throws; the
/// engine goes on without a cache that fails.
package protocol EmbeddingCache: Sendable {
    /// The vectors of texts, as they were kept, bit by bit.
    ///
    /// - Returns: one entry per text, in order; nil for a text whose vector is not there or is damaged.
    /// - Throws: `unavailable` if it may answer later; everything else is for good.
    func vectors(of texts: [String]) async throws(PortFailure) -> RecalledVectors

    /// Keeps vectors: all of them or none, and when it returns, a process that is killed loses none.
    ///
    /// A vector that is there already is replaced.
    ///
    /// - Parameters:
    ///   - vectors: as the embedder has made them.
    ///   - texts: as many texts, in the same order.
    /// - Throws: as `vectors(of:)`; `full` when there is no room.
    func keep(_ vectors: [[Float]], of texts: [String]) async throws(PortFailure)

    /// The probe: a text whose vector shows whether the embedder still makes the same vectors.
    func probe() async throws(PortFailure) -> CacheProbe

    /// Notes that the probe was embedded just now.
    ///
    /// - Parameter vector: its first vector; nil = it was compared with the one that is there, and was the same.
    /// - Throws: as `keep`.
    func noteProbe(_ vector: [Float]?) async throws(PortFailure)
}

/// What a cache has of some texts.
package struct RecalledVectors: Sendable, Equatable {
    package let vectors: [[Float]?]
    /// How many of them were there, but damaged.
    package let damaged: Int

    package init(vectors: [[Float]?], damaged: Int = 0) {
        self.vectors = vectors
        self.damaged = damaged
    }
}

/// What a cache knows about its probe.
package struct CacheProbe: Sendable, Equatable {
    /// Its vector; nil in a new cache.
    package let vector: [Float]?
    /// Whether it was last compared more than a day ago, or never.
    package let isDue: Bool

    /// The time between two comparisons.
    package static let interval = Duration.seconds(86_400)

    package init(vector: [Float]?, isDue: Bool) {
        self.vector = vector
        self.isDue = isDue
    }
}
