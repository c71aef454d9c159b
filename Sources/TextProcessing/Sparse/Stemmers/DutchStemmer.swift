/// Dutch, by Porter: endings of inflection, then those that derive a word; a doubled vowel before the end is shortened.
///
/// R1 begins after at least three bytes of UTF-8, not after three letters: two letters are enough if one is an `è`.
///
/// Snowball 3 calls this algorithm `dutch_porter` and has another one for `dutch`.
///
/// Source: snowballstem.org, `dutch.sbl` of release 2.2.
struct DutchStemmer: Stemmer {
    func stem(_ word: inout [UInt32]) {
        var work = DutchWord(word)
        work.removePlural()
        let lostE = work.removeE()
        work.removeHeid()
        work.removeDerivation(lostE: lostE)
        work.shortenVowel()
        word = work.letters
        word.unmark()
    }
}

/// A word that is being stemmed, with the regions R1 and R2.
private struct DutchWord {
    private(set) var letters: [UInt32]
    private let regionOne: Int
    private let regionTwo: Int

    private static let vowels = LetterSet("aeiouyè")

    /// Removes accents, and marks `i` between vowels and `y` after one or at the start.
    init(_ word: [UInt32]) {
        var letters = word
        letters.turn(Self.accented, into: Self.plain)
        for index in letters.indices where index == 0 || Self.vowels.contains(letters[index - 1]) {
            let isBetweenVowels = index > 0 && index + 1 < letters.count && Self.vowels.contains(letters[index + 1])
            if letters.has("y", before: index + 1) || isBetweenVowels && letters.has("i", before: index + 1) {
                letters.mark(index)
            }
        }
        self.letters = letters
        let startsInASCII = letters.prefix(2).allSatisfy { $0 < 0x80 }
        regionOne =
            startsInASCII
            ? letters.regionBehindThreeLetters(Self.vowels)
            : letters.regionBehindVowelAndConsonant(from: 0, Self.vowels)
        regionTwo = letters.secondRegion(Self.vowels)
    }

    private static let accented = [UInt32](scalars: "äáëéïíöóüú")
    private static let plain = [UInt32](scalars: "aaeeiioouu")

    // MARK: - Steps

    private enum Plural { case heden, en, s }

    private static let plurals = Suffixes<Plural>(["heden": .heden, "en ene": .en, "s se": .s])
    private static let vowelsAndJ = LetterSet("aeiouyèj")

    mutating func removePlural() {
        guard let (start, plural) = Self.plurals.longest(of: letters), start >= regionOne else { return }
        switch plural {
        case .heden: letters.replace(from: start, with: "heid")
        case .en: removeEn(from: start)
        case .s: if !letters.has(Self.vowelsAndJ, before: start) { letters.cut(at: start) }
        }
    }

    /// Removes `-en` or `-ene` in R1 after a consonant, but not from `gemeen`.
    private mutating func removeEn(from start: Int) {
        guard start >= regionOne, hasConsonant(before: start), !letters.has("gem", before: start) else { return }
        letters.cut(at: start)
        undouble()
    }

    /// Removes `-e` in R1 after a consonant.
    ///
    /// - Returns: whether it was removed.
    @discardableResult
    mutating func removeE() -> Bool {
        let start = letters.count - 1
        guard letters.has("e"), start >= regionOne, hasConsonant(before: start) else { return false }
        letters.removeLast()
        undouble()
        return true
    }

    mutating func removeHeid() {
        let start = letters.count - 4
        guard letters.has("heid"), start >= regionTwo, !letters.has("c", before: start) else { return }
        letters.cut(at: start)
        if letters.has("en") { removeEn(from: letters.count - 2) }
    }

    private enum Derivation { case endIng, ig, lijk, baar, bar }

    private static let derivations = Suffixes<Derivation>([
        "end ing": .endIng, "ig": .ig, "lijk": .lijk, "baar": .baar, "bar": .bar,
    ])

    mutating func removeDerivation(lostE: Bool) {
        guard let (start, derivation) = Self.derivations.longest(of: letters), start >= regionTwo else { return }
        switch derivation {
        case .endIng:
            letters.cut(at: start)
            if !(letters.has("ig") && removeIg(from: letters.count - 2)) { undouble() }
        case .ig: removeIg(from: start)
        case .lijk:
            letters.cut(at: start)
            removeE()
        case .baar: letters.cut(at: start)
        case .bar: if lostE { letters.cut(at: start) }
        }
    }

    /// Removes `-ig` in R2, but not after `e`.
    ///
    /// - Returns: whether it was removed.
    @discardableResult
    private mutating func removeIg(from start: Int) -> Bool {
        if start < regionTwo || letters.has("e", before: start) { return false }
        letters.cut(at: start)
        return true
    }

    private static let longVowels = Suffixes("aa ee oo uu")
    private static let vowelsAndI = LetterSet("aeiouyèI")

    /// Shortens a doubled vowel between two consonants at the end.
    mutating func shortenVowel() {
        let last = letters.count - 1
        guard last > 0, !Self.vowelsAndI.contains(letters[last]),
            let (start, _) = Self.longVowels.longest(of: letters, before: last), hasConsonant(before: start)
        else { return }
        letters.remove(at: start)
    }

    // MARK: - Parts

    private static let doubled = Suffixes("kk dd tt")

    private mutating func undouble() {
        if Self.doubled.longest(of: letters) != nil { letters.removeLast() }
    }

    private func hasConsonant(before end: Int) -> Bool {
        end > 0 && !Self.vowels.contains(letters[end - 1])
    }
}
