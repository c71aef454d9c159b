/// The suffixes of one step of a stemmer and what each asks for.
///
/// Snowball's rules try the longest suffix alone: when its condition fails, no shorter one is tried.
struct Suffixes<Action: Sendable>: Sendable {
    private struct Entry {
        let letters: [UInt32]
        let action: Action
    }

    /// By last letter, the longest first.
    private let entries: [UInt32: [Entry]]

    /// Makes a table.
    ///
    /// - Parameter table: suffixes separated by spaces, and what they ask for.
    init(_ table: KeyValuePairs<String, Action>) {
        var entries: [UInt32: [Entry]] = [:]
        for (suffixes, action) in table {
            for suffix in suffixes.split(separator: " ") {
                let letters = suffix.unicodeScalars.map(\.value)
                entries[letters[letters.count - 1], default: []].append(Entry(letters: letters, action: action))
            }
        }
        self.entries = entries.mapValues { $0.sorted { $0.letters.count > $1.letters.count } }
    }

    /// The longest suffix of a word that begins at or behind `region`.
    ///
    /// It ends at `end`; at the word's end, unless named.
    ///
    /// - Returns: where it begins and what it asks for.
    func longest(of word: [UInt32], from region: Int = 0, before end: Int? = nil) -> (start: Int, action: Action)? {
        let end = end ?? word.count
        guard end > 0, let candidates = entries[word[end - 1]] else { return nil }
        for candidate in candidates {
            let start = end - candidate.letters.count
            if start >= region, word[start..<end].elementsEqual(candidate.letters) { return (start, candidate.action) }
        }
        return nil
    }
}

extension Suffixes where Action == Void {
    /// Makes a table of suffixes that all ask for the same.
    ///
    /// - Parameter suffixes: suffixes separated by spaces.
    init(_ suffixes: String) {
        self.init([suffixes: ()])
    }
}

/// A set of letters, such as a language's vowels.
struct LetterSet: Sendable {
    private let letters: Set<UInt32>

    init(_ letters: String) {
        self.letters = Set(letters.unicodeScalars.map(\.value))
    }

    func contains(_ letter: UInt32) -> Bool {
        letters.contains(letter)
    }
}

extension [UInt32] {
    /// The scalars of a text, as the stemmers see them.
    init(scalars text: String) {
        self = text.unicodeScalars.map(\.value)
    }

    /// Whether a word ends with a suffix.
    func ends(with suffix: [UInt32]) -> Bool {
        count >= suffix.count && self[(count - suffix.count)...].elementsEqual(suffix)
    }

    /// Where Porter's region begins: behind the first non-vowel that follows a vowel, or at the end.
    func regionBehindVowelAndConsonant(from start: Int, _ vowels: LetterSet) -> Int {
        var index = start
        while index < count, !vowels.contains(self[index]) { index += 1 }
        while index < count, vowels.contains(self[index]) { index += 1 }
        return Swift.min(index + 1, count)
    }
}
