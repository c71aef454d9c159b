/// Snowball's stemmer for French.
///
/// As in fastembed, ë and ï are plain vowels; release 2.2 has rules of their own for them.
///
/// Source: snowballstem.org, `french.sbl` of release 2.2.
struct FrenchStemmer: Stemmer {
    private static let vowels = LetterSet("aeiouyâàëéêèïîôûù")

    func stem(_ word: inout [UInt32]) {
        markConsonants(&word)
        let regions = RomanceRegions(word, vowels: Self.vowels, rv: verbRegion(word))
        if standardSuffix(&word, regions) || verbSuffixWithI(&word, regions) || verbSuffix(&word, regions) {
            if word.has("Y") { word.replace(from: word.count - 1, with: "i") }
            if word.has("ç") { word.replace(from: word.count - 1, with: "c") }
        } else {
            residualSuffix(&word, regions)
        }
        if Self.doubled.longest(of: word) != nil { word.removeLast() }
        unaccent(&word)
        word.unmark()
    }

    /// Marks `u` and `i` between vowels, `y` beside one, and the `u` of `qu`.
    private func markConsonants(_ word: inout [UInt32]) {
        func isVowel(_ index: Int) -> Bool { index < word.count && Self.vowels.contains(word[index]) }
        for (index, next, end) in word.indices.dropLast().map({ ($0, $0 + 1, $0 + 2) }) {
            if isVowel(index) {
                let isSemivowel = word.has("u", before: end) || word.has("i", before: end)
                if word.has("y", before: end) || isSemivowel && isVowel(end) { word.mark(next) }
            }
            if word.has("y", before: next), isVowel(next) { word.mark(index) }
            if word.has("qu", before: end) { word.mark(next) }
        }
    }

    /// After the third letter if the word begins with two vowels or with an exception, otherwise after the first vowel
    /// that is not its first letter.
    private func verbRegion(_ word: [UInt32]) -> Int {
        if word.count > 2 {
            if Self.vowels.contains(word[0]), Self.vowels.contains(word[1]) { return 3 }
            if ["par", "col", "tap"].contains(where: { word.has($0, before: 3) }) { return 3 }
        }
        let vowel = word.indices.dropFirst().first { Self.vowels.contains(word[$0]) }
        return vowel.map { $0 + 1 } ?? word.count
    }

    // MARK: - Nouns, adjectives and adverbs

    private enum StandardSuffix {
        /// Cut off in R2.
        case cut
        /// Replaced in R2.
        case becomes(String)
        /// Replaced in RV; then a verb's suffix is looked for.
        case adverb(String)
        case ation, ement, ite, ive, eaux, aux, euse, issement, ment
    }

    private static let standardSuffixes = Suffixes<StandardSuffix>([
        "ance ances able ables eux iqUe iqUes isme ismes iste istes": .cut,
        "logie logies": .becomes("log"),
        "usion usions ution utions": .becomes("u"),
        "ence ences": .becomes("ent"),
        "amment": .adverb("ant"),
        "emment": .adverb("ent"),
        "ateur ateurs ation ations atrice atrices": .ation,
        "ement ements": .ement,
        "ité ités": .ite,
        "if ifs ive ives": .ive,
        "eaux": .eaux,
        "aux": .aux,
        "euse euses": .euse,
        "issement issements": .issement,
        "ment ments": .ment,
    ])

    private func standardSuffix(_ word: inout [UInt32], _ regions: RomanceRegions) -> Bool {
        guard let (start, suffix) = Self.standardSuffixes.longest(of: word) else { return false }
        let (rv, r1, r2) = (regions.rv, regions.r1, regions.r2)
        switch suffix {
        case .cut:
            return word.cut(at: start, in: r2)
        case .becomes(let replacement):
            return word.replace(from: start, with: replacement, in: r2)
        case .adverb(let replacement):
            word.replace(from: start, with: replacement, in: rv)
            return false
        case .ation:
            guard word.cut(at: start, in: r2) else { return false }
            cutOrReplace(&word, "ic", with: "iqU", r2)
        case .ement:
            guard word.cut(at: start, in: rv) else { return false }
            behindEment(&word, regions)
        case .ite:
            guard word.cut(at: start, in: r2) else { return false }
            if !cutOrReplace(&word, "abil", with: "abl", r2), !cutOrReplace(&word, "ic", with: "iqU", r2) {
                word.cut("iv", in: r2)
            }
        case .ive:
            guard word.cut(at: start, in: r2) else { return false }
            if word.cut("at", in: r2) { cutOrReplace(&word, "ic", with: "iqU", r2) }
        case .eaux:
            return word.cut("x")
        case .aux:
            return word.replace(from: start, with: "al", in: r1)
        case .euse:
            return word.cut(at: start, in: r2) || word.replace(from: start, with: "eux", in: r1)
        case .issement:
            guard start > 0, !Self.vowels.contains(word[start - 1]) else { return false }
            return word.cut(at: start, in: r1)
        case .ment:
            if start > rv, Self.vowels.contains(word[start - 1]) { word.cut(at: start) }
            return false
        }
        return true
    }

    /// Cuts off a suffix in R2 and replaces it elsewhere.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    private func cutOrReplace(
        _ word: inout [UInt32],
        _ suffix: String,
        with replacement: String,
        _ r2: Int
    ) -> Bool {
        guard word.has(suffix) else { return false }
        let start = word.count - suffix.unicodeScalars.count
        return word.cut(at: start, in: r2) || word.replace(from: start, with: replacement)
    }

    private func behindEment(_ word: inout [UInt32], _ regions: RomanceRegions) {
        if word.has("iv") {
            if word.cut("iv", in: regions.r2) { word.cut("at", in: regions.r2) }
        } else if word.has("eus") {
            let start = word.count - 3
            if !word.cut(at: start, in: regions.r2) { word.replace(from: start, with: "eux", in: regions.r1) }
        } else if word.has("abl") || word.has("iqU") {
            word.cut(at: word.count - 3, in: regions.r2)
        } else if word.has("ièr") || word.has("Ièr") {
            word.replace(from: word.count - 3, with: "i", in: regions.rv)
        }
    }

    // MARK: - Verbs

    private static let verbSuffixesWithI = Suffixes(
        """
        îmes ît îtes i ie ies ir ira irai iraIent irais irait iras irent irez iriez irions irons iront is issaIent
        issais issait issant issante issantes issants isse issent isses issez issiez issions issons it
        """
    )

    private func verbSuffixWithI(_ word: inout [UInt32], _ regions: RomanceRegions) -> Bool {
        guard let (start, _) = Self.verbSuffixesWithI.longest(of: word, from: regions.rv),
            start > regions.rv, !Self.vowels.contains(word[start - 1])
        else { return false }
        return word.cut(at: start)
    }

    private enum VerbSuffix {
        case ions, cut, cutWithE
    }

    private static let verbSuffixes = Suffixes<VerbSuffix>([
        "ions": .ions,
        "é ée ées és èrent er era erai eraIent erais erait eras erez eriez erions erons eront ez iez": .cut,
        "âmes ât âtes a ai aIent ais ait ant ante antes ants as asse assent asses assiez assions": .cutWithE,
    ])

    private func verbSuffix(_ word: inout [UInt32], _ regions: RomanceRegions) -> Bool {
        guard let (start, suffix) = Self.verbSuffixes.longest(of: word, from: regions.rv) else { return false }
        if case .ions = suffix { return word.cut(at: start, in: regions.r2) }
        word.cut(at: start)
        if case .cutWithE = suffix { word.cut("e", in: regions.rv) }
        return true
    }

    // MARK: - What is left

    private enum ResidualSuffix {
        case ion, ier, e, eDiaeresis
    }

    private static let residualSuffixes = Suffixes<ResidualSuffix>([
        "ion": .ion,
        "ier ière Ier Ière": .ier,
        "e": .e,
        "ë": .eDiaeresis,
    ])
    private static let keptBeforeS = LetterSet("aiouès")

    private func residualSuffix(_ word: inout [UInt32], _ regions: RomanceRegions) {
        if word.has("s"), word.count > 1, !Self.keptBeforeS.contains(word[word.count - 2]) { word.removeLast() }
        guard let (start, suffix) = Self.residualSuffixes.longest(of: word, from: regions.rv) else { return }
        switch suffix {
        case .ion:
            if word.has("s", before: start, from: regions.rv) || word.has("t", before: start, from: regions.rv) {
                word.cut(at: start, in: regions.r2)
            }
        case .ier: word.replace(from: start, with: "i")
        case .e: word.cut(at: start)
        case .eDiaeresis: if word.has("gu", before: start, from: regions.rv) { word.cut(at: start) }
        }
    }

    private static let doubled = Suffixes("enn onn ett ell eill")

    /// Removes the accent of a last é or è that is followed by consonants.
    private func unaccent(_ word: inout [UInt32]) {
        guard let last = word.lastIndex(where: Self.vowels.contains), last < word.count - 1 else { return }
        if word.has("é", before: last + 1) || word.has("è", before: last + 1) { word[last] = 0x65 }
    }
}
