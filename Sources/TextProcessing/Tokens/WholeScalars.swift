/// The scalars with which a merge may begin instead of their bytes: most of those that are one token.
///
/// A merge goes by rank, whatever the scalars are, so this is right only if nothing else can happen to the bytes first.
/// Such a scalar is one token to which its own bytes merge in ascending rank, with a lower rank than every token that
/// it begins or ends. And no token takes some of its bytes together with bytes of a neighbour. Then every join with it
/// comes later anyway. All of this is derived from the vocabulary, which has about 250 tokens of such broken scalars.
struct WholeScalars: Sendable {
    /// The scalars of two and three bytes that are one token and meet the first condition, by their value.
    private let scalars: BitSet
    /// The last byte of one scalar and the first of the next, if some token ends or begins inside one of them.
    private let borders: BitSet

    init(_ vocabulary: BytePairVocabulary, in memory: TableMemory) {
        scalars = BitSet(count: 0x10000, in: memory)
        borders = BitSet(count: 0x10000, in: memory)
        vocabulary.forEachToken { token, rank in
            if let scalar = Self.scalar(token), Self.mergesInOrder(token, rank, vocabulary) { scalars.insert(scalar) }
            let firstWhole = (0..<token.count).first { !token[$0].isUTF8Continuation } ?? token.count
            if firstWhole > 0, firstWhole < token.count { insertBorder(token, firstWhole) }
            let last = Self.lastStart(token)
            if last > 0, last + Self.length(token[last]) > token.count { insertBorder(token, last) }
        }
        vocabulary.forEachToken { token, rank in
            let last = Self.lastStart(token)
            for range in [0..<min(Self.length(token[0]), token.count), last..<token.count] {
                let edge = unsafe UTF8Bytes(start: token.start + range.lowerBound, count: range.count)
                if range.count < token.count, let scalar = Self.scalar(edge), rank < vocabulary.rank(token, range) {
                    scalars.remove(scalar)
                }
            }
        }
    }

    /// The length of the part with which a merge may begin at a place of a text: a whole scalar or a byte.
    @inline(__always)
    func partLength(_ text: UTF8Bytes, at start: Int) -> Int {
        let first = text[start]
        if first < 0xC2 || first >= 0xF0 { return 1 }
        let (scalar, length) = text.scalar(at: start)
        let end = start &+ length
        if !scalars.contains(Int(scalar)) { return 1 }
        if start > 0, isBorder(text, start) { return 1 }
        if end < text.count, isBorder(text, end) { return 1 }
        return length
    }

    @inline(__always)
    private func isBorder(_ text: UTF8Bytes, _ place: Int) -> Bool {
        borders.contains(Int(text[place &- 1]) << 8 | Int(text[place]))
    }

    private func insertBorder(_ token: UTF8Bytes, _ place: Int) {
        borders.insert(Int(token[place - 1]) << 8 | Int(token[place]))
    }

    /// The scalar of these two or three bytes.
    private static func scalar(_ bytes: UTF8Bytes) -> Int? {
        guard bytes.count == 2 || bytes.count == 3, (0xC2..<0xF0).contains(bytes[0]), length(bytes[0]) == bytes.count,
            (1..<bytes.count).allSatisfy({ bytes[$0].isUTF8Continuation })
        else { return nil }
        return Int(bytes.scalar(at: 0).value)
    }

    private static func mergesInOrder(_ token: UTF8Bytes, _ rank: UInt32, _ vocabulary: BytePairVocabulary) -> Bool {
        token.count == 2 || min(vocabulary.rank(token[0], token[1]), vocabulary.rank(token[1], token[2])) < rank
    }

    /// The place of the last byte that begins a scalar.
    private static func lastStart(_ token: UTF8Bytes) -> Int {
        var last = token.count - 1
        while last > 0, token[last].isUTF8Continuation { last -= 1 }
        return last
    }

    /// The length of a scalar that begins with this byte.
    private static func length(_ first: UInt8) -> Int {
        switch first {
        case ..<0xC0: 1
        case ..<0xE0: 2
        case ..<0xF0: 3
        default: 4
        }
    }
}

/// A set of small numbers, one bit each.
@safe
private struct BitSet: @unchecked Sendable {  // Sendable: written only by `WholeScalars`' initialiser.
    private let words: UnsafeMutablePointer<UInt64>

    init(count: Int, in memory: TableMemory) {
        unsafe words = memory.allocate(count / 64, of: 0)
    }

    @inline(__always)
    func contains(_ number: Int) -> Bool {
        unsafe words[number >> 6] >> UInt64(truncatingIfNeeded: number & 63) & 1 != 0
    }

    func insert(_ number: Int) {
        unsafe words[number >> 6] |= 1 << UInt64(number & 63)
    }

    func remove(_ number: Int) {
        unsafe words[number >> 6] &= ~(1 << UInt64(number & 63))
    }
}
