/// A suffix of Turkish.
///
/// Written as grammars do: `A` and `I` are a and ı, or e and i; `U` is one of ı, i, u, ü; `D` is d or t.
struct TurkishSuffix: Sendable {
    /// The letter between the stem and the suffix that keeps two vowels or two consonants apart.
    private enum Link {
        case none
        /// This consonant after a vowel; or any other letter after a vowel, which then stays.
        case consonant(UInt32)
        /// ı, i, u or ü after a consonant; or any other letter after a consonant, which then stays.
        case vowel
    }

    private let forms: Suffixes<Void>
    private let isHarmonic: Bool
    private let link: Link

    private init(_ patterns: String, isHarmonic: Bool = true, link: Link = .none) {
        forms = Suffixes(Self.forms(of: patterns))
        self.isHarmonic = isHarmonic
        self.link = link
    }

    private static func forms(of patterns: String) -> String {
        var forms: Set<String> = []
        for (open, close) in [("a", "ı"), ("e", "i")] {
            for vowel in ["ı", "i", "u", "ü"] {
                for consonant in ["d", "t"] {
                    let letters: [Character: String] = ["A": open, "I": close, "U": vowel, "D": consonant]
                    forms.insert(patterns.map { letters[$0] ?? String($0) }.joined())
                }
            }
        }
        return forms.sorted().joined(separator: " ")
    }

    /// Where the suffix begins, with its link, if it ends at `end`.
    func start(in word: [UInt32], before end: Int) -> Int? {
        guard let start = forms.longest(of: word, before: end)?.start,
            !isHarmonic || Self.isHarmonic(word[..<end])
        else { return nil }
        switch link {
        case .none:
            return start
        case .consonant(let letter):
            guard start >= 2, Self.vowels.contains(word[start - 2]) else { return nil }
            return word[start - 1] == letter ? start - 1 : start
        case .vowel:
            guard start >= 2, !Self.vowels.contains(word[start - 2]) else { return nil }
            return Self.linkVowels.contains(word[start - 1]) ? start - 1 : start
        }
    }

    static let vowels = LetterSet("aeıioöuü")
    private static let linkVowels = LetterSet("ıiuü")

    /// Whether any earlier vowel is in harmony with the last one.
    private static func isHarmonic(_ letters: ArraySlice<UInt32>) -> Bool {
        guard let last = letters.lastIndex(where: vowels.contains), let companions = companions[letters[last]] else {
            return false
        }
        return letters[..<last].contains(where: companions.contains)
    }

    private static let companions: [UInt32: LetterSet] = {
        let pairs = ["a": "aıou", "e": "eiöü", "ı": "aı", "i": "ei", "o": "ou", "ö": "öü", "u": "ou", "ü": "öü"]
        return Dictionary(uniqueKeysWithValues: pairs.map { ([UInt32](scalars: $0.key)[0], LetterSet($0.value)) })
    }()
}

extension TurkishSuffix {
    private static let y = Link.consonant(0x79)
    private static let n = Link.consonant(0x6E)
    private static let s = Link.consonant(0x73)

    // Suffixes of nominal verbs.
    static let reported = Self("mUş", link: y)
    static let past = Self("DUm DUn DUk DU", link: y)
    static let conditional = Self("sAm sAn sAk sA", isHarmonic: false, link: y)
    static let whilst = Self("ken", isHarmonic: false, link: y)
    static let asIf = Self("cAsInA", isHarmonic: false)
    static let certain = Self("DUr")
    static let me = Self("Um", link: y)
    static let you = Self("sUn")
    static let us = Self("Uz", link: y)
    static let youAll = Self("sUnUz", isHarmonic: false)
    static let pastYouAll = Self("nUz")

    // Suffixes of nouns; the plural is also one of verbs.
    static let plural = Self("lAr")
    static let theirs = Self("lArI", isHarmonic: false)
    static let its = Self("U", link: s)
    static let possessive = Self("mUz nUz m n", isHarmonic: false, link: .vowel)
    static let genitive = Self("Un", link: n)
    static let accusative = Self("U", link: y)
    static let accusativeAfterN = Self("nU")
    static let dative = Self("A", link: y)
    static let dativeAfterN = Self("nA")
    static let locative = Self("DA")
    static let locativeAfterN = Self("ndA")
    static let ablative = Self("DAn")
    static let ablativeAfterN = Self("ndAn")
    static let instrumental = Self("lA", link: y)
    static let manner = Self("cA", link: n)
    static let relative = Self("ki", isHarmonic: false)
}
