import Testing
import TextProcessing

@Suite("SparseEncoder", .heavy)
struct SparseEncoderTests {
    struct Case: Decodable {
        struct Parameters: Decodable {
            let avgLen: Double?
            let k: Double?
            let b: Double?
            let disableStemmer: Bool?
        }
        let lang: String
        let params: Parameters
        let text: String
        let tokens: [String]
        let indices: [UInt32]
        let values: [Double]
        let queryIndices: [UInt32]
    }

    /// What a user would name: of fastembed's lists, the words that the golden texts hold.
    static let namedStopWords = ["arabic": ["كان", "في"], "greek": []]

    @Test func `every golden text of a supported language has its terms, ids and weights`() throws {
        let cases: [Case] = try goldenCases("bm25")
        let supported = cases.filter { SparseEncoder.languages.contains($0.lang) }
        // Romanian has no golden text: there is no list of its stop words that may be kept here.
        #expect(Set(supported.map(\.lang)) == Set(SparseEncoder.languages).subtracting(["romanian"]))
        #expect(supported.count >= 142)
        for golden in supported {
            let encoder = try SparseEncoder(
                SparseParameters(
                    language: golden.lang,
                    stopWords: Self.namedStopWords[golden.lang],
                    averageLength: golden.params.avgLen ?? 256,
                    termSaturation: golden.params.k ?? 1.2,
                    lengthNormalisation: golden.params.b ?? 0.75,
                    isStemming: !(golden.params.disableStemmer ?? false)
                )
            )
            #expect(encoder.terms(golden.text).map { Array($0.utf8) } == golden.tokens.map { Array($0.utf8) })
            let vector = encoder.document(golden.text)
            #expect(vector.indices == golden.indices, "\(golden.text.debugDescription)")
            #expect(vector.values.count == golden.values.count)
            for (value, expected) in zip(vector.values, golden.values) { #expect(abs(value - expected) < 1e-9) }
            let query = encoder.query(golden.text)
            #expect(query.indices == golden.queryIndices)
            #expect(query.values.allSatisfy { $0 == 1 } && query.values.count == query.indices.count)
        }
    }

    @Test func `an unsupported language is refused with the names of the supported ones`() throws {
        let error = try #require(throws: TextError.self) {
            try SparseEncoder(SparseParameters(language: "klingon"))
        }
        #expect(error.description.contains("klingon") && error.description.contains("english"))
    }

    @Test func `bigrams take runs of Han, Kana and Hangul apart, and nothing else`() throws {
        let encoder = try SparseEncoder(SparseParameters(cjk: .bigram))
        #expect(encoder.terms("東京都 in 2026年 字 カナ") == ["東京", "京都", "2026", "年", "字", "カナ"])
        #expect(try SparseEncoder().terms("東京都 running") == ["東京都", "run"])
    }

    @Test(arguments: [("ΟΔΟΣ ΣΑΣ", ["οδος", "σας"]), ("İstanbul", ["i", "stanbul"]), ("ΑΣ_Σ", ["ας_σ"]), ("_", [])])
    func `lower case is Python's`(text: String, terms: [String]) throws {
        #expect(try SparseEncoder(SparseParameters(isStemming: false)).terms(text) == terms)
    }

    @Test func `named stop words replace the language's own, in any case`() throws {
        func terms(_ words: [String]?, isStemming: Bool = true, of text: String = "The ferry's ΟΔΟΣ and TWO cats")
            throws
            -> [String]
        {
            try SparseEncoder(SparseParameters(stopWords: words, isStemming: isStemming)).terms(text)
        }
        #expect(try terms(nil) == ["ferri", "οδος", "two", "cat"])
        #expect(try terms([]) == ["the", "ferri", "s", "οδος", "and", "two", "cat"])
        #expect(try terms(["Two", "ΟΔΟΣ", "s", "", "cats and"]) == ["the", "ferri", "and", "cat"])
        // As fastembed's `stopwords` and `disable_stemmer` together.
        #expect(try terms(["two"], isStemming: false, of: "Two cats") == ["cats"])
        #expect(try terms(["İ"], of: "i i\u{307}") == ["i", "i"])
    }

    @Test func `each language has words of its own, or says that they are to be named`() throws {
        for language in SparseEncoder.languages {
            if let words = SparseEncoder.stopWords(of: language) {
                #expect(Set(words.map { Array($0.utf8) }).count == words.count, "\(language)")
                let text = words.joined(separator: " ")
                // fastembed drops no word of a Tamil text either.
                #expect(words.isEmpty == (language == "tamil"))
                let terms = try SparseEncoder(SparseParameters(language: language)).terms(text)
                #expect(terms.count <= words.count / 20, "\(language): \(terms)")
            } else {
                let error = #expect(throws: TextError.self) { try SparseEncoder(SparseParameters(language: language)) }
                #expect(error?.description.contains(language) == true)
                #expect(throws: Never.self) { try SparseEncoder(SparseParameters(language: language, stopWords: [])) }
            }
        }
        #expect(SparseEncoder.stopWords(of: "klingon") == nil)
    }

    @Test func `texts without a term have an empty vector`() throws {
        let encoder = try SparseEncoder()
        for text in ["", "  ", "the of and", "!?…", "\u{0}\u{301}"] {
            #expect(encoder.document(text) == SparseVector(indices: [], values: []))
            #expect(encoder.query(text) == SparseVector(indices: [], values: []))
        }
    }
}
