import Migration
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

    @Test func `words that come again are counted as at first, also when others took their place`() throws {
        let tokenizer = try TestVocabulary.tokenizer.get()
        var numbers = SplitMix64(seed: 2)
        let words = (0..<6_000).map { "\($0)qzx é\($0 % 700)문장 зюк\($0 % 90)ъ" }
        let picked = (0..<12_000).map { _ in words[Int.random(in: 0..<words.count, using: &numbers)] }
        let text = picked.joined(separator: " x")
        #expect(tokenizer.count(text) == tokenizer.encode(text).count)
    }

    @Test func `a long word has the tokens of its parts, cut anywhere between two of them`() throws {
        // Long words are merged in windows of 4,096 bytes. Cut where a token ends, each half keeps its tokens.
        let tokenizer = try TestVocabulary.tokenizer.get()
        var numbers = SplitMix64(seed: 1)
        let letters = ["abcdefghijklmnopqrstuvwxyz", "aab", "的一是在不了有和人这é", "ابتثجحخد", "가나다라마바사아"].map(Array.init)
        for alphabet in letters {
            let word = String((0..<6_000).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &numbers)] })
            let whole = tokenizer.encode(word)
            var offset = word.startIndex
            var seen = 0
            for _ in 0..<12 {
                offset = word.index(offset, offsetBy: 500, limitedBy: word.endIndex) ?? word.endIndex
                let left = tokenizer.encode(String(word[..<offset]))
                if whole.starts(with: left) {
                    #expect(whole == left + tokenizer.encode(String(word[offset...])))
                    seen += 1
                }
            }
            #expect(seen > 0)
        }
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
