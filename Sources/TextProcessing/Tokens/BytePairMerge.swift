/// Merges the bytes of one piece into tokens: always the pair with the lowest rank first; of equal ranks the leftmost.
///
/// Short pieces use a list that is searched at every step, long ones use windows, so that "aaaa…" takes no quadratic
/// time.
struct BytePairMerge: Sendable {
    private let vocabulary: BytePairVocabulary
    private let wholeScalars: WholeScalars

    init(_ vocabulary: BytePairVocabulary, in memory: TableMemory) {
        self.vocabulary = vocabulary
        wholeScalars = WholeScalars(vocabulary, in: memory)
    }

    /// The number of tokens of a piece.
    @inline(__always)
    func count(_ text: UTF8Bytes, _ piece: Range<Int>, _ memory: CountMemory) -> Int {
        if piece.count == 1 || vocabulary.rank(text, piece) != BytePairVocabulary.none { return 1 }
        return memory.count(piece) { mergedCount(text, piece) }
    }

    private func mergedCount(_ text: UTF8Bytes, _ piece: Range<Int>) -> Int {
        var count = 0
        let bytes = unsafe UTF8Bytes(start: text.start + piece.lowerBound, count: piece.count)
        let isShort = withList(bytes) { count = $0.merge() }
        if !isShort { LongMerge(vocabulary, wholeScalars).forEachToken(of: bytes) { _ in count += 1 } }
        return count
    }

    /// Passes on the tokens of a piece in order.
    @inline(__always)
    func encode(_ text: UTF8Bytes, _ piece: Range<Int>, _ token: (UInt32) -> Void) {
        if piece.count == 1 { return token(vocabulary.rank(text[piece.lowerBound])) }
        let rank = vocabulary.rank(text, piece)
        if rank != BytePairVocabulary.none { return token(rank) }
        let bytes = unsafe UTF8Bytes(start: text.start + piece.lowerBound, count: piece.count)
        let isShort = withList(bytes) {
            _ = $0.merge()
            $0.forEachToken(token)
        }
        if !isShort { LongMerge(vocabulary, wholeScalars).forEachToken(of: bytes, token) }
    }

    /// Lends a list of the parts of a piece; false when the piece is too long for one.
    @inline(__always)
    private func withList(_ bytes: UTF8Bytes, _ body: (inout PartList) -> Void) -> Bool {
        if bytes.count > PartList.bytesMax { return false }
        return unsafe withUnsafeTemporaryAllocation(byteCount: PartList.byteCount, alignment: 16) { buffer in
            guard let memory = buffer.baseAddress else { return false }
            var list = unsafe PartList(bytes, vocabulary, memory)
            guard list.fill(wholeScalars) else { return false }
            body(&list)
            return true
        }
    }
}
