import Testing
import TextProcessing

@Suite("Tokenizer", .heavy, .enabled(if: TestVocabulary.isWanted, "MIGRATE_TEST_VOCABULARY names no vocabulary"))
struct TokenizerTests {
    struct Case: Decodable {
        let cat: String
        let text: String
        let ids: [UInt32]
    }

    @Test func `every golden text has exactly the tokens of tiktoken`() throws {
        let tokenizer = try TestVocabulary.tokenizer.get()
        let cases: [Case] = try goldenCases("cl100k")
        #expect(cases.count == 350)
        for golden in cases {
            #expect(tokenizer.encode(golden.text) == golden.ids, "\(golden.cat): \(golden.text.debugDescription)")
            #expect(tokenizer.count(golden.text) == golden.ids.count)
        }
    }

    @Test func `long words take no quadratic time and keep their tokens`() throws {
        let tokenizer = try TestVocabulary.tokenizer.get()
        // tiktoken: "a" * 8 is one token, so is any longer run cut into eights.
        #expect(tokenizer.count(String(repeating: "a", count: 200_000)) == 25_000)
        #expect(tokenizer.count("e" + String(repeating: "\u{301}", count: 10_000)) > 5_000)
        #expect(tokenizer.count(String(repeating: "\u{0}", count: 10_000)) > 0)
        #expect(tokenizer.count(String(repeating: " ", count: 100_000)) > 0)
    }
}

@Suite("Tokenizer's vocabulary")
struct TokenizerVocabularyTests {
    @Test func `other bytes than the published ones are refused, with both checksums`() throws {
        let error = try #require(throws: TextError.self) { try Tokenizer(vocabulary: Array("IQ== 0\n".utf8)) }
        #expect(error.description.contains(Tokenizer.vocabularyChecksum))
        #expect(error.description.contains("7 bytes"))
    }
}
