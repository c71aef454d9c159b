/// Snowball's stemmer for Italian.
///
/// Source: snowballstem.org, `italian.sbl` of release 2.2.
struct ItalianStemmer: Stemmer {
    private static let vowels = LetterSet("aeiouàèìòù")
    private static let acutes = [UInt32](scalars: "áéíóú")
    private static let graves = [UInt32](scalars: "àèìòù")

    func stem(_ word: inout [UInt32]) {
        word.turn(Self.acutes, into: Self.graves)
        for end in word.indices.dropFirst() where word.has("qu", before: end + 1) { word.mark(end) }
        word.markSemivowels(Self.vowels)
        let regions = RomanceRegions(word, vowels: Self.vowels)
        attachedPronoun(&word, regions)
        if !standardSuffix(&word, regions) { word.cut(Self.verbSuffixes, from: regions.rv) }
        vowelSuffix(&word, regions)
        word.unmark()
    }

    // MARK: - Pronouns

    private static let pronouns = Suffixes(
        """
        ci gli la le li lo mi ne si ti vi sene gliela gliele glieli glielo gliene mela mele meli melo mene tela tele
        teli telo tene cela cele celi celo cene vela vele veli velo vene
        """
    )
    private static let gerunds = ["ando", "endo"]
    private static let infinitives = ["ar", "er", "ir"]

    /// Cuts the pronoun off a gerund or an infinitive.
    private func attachedPronoun(_ word: inout [UInt32], _ regions: RomanceRegions) {
        guard let (start, _) = Self.pronouns.longest(of: word) else { return }
        if Self.gerunds.contains(where: { word.has($0, before: start, from: regions.rv) }) {
            word.cut(at: start)
        } else if Self.infinitives.contains(where: { word.has($0, before: start, from: regions.rv) }) {
            word.replace(from: start, with: "e")
        }
    }

    // MARK: - Nouns, adjectives and adverbs

    private enum StandardSuffix {
        /// Cut off in R2.
        case cut
        /// Replaced in R2.
        case becomes(String)
        case azione, mento, amente, ita, ivo
    }

    private static let standardSuffixes = Suffixes<StandardSuffix>([
        """
        anza anze ico ici ica ice iche ichi ismo ismi abile abili ibile ibili ista iste isti istà istè istì oso osi osa
        ose mente atrice atrici ante anti
        """: .cut,
        "logia logie": .becomes("log"),
        "uzione uzioni usione usioni": .becomes("u"),
        "enza enze": .becomes("ente"),
        "azione azioni atore atori": .azione,
        "amento amenti imento imenti": .mento,
        "amente": .amente,
        "ità": .ita,
        "ivo ivi iva ive": .ivo,
    ])
    private static let behindAmente = Suffixes("iv os ic abil")
    private static let behindIta = Suffixes("abil ic iv")

    private func standardSuffix(_ word: inout [UInt32], _ regions: RomanceRegions) -> Bool {
        guard let (start, suffix) = Self.standardSuffixes.longest(of: word) else { return false }
        let r2 = regions.r2
        switch suffix {
        case .cut:
            return word.cut(at: start, in: r2)
        case .becomes(let replacement):
            return word.replace(from: start, with: replacement, in: r2)
        case .azione:
            guard word.cut(at: start, in: r2) else { return false }
            word.cut("ic", in: r2)
        case .mento:
            return word.cut(at: start, in: regions.rv)
        case .amente:
            guard word.cut(at: start, in: regions.r1) else { return false }
            let isIv = word.has("iv")
            if word.cut(Self.behindAmente, in: r2), isIv { word.cut("at", in: r2) }
        case .ita:
            guard word.cut(at: start, in: r2) else { return false }
            word.cut(Self.behindIta, in: r2)
        case .ivo:
            guard word.cut(at: start, in: r2) else { return false }
            if word.cut("at", in: r2) { word.cut("ic", in: r2) }
        }
        return true
    }

    // MARK: - Verbs

    private static let verbSuffixes = Suffixes(
        """
        ammo ando ano are arono asse assero assi assimo ata ate ati ato ava avamo avano avate avi avo emmo enda ende
        endi endo erà erai eranno ere erebbe erebbero erei eremmo eremo ereste eresti erete erò erono essero ete eva
        evamo evano evate evi evo iamo immo irà irai iranno ire irebbe irebbero irei iremmo iremo ireste iresti irete
        irò irono isca iscano isce isci isco iscono issero ita ite iti ito iva ivamo ivano ivate ivi ivo ono uta ute uti
        uto ar ir
        """
    )

    // MARK: - Last vowels

    private static let lastVowels = LetterSet("aeioàèìò")

    /// Cuts off a last vowel and an `i` before it, and the `h` of "ch" and "gh".
    private func vowelSuffix(_ word: inout [UInt32], _ regions: RomanceRegions) {
        if word.count > regions.rv, Self.lastVowels.contains(word[word.count - 1]) {
            word.removeLast()
            word.cut("i", in: regions.rv)
        }
        if word.count - 2 >= regions.rv, word.has("ch") || word.has("gh") { word.removeLast() }
    }
}
