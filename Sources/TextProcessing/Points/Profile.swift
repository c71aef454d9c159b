import Crypto

/// Everything that shapes points, and the short hash of it that every point carries.
///
/// A point with another profile was made in another way and is replaced, even if the record is the same.
public struct Profile: Sendable, Hashable, CustomStringConvertible {
    /// One line for each setting that shapes points, `name=value`, always in the same order.
    public let lines: [String]

    /// The first 16 hexadecimal digits of the SHA-256 over the lines: the payload's `profile`.
    public let hash: String

    /// Describes how points are made.
    ///
    /// - Parameters:
    ///   - tokenizer: the identity of the tokenizer that counts.
    ///   - limits: the sizes of chunks.
    ///   - model: the name of the embedding model.
    ///   - dimensions: how many numbers a dense vector has.
    ///   - sparse: how sparse vectors are made.
    public init(
        tokenizer: String,
        limits: ChunkLimits,
        model: String,
        dimensions: Int,
        sparse: SparseParameters
    ) {
        var lines = [
            "normaliser=\(Normaliser.version)",
            "tokenizer=\(tokenizer)",
            "chunker=\(Chunker.version)",
            "parent_max_tokens=\(limits.parentMaxTokens)",
            "parent_chunk_size=\(limits.parentChunkSize)",
            "chunk_size=\(limits.chunkSize)",
            "chunk_overlap=\(limits.chunkOverlap)",
            "model=\(model)",
            "dimensions=\(dimensions)",
            "sparse=\(SparseEncoder.version)",
            "sparse_language=\(sparse.language)",
            "sparse_average_length=\(sparse.averageLength)",
            "sparse_k=\(sparse.termSaturation)",
            "sparse_b=\(sparse.lengthNormalisation)",
            "sparse_stemming=\(sparse.isStemming)",
            "sparse_cjk=\(sparse.cjk.rawValue)",
        ]
        // Only if words are named: the profile of points made with a language's own list stays the same.
        if let words = sparse.stopWordSet {
            let count = words.count == 1 ? "1 word" : "\(words.count) words"
            lines.append("sparse_stop_words=\(count), \(Self.digest(of: words))")
        }
        self.lines = lines
        let text = lines.joined(separator: "\n")
        hash = Self.digest(text)
    }

    /// The same for the same set of words, whatever their order and repetitions.
    private static func digest(of words: Set<[UInt32]>) -> String {
        let sorted = words.sorted { $0.lexicographicallyPrecedes($1) }
        let lines = sorted.map { String(String.UnicodeScalarView($0.compactMap(Unicode.Scalar.init))) + "\n" }
        return digest(lines.joined())
    }

    private static func digest(_ text: String) -> String {
        String(SHA256.hash(data: Array(text.utf8)).hexadecimal.prefix(16))
    }

    /// The hash.
    public var description: String { hash }
}
