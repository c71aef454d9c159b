/// Finnish: particles, possessives, cases, comparisons and the signs of the plural, from the last ending inwards.
///
/// Everything that is no vowel counts as a consonant: doubled digits lose one too.
///
/// Source: snowballstem.org, `finnish.sbl` of release 2.2.
struct FinnishStemmer: Stemmer {
    func stem(_ word: inout [UInt32]) {
        var work = FinnishWord(word)
        work.removeParticle()
        work.removePossessive()
        let lostCase = work.removeCase()
        work.removeComparison()
        if lostCase { work.removePluralI() } else { work.removePluralT() }
        work.tidy()
        word = work.letters
    }
}

/// A word that is being stemmed, with the regions R1 and R2.
private struct FinnishWord {
    private(set) var letters: [UInt32]
    private let regionOne: Int
    private let regionTwo: Int

    private static let vowels = LetterSet("aeiouyäö")
    private static let vowelsButY = LetterSet("aeiouäö")

    init(_ word: [UInt32]) {
        letters = word
        regionOne = word.regionBehindVowelAndConsonant(from: 0, Self.vowels)
        regionTwo = word.secondRegion(Self.vowels)
    }

    // MARK: - Particles and possessives

    private enum Particle { case enclitic, adverb }

    private static let particles = Suffixes<Particle>(["kin kaan kään ko kö han hän pa pä": .enclitic, "sti": .adverb])
    private static let lettersBeforeParticle = LetterSet("aeiouyäönt")

    mutating func removeParticle() {
        guard let (start, particle) = Self.particles.longest(of: letters, from: regionOne) else { return }
        switch particle {
        case .enclitic: guard letters.has(Self.lettersBeforeParticle, before: start) else { return }
        case .adverb: guard start >= regionTwo else { return }
        }
        letters.cut(at: start)
    }

    private enum Possessive {
        case any, si, ni
        /// A possessive that only follows the ending of a case.
        case behind(Suffixes<Void>)
    }

    private static let possessives = Suffixes<Possessive>([
        "nsa nsä mme nne": .any, "si": .si, "ni": .ni, "an": .behind(Suffixes("ta ssa lla na")),
        "än": .behind(Suffixes("tä ssä llä nä")), "en": .behind(Suffixes("lle ine")),
    ])

    /// Removes a possessive; `-ksi` is a case, and `-kseni` that case and a possessive.
    mutating func removePossessive() {
        guard let (start, possessive) = Self.possessives.longest(of: letters, from: regionOne) else { return }
        switch possessive {
        case .si where letters.has("k", before: start): break
        case .behind(let cases) where cases.longest(of: letters, before: start) == nil: break
        case .ni:
            letters.cut(at: start)
            if letters.has("kse") { letters.replace(from: start - 1, with: "i") }
        default: letters.cut(at: start)
        }
    }

    // MARK: - Cases

    private enum Case {
        case any
        /// An ending that only follows a certain letter.
        case behind(String)
        /// The illative after a long vowel.
        case seen
        /// A plural after a vowel and `i`.
        case plural
        /// The genitive; with the letter before it, the illative of a long vowel and the genitive in `-ien`.
        case n
        /// The partitive after a consonant and a vowel.
        case partitive
    }

    private static let cases = Suffixes<Case>([
        "han": .behind("a"), "hen": .behind("e"), "hin": .behind("i"), "hon": .behind("o"), "hän": .behind("ä"),
        "hön": .behind("ö"), "seen": .seen, "siin den tten": .plural, "n": .n, "a ä": .partitive,
        "tta ttä": .behind("e"), "ta tä ssa ssä sta stä lla llä lta ltä lle na nä ksi ine": .any,
    ])

    /// Removes the ending of a case.
    ///
    /// If `-siin`, `-seen`, `-den` or `-tten` is not one, its `-n` is.
    ///
    /// - Returns: whether there was one.
    mutating func removeCase() -> Bool {
        guard let (start, ending) = Self.cases.longest(of: letters, from: regionOne) else { return false }
        switch ending {
        case .n: removeN()
        case .seen where !hasLongVowel(before: start), .plural where !hasVowelAndI(before: start): removeN()
        case .behind(let letter) where !letters.has(letter, before: start): return false
        case .partitive where !hasConsonantAndVowel(before: start): return false
        default: letters.cut(at: start)
        }
        return true
    }

    private mutating func removeN() {
        letters.removeLast()
        if hasLongVowel(before: letters.count) || letters.has("ie") { letters.removeLast() }
    }

    private func hasVowelAndI(before end: Int) -> Bool {
        letters.has("i", before: end) && letters.has(Self.vowelsButY, before: end - 1)
    }

    private func hasConsonantAndVowel(before end: Int) -> Bool {
        letters.has(Self.vowels, before: end) && hasConsonant(before: end - 1)
    }

    private static let longVowels = Suffixes("aa ee ii oo uu ää öö")

    private func hasLongVowel(before end: Int) -> Bool {
        Self.longVowels.longest(of: letters, before: end) != nil
    }

    // MARK: - Comparisons and plurals

    private enum Comparison { case notBehindPo, any }

    private static let comparisons = Suffixes<Comparison>([
        "mpi mpa mpä mmi mma mmä": .notBehindPo,
        "impi impa impä immi imma immä eja ejä": .any,
    ])
    private static let pluralComparisons = Suffixes<Comparison>(["mma": .notBehindPo, "imma": .any])

    mutating func removeComparison() {
        remove(Self.comparisons)
    }

    private mutating func remove(_ comparisons: Suffixes<Comparison>) {
        guard let (start, comparison) = comparisons.longest(of: letters, from: regionTwo) else { return }
        if comparison == .notBehindPo, letters.has("po", before: start) { return }
        letters.cut(at: start)
    }

    mutating func removePluralI() {
        if letters.count > regionOne, letters.has("i") || letters.has("j") { letters.removeLast() }
    }

    mutating func removePluralT() {
        let start = letters.count - 1
        guard start > regionOne, letters.has("t"), letters.has(Self.vowels, before: start) else { return }
        letters.removeLast()
        remove(Self.pluralComparisons)
    }

    // MARK: - Tidying

    private static let finalVowels = LetterSet("aäei")

    /// Shortens a long vowel, removes one that is left of an ending, and undoubles the last consonant.
    mutating func tidy() {
        guard letters.count >= regionOne else { return }
        removeLast { $0.hasLongVowel(before: $0.letters.count) }
        removeLast { word in
            let last = word.letters.count - 1
            return Self.finalVowels.contains(word.letters[last]) && word.hasConsonant(before: last)
        }
        removeLast { $0.letters.has("oj") || $0.letters.has("uj") }
        removeLast { $0.letters.has("jo") }
        undoubleConsonant()
    }

    /// Removes the last letter if the last two are in R1 and a condition holds.
    private mutating func removeLast(when condition: (Self) -> Bool) {
        if letters.count >= regionOne + 2, condition(self) { letters.removeLast() }
    }

    private mutating func undoubleConsonant() {
        guard let last = letters.lastIndex(where: { !Self.vowels.contains($0) }), last > 0,
            letters[last - 1] == letters[last]
        else { return }
        letters.remove(at: last)
    }

    private func hasConsonant(before end: Int) -> Bool {
        end > 0 && !Self.vowels.contains(letters[end - 1])
    }
}
