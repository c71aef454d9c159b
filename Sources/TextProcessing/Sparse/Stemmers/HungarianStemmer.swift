/// Hungarian: the endings of nouns, from the case inwards to the plural; verbs stay as they are.
///
/// Each step looks for its longest suffix in the whole word and then requires it to be in R1.
///
/// Source: snowballstem.org, `hungarian.sbl` of release 2.2.
struct HungarianStemmer: Stemmer {
    func stem(_ word: inout [UInt32]) {
        let region = Self.region(of: word)
        Self.removeDoubling(Self.instrumental, from: &word, region)
        Self.removeCase(&word, region)
        word.replace(Self.specialCases, in: region)
        word.replace(Self.otherCases, in: region)
        Self.removeDoubling(Self.factive, from: &word, region)
        word.replace(Self.owned, in: region)
        word.replace(Self.owners, in: region)
        word.replace(Self.ownersOfMany, in: region)
        word.replace(Self.plurals, in: region)
    }

    // MARK: - Region

    private static let vowels = LetterSet("aeiouáéíóöőúüű")
    private static let digraphs = ["dzs", "cs", "gy", "ly", "ny", "sz", "ty", "zs"].map { [UInt32](scalars: $0) }

    /// After the first consonant, which may have two or three letters, if the word begins with a vowel; otherwise after
    /// the first vowel.
    private static func region(of word: [UInt32]) -> Int {
        guard let first = word.first, vowels.contains(first) else {
            return word.firstIndex(where: vowels.contains).map { $0 + 1 } ?? word.count
        }
        guard let consonant = word.firstIndex(where: { !vowels.contains($0) }) else { return word.count }
        let digraph = digraphs.first { word[consonant...].starts(with: $0) }
        return consonant + (digraph?.count ?? 1)
    }

    // MARK: - Steps

    private static let instrumental = Suffixes("al el")
    private static let factive = Suffixes("á é")
    private static let doubles = Suffixes(
        "bb cc ccs dd ff gg ggy jj kk ll lly mm nn nny pp rr ss ssz tt tty vv zz zzs"
    )

    /// Removes an ending that doubles the consonant before it, and the doubling with it.
    private static func removeDoubling(_ endings: Suffixes<Void>, from word: inout [UInt32], _ region: Int) {
        guard let (start, _) = endings.longest(of: word), start >= region,
            doubles.longest(of: word, before: start) != nil
        else { return }
        word.cut(at: start)
        word.remove(at: start - 2)
    }

    private static let cases = Suffixes(
        """
        ban ben ba be ra re nak nek val vel tól től ról ről ból ből hoz hez höz nál nél ig at et ot öt ért képp képpen \
        kor ul ül vá vé onként enként anként ként en on an ön n t
        """
    )
    private static let shortVowels = Suffixes<String>(["á": "a", "é": "e"])

    private static func removeCase(_ word: inout [UInt32], _ region: Int) {
        guard word.cut(cases, in: region) else { return }
        word.replace(shortVowels, in: region)
    }

    private static let specialCases = Suffixes<String>(["én": "e", "án ánként": "a"])

    private static let otherCases = Suffixes<String>(["astul estül stul stül": "", "ástul": "a", "éstül": "e"])

    private static let owned = Suffixes<String>([
        "oké öké aké eké ké éi é": "", "áké áéi": "a", "éké ééi éé": "e",
    ])

    private static let owners = Suffixes<String>([
        "ünk unk nk juk jük uk ük em om am m od ed ad öd d ja je a e o": "",
        "ánk ájuk ám ád á": "a",
        "énk éjük ém éd é": "e",
    ])

    private static let ownersOfMany = Suffixes<String>([
        "jaim jeim aim eim im jaid jeid aid eid id jai jei ai ei i": "",
        "jaink jeink aink eink ink jaitok jeitek aitok eitek itek jaik jeik aik eik ik": "",
        "áim áid ái áink áitok áik": "a",
        "éim éid éi éink éitek éik": "e",
    ])

    private static let plurals = Suffixes<String>(["ök ak ok ek k": "", "ák": "a", "ék": "e"])
}
