/// The beginnings of the regions of a Romance word that Snowball calls RV, R1 and R2.
///
/// Each reaches to the end of the word, and stays where it is when the word gets shorter.
struct RomanceRegions {
    let rv: Int
    let r1: Int
    let r2: Int

    /// Finds the regions of a word; RV is that of all languages but French.
    init(_ word: [UInt32], vowels: LetterSet) {
        self.init(word, vowels: vowels, rv: Self.verbRegion(word, vowels))
    }

    init(_ word: [UInt32], vowels: LetterSet, rv: Int) {
        self.rv = rv
        r1 = word.regionBehindVowelAndConsonant(from: 0, vowels)
        r2 = word.regionBehindVowelAndConsonant(from: r1, vowels)
    }

    /// After the next vowel if the second letter is a consonant, after the next consonant if the word begins with two
    /// vowels, and otherwise after the third letter.
    private static func verbRegion(_ word: [UInt32], _ vowels: LetterSet) -> Int {
        guard word.count > 2 else { return word.count }
        let isSecondVowel = vowels.contains(word[1])
        if isSecondVowel, !vowels.contains(word[0]) { return 3 }
        let index = word[2...].firstIndex { vowels.contains($0) != isSecondVowel }
        return index.map { $0 + 1 } ?? word.count
    }
}

extension [UInt32] {
    /// Marks `i` and `u` between two vowels.
    mutating func markSemivowels(_ vowels: LetterSet) {
        for index in indices.dropFirst().dropLast() where self[index] == 0x69 || self[index] == 0x75 {
            if vowels.contains(self[index - 1]), vowels.contains(self[index + 1]) { mark(index) }
        }
    }
}
