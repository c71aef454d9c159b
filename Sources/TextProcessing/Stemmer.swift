/// Cuts the words of one language down to their stems, for the sparse encoder.
protocol Stemmer: Sendable {
    /// The stem of a word: lower-case scalars that are letters, numbers or underscores.
    func stem(_ word: [UInt32]) -> [UInt32]
}

/// A language the sparse encoder knows: its stop words and its stemmer.
struct SparseLanguage: Sendable {
    let name: String
    let stopWords: String
    let stemmer: any Stemmer

    static let all = [
        SparseLanguage(name: "english", stopWords: StopWords.english, stemmer: EnglishStemmer())
    ]
}
