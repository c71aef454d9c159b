/// Cuts the words of one language down to their stems, for the sparse encoder.
protocol Stemmer: Sendable {
    /// Turns a word into its stem, in place.
    ///
    /// A word is one or more lower-case scalars that are letters, numbers or underscores, at most 40 of them.
    func stem(_ word: inout [UInt32])
}

/// A language that the sparse encoder supports: its stop words and its stemmer.
struct SparseLanguage: Sendable {
    let name: String
    /// The words that are left out, separated by white space; nil if no list may be committed and the user has to name
    /// one.
    let stopWords: String?
    let stemmer: any Stemmer

    static let all = [
        SparseLanguage(name: "arabic", stopWords: nil, stemmer: ArabicStemmer()),
        SparseLanguage(name: "danish", stopWords: StopWords.danish, stemmer: DanishStemmer()),
        SparseLanguage(name: "dutch", stopWords: StopWords.dutch, stemmer: DutchStemmer()),
        SparseLanguage(name: "english", stopWords: StopWords.english, stemmer: EnglishStemmer()),
        SparseLanguage(name: "finnish", stopWords: StopWords.finnish, stemmer: FinnishStemmer()),
        SparseLanguage(name: "french", stopWords: StopWords.french, stemmer: FrenchStemmer()),
        SparseLanguage(name: "german", stopWords: StopWords.german, stemmer: GermanStemmer()),
        SparseLanguage(name: "greek", stopWords: nil, stemmer: GreekStemmer()),
        SparseLanguage(name: "hungarian", stopWords: StopWords.hungarian, stemmer: HungarianStemmer()),
        SparseLanguage(name: "italian", stopWords: StopWords.italian, stemmer: ItalianStemmer()),
        SparseLanguage(name: "norwegian", stopWords: StopWords.norwegian, stemmer: NorwegianStemmer()),
        SparseLanguage(name: "portuguese", stopWords: StopWords.portuguese, stemmer: PortugueseStemmer()),
        SparseLanguage(name: "romanian", stopWords: nil, stemmer: RomanianStemmer()),
        SparseLanguage(name: "russian", stopWords: StopWords.russian, stemmer: RussianStemmer()),
        SparseLanguage(name: "spanish", stopWords: StopWords.spanish, stemmer: SpanishStemmer()),
        SparseLanguage(name: "swedish", stopWords: StopWords.swedish, stemmer: SwedishStemmer()),
        // fastembed has no stop words for Tamil either.
        SparseLanguage(name: "tamil", stopWords: "", stemmer: TamilStemmer()),
        SparseLanguage(name: "turkish", stopWords: StopWords.turkish, stemmer: TurkishStemmer()),
    ]
}
