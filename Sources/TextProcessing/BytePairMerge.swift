/// Merges the bytes of one piece into tokens: always the pair of the lowest rank first, the leftmost of equals.
///
/// Short pieces by a list that is searched at every step, long ones by a heap, so that "aaaa…" takes no quadratic time.
struct BytePairMerge: Sendable {
    private let vocabulary: BytePairVocabulary
    private let wholeScalars: WholeScalars

    init(_ vocabulary: BytePairVocabulary, in memory: TableMemory) {
        self.vocabulary = vocabulary
        wholeScalars = WholeScalars(vocabulary, in: memory)
    }

    /// The number of tokens of a piece.
    @inline(__always)
    func count(_ text: UTF8Bytes, _ piece: Range<Int>) -> Int {
        if piece.count == 1 || vocabulary.rank(text, piece) != BytePairVocabulary.none { return 1 }
        var count = 0
        let bytes = unsafe UTF8Bytes(start: text.start + piece.lowerBound, count: piece.count)
        let isShort = withList(bytes) { count = $0.merge() }
        if !isShort { mergeByHeap(bytes) { _ in count += 1 } }
        return count
    }

    /// Hands out the tokens of a piece in order.
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
        if !isShort { mergeByHeap(bytes, token) }
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

    // MARK: - Long pieces

    /// A linked list of parts and a heap of their joins; a join whose parts have changed since is skipped.
    private func mergeByHeap(_ bytes: UTF8Bytes, _ token: (UInt32) -> Void) {
        let none = BytePairVocabulary.none
        let count = bytes.count
        // By the first byte of a part: where it ends, where the part before begins, the rank of its join with the next.
        var ends = [Int](repeating: count, count: count)
        var befores = [Int](repeating: -1, count: count)
        var ranks = [UInt32](repeating: none, count: count)
        var heap = MinimumHeap(capacity: count)
        func join(_ start: Int) {
            let next = ends[start]
            ranks[start] = next < count ? vocabulary.rank(bytes, start..<ends[next]) : none
            if ranks[start] != none { heap.insert(UInt64(ranks[start]) << 32 | UInt64(start)) }
        }
        func forEachPart(_ body: (Int) -> Void) {
            var start = 0
            while start < count {
                let end = ends[start]
                body(start)
                start = end
            }
        }
        var start = 0
        while start < count {
            ends[start] = start + wholeScalars.partLength(bytes, at: start)
            if ends[start] < count { befores[ends[start]] = start }
            start = ends[start]
        }
        forEachPart(join)
        while let lowest = heap.removeMinimum() {
            let start = Int(lowest & 0xFFFF_FFFF)
            guard ranks[start] == UInt32(lowest >> 32) else { continue }
            let next = ends[start]
            ends[start] = ends[next]
            ranks[next] = none
            if ends[start] < count { befores[ends[start]] = start }
            join(start)
            if befores[start] >= 0 { join(befores[start]) }
        }
        forEachPart { token(vocabulary.rank(bytes, $0, ends[$0])) }
    }
}

/// A binary heap of numbers.
private struct MinimumHeap {
    private var items: [UInt64] = []

    init(capacity: Int) {
        items.reserveCapacity(capacity)
    }

    mutating func insert(_ item: UInt64) {
        items.append(item)
        var child = items.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if items[parent] <= item { break }
            items[child] = items[parent]
            child = parent
        }
        items[child] = item
    }

    mutating func removeMinimum() -> UInt64? {
        guard let minimum = items.first, let item = items.popLast() else { return nil }
        if items.isEmpty { return minimum }
        var parent = 0
        while true {
            var child = 2 * parent + 1
            if child >= items.count { break }
            if child + 1 < items.count, items[child + 1] < items[child] { child += 1 }
            if items[child] >= item { break }
            items[parent] = items[child]
            parent = child
        }
        items[parent] = item
        return minimum
    }
}
