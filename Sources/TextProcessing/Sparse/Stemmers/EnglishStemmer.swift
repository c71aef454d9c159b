/// Porter2 for English, as in Snowball 1 to 2.2.
///
/// fastembed and Qdrant's own engine use this version; Snowball 3 stems 234 common words differently ("emergency",
/// "universal"), so vectors made with a newer library would silently not match. The encoder's tokens contain no
/// apostrophes, so the rules for them are left out.
///
/// Source: snowballstem.org, `english.sbl` of release 2.2.
struct EnglishStemmer: Stemmer {
    func stem(_ word: inout [UInt32]) {
        if word.count < 3 { return }
        if word.count <= 6, let stem = Self.exceptions[word] {
            word = stem
            return
        }
        var work = EnglishWord(word)
        work.step1a()
        if !Self.finishedAfterPlurals.contains(work.letters) {
            work.step1b()
            work.step1c()
            work.replace(EnglishWord.step2)
            work.replace(EnglishWord.step3)
            work.step4()
            work.step5()
        }
        word = work.letters.map { $0 == EnglishWord.consonantY ? 0x79 : $0 }
    }

    private static let exceptions: [[UInt32]: [UInt32]] = {
        let pairs = [
            "skis": "ski", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "idly": "idl",
            "gently": "gentl", "ugly": "ugli", "early": "earli", "only": "onli", "singly": "singl", "sky": "sky",
            "news": "news", "howe": "howe", "atlas": "atlas", "cosmos": "cosmos", "bias": "bias", "andes": "andes",
        ]
        return Dictionary(uniqueKeysWithValues: pairs.map { (scalars($0.key), scalars($0.value)) })
    }()

    private static let finishedAfterPlurals = Set(
        ["inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed"].map(scalars)
    )
}

private func scalars(_ text: String) -> [UInt32] {
    text.unicodeScalars.map(\.value)
}

/// A word that is being stemmed, with the regions R1 and R2 of Porter's algorithm.
private struct EnglishWord {
    var letters: [UInt32]
    private var regionOne: Int
    private var regionTwo: Int

    /// A `y` that is a consonant, like Snowball's `Y`; the words themselves are in lower case.
    static let consonantY: UInt32 = 0x59

    init(_ word: [UInt32]) {
        letters = word
        for index in letters.indices where letters[index] == 0x79 {
            if index == 0 || Self.isVowel(letters[index - 1]) { letters[index] = Self.consonantY }
        }
        let letters = letters
        func behindVowelAndConsonant(_ start: Int) -> Int {
            var index = start
            while index < letters.count, !Self.isVowel(letters[index]) { index += 1 }
            while index < letters.count, Self.isVowel(letters[index]) { index += 1 }
            return min(index + 1, letters.count)
        }
        let prefix = Self.prefixes.first { letters.starts(with: $0) }
        regionOne = prefix?.count ?? behindVowelAndConsonant(0)
        regionTwo = behindVowelAndConsonant(regionOne)
    }

    private static let prefixes = ["gener", "commun", "arsen"].map(scalars)

    private static func isVowel(_ letter: UInt32) -> Bool {
        switch letter {
        case 0x61, 0x65, 0x69, 0x6F, 0x75, 0x79: true
        default: false
        }
    }

    private func ends(with suffix: [UInt32]) -> Bool {
        letters.count >= suffix.count && letters[(letters.count - suffix.count)...].elementsEqual(suffix)
    }

    /// The longest of some suffixes, longest first, that the word ends with.
    private func longest(_ suffixes: [[UInt32]]) -> [UInt32]? {
        suffixes.first { ends(with: $0) }
    }

    private func hasVowel(before end: Int) -> Bool {
        end > 0 && letters[..<end].contains(where: Self.isVowel)
    }

    /// Whether the letters before `end` end in a short syllable.
    private func isShort(_ end: Int) -> Bool {
        guard end >= 2, Self.isVowel(letters[end - 2]), !Self.isVowel(letters[end - 1]) else { return false }
        if end == 2 { return true }
        switch letters[end - 1] {
        case 0x77, 0x78, Self.consonantY: return false
        default: return !Self.isVowel(letters[end - 3])
        }
    }

    mutating func step1a() {
        if ends(with: Self.sses) {
            letters.removeLast(2)
        } else if ends(with: Self.ied) || ends(with: Self.ies) {
            letters.removeLast(letters.count > 4 ? 2 : 1)
        } else if letters.last == 0x73, !ends(with: Self.us), !ends(with: Self.ss), hasVowel(before: letters.count - 2)
        {
            letters.removeLast()
        }
    }

    private static let sses = scalars("sses")
    private static let ied = scalars("ied")
    private static let ies = scalars("ies")
    private static let us = scalars("us")
    private static let ss = scalars("ss")

    mutating func step1b() {
        guard let suffix = longest(Self.pastAndParticiple) else { return }
        let start = letters.count - suffix.count
        if suffix.starts(with: Self.eed) {
            if start >= regionOne { letters.removeLast(suffix.count - 2) }
            return
        }
        guard hasVowel(before: start) else { return }
        letters.removeLast(suffix.count)
        if longest(Self.wantingE) != nil {
            letters.append(0x65)
        } else if let last = letters.last, Self.doubled.contains(last), letters.dropLast().last == last {
            letters.removeLast()
        } else if letters.count == regionOne, isShort(letters.count) {
            letters.append(0x65)
        }
    }

    private static let pastAndParticiple = ["eedly", "ingly", "edly", "eed", "ing", "ed"].map(scalars)
    private static let eed = scalars("eed")
    private static let wantingE = ["at", "bl", "iz"].map(scalars)
    private static let doubled = scalars("bdfgmnprt")

    mutating func step1c() {
        let count = letters.count
        guard count > 2, letters[count - 1] == 0x79 || letters[count - 1] == Self.consonantY,
            !Self.isVowel(letters[count - 2])
        else { return }
        letters[count - 1] = 0x69
    }

    /// A suffix, its replacement, and the condition besides the region.
    struct Rule {
        let suffix: [UInt32]
        let replacement: [UInt32]
        /// The letters of which one must precede the suffix; empty for any letter.
        var before: [UInt32] = []
        var needsRegionTwo = false
    }

    /// Replaces the longest suffix of a table, when it is in R1.
    mutating func replace(_ rules: [Rule]) {
        guard let rule = rules.first(where: { ends(with: $0.suffix) }) else { return }
        let start = letters.count - rule.suffix.count
        guard start >= (rule.needsRegionTwo ? regionTwo : regionOne) else { return }
        if !rule.before.isEmpty { guard start > 0, rule.before.contains(letters[start - 1]) else { return } }
        letters.replaceSubrange(start..., with: rule.replacement)
    }

    static let step2: [Rule] = sorted(
        rules(
            "tional tion|enci ence|anci ance|abli able|entli ent|izer ize|ization ize|ational ate|ation ate|ator ate|"
                + "alism al|aliti al|alli al|fulness ful|ousli ous|ousness ous|iveness ive|iviti ive|biliti ble|bli ble|"
                + "fulli ful|lessli less"
        ) + [
            Rule(suffix: scalars("ogi"), replacement: scalars("og"), before: scalars("l")),
            Rule(suffix: scalars("li"), replacement: [], before: scalars("cdeghkmnrt")),
        ]
    )

    static let step3: [Rule] = sorted(
        rules("tional tion|ational ate|alize al|icate ic|iciti ic|ical ic|ful |ness ")
            + [Rule(suffix: scalars("ative"), replacement: [], needsRegionTwo: true)]
    )

    private static func rules(_ table: String) -> [Rule] {
        table.split(separator: "|").map { pair in
            let parts = pair.split(separator: " ", omittingEmptySubsequences: false)
            return Rule(suffix: scalars(String(parts[0])), replacement: scalars(String(parts[1])))
        }
    }

    private static func sorted(_ rules: [Rule]) -> [Rule] {
        rules.sorted { $0.suffix.count > $1.suffix.count }
    }

    mutating func step4() {
        guard let suffix = longest(Self.step4Suffixes) else { return }
        let start = letters.count - suffix.count
        guard start >= regionTwo else { return }
        if suffix == Self.ion {
            guard start > 0, letters[start - 1] == 0x73 || letters[start - 1] == 0x74 else { return }
        }
        letters.removeLast(suffix.count)
    }

    private static let ion = scalars("ion")
    private static let step4Suffixes = [
        "ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous", "ive", "ize", "ion",
        "al", "er", "ic",
    ].map(scalars)

    mutating func step5() {
        let start = letters.count - 1
        guard start >= 0 else { return }
        if letters[start] == 0x65 {
            if start >= regionTwo || start >= regionOne && !isShort(start) { letters.removeLast() }
        } else if letters[start] == 0x6C, start >= regionTwo, start > 0, letters[start - 1] == 0x6C {
            letters.removeLast()
        }
    }
}
