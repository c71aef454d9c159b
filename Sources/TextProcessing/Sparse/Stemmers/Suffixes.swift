/// The suffixes of one step of a stemmer, each with its action.
///
/// Snowball's rules try only the longest suffix: if its condition fails, no shorter one is tried.
struct Suffixes<Action: Sendable>: Sendable {
    private struct Entry {
        let letters: [UInt32]
        let action: Action
    }

    /// By last letter, the longest first.
    private let entries: [UInt32: [Entry]]

    /// Makes a table.
    ///
    /// - Parameter table: suffixes separated by white space, and their actions.
    init(_ table: KeyValuePairs<String, Action>) {
        var entries: [UInt32: [Entry]] = [:]
        for (suffixes, action) in table {
            for suffix in suffixes.split(whereSeparator: \.isWhitespace) {
                let letters = suffix.unicodeScalars.map(\.value)
                entries[letters[letters.count - 1], default: []].append(Entry(letters: letters, action: action))
            }
        }
        self.entries = entries.mapValues { $0.sorted { $0.letters.count > $1.letters.count } }
    }

    /// The longest suffix of a word that begins at or after `region`.
    ///
    /// It ends at `end`; by default at the word's end.
    ///
    /// - Returns: where it begins, and its action.
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
    /// Makes a table of suffixes without different actions.
    ///
    /// - Parameter suffixes: suffixes separated by white space.
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

    /// Whether a text ends at `end`, or at the end of the word, with no part of it before `region`.
    func has(_ text: String, before end: Int? = nil, from region: Int = 0) -> Bool {
        var index = end ?? count
        for scalar in text.unicodeScalars.reversed() {
            index -= 1
            if index < region || self[index] != scalar.value { return false }
        }
        return true
    }

    /// Whether the letter before `end` belongs to a set.
    func has(_ letters: LetterSet, before end: Int) -> Bool {
        end > 0 && letters.contains(self[end - 1])
    }

    /// Removes everything from `start` on, if that lies in a region.
    ///
    /// - Returns: whether it was removed.
    @discardableResult
    mutating func cut(at start: Int, in region: Int = 0) -> Bool {
        guard start >= region else { return false }
        removeSubrange(start...)
        return true
    }

    /// Removes a suffix, if the word has it in a region.
    ///
    /// - Returns: whether it was removed.
    @discardableResult
    mutating func cut(_ suffix: String, in region: Int = 0) -> Bool {
        has(suffix) && cut(at: count - suffix.unicodeScalars.count, in: region)
    }

    /// Removes the longest suffix of a table, if that one lies in a region.
    ///
    /// - Returns: whether it was removed.
    @discardableResult
    mutating func cut(_ suffixes: Suffixes<Void>, in region: Int) -> Bool {
        suffixes.longest(of: self).map { cut(at: $0.start, in: region) } ?? false
    }

    /// Removes the longest suffix of a table that begins at or after `region`.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    mutating func cut(_ suffixes: Suffixes<Void>, from region: Int) -> Bool {
        suffixes.longest(of: self, from: region).map { cut(at: $0.start) } ?? false
    }

    /// Replaces everything from `start` on by a text, if that lies in a region.
    ///
    /// - Returns: whether it was replaced.
    @discardableResult
    mutating func replace(from start: Int, with text: String, in region: Int = 0) -> Bool {
        guard cut(at: start, in: region) else { return false }
        for scalar in text.unicodeScalars { append(scalar.value) }
        return true
    }

    /// Replaces the longest suffix of a table, if that one lies in a region, by its text in the table.
    mutating func replace(_ suffixes: Suffixes<String>, in region: Int) {
        guard let (start, replacement) = suffixes.longest(of: self) else { return }
        replace(from: start, with: replacement, in: region)
    }

    /// Replaces some letters by others; each letter by the one at the same place in the other list.
    mutating func turn(_ letters: [UInt32], into others: [UInt32]) {
        for (letter, other) in zip(letters, others) {
            for index in indices where self[index] == letter { self[index] = other }
        }
    }

    /// Where Porter's region begins: after the first non-vowel that follows a vowel, or at the end.
    func regionBehindVowelAndConsonant(from start: Int, _ vowels: LetterSet) -> Int {
        var index = start
        while index < count, !vowels.contains(self[index]) { index += 1 }
        while index < count, vowels.contains(self[index]) { index += 1 }
        return Swift.min(index + 1, count)
    }

    /// Where Porter's first region begins in languages where it begins after at least three letters.
    func regionBehindThreeLetters(_ vowels: LetterSet) -> Int {
        Swift.max(regionBehindVowelAndConsonant(from: 0, vowels), Swift.min(3, count))
    }

    /// Where Porter's second region begins: found like the first one, but from its beginning on.
    func secondRegion(_ vowels: LetterSet) -> Int {
        regionBehindVowelAndConsonant(from: regionBehindVowelAndConsonant(from: 0, vowels), vowels)
    }
}

/// Upper case marks vowels that are consonants here; the words themselves are in lower case.
extension [UInt32] {
    mutating func mark(_ index: Int) {
        self[index] -= 0x20
    }

    mutating func unmark() {
        for index in indices where (0x41...0x5A).contains(self[index]) { self[index] += 0x20 }
    }
}
