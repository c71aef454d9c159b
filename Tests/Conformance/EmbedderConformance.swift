package import Migration

/// What every embedder keeps, the fake and the real ones.
package struct EmbedderConformance: Sendable {
    /// One promise of the port.
    package enum Rule: String, CaseIterable, Sendable {
        case givesOneVectorAText
        case keepsTheOrder
        case givesVectorsOfTheModelsSizeAndOfLengthOne
        case givesTheSameAgain
        case takesTextsInEveryScript
        case countsTokens
        case sendsTheMostTextsARequestMayHold
        case rejectsMoreTextsThanThat
        case isThrottledWithTheServersOwnWait
        case rejectsARefusedText
        case saysThatTheMoneyIsOut
        case saysThatTheKeyIsWrong
    }

    /// What the account behind an embedder is like.
    package enum Account: Sendable {
        case usual
        /// The minute's tokens are used up, and some seconds have to pass.
        case throttled
        /// Refuses `EmbedderConformance.refused`.
        case refusing
        case outOfMoney
        case badKey
    }

    /// A rule that was not kept.
    package struct Broken: Error, CustomStringConvertible {
        package let description: String
    }

    /// The text that an account of the kind `refusing` refuses.
    package static let refused = "a text that is refused"

    private let dimensions: Int
    private let makeEmbedder: @Sendable (Account) async throws -> any Embedder

    package init(dimensions: Int, makeEmbedder: @escaping @Sendable (Account) async throws -> any Embedder) {
        self.dimensions = dimensions
        self.makeEmbedder = makeEmbedder
    }

    /// Checks one rule.
    ///
    /// - Throws: `Broken` when it is not kept, and whatever the embedder throws.
    package func check(_ rule: Rule) async throws {
        switch rule {
        case .givesOneVectorAText: try await givesOneVectorAText()
        case .keepsTheOrder: try await keepsTheOrder()
        case .givesVectorsOfTheModelsSizeAndOfLengthOne: try await givesUnitVectors(["one text", "and another one"])
        case .givesTheSameAgain: try await givesTheSameAgain()
        case .takesTextsInEveryScript:
            try await givesUnitVectors(["東京都に住む", "Привет, мир", "مرحبا", "👩‍👩‍👧 🇩🇪", "a\u{0}b\n\t\"\\/", "."])
        case .countsTokens: try await countsTokens()
        case .sendsTheMostTextsARequestMayHold:
            try await givesUnitVectors((0..<2_048).map { "text \($0)" })
        case .rejectsMoreTextsThanThat:
            try await fails(.usual, (0...2_048).map { "text \($0)" }) { $0 == .rejected }
        case .isThrottledWithTheServersOwnWait:
            try await fails(.throttled, ["a text"]) { kind in
                guard case .throttled(let wait?) = kind else { return false }
                return wait > .zero && wait <= .seconds(60)
            }
        case .rejectsARefusedText: try await rejectsARefusedText()
        case .saysThatTheMoneyIsOut: try await fails(.outOfMoney, ["a text"]) { $0 == .outOfMoney }
        case .saysThatTheKeyIsWrong: try await fails(.badKey, ["a text"]) { $0 == .unauthorised }
        }
    }

    private func givesOneVectorAText() async throws {
        let embedder = try await makeEmbedder(.usual)
        for count in [1, 2, 17] {
            let texts = (0..<count).map { "text \($0)" }
            let vectors = try await embedder.embed(texts).vectors
            try expect(vectors.count == count, "\(vectors.count) vectors for \(count) texts")
        }
        let twice = try await embedder.embed(["same", "same"]).vectors
        try expect(twice.count == 2, "equal texts share a vector in the answer")
    }

    private func keepsTheOrder() async throws {
        let embedder = try await makeEmbedder(.usual)
        let texts = (0..<12).map { "text number\($0) about subject\($0 * 7)" }
        let together = try await embedder.embed(texts).vectors
        for (text, vector) in zip(texts, together) {
            let alone = try await embedder.embed([text]).vectors
            try expect(alone.first.map { Self.isNear($0, vector) } == true, "“\(text)” has another vector among others")
        }
        try expect(!Self.isNear(together[0], together[1]), "different texts have one vector")
    }

    private func givesTheSameAgain() async throws {
        let texts = ["one text", "東京", "another text"]
        let first = try await makeEmbedder(.usual).embed(texts).vectors
        let second = try await makeEmbedder(.usual).embed(texts).vectors
        try expect(zip(first, second).allSatisfy(Self.isNear), "the same texts have other vectors the next time")
    }

    private func givesUnitVectors(_ texts: [String]) async throws {
        let vectors = try await makeEmbedder(.usual).embed(texts).vectors
        try expect(vectors.count == texts.count, "\(vectors.count) vectors for \(texts.count) texts")
        for vector in vectors {
            try expect(vector.count == dimensions, "a vector of \(vector.count) numbers, not \(dimensions)")
            let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            try expect(abs(length - 1) < 1e-3, "a vector of length \(length)")
        }
    }

    private func countsTokens() async throws {
        let embedder = try await makeEmbedder(.usual)
        let few = try await embedder.embed(["some words"]).tokens
        let more = try await embedder.embed(["some words", "some words and then some more of them"]).tokens
        guard let few, let more else { return }  // a server need not say
        try expect(few > 0 && more > few, "\(few) tokens for two words, \(more) for more")
    }

    private func rejectsARefusedText() async throws {
        try await fails(.refusing, ["a good text", Self.refused]) { $0 == .rejected }
        let vectors = try await makeEmbedder(.refusing).embed(["a good text"]).vectors
        try expect(vectors.count == 1, "a good text suffers from a refused one")
    }

    private func fails(
        _ account: Account,
        _ texts: [String],
        _ isExpected: (PortFailure.Kind) -> Bool
    ) async throws {
        let embedder = try await makeEmbedder(account)
        do throws(PortFailure) {
            _ = try await embedder.embed(texts)
        } catch {
            try expect(isExpected(error.kind), "the failure is \(error.kind): \(error)")
            return try expect(!error.detail.contains(Self.refused), "the failure repeats the text")
        }
        throw Broken(description: "an account that is \(account) took the request")
    }

    private func expect(_ isKept: Bool, _ text: @autoclosure () -> String) throws {
        if !isKept { throw Broken(description: text()) }
    }

    private static func isNear(_ left: [Float], _ right: [Float]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { abs($0 - $1) < 1e-4 }
    }
}
