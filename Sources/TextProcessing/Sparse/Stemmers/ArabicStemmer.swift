/// Arabic: light stemming of verbs and nouns, suffixes before prefixes.
///
/// The article is looked for before the letters of a word are simplified. After a prefix is replaced, the next one is
/// looked for after the replacement. The encoder's words have no combining marks, so the rules for vowel marks are left
/// out. So is `Suffix_Noun_Step1a`, because the suffixes of verbs, which are tried before, take everything that it
/// would take.
///
/// Source: snowballstem.org, `arabic.sbl` of release 2.2.
struct ArabicStemmer: Stemmer {
    func stem(_ word: inout [UInt32]) {
        var work = ArabicWord(word)
        work.dropSuffixes()
        work.dropPrefixes()
        word = ArabicLetters.withoutHamza(work.letters)
    }
}

/// A word that is being stemmed.
private struct ArabicWord {
    private(set) var letters: [UInt32]

    /// Whether the word has the article; then it is a noun and no verb.
    private let isDefined: Bool

    init(_ word: [UInt32]) {
        isDefined = Self.article(of: word[...]).map { word.count >= $0 + 2 } ?? false
        letters = ArabicLetters.plain(word)
    }

    /// The length of the article, which begins with certain letters and may have a preposition in front.
    private static func article(of letters: ArraySlice<UInt32>) -> Int? {
        articles.first { letters.starts(with: $0) }?.count
    }

    private static let articles = ["bAl", "kAl", "ll", "Al"].map { [UInt32](scalars: arabic($0)) }

    // MARK: - Suffixes

    mutating func dropSuffixes() {
        if !isDefined, dropVerbSuffixes() { return }
        dropNounSuffixes()
        if !drop(Self.relative), letters.last == ArabicLetters.alefMaksura {
            letters[letters.count - 1] = ArabicLetters.yeh
        }
    }

    /// Removes the longest suffix of a table, if the word is long enough for it.
    private mutating func drop(_ suffixes: Suffixes<Int>) -> Bool {
        guard let found = suffixes.longest(of: letters), letters.count >= found.action else { return false }
        letters.removeSubrange(found.start...)
        return true
    }

    /// Removes the objects and then the person, or the person alone.
    private mutating func dropVerbSuffixes() -> Bool {
        guard drop(Self.objects) else { return drop(Self.personsOfPast) || drop(Self.persons) }
        while drop(Self.objects) {}
        _ = drop(Self.persons) || drop(Self.personsBeforeObject)
        return true
    }

    private mutating func dropNounSuffixes() {
        if drop(Self.feminine) { return }
        if drop(Self.dual) {
            _ = drop(Self.longVowels) || drop(Self.femininePlural) || drop(Self.openFeminine)
        } else if isDefined || !drop(Self.longVowels) {
            _ = drop(Self.femininePlural)
        }
    }

    // The length that a word needs to lose them.
    private static let objects = Suffixes([
        arabic("h k"): 4, arabic("ny nA hA hm hn km kn"): 5, arabic("hmA kmA kmw"): 6,
    ])
    private static let persons = Suffixes([arabic("t A n y"): 4, arabic("nA tA tn"): 5, arabic("An wn yn tmA"): 6])
    private static let personsOfPast = Suffixes([arabic("wA tm"): 5])
    private static let personsBeforeObject = Suffixes([arabic("w"): 4, arabic("tmw"): 6])
    private static let feminine = Suffixes([arabic("p"): 4])
    private static let openFeminine = Suffixes([arabic("t"): 4])
    private static let femininePlural = Suffixes([arabic("At"): 5])
    private static let dual = Suffixes([arabic("n"): 6])
    private static let longVowels = Suffixes([arabic("A y w"): 5])
    private static let relative = Suffixes([arabic("y"): 3])

    // MARK: - Prefixes

    mutating func dropPrefixes() {
        var start = 0
        if letters.count > 3, letters[0] == ArabicLetters.alefHamza, Self.hamzas.contains(letters[1]) {
            letters.remove(at: letters[1] == ArabicLetters.wawHamza ? 1 : 0)
            start = 1
        }
        if letters.count > 3, Self.conjunctions.contains(letters[start]), letters[start + 1] != ArabicLetters.alef {
            letters.remove(at: start)
        }
        if !dropArticle(at: start), !dropPreposition(at: start), !isDefined { replaceVerbPrefixes(at: start) }
    }

    private mutating func dropArticle(at start: Int) -> Bool {
        guard let length = Self.article(of: letters[start...]), letters.count >= length + 3 else { return false }
        letters.removeSubrange(start..<start + length)
        return true
    }

    private mutating func dropPreposition(at start: Int) -> Bool {
        guard letters.count > 3 else { return false }
        let (first, second) = (letters[start], letters[start + 1])
        switch first {
        case ArabicLetters.beh where second != ArabicLetters.alef, ArabicLetters.kaf where second == first:
            letters.remove(at: start)
            return true
        default:
            return false
        }
    }

    /// Removes the future's `s`, and turns a person and `st` after it into `Ast`.
    private mutating func replaceVerbPrefixes(at start: Int) {
        var start = start
        if letters.count > 4, letters[start] == ArabicLetters.seen, Self.afterFuture.contains(letters[start + 1]) {
            letters.remove(at: start)
            start += 1
        }
        if letters.count > 4, Self.beforeTenth.contains(letters[start]),
            letters[(start + 1)...].starts(with: Self.tenth)
        {
            letters[start] = ArabicLetters.alef
        }
    }

    private static let hamzas = LetterSet(arabic(">|&A<"))
    private static let conjunctions = LetterSet(arabic("fw"))
    private static let afterFuture = LetterSet(arabic("ytn>"))
    private static let beforeTenth = LetterSet(arabic("ynt"))
    private static let tenth = [UInt32](scalars: arabic("st"))
}

/// A text in Buckwalter's letters, which read from left to right.
private func arabic(_ text: String) -> String {
    String(text.map { ArabicLetters.buckwalter[$0] ?? $0 })
}

/// Forms of Arabic letters that the stemmer treats as the same letter.
private enum ArabicLetters {
    static let alefHamza: UInt32 = 0x623
    static let wawHamza: UInt32 = 0x624
    static let alef: UInt32 = 0x627
    static let beh: UInt32 = 0x628
    static let seen: UInt32 = 0x633
    static let kaf: UInt32 = 0x643
    static let alefMaksura: UInt32 = 0x649
    static let yeh: UInt32 = 0x64A
    private static let hamza: UInt32 = 0x621
    private static let tatweel: UInt32 = 0x640
    private static let lam: UInt32 = 0x644

    static let buckwalter: [Character: Character] = [
        "|": "\u{622}", ">": "\u{623}", "&": "\u{624}", "<": "\u{625}", "A": "\u{627}", "b": "\u{628}", "p": "\u{629}",
        "t": "\u{62A}", "s": "\u{633}", "f": "\u{641}", "k": "\u{643}", "l": "\u{644}", "m": "\u{645}", "n": "\u{646}",
        "h": "\u{647}", "w": "\u{648}", "y": "\u{64A}",
    ]

    /// A word in plain letters: no tatweel, no presentation forms, and European digits.
    static func plain(_ word: [UInt32]) -> [UInt32] {
        word.flatMap { letter -> [UInt32] in
            switch letter {
            case tatweel: []
            case 0x660...0x669: [letter - 0x660 + 0x30]
            case 0xFE80..<0xFEF5: [presentationForms[Int(letter - 0xFE80)]]
            case 0xFEF5..<0xFEFD: [lam, alefsInLigatures[Int(letter - 0xFEF5) / 2]]
            default: [letter]
            }
        }
    }

    /// The letters of U+FE80 to U+FEF4, which has their forms one after the other in alphabetical order.
    private static let presentationForms: [UInt32] = {
        let formsOfFirst = [1, 2, 2, 2, 2, 4, 2, 4, 2, 4, 4, 4, 4, 4, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 4, 4]
        let formsOfOthers = [4, 4, 4, 4, 4, 4, 4, 2, 2, 4]
        let letters = Array(zip(hamza..., formsOfFirst)) + zip((tatweel + 1)..., formsOfOthers)
        return letters.flatMap { [UInt32](repeating: $0, count: $1) }
    }()
    private static let alefsInLigatures: [UInt32] = [0x622, alefHamza, 0x625, alef]

    /// A word whose last letter is a plain hamza, if it carries one; other letters that carry one lose it.
    static func withoutHamza(_ word: [UInt32]) -> [UInt32] {
        var letters = word.map { bearers[$0] ?? $0 }
        if let last = word.last, bearers[last] != nil { letters[letters.count - 1] = hamza }
        return letters
    }

    private static let bearers: [UInt32: UInt32] = [
        0x622: alef, alefHamza: alef, wawHamza: 0x648, 0x625: alef, 0x626: yeh,
    ]
}
