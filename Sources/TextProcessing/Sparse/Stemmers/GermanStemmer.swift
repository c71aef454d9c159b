/// German: endings of inflection in two steps, then those that derive a word; umlauts are removed at the end.
///
/// Snowball 3 reads `ae`, `oe` and `ue` as umlauts; here they stay.
///
/// Source: snowballstem.org, `german.sbl` of release 2.2.
struct GermanStemmer: Stemmer {
    func stem(_ word: inout [UInt32]) {
        var work = GermanWord(word)
        work.removeInflection()
        work.removeComparison()
        work.removeDerivation()
        word = work.letters
        word.unmark()
        word.turn(Self.umlauts, into: Self.plain)
    }

    private static let umlauts = [UInt32](scalars: "äöü")
    private static let plain = [UInt32](scalars: "aou")
}

/// A word that is being stemmed, with the regions R1 and R2.
private struct GermanWord {
    private(set) var letters: [UInt32]
    private let regionOne: Int
    private let regionTwo: Int

    private static let vowels = LetterSet("aeiouyäöü")

    /// Writes `ß` as `ss` and marks `u` and `y` between vowels.
    init(_ word: [UInt32]) {
        var letters = word.flatMap { $0 == 0xDF ? [0x73, 0x73] : [$0] }
        for index in letters.indices.dropFirst().dropLast()
        where Self.vowels.contains(letters[index - 1]) && Self.vowels.contains(letters[index + 1]) {
            if letters.has(Self.uy, before: index + 1) { letters.mark(index) }
        }
        self.letters = letters
        regionOne = letters.regionBehindThreeLetters(Self.vowels)
        regionTwo = letters.secondRegion(Self.vowels)
    }

    private static let uy = LetterSet("uy")

    // MARK: - Steps

    private enum Inflection { case any, behindNis, s }

    private static let inflections = Suffixes<Inflection>(["em ern er": .any, "e en es": .behindNis, "s": .s])
    private static let lettersBeforeS = LetterSet("bdfghklmnrt")

    mutating func removeInflection() {
        guard let (start, inflection) = Self.inflections.longest(of: letters), start >= regionOne else { return }
        switch inflection {
        case .any: letters.cut(at: start)
        case .behindNis:
            letters.cut(at: start)
            if letters.has("niss") { letters.removeLast() }
        case .s: if letters.has(Self.lettersBeforeS, before: start) { letters.cut(at: start) }
        }
    }

    private enum Comparison { case any, st }

    private static let comparisons = Suffixes<Comparison>(["en er est": .any, "st": .st])
    private static let lettersBeforeST = LetterSet("bdfghklmnt")

    /// A word that ends in `-st` keeps at least four letters.
    mutating func removeComparison() {
        guard let (start, comparison) = Self.comparisons.longest(of: letters), start >= regionOne else { return }
        if comparison == .st, start < 4 || !letters.has(Self.lettersBeforeST, before: start) { return }
        letters.cut(at: start)
    }

    private enum Derivation { case endUng, igIkIsch, lichHeit, keit }

    private static let derivations = Suffixes<Derivation>([
        "end ung": .endUng, "ig ik isch": .igIkIsch, "lich heit": .lichHeit, "keit": .keit,
    ])
    private static let erEn = Suffixes("er en")
    private static let lichIg = Suffixes("lich ig")

    mutating func removeDerivation() {
        guard let (start, derivation) = Self.derivations.longest(of: letters), start >= regionTwo else { return }
        if derivation == .igIkIsch, letters.has("e", before: start) { return }
        letters.cut(at: start)
        switch derivation {
        case .endUng: if !letters.has("eig") { letters.cut("ig", in: regionTwo) }
        case .igIkIsch: break
        case .lichHeit: letters.cut(Self.erEn, in: regionOne)
        case .keit: letters.cut(Self.lichIg, in: regionTwo)
        }
    }
}
