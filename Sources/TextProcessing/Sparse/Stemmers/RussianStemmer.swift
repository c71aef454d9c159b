/// Snowball's stemmer for Russian.
///
/// It keeps ё, which is neither a vowel nor part of a suffix, as in fastembed; release 2.2 turns it into е first.
///
/// Source: snowballstem.org, `russian.sbl` of release 2.2.
struct RussianStemmer: Stemmer {
    private static let vowels = LetterSet("аеиоуыэюя")

    func stem(_ word: inout [UInt32]) {
        guard let vowel = word.firstIndex(where: Self.vowels.contains) else { return }
        /// Snowball's RV: nothing before it is examined or changed.
        let region = vowel + 1
        let consonant = word[region...].firstIndex { !Self.vowels.contains($0) }
        let regionTwo = consonant.map { word.regionBehindVowelAndConsonant(from: $0, Self.vowels) } ?? word.count

        if !cut(&word, Self.gerunds, region) {
            word.cut(Self.reflexives, from: region)
            if !adjective(&word, region), !cut(&word, Self.verbs, region) { word.cut(Self.nouns, from: region) }
        }
        word.cut("и", in: region)
        if let (start, _) = Self.derivations.longest(of: word, from: region) { word.cut(at: start, in: regionTwo) }
        tidyUp(&word, region)
    }

    /// Whether `а` or `я` must precede the suffix.
    private typealias SuffixesAfterA = Suffixes<Bool>

    private static let gerunds = SuffixesAfterA([
        "в вши вшись": true,
        "ив ивши ившись ыв ывши ывшись": false,
    ])
    private static let reflexives = Suffixes("ся сь")
    private static let adjectives = Suffixes(
        "ее ие ые ое ими ыми ей ий ый ой ем им ым ом его ого ему ому их ых ую юю ая яя ою ею"
    )
    private static let participles = SuffixesAfterA([
        "ем нн вш ющ щ": true,
        "ивш ывш ующ": false,
    ])
    private static let verbs = SuffixesAfterA([
        "ла на ете йте ли й л ем н ло но ет ют ны ть ешь нно": true,
        """
        ила ыла ена ейте уйте ите или ыли ей уй ил ыл им ым ен ило ыло ено ят ует уют ит ыт ены ить ыть ишь ую ю
        """: false,
    ])
    private static let nouns = Suffixes(
        """
        а ев ов ие ье е иями ями ами еи ии и ией ей ой ий й иям ям ием ем ам ом о у ах иях ях ы ь ию ью ю ия ья я
        """
    )
    private static let derivations = Suffixes("ост ость")
    private static let superlatives = Suffixes("ейш ейше")

    /// Removes the longest suffix, if the required `а` or `я` precedes it.
    private func cut(_ word: inout [UInt32], _ suffixes: SuffixesAfterA, _ region: Int) -> Bool {
        guard let (start, wantsA) = suffixes.longest(of: word, from: region) else { return false }
        if wantsA, !word.has("а", before: start, from: region), !word.has("я", before: start, from: region) {
            return false
        }
        return word.cut(at: start)
    }

    /// Cuts off the ending of an adjective, and of the participle that it may be.
    private func adjective(_ word: inout [UInt32], _ region: Int) -> Bool {
        guard word.cut(Self.adjectives, from: region) else { return false }
        _ = cut(&word, Self.participles, region)
        return true
    }

    private func tidyUp(_ word: inout [UInt32], _ region: Int) {
        if word.cut(Self.superlatives, from: region) || word.has("н", from: region) {
            if word.has("нн", from: region) { word.removeLast() }
        } else {
            word.cut("ь", in: region)
        }
    }
}
