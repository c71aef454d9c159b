import Testing
import TextProcessing

@Suite("Profile")
struct ProfileTests {
    private func profile(
        tokenizer: String = "cl100k_base",
        limits: ChunkLimits = .standard,
        model: String = "text-embedding-3-small",
        dimensions: Int = 1_536,
        sparse: SparseParameters = SparseParameters()
    ) -> Profile {
        Profile(tokenizer: tokenizer, limits: limits, model: model, dimensions: dimensions, sparse: sparse)
    }

    @Test func `the standard profile has the hash that points carry`() {
        // A changed hash makes every existing point an older version: change it only when points change.
        #expect(profile().hash == "0261b4646c4e6614")
    }

    @Test func `everything that shapes points shapes the hash`() throws {
        let limits = try ChunkLimits(parentMaxTokens: 2_500, parentChunkSize: 2_048, chunkSize: 512, chunkOverlap: 127)
        let profiles = [
            profile(), profile(tokenizer: WordTokenizer().identity), profile(limits: limits), profile(model: "other"),
            profile(dimensions: 512), profile(sparse: SparseParameters(language: "german")),
            profile(sparse: SparseParameters(averageLength: 200)), profile(sparse: SparseParameters(cjk: .bigram)),
            profile(sparse: SparseParameters(termSaturation: 2)),
            profile(sparse: SparseParameters(lengthNormalisation: 0)),
            profile(sparse: SparseParameters(isStemming: false)),
            profile(sparse: SparseParameters(stopWords: [])), profile(sparse: SparseParameters(stopWords: ["the"])),
        ]
        #expect(Set(profiles.map(\.hash)).count == profiles.count)
        #expect(profiles.allSatisfy { $0.hash.count == 16 && $0.hash.allSatisfy(\.isHexDigit) })
        #expect(profile() == profile())
    }

    @Test func `a list of stop words counts by its words, not by their order, case or repetition`() {
        func line(_ words: [String]) -> String? {
            profile(sparse: SparseParameters(stopWords: words)).lines.first { $0.hasPrefix("sparse_stop_words=") }
        }
        #expect(line(["the", "a"]) == line(["A", "the", "THE"]))
        #expect(line(["the", "a"])?.hasPrefix("sparse_stop_words=2 words, ") == true)
        // Canonically equivalent words are two: texts are compared by scalars.
        #expect(line(["\u{E9}"]) != line(["e\u{301}"]))
    }
}

@Suite("ChunkLimits")
struct ChunkLimitsTests {
    @Test func `limits that make no sense are refused, all problems in one sentence`() throws {
        let error = try #require(throws: TextError.self) {
            try ChunkLimits(parentMaxTokens: 1, parentChunkSize: 2, chunkSize: 9_000, chunkOverlap: 9_000)
        }
        for word in ["9000", "overlap", "parent chunk size", "one parent"] { #expect(error.description.contains(word)) }
        #expect(throws: TextError.self) {
            try ChunkLimits(parentMaxTokens: 100, parentChunkSize: 100, chunkSize: 15, chunkOverlap: 0)
        }
        #expect(throws: TextError.self) {
            try ChunkLimits(parentMaxTokens: 100, parentChunkSize: 100, chunkSize: 50, chunkOverlap: -1)
        }
    }

    @Test func `the standard limits are those of the requirement`() throws {
        let limits = try ChunkLimits(parentMaxTokens: 2_500, parentChunkSize: 2_048, chunkSize: 512, chunkOverlap: 128)
        #expect(limits == .standard)
    }
}
