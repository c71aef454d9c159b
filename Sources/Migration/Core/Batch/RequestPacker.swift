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

/// Limits of one embedding request, as the embedder's adapter states them.
package struct RequestLimits: Sendable, Equatable {
    package let inputsMax: Int
    /// Tokens per request; also applied to bytes / 4, since a server may count so before it tokenises.
    package let tokensMax: Int

    package init(inputsMax: Int, tokensMax: Int) {
        precondition(inputsMax > 0 && tokensMax > 0)
        self.inputsMax = inputsMax
        self.tokensMax = tokensMax
    }

    /// The same limits with at most 1.2 % of the minute's quota per request, so that no request makes the others wait
    /// (measured in a simulation of the quota).
    package func sharing(tokensPerMinute: Int?) -> RequestLimits {
        // Clamped before it is multiplied: the limit may come from a header.
        let limit = tokensPerMinute.map { min(max($0, 1), EmbedderLimits.possible.upperBound) }
        let share = limit.map { max(1, $0 * 12 / 1000) } ?? .max
        return RequestLimits(inputsMax: inputsMax, tokensMax: min(tokensMax, share))
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

    /// The two halves, to find the one text that fails; nil for a single text.
    ///
    /// With several records the cut is between two records, so that the records stay whole.
    package var halves: (EmbeddingRequest, EmbeddingRequest)? {
        guard chunks.count > 1 else { return nil }
        let middle = chunks.count / 2
        let borders = chunks.indices.dropFirst().filter { chunks[$0].record != chunks[$0 - 1].record }
        let cut = borders.min { abs($0 - middle) < abs($1 - middle) } ?? middle
        return (EmbeddingRequest(chunks: Array(chunks[..<cut])), EmbeddingRequest(chunks: Array(chunks[cut...])))
    }

    /// Packs chunks into few requests within the limits.
    ///
    /// The chunks of a record that fits into one request stay together, in the first request that has room, so that the
    /// record is written as a whole. A larger record begins a request of its own and continues in the next ones. A
    /// chunk above a limit gets a request of its own.
    ///
    /// - Parameters:
    ///   - chunks: in order, those of a record next to each other.
    ///   - limits: the limits of one request.
    /// - Returns: the requests, every chunk in exactly one.
    package static func pack(_ chunks: [ChunkToEmbed], limits: RequestLimits) -> [EmbeddingRequest] {
        var requests: [OpenRequest] = []
        var start = chunks.startIndex
        while start < chunks.endIndex {
            let end = chunks[start...].firstIndex { $0.record != chunks[start].record } ?? chunks.endIndex
            let record = chunks[start..<end]
            start = end
            var whole = OpenRequest()
            for chunk in record { whole.add(chunk) }
            if whole.fits(limits) {
                // Only the latest requests are searched, so that thousands of small records do not take quadratic time.
                let candidates = requests.indices.suffix(openMax)
                if let place = candidates.first(where: { requests[$0].hasRoom(for: whole, limits) }) {
                    for chunk in whole.chunks { requests[place].add(chunk) }
                } else {
                    requests.append(whole)
                }
                continue
            }
            var open = OpenRequest()
            for chunk in record {
                var single = OpenRequest()
                single.add(chunk)
                if !open.chunks.isEmpty, !open.hasRoom(for: single, limits) {
                    requests.append(open)
                    open = OpenRequest()
                }
                open.add(chunk)
            }
            requests.append(open)
        }
        return requests.map { EmbeddingRequest(chunks: $0.chunks) }
    }

    /// The number of requests that stay open for further records.
    private static let openMax = 16

    private struct OpenRequest {
        var chunks: [ChunkToEmbed] = []
        private var tokens = 0
        private var bytes = 0

        mutating func add(_ chunk: ChunkToEmbed) {
            chunks.append(chunk)
            tokens += chunk.tokens
            bytes += chunk.bytes
        }

        func fits(_ limits: RequestLimits) -> Bool { OpenRequest().hasRoom(for: self, limits) }

        func hasRoom(for other: OpenRequest, _ limits: RequestLimits) -> Bool {
            chunks.count + other.chunks.count <= limits.inputsMax && tokens + other.tokens <= limits.tokensMax
                && (bytes + other.bytes) / 4 <= limits.tokensMax
        }
    }
}
