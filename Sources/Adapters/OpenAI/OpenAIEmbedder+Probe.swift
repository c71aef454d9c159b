import Foundation
package import Migration

extension OpenAIEmbedder: Inspectable {
    /// What a server does that its documentation may not say.
    package struct Probe: Sendable, Equatable {
        /// Whether vectors come as base64 as asked for, or as numbers, which is four times the traffic.
        package let isBase64: Bool
        package let dimensions: Int
        /// Euclidean length of a vector.
        package let norm: Double
        /// Whether it silently leaves out the end of a text of about 700 tokens.
        package let truncates: Bool
        package let limits: EmbedderLimits?
        /// What would make the job's vectors wrong, one sentence each.
        package let problems: [String]
    }

    /// Embeds three short texts and looks at the vectors; about 1,500 tokens.
    ///
    /// Meant for the moment before the first real embedding; a run that embeds nothing needs none.
    ///
    /// - Throws: as `embed`.
    package func probe() async throws(PortFailure) -> Probe {
        let (single, limits) = try await ask(["migrate"])
        // A word of one token, 600 times; servers that cut do so at 512 or 256.
        let prefix = String(repeating: "word ", count: 600)
        let tails = ["the invoice was paid in full", "whales sing under arctic ice"]
        let long = tails.map { tail in prefix + String(repeating: tail + " ", count: 16) }
        let (pair, _) = try await ask(long)
        let vector = single.vectors[0]
        let truncates = Self.cosine(pair.vectors[0], pair.vectors[1]) > 0.999_9
        var problems = problems(of: vector)
        if truncates {
            problems.append(
                "\(settings.model) at this server leaves out the end of long texts: raise its limit or chunk smaller"
            )
        }
        return Probe(
            isBase64: single.isBase64,
            dimensions: vector.count,
            norm: Self.norm(vector),
            truncates: truncates,
            limits: limits,
            problems: problems
        )
    }

    /// Embeds one word.
    package func inspection() async throws(PortFailure) -> Inspection {
        let (answer, limits) = try await ask(["migrate"])
        let vector = answer.vectors[0]
        var facts = ["model \(settings.model)", "\(vector.count) dimensions", answer.isBase64 ? "base64" : "numbers"]
        if let tokens = limits?.tokensPerMinute { facts.append("\(tokens) tokens a minute") }
        if let requests = limits?.requestsPerMinute { facts.append("\(requests) requests a minute") }
        let host = try HTTPAddress(settings.baseURL).host
        return Inspection(product: "OpenAI API at \(host)", facts: facts, problems: problems(of: vector))
    }

    private func problems(of vector: [Float]) -> [String] {
        if vector.count != settings.dimensions {
            return [
                "\(settings.model) gives \(vector.count) dimensions, the collection has \(settings.dimensions): change one"
            ]
        }
        let norm = Self.norm(vector)
        return norm.isFinite && norm > 0 ? [] : ["\(settings.model) gives vectors that are zero or not finite"]
    }

    private static func norm(_ vector: [Float]) -> Double {
        vector.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }

    private static func cosine(_ left: [Float], _ right: [Float]) -> Double {
        zip(left, right).reduce(0) { $0 + Double($1.0) * Double($1.1) } / (norm(left) * norm(right))
    }
}
