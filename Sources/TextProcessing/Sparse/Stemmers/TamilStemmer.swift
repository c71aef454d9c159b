/// Tamil, as far as the algorithm applies to words without vowel signs.
///
/// The encoder's words have no combining marks: vowel signs and the virama split words, as in fastembed. Most rules of
/// the stemmer need such a mark and can never apply, so they are left out.
///
/// Source: snowballstem.org, `tamil.sbl` of release 2.2.
struct TamilStemmer: Stemmer {
    func stem(_ word: inout [UInt32]) {
        Self.dropGlide(from: &word)
        if word.count < Self.lengthMin { return }
        Self.dropGlides(from: &word)
        while word.count >= Self.lengthMin, let last = word.last, Self.tenses.contains(last) {
            word.removeLast()
            Self.dropGlides(from: &word)
        }
    }

    /// Shorter words keep their endings.
    private static let lengthMin = 5

    private static let glides = LetterSet("வய")
    private static let tenses = LetterSet("னபகதய")

    private static func dropGlides(from word: inout [UInt32]) {
        while dropGlide(from: &word) {}
    }

    @discardableResult
    private static func dropGlide(from word: inout [UInt32]) -> Bool {
        guard word.count > 3, let last = word.last, glides.contains(last) else { return false }
        word.removeLast()
        return true
    }
}
