/// Swedish: the ending of a noun, verb or adjective, then the last of two consonants, then an ending that derives a word.
///
/// Source: snowballstem.org, `swedish.sbl` of release 2.2.
struct SwedishStemmer: Stemmer {
    func stem(_ word: inout [UInt32]) {
        let region = word.regionBehindThreeLetters(Self.vowels)
        Self.removeEnding(&word, region)
        Self.shortenPair(&word, region)
        Self.removeDerivation(&word, region)
    }

    private static let vowels = LetterSet("aeiouyäåö")
    private static let lettersBeforeS = LetterSet("bcdfghjklmnoprtvy")

    private enum Ending { case any, genitive }

    private static let endings = Suffixes<Ending>([
        "a arna erna heterna orna e ade ande arne are aste en anden aren heten ern ar er heter or": .any,
        "as arnas ernas ornas es ades andes ens arens hetens erns ad at andet het ast": .any,
        "s": .genitive,
    ])

    private static func removeEnding(_ word: inout [UInt32], _ region: Int) {
        guard let (start, ending) = endings.longest(of: word, from: region) else { return }
        if ending == .genitive, !word.has(lettersBeforeS, before: start) { return }
        word.cut(at: start)
    }

    private static let pairs = Suffixes("dd gd nn dt gt kt tt")

    private static func shortenPair(_ word: inout [UInt32], _ region: Int) {
        if pairs.longest(of: word, from: region) != nil { word.removeLast() }
    }

    private static let derivations = Suffixes<String>(["lig ig els": "", "löst": "lös", "fullt": "full"])

    private static func removeDerivation(_ word: inout [UInt32], _ region: Int) {
        guard let (start, shorter) = derivations.longest(of: word, from: region) else { return }
        word.replace(from: start, with: shorter)
    }
}
