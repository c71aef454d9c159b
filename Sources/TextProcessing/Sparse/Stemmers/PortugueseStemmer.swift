/// Snowball's stemmer for Portuguese.
///
/// Source: snowballstem.org, `portuguese.sbl` of release 2.2.
struct PortugueseStemmer: Stemmer {
    private static let vowels = LetterSet("aeiouáéíóúâêô")

    func stem(_ word: inout [UInt32]) {
        splitTildes(&word)
        let regions = RomanceRegions(word, vowels: Self.vowels)
        if standardSuffix(&word, regions) || word.cut(Self.verbSuffixes, from: regions.rv) {
            if word.has("ci") { word.cut("i", in: regions.rv) }
        } else {
            word.cut(Self.residualSuffixes, in: regions.rv)
        }
        residualForm(&word, regions)
        joinTildes(&word)
    }

    // MARK: - Tildes

    private static let tilde: UInt32 = 0x7E

    /// Makes two letters of `ã` and `õ`: a vowel and its tilde, which counts as a consonant.
    private func splitTildes(_ word: inout [UInt32]) {
        guard word.contains(0xE3) || word.contains(0xF5) else { return }
        word = word.flatMap { $0 == 0xE3 ? [0x61, Self.tilde] : $0 == 0xF5 ? [0x6F, Self.tilde] : [$0] }
    }

    private func joinTildes(_ word: inout [UInt32]) {
        while let index = word.firstIndex(of: Self.tilde) {
            word.remove(at: index)
            word[index - 1] = word[index - 1] == 0x61 ? 0xE3 : 0xF5
        }
    }

    // MARK: - Nouns, adjectives and adverbs

    private enum StandardSuffix {
        /// Cut off in R2.
        case cut
        /// Replaced in R2.
        case becomes(String)
        case amente, mente, idade, ivo, ira
    }

    private static let standardSuffixes = Suffixes<StandardSuffix>([
        """
        eza ezas ico ica icos icas ismo ismos ável ível ista istas oso osa osos osas amento amentos imento imentos
        adora ador aça~o adoras adores aço~es ante antes ância
        """: .cut,
        "logia logias": .becomes("log"),
        "uça~o uço~es": .becomes("u"),
        "ência ências": .becomes("ente"),
        "amente": .amente,
        "mente": .mente,
        "idade idades": .idade,
        "iva ivo ivas ivos": .ivo,
        "ira iras": .ira,
    ])
    private static let behindAmente = Suffixes("iv os ic ad")
    private static let behindMente = Suffixes("ante avel ível")
    private static let behindIdade = Suffixes("abil ic iv")

    private func standardSuffix(_ word: inout [UInt32], _ regions: RomanceRegions) -> Bool {
        guard let (start, suffix) = Self.standardSuffixes.longest(of: word) else { return false }
        let r2 = regions.r2
        switch suffix {
        case .cut:
            return word.cut(at: start, in: r2)
        case .becomes(let replacement):
            return word.replace(from: start, with: replacement, in: r2)
        case .amente:
            guard word.cut(at: start, in: regions.r1) else { return false }
            let isIv = word.has("iv")
            if word.cut(Self.behindAmente, in: r2), isIv { word.cut("at", in: r2) }
        case .mente:
            guard word.cut(at: start, in: r2) else { return false }
            word.cut(Self.behindMente, in: r2)
        case .idade:
            guard word.cut(at: start, in: r2) else { return false }
            word.cut(Self.behindIdade, in: r2)
        case .ivo:
            guard word.cut(at: start, in: r2) else { return false }
            word.cut("at", in: r2)
        case .ira:
            // Words in -eira are seldom verbs.
            return word.has("e", before: start) && word.replace(from: start, with: "ir", in: regions.rv)
        }
        return true
    }

    // MARK: - Verbs

    private static let verbSuffixes = Suffixes(
        """
        ada ida ia aria eria iria ará ara erá era irá ava asse esse isse aste este iste ei arei erei irei am iam ariam
        eriam iriam aram eram iram avam em arem erem irem assem essem issem ado ido ando endo indo ara~o era~o ira~o ar
        er ir as adas idas ias arias erias irias arás aras erás eras irás avas es ardes erdes irdes ares eres ires
        asses esses isses astes estes istes is ais eis íeis aríeis eríeis iríeis áreis areis éreis ereis íreis ireis
        ásseis ésseis ísseis áveis ados idos ámos amos íamos aríamos eríamos iríamos áramos éramos íramos ávamos emos
        aremos eremos iremos ássemos êssemos íssemos imos armos ermos irmos eu iu ou ira iras
        """
    )

    // MARK: - What is left

    private static let residualSuffixes = Suffixes("os a i o á í ó")
    private static let lastVowels = Suffixes("e é ê")

    private func residualForm(_ word: inout [UInt32], _ regions: RomanceRegions) {
        if word.has("ç") {
            word.replace(from: word.count - 1, with: "c")
        } else if word.cut(Self.lastVowels, in: regions.rv), word.has("gu") || word.has("ci") {
            word.cut(at: word.count - 1, in: regions.rv)
        }
    }
}
