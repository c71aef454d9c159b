/// Deterministic unit vectors made of the words of a text, so that texts which share words are near each other.
///
/// Each word adds to a handful of components chosen by its hash; runs of Han, Kana and Hangul count by character and by
/// pair of characters. The same text gives the same vector on every host and in every build.
package struct WordVectors: Sendable {
    /// Components that one word touches: enough that two words rarely meet in all of them.
    private static let touched = 6

    /// Length of the vectors.
    let dimensions: Int

    package init(dimensions: Int) {
        precondition(dimensions > 0)
        self.dimensions = dimensions
    }

    /// The vector of a text: `dimensions` finite numbers of Euclidean length 1.
    package func vector(of text: String) -> [Float] {
        var counts: [UInt64: (count: Int, weight: Float)] = [:]
        Self.forEachWord(in: text) { counts[$0, default: (0, $1)].count += 1 }
        var sums = [Float](repeating: 0, count: dimensions)
        // Sorted, because adding floats in another order gives another result.
        for word in counts.keys.sorted() {
            guard let (count, weight) = counts[word] else { continue }
            add(word, Float(count).squareRoot() * weight, to: &sums)
        }
        var squares: Float = 0
        for sum in sums where sum != 0 { squares += sum * sum }
        guard squares > 1e-12 else {
            // No word at all, or words that cancel each other out: such a text gets a direction of its own.
            var direction = [Float](repeating: 0, count: dimensions)
            direction[Int(TextHash.of(text) % UInt64(dimensions))] = 1
            return direction
        }
        let scale = 1 / squares.squareRoot()
        for index in sums.indices where sums[index] != 0 { sums[index] *= scale }
        return sums
    }

    /// The first numbers of the vector, scaled to length 1, as the models shorten theirs.
    package func vector(of text: String, first count: Int) -> [Float] {
        let whole = vector(of: text)
        guard count < dimensions else { return whole }
        let part = Array(whole.prefix(count))
        let squares = part.reduce(0) { $0 + $1 * $1 }
        guard squares > 1e-12 else { return Self(dimensions: count).vector(of: text) }
        let scale = 1 / squares.squareRoot()
        return part.map { $0 * scale }
    }

    private func add(_ word: UInt64, _ weight: Float, to sums: inout [Float]) {
        var state = word
        for _ in 0..<Self.touched {
            state = TextHash.mixed(state &+ 0x9E37_79B9_7F4A_7C15)
            sums[Int((state >> 1) % UInt64(dimensions))] += state & 1 == 0 ? weight : -weight
        }
    }

    /// Calls `body` with the hash and the weight of each word; short words say little and get a low weight.
    private static func forEachWord(in text: String, _ body: (UInt64, Float) -> Void) {
        var word = TextHash()
        var length = 0
        var previous: UInt32?
        func endWord() {
            if length > 0 { body(word.value, length < 4 ? 0.3 : 1) }
            word = TextHash()
            length = 0
        }
        for scalar in text.unicodeScalars {
            if scalar.value >= 0x80, isIdeographic(scalar.value) {
                endWord()
                var single = TextHash()
                single.add(scalar.value)
                body(single.value, 0.3)
                if let previous {
                    var pair = TextHash()
                    pair.add(previous)
                    pair.add(scalar.value)
                    body(pair.value, 1)
                }
                previous = scalar.value
                continue
            }
            previous = nil
            if let folded = folded(scalar) {
                word.add(folded)
                length += 1
            } else {
                endWord()
            }
        }
        endWord()
    }

    /// The scalar in lower case, or nil if it is not part of a word.
    private static func folded(_ scalar: Unicode.Scalar) -> UInt32? {
        switch scalar.value {
        case 0x30...0x39, 0x61...0x7A: return scalar.value
        case 0x41...0x5A: return scalar.value + 32
        case 0..<0x80: return nil
        default:
            let properties = scalar.properties
            guard properties.isAlphabetic || properties.numericType != nil else { return nil }
            return properties.lowercaseMapping.unicodeScalars.first?.value ?? scalar.value
        }
    }

    /// Han, Kana and Hangul: written without spaces, or with words too long to match.
    private static func isIdeographic(_ value: UInt32) -> Bool {
        switch value {
        case 0x3040...0x30FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0x20000...0x3134F:
            true
        default: false
        }
    }
}

/// A 64-bit FNV-1a hash of scalars: stable across processes, unlike `Hasher`.
struct TextHash {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ scalar: UInt32) { value = (value ^ UInt64(scalar)) &* 0x100_0000_01B3 }

    /// The hash of a whole text.
    static func of(_ text: String) -> UInt64 {
        var hash = Self()
        for scalar in text.unicodeScalars { hash.add(scalar.value) }
        return mixed(hash.value)
    }

    /// Spreads a value over all 64 bits (the finaliser of SplitMix64).
    static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
