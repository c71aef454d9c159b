/// What one process has asked its cache of vectors, and what it has kept there: I33.
package struct CacheTraffic: Sendable {
    /// Texts that it has asked for: from then on their vectors belong into the cache.
    private var asked: Set<String> = []
    private var kept: Set<String> = []
    private var isGivenUp = false

    package init() {}

    package mutating func wasAsked(for texts: [String]) { asked.formUnion(texts) }

    /// Vectors are kept, or the process has tried to keep them.
    package mutating func keeps(_ texts: [String]) { kept.formUnion(texts) }

    /// The process has said that it does not use the cache any more.
    package mutating func wasGivenUp() { isGivenUp = true }

    /// I33: what was paid for is kept before its point is written.
    ///
    /// - Parameters:
    ///   - text: the text of a point that is about to be written.
    ///   - isPaid: whether this process has got the vector from the embedder.
    ///   - process: the name of the process.
    /// - Returns: what is wrong; nil when nothing is.
    package func breach(byWriting text: String, isPaid: Bool, _ process: String) -> Finding? {
        guard isPaid, !isGivenUp, asked.contains(text), !kept.contains(text) else { return nil }
        return Finding(33, "\(process) writes a vector that it has paid for and not kept in its cache")
    }
}
