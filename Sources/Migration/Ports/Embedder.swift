/// Makes dense vectors.
package protocol Embedder: Sendable {
    /// Turns texts into dense vectors, one a text, in the same order.
    ///
    /// Repeating a call is harmless: nothing is stored, it only costs tokens again. The adapter does not try again by
    /// itself: waiting and repeating are the engine's decisions.
    ///
    /// - Parameter texts: 1…2,048 texts, none blank, of 1…8,191 tokens each.
    /// - Returns: `texts.count` vectors of the model's dimensions, finite and not zero.
    /// - Throws: `throttled` with the server's own wait, `rejected` when a text or the request is refused,
    ///   `outOfMoney`, `unauthorised`, `unavailable`, `outcomeUnknown` when the answer was lost, `cancelled`.
    func embed(_ texts: [String]) async throws(PortFailure) -> Embeddings
}

/// What one embedding request gave.
package struct Embeddings: Sendable, Equatable {
    /// One vector a text, in the order of the texts.
    package let vectors: [[Float]]
    /// Tokens the server billed; nil where it does not say.
    package let tokens: Int?
    /// The account's limits as the answer's headers state them; nil where they do not.
    package let limits: EmbedderLimits?

    package init(vectors: [[Float]], tokens: Int?, limits: EmbedderLimits? = nil) {
        self.vectors = vectors
        self.tokens = tokens
        self.limits = limits
    }
}

/// The account's limits a minute, from `x-ratelimit-limit-tokens` and `x-ratelimit-limit-requests`.
package struct EmbedderLimits: Sendable, Equatable {
    /// Tokens a minute.
    package let tokensPerMinute: Int?
    /// Requests a minute.
    package let requestsPerMinute: Int?

    package init(tokensPerMinute: Int?, requestsPerMinute: Int?) {
        self.tokensPerMinute = tokensPerMinute
        self.requestsPerMinute = requestsPerMinute
    }
}
