import Synchronization

/// What makes a word a term.
struct TermRules: Sendable {
    /// nil: words are kept as they are.
    let stemmer: (any Stemmer)?
    let stopWords: Set<[UInt32]>
    /// Whether runs of Han, Kana and Hangul become their pairs of neighbours.
    let pairsCJK: Bool
}

/// Reads the terms of one text after the other, and remembers the words: most of them occur again in the next text, and
/// then need no stop-word test, no stemming and no hash.
struct TermReader {
    /// The longest word that is kept, in scalars, before it is stemmed (fastembed's `token_max_length`).
    private static let scalarsMax = 40
    /// A reader that remembers more words, or has read a longer text, is dropped, so that memory stays bounded.
    private static let wordsMax = 50_000

    /// The terms of the last text in order, by number.
    private(set) var terms: [Int32] = []

    private let rules: TermRules
    private let classes = ScalarClass.table
    private let distances = LowerCase.distances
    private var words = WordTable()
    /// The term of each word; -1 if it is no term.
    private var termOfWord: [Int32] = []
    private var spellings = WordTable()
    /// The id of each term, and how often it occurred while terms are counted.
    private var ids: [UInt32] = []
    private var tally: [Int32] = []

    // The current word, in lower case.
    private var buffer = [UInt8](repeating: 0, count: 4 * scalarsMax)
    private var length = 0
    private var scalars = 0
    private var hash = Self.hashStart
    // The current run of Han, Kana and Hangul, if such runs are split.
    private var lastCJK: UInt32 = 0
    private var isLoneCJK = false

    init(_ rules: TermRules) {
        self.rules = rules
    }

    /// Whether it is small enough to be kept for the next text.
    var isSmall: Bool { words.count <= Self.wordsMax && terms.capacity <= 2 * Self.wordsMax }

    /// Reads a text.
    mutating func read(_ bytes: UTF8Bytes) {
        terms.removeAll(keepingCapacity: true)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte < 0x80 {
                let lower = Self.lowerASCII(byte)
                if lower == 0 {
                    endRun()
                } else {
                    if lastCJK != 0 { endCJK() }
                    append(byte: lower)
                    scalars += 1
                }
                index += 1
            } else {
                let (scalar, length) = bytes.scalar(at: index)
                if ScalarClass(bits: classes[scalar]).isWord {
                    let isSigma = scalar == 0x03A3
                    append(
                        isSigma
                            ? LowerCase.sigma(in: bytes, at: index, end: index + length)
                            : LowerCase.of(scalar, distances)
                    )
                    if scalar == LowerCase.dottedI { endRun() }
                } else {
                    endRun()
                }
                index += length
            }
        }
        endRun()
    }

    /// The ids of the last text's terms in the order of their first occurrence, with their counts.
    mutating func counts() -> [(id: UInt32, count: Int32)] {
        var seen: [Int32] = []
        seen.reserveCapacity(terms.count)
        for term in terms {
            if tally[Int(term)] == 0 { seen.append(term) }
            tally[Int(term)] += 1
        }
        return seen.map { term in
            defer { tally[Int(term)] = 0 }
            return (ids[Int(term)], tally[Int(term)])
        }
    }

    /// A term as text.
    func spelling(_ term: Int32) -> String {
        String(decoding: spellings.word(Int(term)), as: UTF8.self)
    }

    // MARK: - Words

    /// The lower case of a letter, digit or underscore; 0 for any other ASCII.
    @inline(__always)
    private static func lowerASCII(_ byte: UInt8) -> UInt8 {
        if byte.isASCIILower || byte.isASCIIDigit || byte == 0x5F { return byte }
        return byte.isASCIIUpper ? byte | 0x20 : 0
    }

    /// FNV-1a, 32 bits (public domain).
    private static let hashStart: UInt32 = 0x811C_9DC5

    @inline(__always)
    private mutating func append(byte: UInt8) {
        if length < buffer.count {
            buffer[length] = byte
            length += 1
            hash = (hash ^ UInt32(byte)) &* 0x0100_0193
        }
    }

    private mutating func append(_ scalar: UInt32) {
        guard rules.pairsCJK, scalar.isCJK else {
            if lastCJK != 0 { endCJK() }
            return appendUTF8(scalar)
        }
        if lastCJK == 0 {
            endWord()
            isLoneCJK = true
        } else {
            appendUTF8(lastCJK)
            appendUTF8(scalar)
            endWord()
            isLoneCJK = false
        }
        lastCJK = scalar
    }

    @inline(__always)
    private mutating func appendUTF8(_ scalar: UInt32) {
        switch scalar {
        case ..<0x80:
            append(byte: UInt8(scalar))
        case ..<0x800:
            append(byte: UInt8(0xC0 | scalar >> 6))
            append(byte: UInt8(0x80 | scalar & 0x3F))
        case ..<0x10000:
            append(byte: UInt8(0xE0 | scalar >> 12))
            append(byte: UInt8(0x80 | scalar >> 6 & 0x3F))
            append(byte: UInt8(0x80 | scalar & 0x3F))
        default:
            append(byte: UInt8(0xF0 | scalar >> 18))
            append(byte: UInt8(0x80 | scalar >> 12 & 0x3F))
            append(byte: UInt8(0x80 | scalar >> 6 & 0x3F))
            append(byte: UInt8(0x80 | scalar & 0x3F))
        }
        scalars += 1
    }

    private mutating func endRun() {
        if lastCJK != 0 { endCJK() }
        if scalars != 0 { endWord() }
    }

    private mutating func endCJK() {
        if isLoneCJK {
            appendUTF8(lastCJK)
            endWord()
        }
        lastCJK = 0
    }

    private mutating func endWord() {
        if scalars != 0, scalars <= Self.scalarsMax {
            let (word, isNew) = words.number(of: buffer, length: length, hash: hash)
            if isNew { termOfWord.append(term()) }
            if termOfWord[word] >= 0 { terms.append(termOfWord[word]) }
        }
        length = 0
        scalars = 0
        hash = Self.hashStart
    }

    /// The number of the term of the word in the buffer; -1 if it is no term.
    private mutating func term() -> Int32 {
        var word = String(decoding: buffer[..<length], as: UTF8.self).unicodeScalars.map(\.value)
        if rules.stopWords.contains(word) || word.count == 1 && ScalarClass(word[0]).isPunctuation { return -1 }
        rules.stemmer?.stem(&word)
        if word.isEmpty { return -1 }
        var spelling: [UInt8] = []
        for scalar in word { spelling.append(scalar: scalar) }
        let id = MurmurHash.x86(spelling)
        let (number, isNew) = spellings.number(of: spelling, length: spelling.count, hash: id)
        if isNew {
            // fastembed's id: the magnitude of the signed hash.
            ids.append(Int32(bitPattern: id).magnitude)
            tally.append(0)
        }
        return Int32(number)
    }
}

/// The readers of one encoder; each is lent to one caller at a time.
final class TermReaders: Sendable {
    /// If there are more callers at once, the others get readers that remember nothing.
    private static let idleMax = 16

    private let rules: TermRules
    private let idle = Mutex<[TermReader]>([])

    init(_ rules: TermRules) {
        self.rules = rules
    }

    /// Reads a text and lends the reader.
    func read<Value>(_ text: String, _ body: (inout TermReader) -> Value) -> Value {
        var reader = idle.withLock { $0.popLast() } ?? TermReader(rules)
        text.withBytes { reader.read($0) }
        let value = body(&reader)
        idle.withLock { readers in
            if reader.isSmall, readers.count < Self.idleMax { readers.append(reader) }
        }
        return value
    }
}

extension UInt32 {
    /// Whether a scalar is Han, Kana or Hangul.
    var isCJK: Bool {
        switch self {
        case 0x1100..<0x1200, 0x3005..<0x3008, 0x3031..<0x3036, 0x3041..<0x3100, 0x3131..<0x318F, 0x31F0..<0x3200,
            0x3400..<0x4DC0, 0x4E00..<0xA000, 0xA960..<0xA980, 0xAC00..<0xD800, 0xF900..<0xFB00, 0xFF66..<0xFFDD,
            0x1AFF0..<0x1B170, 0x20000..<0x323B0:
            true
        default: false
        }
    }
}
