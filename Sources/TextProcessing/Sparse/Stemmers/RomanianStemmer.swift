/// Snowball's stemmer for Romanian.
///
/// It knows only one of the two spellings of Romanian: ş and ţ with a cedilla. The newer ș and ț with a comma below
/// occur in none of its suffixes, as in fastembed.
///
/// Source: snowballstem.org, `romanian.sbl` of release 2.2.
struct RomanianStemmer: Stemmer {
    private static let vowels = LetterSet("aeiouâîă")

    func stem(_ word: inout [UInt32]) {
        word.markSemivowels(Self.vowels)
        let regions = RomanceRegions(word, vowels: Self.vowels)
        plural(&word, regions)
        if !standardSuffix(&word, regions) { verbSuffix(&word, regions) }
        word.cut(Self.vowelSuffixes, in: regions.rv)
        word.unmark()
    }

    private static let vowelSuffixes = Suffixes("a e i ie ă")

    // MARK: - Articles and plurals

    /// The replacement of the suffix.
    private static let plurals = Suffixes<String>([
        "ul ului": "",
        "aua": "a",
        "ea ele elor": "e",
        "ii iua iei iile iilor ile ilor": "i",
        "atei": "at",
        "aţie aţia": "aţi",
    ])

    private func plural(_ word: inout [UInt32], _ regions: RomanceRegions) {
        guard let (start, replacement) = Self.plurals.longest(of: word) else { return }
        if word.has("abile") { return }
        word.replace(from: start, with: replacement, in: regions.r1)
    }

    // MARK: - Nouns and adjectives

    /// Suffixes with two parts, and the part that stays.
    private static let combinations = Suffixes<String>([
        "abilitate abilitati abilităi abilităţi": "abil",
        "ibilitate": "ibil",
        "ivitate ivitati ivităi ivităţi": "iv",
        """
        icitate icitati icităi icităţi icator icatori iciv iciva icive icivi icivă ical icala icale icali icală
        """: "ic",
        "ativ ativa ative ativi ativă aţiune atoare ator atori ătoare ător ători": "at",
        "itiv itiva itive itivi itivă iţiune itoare itor itori": "it",
    ])

    private enum StandardSuffix {
        case cut, ism, iune
    }

    private static let standardSuffixes = Suffixes<StandardSuffix>([
        """
        at ata ată ati ate ut uta ută uti ute it ita ită iti ite ic ica ice ici ică abil abila abile abili abilă ibil
        ibila ibile ibili ibilă oasa oasă oase os osi oşi ant anta ante anti antă ator atori itate itati ităi ităţi iv
        iva ive ivi ivă
        """: .cut,
        "ism isme ist ista iste isti istă işti": .ism,
        "iune iuni": .iune,
    ])

    /// Cuts or shortens the suffixes of nouns and adjectives.
    ///
    /// - Returns: whether there was one.
    private func standardSuffix(_ word: inout [UInt32], _ regions: RomanceRegions) -> Bool {
        var isFound = false
        while let (start, replacement) = Self.combinations.longest(of: word),
            word.replace(from: start, with: replacement, in: regions.r1)
        {
            isFound = true
        }
        guard let (start, suffix) = Self.standardSuffixes.longest(of: word), start >= regions.r2 else { return isFound }
        switch suffix {
        case .cut:
            word.cut(at: start)
        case .ism:
            word.replace(from: start, with: "ist")
        case .iune:
            guard word.has("ţ", before: start) else { return isFound }
            word.replace(from: start - 1, with: "t")
        }
        return true
    }

    // MARK: - Verbs

    /// Whether a consonant or `u` must precede the suffix.
    private static let verbSuffixes = Suffixes<Bool>([
        """
        are ere ire âre ind ând indu ându eze ească ez ezi ează esc eşti eşte ăsc ăşti ăşte am ai au eam eai ea eaţi
        eau iam iai ia iaţi iau ui aşi arăm arăţi ară uşi urăm urăţi ură işi irăm irăţi iră âi âşi ârăm ârăţi âră asem
        aseşi ase aserăm aserăţi aseră isem iseşi ise iserăm iserăţi iseră âsem âseşi âse âserăm âserăţi âseră usem
        useşi use userăm userăţi useră
        """: true,
        "ăm aţi em eţi im iţi âm âţi seşi serăm serăţi seră sei se sesem seseşi sese seserăm seserăţi seseră": false,
    ])

    private func verbSuffix(_ word: inout [UInt32], _ regions: RomanceRegions) {
        guard let (start, wantsConsonant) = Self.verbSuffixes.longest(of: word, from: regions.rv) else { return }
        if wantsConsonant {
            guard start > regions.rv else { return }
            guard word.has("u", before: start) || !Self.vowels.contains(word[start - 1]) else { return }
        }
        word.cut(at: start)
    }
}
