/// How sparse vectors are made.
///
/// Queries must be encoded in the same way.
public struct SparseParameters: Sendable, Hashable {
    /// How runs of Han, Kana and Hangul are encoded (`SPARSE_CJK`).
    public enum CJK: String, Sendable, Hashable, CaseIterable {
        /// Such a run is one token, as in fastembed and Qdrant; of little use for search in these scripts.
        case off
        /// Such a run becomes all its pairs of neighbours; the query side must do the same.
        case bigram
    }

    /// The language of stop words and stems, in lower case (`SPARSE_LANGUAGE`).
    public var language: String
    /// The words, in any case, that are left out in place of the language's own (`SPARSE_STOP_WORDS`); nil = its own.
    ///
    /// Like fastembed's `stopwords`.
    public var stopWords: [String]?
    /// The tokens of an average chunk (`SPARSE_AVG_LENGTH`), above 0.
    public var averageLength: Double
    /// How runs of Han, Kana and Hangul are encoded.
    public var cjk: CJK
    /// BM25's k: how quickly repetitions of a word stop adding weight.
    public var termSaturation: Double
    /// BM25's b, from 0 to 1: how much the length of a text lowers the weights of its words.
    public var lengthNormalisation: Double
    /// Whether words are stemmed and the language's own stop words dropped.
    ///
    /// fastembed's `disable_stemmer` switches off both.
    public var isStemming: Bool

    /// Makes parameters; the defaults are those of fastembed's `Qdrant/bm25`.
    ///
    /// - Parameters:
    ///   - language: the language of stop words and stems.
    ///   - stopWords: the words that are left out, in place of the language's own list.
    ///   - averageLength: the tokens of an average chunk.
    ///   - cjk: how runs of Han, Kana and Hangul are encoded.
    ///   - termSaturation: BM25's k.
    ///   - lengthNormalisation: BM25's b.
    ///   - isStemming: whether words are stemmed and the language's own stop words dropped.
    public init(
        language: String = "english",
        stopWords: [String]? = nil,
        averageLength: Double = 256,
        cjk: CJK = .off,
        termSaturation: Double = 1.2,
        lengthNormalisation: Double = 0.75,
        isStemming: Bool = true
    ) {
        self.language = language
        self.stopWords = stopWords
        self.averageLength = averageLength
        self.cjk = cjk
        self.termSaturation = termSaturation
        self.lengthNormalisation = lengthNormalisation
        self.isStemming = isStemming
    }

    /// The words of `stopWords` in the form in which texts are compared with them.
    var stopWordSet: Set<[UInt32]>? { stopWords.map { Set($0.map(LowerCase.of)) } }
}
