/// Danish: the ending of a noun, verb or adjective, then one that derives a word, then a doubled consonant.
///
/// Everything that is no vowel counts as a consonant: doubled digits lose one too.
///
/// Source: snowballstem.org, `danish.sbl` of release 2.2.
struct DanishStemmer: Stemmer {
    func stem(_ word: inout [UInt32]) {
        let region = word.regionBehindThreeLetters(Self.vowels)
        Self.removeEnding(&word, region)
        Self.shortenPair(&word, region)
        Self.removeDerivation(&word, region)
        Self.undouble(&word, region)
    }

    private static let vowels = LetterSet("aeiouyæåø")
    private static let lettersBeforeS = LetterSet("abcdfghjklmnoprtvyzå")

    private enum Ending { case any, genitive }

    private static let endings = Suffixes<Ending>([
        "e ende erende ene erne ere ered erede hed ethed en eren heden er erer heder": .any,
        "es endes erendes enes ernes eres ens erens hedens ers heds et eret ets erets": .any,
        "s": .genitive,
    ])

    private static func removeEnding(_ word: inout [UInt32], _ region: Int) {
        guard let (start, ending) = endings.longest(of: word, from: region) else { return }
        if ending == .genitive, !word.has(lettersBeforeS, before: start) { return }
        word.cut(at: start)
    }

    private static let pairs = Suffixes("gd dt gt kt")

    private static func shortenPair(_ word: inout [UInt32], _ region: Int) {
        if pairs.longest(of: word, from: region) != nil { word.removeLast() }
    }

    private enum Derivation { case any, superlative }

    private static let derivations = Suffixes<Derivation>(["ig lig elig els": .any, "løst": .superlative])

    private static func removeDerivation(_ word: inout [UInt32], _ region: Int) {
        if word.has("igst") { word.removeLast(2) }
        switch derivations.longest(of: word, from: region) {
        case (let start, .any)?:
            word.cut(at: start)
            shortenPair(&word, region)
        case (_, .superlative)?: word.removeLast()
        case nil: break
        }
    }

    private static func undouble(_ word: inout [UInt32], _ region: Int) {
        let last = word.count - 1
        if last >= region, !vowels.contains(word[last]), word[last - 1] == word[last] { word.removeLast() }
    }
}
