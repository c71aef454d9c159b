/// Makes dense vectors.
package protocol Embedder: Sendable {
    /// Turns texts into dense vectors, one per text, in the same order.
    ///
    /// Repeating a call is harmless: nothing is stored, it only costs tokens again. The adapter does not repeat calls
    /// by itself: the engine decides when to wait and repeat.
    ///
    /// - Parameters:
    ///   - texts: at least one and within the limits of a request, none blank, of 1…8,191 tokens each.
    ///   - limit: an answer that takes longer is `outcomeUnknown`; nil, or longer than the embedder's own limit = its
    ///     own.
    /// - Returns: `texts.count` vectors of the model's dimensions, finite and not zero.
    /// - Throws: `throttled` with the server's own wait, `rejected` when a text or the request is refused,
    ///   `outOfMoney`, `unauthorised`, `unavailable`, `outcomeUnknown` when the answer was lost, `cancelled`. All but
    ///   `rejected`, `throttled` and `outOfMoney` may also be caused by a text: the engine finds out.
    func embed(_ texts: [String], within limit: Duration?) async throws(PortFailure) -> Embeddings
}

extension Embedder {
    /// The same, within the embedder's own time limit.
    package func embed(_ texts: [String]) async throws(PortFailure) -> Embeddings {
        try await embed(texts, within: nil)
    }
}

/// The answer to one embedding request.
package struct Embeddings: Sendable, Equatable {
    /// One vector per text, in the order of the texts.
    package let vectors: [[Float]]
    /// The tokens that the server billed; nil if it does not say.
    package let tokens: Int?
    /// The account's limits in the answer's headers; nil if there are none.
    package let limits: EmbedderLimits?

    package init(vectors: [[Float]], tokens: Int?, limits: EmbedderLimits? = nil) {
        self.vectors = vectors
        self.tokens = tokens
        self.limits = limits
    }
}

/// The account's limits per minute, from `x-ratelimit-limit-tokens` and `x-ratelimit-limit-requests`.
///
/// The values of other programs are checked: only 1 to 1,000,000,000 can be a limit, so that no calculation with it
/// overflows.
package struct EmbedderLimits: Sendable, Codable, Equatable {
    /// Tokens per minute; nil = unknown.
    package let tokensPerMinute: Int?
    /// Requests per minute; nil = unknown.
    package let requestsPerMinute: Int?

    /// The possible values of a limit.
    package static let possible = 1...1_000_000_000

    /// Takes two limits; an impossible one counts as unknown.
    package init(tokensPerMinute: Int?, requestsPerMinute: Int?) {
        func possible(_ limit: Int?) -> Int? { limit.flatMap { Self.possible.contains($0) ? $0 : nil } }
        self.tokensPerMinute = possible(tokensPerMinute)
        self.requestsPerMinute = possible(requestsPerMinute)
    }

    /// Whether nothing is known.
    package var isUnknown: Bool { tokensPerMinute == nil && requestsPerMinute == nil }

    /// Whether a job would take for ever: less than a tenth of the limit of an account without payment, or fewer
    /// requests than one per twenty seconds.
    package var isVeryLow: Bool { (tokensPerMinute ?? .max) < 4_000 || (requestsPerMinute ?? .max) < 3 }
}
