/// One chunk that still needs its dense vector.
package struct ChunkToEmbed: Sendable, Equatable {
    /// The record, by its place within the batch.
    package let record: Int
    /// The chunk, by its place among the record's children.
    package let chunk: Int
    /// Exact tokens of its text.
    package let tokens: Int
    /// UTF-8 bytes of its text.
    package let bytes: Int

    package init(record: Int, chunk: Int, tokens: Int, bytes: Int) {
        self.record = record
        self.chunk = chunk
        self.tokens = tokens
        self.bytes = bytes
    }
}

/// Limits of one embedding request.
package struct RequestLimits: Sendable, Equatable {
    /// Inputs a request.
    package let inputsMax: Int
    /// Tokens a request; also applied to bytes / 4, since the front end of OpenAI counts so before it tokenises.
    package let tokensMax: Int

    package init(inputsMax: Int, tokensMax: Int) {
        precondition(inputsMax > 0 && tokensMax > 0)
        self.inputsMax = inputsMax
        self.tokensMax = tokensMax
    }

    /// OpenAI's limits with its 300,000 tokens kept at a distance, and at most 1.2 % of the minute's quota a request, so
    /// that no request makes the others wait (measured in the quota simulation behind the design).
    package static func openAI(tokensPerMinute: Int?) -> RequestLimits {
        let share = tokensPerMinute.map { max(1, $0 * 12 / 1000) } ?? .max
        return RequestLimits(inputsMax: 2048, tokensMax: min(290_000, share))
    }
}

/// One embedding request: chunks of one or several records.
package struct EmbeddingRequest: Sendable, Equatable {
    package let chunks: [ChunkToEmbed]

    package init(chunks: [ChunkToEmbed]) {
        precondition(!chunks.isEmpty)
        self.chunks = chunks
    }

    /// Exact tokens of all its texts.
    package var tokens: Int { chunks.reduce(0) { $0 + $1.tokens } }

    /// The two halves, for finding the one text that is refused; nil for a single text.
    package var halves: (EmbeddingRequest, EmbeddingRequest)? {
        guard chunks.count > 1 else { return nil }
        let middle = chunks.count / 2
        return (EmbeddingRequest(chunks: Array(chunks[..<middle])), EmbeddingRequest(chunks: Array(chunks[middle...])))
    }

    /// Packs chunks in order into as few requests as the limits allow; a chunk above a limit gets a request of its own.
    package static func pack(_ chunks: [ChunkToEmbed], limits: RequestLimits) -> [EmbeddingRequest] {
        var requests: [EmbeddingRequest] = []
        var open: [ChunkToEmbed] = []
        var tokens = 0
        var bytes = 0
        for chunk in chunks {
            let isFull =
                open.count == limits.inputsMax || tokens + chunk.tokens > limits.tokensMax
                || (bytes + chunk.bytes) / 4 > limits.tokensMax
            if isFull, !open.isEmpty {
                requests.append(EmbeddingRequest(chunks: open))
                (open, tokens, bytes) = ([], 0, 0)
            }
            open.append(chunk)
            tokens += chunk.tokens
            bytes += chunk.bytes
        }
        if !open.isEmpty { requests.append(EmbeddingRequest(chunks: open)) }
        return requests
    }
}
