/// Makes BM25 term weights exactly as fastembed's `Qdrant/bm25`, so that vectors made on the query side match.
///
/// The collection's `idf` modifier adds the other half of BM25. Pure and linear in the length of the text.
public struct SparseEncoder: Sendable {
    /// Names these rules in the profile; it changes when any weight may change.
    public static let version = "bm25-1"

    /// The names of the languages there are stop words and stems for.
    public static let languages = SparseLanguage.all.map(\.name)

    /// The longest token that is kept, in scalars, before it is stemmed (fastembed's `token_max_length`).
    private static let tokenLengthMax = 40

    /// How the vectors are made.
    public let parameters: SparseParameters
    private let stemmer: (any Stemmer)?
    private let stopWords: Set<[UInt32]>

    /// Makes an encoder.
    ///
    /// - Throws: when the language is not supported, with the names of those that are, and when a number makes no
    ///   sense.
    public init(_ parameters: SparseParameters = SparseParameters()) throws(TextError) {
        guard let language = SparseLanguage.all.first(where: { $0.name == parameters.language }) else {
            throw TextError(
                "the sparse language \"\(parameters.language)\" is not supported; "
                    + "supported: \(Self.languages.joined(separator: ", "))"
            )
        }
        guard parameters.averageLength > 0, parameters.averageLength.isFinite else {
            throw TextError("the average length \(parameters.averageLength) of sparse vectors is not above 0")
        }
        guard parameters.termSaturation >= 0, (0...1).contains(parameters.lengthNormalisation) else {
            throw TextError("BM25 needs a k of at least 0 and a b from 0 to 1")
        }
        self.parameters = parameters
        stemmer = parameters.isStemming ? language.stemmer : nil
        let words = parameters.isStemming ? language.stopWords ?? "" : ""
        stopWords = Set(words.split { $0 == " " || $0 == "\n" }.map { $0.unicodeScalars.map(\.value) })
    }

    /// The vector of a chunk's text; empty when no term is left.
    public func document(_ text: String) -> SparseVector {
        var counts: [[UInt32]: Int] = [:]
        var order: [[UInt32]] = []
        var length = 0
        forEachTerm(in: text) { term in
            if let count = counts[term] {
                counts[term] = count + 1
            } else {
                counts[term] = 1
                order.append(term)
            }
            length += 1
        }
        let (k, b) = (parameters.termSaturation, parameters.lengthNormalisation)
        let norm = k * (1 - b + b * Double(length) / parameters.averageLength)
        // Two terms may share an id; then the later one counts alone, as in fastembed.
        var weights: [UInt32: Double] = [:]
        for term in order {
            let count = Double(counts[term] ?? 0)
            weights[Self.index(of: term)] = count * (k + 1) / (count + norm)
        }
        let sorted = weights.sorted { $0.key < $1.key }
        return SparseVector(indices: sorted.map(\.key), values: sorted.map(\.value))
    }

    /// The vector of a question: each of its terms once, with the weight 1.
    public func query(_ text: String) -> SparseVector {
        var indices: Set<UInt32> = []
        forEachTerm(in: text) { indices.insert(Self.index(of: $0)) }
        return SparseVector(indices: indices.sorted(), values: [Double](repeating: 1, count: indices.count))
    }

    /// The terms of a text in order, stemmed, with repetitions.
    public func terms(_ text: String) -> [String] {
        var terms: [String] = []
        forEachTerm(in: text) { term in
            terms.append(String(String.UnicodeScalarView(term.compactMap(Unicode.Scalar.init))))
        }
        return terms
    }

    // MARK: - Terms

    private func forEachTerm(in text: String, _ body: ([UInt32]) -> Void) {
        text.withBytes { bytes in
            let table = ScalarClass.table
            var run: [UInt32] = []
            var index = 0
            while index < bytes.count {
                let (scalar, length) = bytes.scalar(at: index)
                index += length
                if ScalarClass(bits: table[scalar]).isWord {
                    run.append(scalar)
                    if index < bytes.count { continue }
                }
                if run.isEmpty { continue }
                // Lower case may bring marks, which split: İ becomes i and a dot above.
                for word in LowerCase.of(run).split(whereSeparator: { !ScalarClass($0).isWord }) {
                    split(Array(word), body)
                }
                run.removeAll(keepingCapacity: true)
            }
        }
    }

    private func split(_ word: [UInt32], _ body: ([UInt32]) -> Void) {
        guard parameters.cjk == .bigram, word.contains(where: Self.isCJK) else { return term(word, body) }
        var start = 0
        while start < word.count {
            let isCJK = Self.isCJK(word[start])
            let end = word[start...].firstIndex { Self.isCJK($0) != isCJK } ?? word.count
            if isCJK, end - start > 1 {
                for index in start..<end - 1 { body([word[index], word[index + 1]]) }
            } else {
                term(Array(word[start..<end]), body)
            }
            start = end
        }
    }

    private func term(_ word: [UInt32], _ body: ([UInt32]) -> Void) {
        if word.count > Self.tokenLengthMax || stopWords.contains(word) { return }
        if word.count == 1, ScalarClass(word[0]).isPunctuation { return }
        var term = word
        stemmer?.stem(&term)
        if !term.isEmpty { body(term) }
    }

    private static func isCJK(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x1100..<0x1200, 0x3005..<0x3008, 0x3031..<0x3036, 0x3041..<0x3100, 0x3131..<0x318F, 0x31F0..<0x3200,
            0x3400..<0x4DC0, 0x4E00..<0xA000, 0xA960..<0xA980, 0xAC00..<0xD800, 0xF900..<0xFB00, 0xFF66..<0xFFDD,
            0x1AFF0..<0x1B170, 0x20000..<0x323B0:
            true
        default: false
        }
    }

    /// The id of a term: the magnitude of its signed 32-bit MurmurHash3 with the seed 0.
    private static func index(of term: [UInt32]) -> UInt32 {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(term.count)
        for scalar in term { bytes.append(scalar: scalar) }
        return Int32(bitPattern: MurmurHash.x86(bytes)).magnitude
    }
}

/// MurmurHash3 x86 32-bit, seed 0 (Austin Appleby, public domain).
enum MurmurHash {
    static func x86(_ bytes: [UInt8]) -> UInt32 {
        func mixed(_ block: UInt32) -> UInt32 {
            let product = block &* 0xCC9E_2D51
            return (product << 15 | product >> 17) &* 0x1B87_3593
        }
        var hash: UInt32 = 0
        var index = 0
        while index + 4 <= bytes.count {
            let block =
                UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]) << 16
                | UInt32(bytes[index + 3]) << 24
            hash ^= mixed(block)
            hash = (hash << 13 | hash >> 19) &* 5 &+ 0xE654_6B64
            index += 4
        }
        var tail: UInt32 = 0
        for (place, byte) in bytes[index...].enumerated() { tail |= UInt32(byte) << UInt32(8 * place) }
        if index < bytes.count { hash ^= mixed(tail) }
        hash ^= UInt32(bytes.count)
        hash = (hash ^ hash >> 16) &* 0x85EB_CA6B
        hash = (hash ^ hash >> 13) &* 0xC2B2_AE35
        return hash ^ hash >> 16
    }
}

/// Full lower case as Python's `str.lower`, with the final sigma that Swift's `lowercased()` does not have.
enum LowerCase {
    /// The lower case of a run of letters, numbers and underscores.
    static func of(_ run: [UInt32]) -> [UInt32] {
        var output: [UInt32] = []
        output.reserveCapacity(run.count)
        for (place, scalar) in run.enumerated() {
            if scalar < 0x80 {
                output.append(scalar >= 0x41 && scalar <= 0x5A ? scalar + 0x20 : scalar)
            } else if scalar == 0x03A3 {
                output.append(isFinal(run, place) ? 0x03C2 : 0x03C3)
            } else if let mapping = Unicode.Scalar(scalar)?.properties.lowercaseMapping {
                output.append(contentsOf: mapping.unicodeScalars.map(\.value))
            }
        }
        return output
    }

    /// Unicode's Final_Sigma: a cased letter before it and none after it, those that case ignores left out.
    private static func isFinal(_ run: [UInt32], _ place: Int) -> Bool {
        func isCased(_ scalar: UInt32) -> Bool? {
            guard let properties = Unicode.Scalar(scalar)?.properties else { return false }
            return properties.isCaseIgnorable ? nil : properties.isCased
        }
        let before = run[..<place].reversed().lazy.compactMap(isCased).first ?? false
        let after = run[(place + 1)...].lazy.compactMap(isCased).first ?? false
        return before && !after
    }
}
