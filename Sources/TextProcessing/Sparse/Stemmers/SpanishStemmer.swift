/// Snowball's stemmer for Spanish.
///
/// Source: snowballstem.org, `spanish.sbl` of release 2.2.
struct SpanishStemmer: Stemmer {
    private static let vowels = LetterSet("aeiouáéíóúü")
    private static let accented = [UInt32](scalars: "áéíóú")
    private static let plain = [UInt32](scalars: "aeiou")

    func stem(_ word: inout [UInt32]) {
        let regions = RomanceRegions(word, vowels: Self.vowels)
        attachedPronoun(&word, regions)
        if !standardSuffix(&word, regions), !verbSuffixWithY(&word, regions) { verbSuffix(&word, regions) }
        residualSuffix(&word, regions)
        word.turn(Self.accented, into: Self.plain)
    }

    // MARK: - Pronouns

    private static let pronouns = Suffixes("me se sela selo selas selos la le lo las les los nos")
    /// The replacements of the accented ones.
    private static let verbs = Suffixes<String?>([
        "iéndo": "iendo", "ándo": "ando", "ár": "ar", "ér": "er", "ír": "ir",
        "ando iendo yendo ar er ir": nil,
    ])

    /// Cuts the pronoun off a gerund or an infinitive, and the accent that it brought.
    private func attachedPronoun(_ word: inout [UInt32], _ regions: RomanceRegions) {
        guard let (start, _) = Self.pronouns.longest(of: word) else { return }
        guard let (verb, unaccented) = Self.verbs.longest(of: word, before: start), verb >= regions.rv else { return }
        if word.has("yendo", before: start), !word.has("uyendo", before: start) { return }
        word.cut(at: start)
        if let unaccented { word.replace(from: verb, with: unaccented) }
    }

    // MARK: - Nouns, adjectives and adverbs

    private enum StandardSuffix {
        /// Cut off in R2.
        case cut
        /// Replaced in R2.
        case becomes(String)
        case acion, amente, mente, idad, ivo
    }

    private static let standardSuffixes = Suffixes<StandardSuffix>([
        """
        anza anzas ico ica icos icas ismo ismos able ables ible ibles ista istas oso osa osos osas amiento amientos
        imiento imientos
        """: .cut,
        "logía logías": .becomes("log"),
        "ución uciones": .becomes("u"),
        "encia encias": .becomes("ente"),
        "adora ador ación adoras adores aciones ante antes ancia ancias": .acion,
        "amente": .amente,
        "mente": .mente,
        "idad idades": .idad,
        "iva ivo ivas ivos": .ivo,
    ])
    private static let behindAmente = Suffixes("iv os ic ad")
    private static let behindMente = Suffixes("ante able ible")
    private static let behindIdad = Suffixes("abil ic iv")

    private func standardSuffix(_ word: inout [UInt32], _ regions: RomanceRegions) -> Bool {
        guard let (start, suffix) = Self.standardSuffixes.longest(of: word) else { return false }
        let r2 = regions.r2
        switch suffix {
        case .becomes(let replacement):
            return word.replace(from: start, with: replacement, in: r2)
        case .amente:
            guard word.cut(at: start, in: regions.r1) else { return false }
            let isIv = word.has("iv")
            if word.cut(Self.behindAmente, in: r2), isIv { word.cut("at", in: r2) }
            return true
        default:
            guard word.cut(at: start, in: r2) else { return false }
        }
        switch suffix {
        case .acion: word.cut("ic", in: r2)
        case .mente: word.cut(Self.behindMente, in: r2)
        case .idad: word.cut(Self.behindIdad, in: r2)
        case .ivo: word.cut("at", in: r2)
        default: break
        }
        return true
    }

    // MARK: - Verbs

    private static let verbSuffixesWithY = Suffixes("ya ye yan yen yeron yendo yo yó yas yes yais yamos")

    private func verbSuffixWithY(_ word: inout [UInt32], _ regions: RomanceRegions) -> Bool {
        guard let (start, _) = Self.verbSuffixesWithY.longest(of: word, from: regions.rv) else { return false }
        return word.has("u", before: start) && word.cut(at: start)
    }

    /// Whether the `u` of a "gu" before the suffix is removed too.
    private static let verbSuffixes = Suffixes<Bool>([
        "en es éis emos": true,
        """
        arían arías arán arás aríais aría aréis aríamos aremos ará aré erían erías erán erás eríais ería eréis eríamos
        eremos erá eré irían irías irán irás iríais iría iréis iríamos iremos irá iré aba ada ida ía ara iera ad ed id
        ase iese aste iste an aban ían aran ieran asen iesen aron ieron ado ido ando iendo ió ar er ir as abas adas
        idas ías aras ieras ases ieses ís áis abais íais arais ierais aseis ieseis asteis isteis ados idos amos ábamos
        íamos imos áramos iéramos iésemos ásemos
        """: false,
    ])

    private func verbSuffix(_ word: inout [UInt32], _ regions: RomanceRegions) {
        guard let (start, cutsU) = Self.verbSuffixes.longest(of: word, from: regions.rv) else { return }
        word.cut(at: cutsU && word.has("gu", before: start) ? start - 1 : start)
    }

    // MARK: - What is left

    /// Whether the `u` of a "gu" before the suffix is removed too.
    private static let residualSuffixes = Suffixes<Bool>(["os a o á í ó": false, "e é": true])

    private func residualSuffix(_ word: inout [UInt32], _ regions: RomanceRegions) {
        guard let (start, cutsU) = Self.residualSuffixes.longest(of: word), word.cut(at: start, in: regions.rv) else {
            return
        }
        if cutsU, word.has("gu") { word.cut("u", in: regions.rv) }
    }
}
