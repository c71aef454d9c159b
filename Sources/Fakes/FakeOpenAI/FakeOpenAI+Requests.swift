import Migration

/// What a request asks for, and what it costs.
extension FakeOpenAI {
    /// One input of a request: a text, or the tokens of one.
    package enum Input {
        case text(String)
        case tokens([Int])

        /// The text from which its hash and its vector are made.
        package var text: String {
            switch self {
            case .text(let text): text
            case .tokens(let tokens): tokens.map { "token\($0)" }.joined(separator: " ")
            }
        }
    }

    /// What a request costs, and what is left of the minute's allowance after it.
    package struct Charge {
        package let tokens: Int
        let request: Int
        package let allowance: Allowance
    }

    /// What is left of the minute's allowance.
    package struct Allowance {
        package struct Part {
            package let limit: Int
            package let remaining: Int
            package let reset: Duration
        }

        package let tokens: Part?
        package let requests: Part?

        var limits: EmbedderLimits? {
            guard tokens != nil || requests != nil else { return nil }
            return EmbedderLimits(tokensPerMinute: tokens?.limit, requestsPerMinute: requests?.limit)
        }
    }
}
