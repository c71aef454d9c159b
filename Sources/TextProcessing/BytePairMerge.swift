/// Merges the bytes of one piece into tokens: always the pair of the lowest rank first, the leftmost of equals.
///
/// Short pieces by a list that is searched at every step, long ones by a heap, so that "aaaa…" takes no quadratic time.
struct BytePairMerge {
    private let vocabulary: BytePairVocabulary
    private static let listLengthMax = 100

    init(_ vocabulary: BytePairVocabulary) {
        self.vocabulary = vocabulary
    }

    /// The number of tokens of a piece.
    @inline(__always)
    func count(_ text: UTF8Bytes, _ piece: Range<Int>) -> Int {
        if piece.count == 1 || vocabulary.rank(text, piece) != BytePairVocabulary.none { return 1 }
        var count = 0
        merge(text, piece) { _ in count += 1 }
        return count
    }

    /// Hands out the tokens of a piece in order.
    func encode(_ text: UTF8Bytes, _ piece: Range<Int>, _ token: (UInt32) -> Void) {
        if piece.count == 1 { return token(vocabulary.rank(text[piece.lowerBound])) }
        let rank = vocabulary.rank(text, piece)
        if rank != BytePairVocabulary.none { return token(rank) }
        merge(text, piece, token)
    }

    private func merge(_ text: UTF8Bytes, _ piece: Range<Int>, _ token: (UInt32) -> Void) {
        let bytes = unsafe UTF8Bytes(start: text.start + piece.lowerBound, count: piece.count)
        if bytes.count < Self.listLengthMax {
            mergeByList(bytes, token)
        } else {
            mergeByHeap(bytes, token)
        }
    }

    private func rank(_ bytes: UTF8Bytes, _ start: Int, _ end: Int) -> UInt32 {
        end - start == 1 ? vocabulary.rank(bytes[start]) : vocabulary.rank(bytes, start..<end)
    }

    /// The parts in a row; each knows the rank of its join with the next, the last has `none`.
    private func mergeByList(_ bytes: UTF8Bytes, _ token: (UInt32) -> Void) {
        let none = BytePairVocabulary.none
        unsafe withUnsafeTemporaryAllocation(of: Part.self, capacity: Self.listLengthMax + 1) { buffer in
            guard let parts = buffer.baseAddress else { return }
            var count = bytes.count
            for index in 0..<count {
                let rank = index + 1 < count ? vocabulary.rank(bytes[index], bytes[index + 1]) : none
                unsafe (parts + index).initialize(to: Part(start: index, rank: rank))
            }
            unsafe (parts + count).initialize(to: Part(start: count, rank: none))
            while true {
                var (lowest, place) = (none, 0)
                var index = 0
                while index < count {
                    let rank = unsafe parts[index].rank
                    if rank < lowest { (lowest, place) = (rank, index) }
                    index &+= 1
                }
                if lowest == none { break }
                // Part `place` takes in the next one.
                unsafe (parts + place + 1).update(from: parts + place + 2, count: count - place - 1)
                count -= 1
                unsafe parts[place].rank =
                    place + 1 < count ? vocabulary.rank(bytes, parts[place].start..<parts[place + 2].start) : none
                if place > 0 {
                    unsafe parts[place - 1].rank =
                        vocabulary.rank(bytes, parts[place - 1].start..<parts[place + 1].start)
                }
            }
            for index in 0..<count { unsafe token(rank(bytes, parts[index].start, parts[index + 1].start)) }
        }
    }

    private struct Part {
        var start: Int
        var rank: UInt32
    }

    /// A linked list of parts and a heap of their joins; a join whose parts have changed since is skipped.
    private func mergeByHeap(_ bytes: UTF8Bytes, _ token: (UInt32) -> Void) {
        let none = BytePairVocabulary.none
        let count = bytes.count
        // By the first byte of a part: where it ends, where the part before begins, the rank of its join with the next.
        var ends = Array(1...count)
        var befores = Array(-1..<count - 1)
        var ranks = [UInt32](repeating: none, count: count)
        var heap = MinimumHeap(capacity: count)
        for index in 0..<count - 1 {
            ranks[index] = vocabulary.rank(bytes[index], bytes[index + 1])
            if ranks[index] != none { heap.insert(UInt64(ranks[index]) << 32 | UInt64(index)) }
        }
        func join(_ start: Int) {
            let next = ends[start]
            ranks[start] = next < count ? vocabulary.rank(bytes, start..<ends[next]) : none
            if ranks[start] != none { heap.insert(UInt64(ranks[start]) << 32 | UInt64(start)) }
        }
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
        var start = 0
        while start < count {
            token(rank(bytes, start, ends[start]))
            start = ends[start]
        }
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
