/// Norwegian: the ending of a noun, verb or adjective, then a `t` after a consonant, then an ending that derives a
/// word.
///
/// Source: snowballstem.org, `norwegian.sbl` of release 2.2.
struct NorwegianStemmer: Stemmer {
    func stem(_ word: inout [UInt32]) {
        let region = word.regionBehindThreeLetters(Self.vowels)
        Self.removeEnding(&word, region)
        Self.shortenPair(&word, region)
        Self.removeDerivation(&word, region)
    }

    private static let vowels = LetterSet("aeiouyæåø")
    private static let lettersBeforeS = LetterSet("bcdfghjlmnoprtvyz")

    private enum Ending { case any, genitive, past }

    private static let endings = Suffixes<Ending>([
        "a e ede ande ende ane ene hetene en heten ar er heter et het": .any,
        "as es edes endes enes hetenes ens hetens ers ets ast": .any,
        "s": .genitive,
        "erte ert": .past,
    ])

    private static func removeEnding(_ word: inout [UInt32], _ region: Int) {
        guard let (start, ending) = endings.longest(of: word, from: region) else { return }
        switch ending {
        case .any: word.cut(at: start)
        case .genitive: if endsGenitive(word, before: start) { word.cut(at: start) }
        case .past: word.replace(from: start, with: "er")
        }
    }

    /// After a `k`, an `s` is a genitive only if a consonant precedes the `k`.
    private static func endsGenitive(_ word: [UInt32], before end: Int) -> Bool {
        if word.has(lettersBeforeS, before: end) { return true }
        return word.has("k", before: end) && end > 1 && !word.has(vowels, before: end - 1)
    }

    private static let pairs = Suffixes("dt vt")

    private static func shortenPair(_ word: inout [UInt32], _ region: Int) {
        if pairs.longest(of: word, from: region) != nil { word.removeLast() }
    }

    private static let derivations = Suffixes("leg eleg ig eig lig elig els lov elov slov hetslov")

    private static func removeDerivation(_ word: inout [UInt32], _ region: Int) {
        word.cut(derivations, from: region)
    }
}
