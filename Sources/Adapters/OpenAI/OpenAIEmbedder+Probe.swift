package import Migration

extension OpenAIEmbedder: Inspectable {
    /// The behaviour of a server that its documentation may not describe.
    package struct Probe: Sendable, Equatable {
        /// Whether vectors arrive as base64 as requested, or as numbers, which is four times the traffic.
        package let isBase64: Bool
        package let dimensions: Int
        /// Euclidean length of a vector.
        package let norm: Double
        /// Whether the server silently cuts off the end of a text of about 700 tokens.
        package let truncates: Bool
        package let limits: EmbedderLimits?
        /// What would make the job's vectors wrong, one sentence each.
        package let problems: [String]
    }

    /// Embeds a word and two texts and looks at the vectors; about 1,500 tokens.
    ///
    /// Meant for the time just before the first real embedding; a run that embeds nothing needs no probe.
    ///
    /// - Throws: as `embed`.
    package func probe() async throws(PortFailure) -> Probe {
        let (single, limits) = try await askOnce()
        var problems = problems(of: single.vectors[0])
        // A server that cannot be used need not be probed further.
        let truncates = problems.isEmpty ? try await truncates() : false
        if truncates {
            problems.append(
                "\(settings.model) at this server cuts off long texts: raise its limit or use smaller chunks"
            )
        }
        return Probe(
            isBase64: single.isBase64,
            dimensions: single.vectors[0]?.count ?? 0,
            norm: Self.norm(single.vectors[0] ?? []),
            truncates: truncates,
            limits: limits,
            problems: problems
        )
    }

    /// Whether two texts that differ after about 600 tokens get the same vector.
    ///
    /// A server that refuses such a long text cuts nothing off: it may be right for the chunks of this job.
    private func truncates() async throws(PortFailure) -> Bool {
        // A word of one token, 600 times; servers that cut do so at 512 or 256.
        let prefix = String(repeating: "word ", count: 600)
        let tails = ["the invoice was paid in full", "whales sing under arctic ice"]
        let long = tails.map { tail in prefix + String(repeating: tail + " ", count: 16) }
        do throws(PortFailure) {
            let pair = try await ask(long).0.vectors
            guard let left = pair[0], let right = pair[1] else { return false }
            return Self.cosine(left, right) > 0.999_9
        } catch  where error.kind == .rejected {
            return false
        }
    }

    /// Embeds one word; if its vector does not have the wanted length, once more with the length in the request.
    ///
    /// A deployment at Azure has its own name, so only the answer shows whether the request must state the length. If a
    /// model is known to give the wanted length by default and does not, the server has another model.
    private func askOnce() async throws(PortFailure) -> (OpenAIAnswer, EmbedderLimits?) {
        let first = try await ask(["migrate"])
        let isOfAnotherModel = Settings.nativeDimensions[settings.model] == settings.dimensions
        let asks = settings.asksForDimensions || experience.needsDimensions || isOfAnotherModel
        guard let length = first.0.vectors[0]?.count, length != settings.dimensions, !asks else { return first }
        do throws(PortFailure) {
            let second = try await ask(["migrate"], asksForDimensions: true)
            guard second.0.vectors[0]?.count == settings.dimensions else { return first }
            experience.noteNeedOfDimensions()
            return second
        } catch  where error.kind == .rejected || error.kind == .unauthorised {
            return first
        }
    }

    /// Embeds one word.
    package func inspection() async throws(PortFailure) -> Inspection {
        let (answer, limits) = try await askOnce()
        let vector = answer.vectors[0]
        var facts = ["model \(settings.model)", "\(vector?.count ?? 0) dimensions"]
        facts.append(answer.isBase64 ? "base64" : "numbers")
        if let tokens = limits?.tokensPerMinute { facts.append("\(tokens) tokens per minute") }
        if let requests = limits?.requestsPerMinute { facts.append("\(requests) requests per minute") }
        let host = try HTTPAddress(settings.baseURL).host
        return Inspection(product: "OpenAI API at \(host)", facts: facts, problems: problems(of: vector))
    }

    private func problems(of vector: [Float]?) -> [String] {
        guard let vector else { return ["\(settings.model) gives no vectors, or not as lists of numbers"] }
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
