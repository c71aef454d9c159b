/// Merges the bytes of a long piece window by window: linear in its length.
///
/// A window's last tokens may be wrong, because the window ends at an arbitrary place; so the next window begins at an
/// earlier token. The two are joined only where both have the same token after that place; otherwise the window grows.
/// That is exact. Proof: assume that a merge of the whole piece joins a part before the place with a part after it, and
/// take the first such merge. Until then the whole merges as the windows do, where those parts belong to the two tokens
/// next to the place. But in the first window these two tokens are neighbours, and nothing joined their parts although
/// the same merge was possible.
struct LongMerge {
    /// In bytes; its lists stay in the processor's cache.
    private static let windowLength = 4096
    /// How much of a window is repeated in the next: a few tokens, of which the longest has 128 bytes.
    private static let overlap = 256

    private let vocabulary: BytePairVocabulary
    private let wholeScalars: WholeScalars

    init(_ vocabulary: BytePairVocabulary, _ wholeScalars: WholeScalars) {
        self.vocabulary = vocabulary
        self.wholeScalars = wholeScalars
    }

    /// Passes on the tokens of a piece in order.
    func forEachToken(of bytes: UTF8Bytes, _ token: (UInt32) -> Void) {
        var length = Self.windowLength
        var start = 0
        var ends = merge(bytes, from: start, length)
        while ends[ends.count - 1] < bytes.count {
            // The last place that leaves the overlap, with at least one token before it and one after it.
            let limit = ends[ends.count - 1] - Self.overlap
            let place = max(1, (ends.firstIndex { $0 > limit } ?? 0))
            if place < ends.count {
                let next = merge(bytes, from: ends[place - 1], length)
                if next[0] == ends[place] {
                    handOut(bytes, from: start, ends[..<place], token)
                    start = ends[place - 1]
                    ends = next
                    continue
                }
            }
            length *= 2
            ends = merge(bytes, from: start, length)
        }
        handOut(bytes, from: start, ends[...], token)
    }

    private func handOut(_ bytes: UTF8Bytes, from start: Int, _ ends: ArraySlice<Int>, _ token: (UInt32) -> Void) {
        var start = start
        for end in ends {
            token(vocabulary.rank(bytes, start, end))
            start = end
        }
    }

    /// Merges one window alone; returns where its tokens end.
    ///
    /// A whole scalar at its end may extend beyond it.
    private func merge(_ bytes: UTF8Bytes, from start: Int, _ length: Int) -> [Int] {
        let window = unsafe UTF8Bytes(start: bytes.start + start, count: min(length, bytes.count - start))
        return merge(window).map { start + $0 }
    }

    /// A linked list of parts and a heap of their joins; a join whose parts have changed since is skipped.
    private func merge(_ bytes: UTF8Bytes) -> [Int] {
        let none = BytePairVocabulary.none
        let count = bytes.count
        // Indexed by the first byte of a part: where it ends, where the part before it begins, the rank of its join
        // with the next.
        var ends = [Int](repeating: count, count: count)
        var befores = [Int](repeating: -1, count: count)
        var ranks = [UInt32](repeating: none, count: count)
        var heap = MinimumHeap(capacity: count)
        func join(_ start: Int) {
            let next = ends[start]
            ranks[start] = next < count ? vocabulary.rank(bytes, start..<ends[next]) : none
            if ranks[start] != none { heap.insert(UInt64(ranks[start]) << 32 | UInt64(start)) }
        }
        var start = 0
        while start < count {
            ends[start] = start + wholeScalars.partLength(bytes, at: start)
            if ends[start] < count { befores[ends[start]] = start }
            start = ends[start]
        }
        start = 0
        while start < count {
            join(start)
            start = ends[start]
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
        var found: [Int] = []
        start = 0
        while start < count {
            start = ends[start]
            found.append(start)
        }
        return found
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
