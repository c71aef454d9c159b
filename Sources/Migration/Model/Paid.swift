/// What was paid for embeddings: reported to the store with the end of each attempt, which adds it to the job once.
///
/// It includes what answers have billed. The cost of a lost answer is unknown, and what a dead worker has paid is never
/// reported: then the sum of a job is a lower bound.
package struct Paid: Codable, Sendable, Hashable {
    /// Tokens as the embedder billed them, or counted by us if it does not say.
    package var tokens: Int64
    /// Their price at that time in billionths of a dollar, so that cheap tokens are not rounded away.
    package var nanodollars: Int64

    /// The numbers come from other programs: each is limited to what the store accepts.
    package init(tokens: Int64, nanodollars: Int64) {
        self.tokens = min(max(0, tokens), Self.most)
        self.nanodollars = min(max(0, nanodollars), Self.most)
    }

    /// The price of tokens.
    ///
    /// - Parameters:
    ///   - tokens: the billed tokens.
    ///   - pricePerMillion: dollars per million tokens.
    package init(tokens: Int, pricePerMillion: Double) {
        let tokens = Int64(min(max(0, tokens), Int(Self.most)))
        let price = Double(tokens) * pricePerMillion * 1_000
        let isPossible = price.isFinite && price > 0
        let nanodollars = isPossible ? Int64(min(price.rounded(), Double(Self.most))) : 0
        self.init(tokens: tokens, nanodollars: nanodollars)
    }

    package static let nothing = Paid(tokens: 0, nanodollars: 0)

    /// The most that one attempt can report: a thousand dollars, a trillion tokens.
    package static let most: Int64 = 1_000_000_000_000

    package static func + (left: Paid, right: Paid) -> Paid {
        Paid(tokens: left.tokens + right.tokens, nanodollars: left.nanodollars + right.nanodollars)
    }

    package static func += (left: inout Paid, right: Paid) { left = left + right }
}
