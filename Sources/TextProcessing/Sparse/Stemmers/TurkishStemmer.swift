/// Turkish: the endings of nominal verbs first, then those of nouns, from the last one inwards.
///
/// A word that loses the verb ending `-lAr` is finished: its last consonant is not restored. Vowel harmony is checked
/// in the whole word before a suffix, not only in its neighbour.
///
/// Source: snowballstem.org, `turkish.sbl` of release 2.2.
struct TurkishStemmer: Stemmer {
    func stem(_ word: inout [UInt32]) {
        guard word.lazy.filter(TurkishSuffix.vowels.contains).count >= 2 else { return }
        var work = TurkishWord(letters: word)
        if work.dropVerbEnding() {
            work.dropNounEnding()
            work.restoreLastLetter()
        }
        word = work.letters
    }
}

/// A word that is being stemmed.
///
/// Its last letters may be marked as suffixes before it is known whether they are removed; so a suffix is looked for
/// before an `end` that may lie inside the word.
private struct TurkishWord {
    var letters: [UInt32]

    // MARK: - Suffixes

    /// The first of some suffixes that ends at `end`.
    ///
    /// - Returns: where it begins.
    private func start(of suffixes: TurkishSuffix..., before end: Int) -> Int? {
        for suffix in suffixes {
            if let start = suffix.start(in: letters, before: end) { return start }
        }
        return nil
    }

    private mutating func drop(_ range: Range<Int>) {
        letters.removeSubrange(range)
    }

    // MARK: - Nominal verbs

    /// Removes the endings of a nominal verb.
    ///
    /// - Returns: whether endings of a noun may stand before them.
    mutating func dropVerbEnding() -> Bool {
        let end = letters.count
        if let start = start(of: .reported, .past, .conditional, .whilst, before: end) ?? startOfAsIf(before: end) {
            drop(start..<end)
        } else if let start = start(of: .plural, before: end) {
            drop(start..<end)
            if let inner = self.start(of: .certain, .past, .conditional, .reported, before: start) {
                drop(inner..<start)
            }
            return false
        } else if let person = start(of: .pastYouAll, before: end),
            let start = start(of: .past, .conditional, before: person)
        {
            drop(start..<end)
        } else if let start = start(of: .youAll, .us, .you, .me, before: end) {
            drop(start..<end)
            if let inner = self.start(of: .reported, before: start) { drop(inner..<start) }
        } else if let start = start(of: .certain, before: end) {
            drop(start..<end)
            if let inner = startOfReport(before: start) { drop(inner..<start) }
        }
        return true
    }

    /// Where `-cAsInA` begins, including the reported form before it.
    private func startOfAsIf(before end: Int) -> Int? {
        guard let start = start(of: .asIf, before: end) else { return nil }
        return startOfReport(before: start)
    }

    /// Where `-ymUş` begins, with or without a person after it.
    private func startOfReport(before end: Int) -> Int? {
        let person = start(of: .youAll, .plural, .me, .you, .us, before: end)
        return start(of: .reported, before: person ?? end)
    }

    // MARK: - Nouns

    /// Removes the endings of a noun: the first of the kinds below that is found.
    mutating func dropNounEnding() {
        let end = letters.count
        if let start = start(of: .plural, before: end) {
            drop(start..<end)
            dropChain(before: start)
        } else if let start = start(of: .manner, before: end) {
            drop(start..<end)
            dropInnerOfManner()
        } else if dropPronominal(before: end) {
            return
        } else if let start = start(of: .ablative, before: end) {
            drop(start..<end)
            if !dropPossessive(.possessive, before: start) { dropPluralOrChain(before: start) }
        } else if let start = start(of: .genitive, .instrumental, before: end) {
            drop(start..<end)
            if dropPlural(before: start) { return }
            // A plural without a chain before it stays removed, and the rest is tried before it.
            if !dropPossessive(.possessive, .its, before: letters.count) { dropChain(before: letters.count) }
        } else if let start = start(of: .theirs, before: end) {
            drop(start..<end)
        } else if !dropChain(before: end), !dropCase(before: end) {
            dropPossessive(.possessive, .its, before: end)
        }
    }

    private mutating func dropInnerOfManner() {
        let end = letters.count
        if let start = start(of: .theirs, before: end) {
            drop(start..<end)
        } else if !dropPossessive(.possessive, .its, before: end) {
            dropPlural(before: end)
        }
    }

    /// The cases after `-lArI`, `-sU` and `-ki`, which insert an `n`.
    private mutating func dropPronominal(before end: Int) -> Bool {
        if let place = start(of: .locativeAfterN, .dativeAfterN, before: end) {
            if let start = start(of: .theirs, before: place) {
                drop(start..<end)
                return true
            }
            if dropPossessive(.its, before: place, through: end) || dropChain(before: place) { return true }
        }
        if let place = start(of: .ablativeAfterN, .accusativeAfterN, before: end) {
            if dropPossessive(.its, before: place, through: end) { return true }
            // Found, and not changed.
            if start(of: .theirs, before: place) != nil { return true }
        }
        return false
    }

    private mutating func dropCase(before end: Int) -> Bool {
        guard let start = start(of: .locative, .accusative, .dative, before: end) else { return false }
        drop(start..<end)
        if let possessive = self.start(of: .possessive, before: start) {
            drop(possessive..<start)
            let plural = self.start(of: .plural, before: possessive) ?? possessive
            drop(plural..<possessive)
            dropChain(before: plural)
        } else if let plural = self.start(of: .plural, before: start) {
            drop(plural..<start)
            dropChain(before: plural)
        }
        return true
    }

    /// Removes a possessive before `end`, whatever the text from there to `tail` is, and a plural before it.
    @discardableResult
    private mutating func dropPossessive(
        _ suffixes: TurkishSuffix...,
        before end: Int,
        through tail: Int? = nil
    ) -> Bool {
        for suffix in suffixes {
            guard let start = start(of: suffix, before: end) else { continue }
            drop(start..<(tail ?? end))
            dropPlural(before: start)
            return true
        }
        return false
    }

    /// Removes a plural, and a chain before it.
    ///
    /// - Returns: whether there was such a chain.
    @discardableResult
    private mutating func dropPlural(before end: Int) -> Bool {
        guard let start = start(of: .plural, before: end) else { return false }
        drop(start..<end)
        return dropChain(before: start)
    }

    private mutating func dropPluralOrChain(before end: Int) {
        if let start = start(of: .plural, before: end) {
            drop(start..<end)
            dropChain(before: start)
        } else {
            dropChain(before: end)
        }
    }

    /// Removes a chain of noun suffixes that ends with `-ki`.
    @discardableResult
    private mutating func dropChain(before end: Int) -> Bool {
        guard let ki = start(of: .relative, before: end) else { return false }
        if let start = start(of: .locative, before: ki) {
            drop(start..<end)
            if let plural = self.start(of: .plural, before: start) {
                drop(plural..<start)
                dropChain(before: plural)
            } else {
                dropPossessive(.possessive, before: start)
            }
            return true
        }
        if let start = start(of: .genitive, before: ki) {
            drop(start..<end)
            if let possessors = self.start(of: .theirs, before: start) {
                drop(possessors..<start)
            } else if !dropPossessive(.possessive, .its, before: start) {
                dropChain(before: start)
            }
            return true
        }
        guard let place = start(of: .locativeAfterN, before: ki) else { return false }
        if let start = start(of: .theirs, before: place) {
            drop(start..<end)
            return true
        }
        return dropPossessive(.its, before: place, through: end) || dropChain(before: place)
    }

    // MARK: - The stem's last letter

    /// Gives a stem on `d` or `g` a vowel, since such stems have lost too much, and hardens a soft last consonant.
    mutating func restoreLastLetter() {
        guard let last = letters.last, !Self.reserved.contains(letters) else { return }
        if Self.wantingVowel.contains(last), let vowel = letters.last(where: TurkishSuffix.vowels.contains) {
            letters.append(Self.closing[vowel] ?? vowel)
        } else if let hard = Self.hardened[last] {
            letters[letters.count - 1] = hard
        }
    }

    private static let reserved: Set<[UInt32]> = [[UInt32](scalars: "ad"), [UInt32](scalars: "soyad")]
    private static let wantingVowel = LetterSet("dg")
    private static let closing = letterMap(from: "aeoö", to: "ıiuü")
    private static let hardened = letterMap(from: "bcdğ", to: "pçtk")

    private static func letterMap(from: String, to: String) -> [UInt32: UInt32] {
        Dictionary(uniqueKeysWithValues: zip([UInt32](scalars: from), [UInt32](scalars: to)))
    }
}
