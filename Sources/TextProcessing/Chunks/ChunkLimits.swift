/// The largest sizes of chunks, in tokens.
public struct ChunkLimits: Sendable, Hashable {
    /// A text with at most this many tokens is one parent (`PARENT_MAX_TOKENS`).
    public let parentMaxTokens: Int
    /// A longer text is cut into parents of at most this many tokens (`PARENT_CHUNK_SIZE`).
    public let parentChunkSize: Int
    /// A parent is cut into children of at most this many tokens (`CHUNK_SIZE`).
    public let chunkSize: Int
    /// A child shares at most this many tokens with the one before it (`CHUNK_OVERLAP`).
    public let chunkOverlap: Int

    /// The limits in the requirements: 2,500, 2,048, 512 and 128 tokens.
    public static let standard = ChunkLimits(
        parentMaxTokens: 2_500,
        parentChunkSize: 2_048,
        chunkSize: 512,
        overlap: 128
    )

    /// The smallest chunk size: every grapheme cluster of normal length fits into it.
    public static let chunkSizeMin = 16
    /// The largest input of the embedding models, 8,191 tokens (OpenAI, embeddings guide).
    public static let chunkSizeMax = 8_191

    /// Makes limits.
    ///
    /// - Throws: one sentence that names everything wrong, unless
    ///   16 ≤ chunkSize ≤ 8,191, 0 ≤ chunkOverlap < chunkSize, chunkSize ≤ parentChunkSize ≤ parentMaxTokens.
    public init(parentMaxTokens: Int, parentChunkSize: Int, chunkSize: Int, chunkOverlap: Int) throws(TextError) {
        var problems: [String] = []
        if !(Self.chunkSizeMin...Self.chunkSizeMax).contains(chunkSize) {
            problems.append("the chunk size \(chunkSize) is not in \(Self.chunkSizeMin)...\(Self.chunkSizeMax)")
        }
        if chunkOverlap < 0 || chunkOverlap >= chunkSize {
            problems.append("the chunk overlap \(chunkOverlap) is not in 0..<\(chunkSize), the chunk size")
        }
        if parentChunkSize < chunkSize {
            problems.append("the parent chunk size \(parentChunkSize) is below the chunk size \(chunkSize)")
        }
        if parentMaxTokens < parentChunkSize {
            problems.append("the most tokens of one parent, \(parentMaxTokens), are below the parent chunk size")
        }
        if !problems.isEmpty { throw TextError(problems.joined(separator: "; ")) }
        self.init(
            parentMaxTokens: parentMaxTokens,
            parentChunkSize: parentChunkSize,
            chunkSize: chunkSize,
            overlap: chunkOverlap
        )
    }

    private init(parentMaxTokens: Int, parentChunkSize: Int, chunkSize: Int, overlap: Int) {
        self.parentMaxTokens = parentMaxTokens
        self.parentChunkSize = parentChunkSize
        self.chunkSize = chunkSize
        self.chunkOverlap = overlap
    }
}
