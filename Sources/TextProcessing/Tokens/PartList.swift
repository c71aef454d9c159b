/// The parts of a short piece as a linked list: they are joined until no join is a token.
///
/// Each part has a key: the rank of its join with the next part, then its number. So the least key is the next join. A
/// plain search finds it, which is fastest for the few parts of a word.
/// found by a plain search, which is the fastest for the few parts that words have.
@safe
struct PartList {
    /// The highest number of bytes, whose places have eight bits.
    static let bytesMax = 255
    /// The highest number of parts, whose numbers have seven bits.
    private static let partsMax = 88
    /// The memory of a list: less than the kilobyte that Swift lends from the stack.
    static let byteCount = 11 * partsMax + 1

    private let bytes: UTF8Bytes
    private let vocabulary: BytePairVocabulary
    private let keys: UnsafeMutablePointer<Int32>
    /// The rank of each part that can be joined.
    private let ranks: UnsafeMutablePointer<UInt32>
    private let befores: UnsafeMutablePointer<UInt8>
    private let nexts: UnsafeMutablePointer<UInt8>
    private let starts: UnsafeMutablePointer<UInt8>
    private var count = 0

    @inline(__always)
    init(_ bytes: UTF8Bytes, _ vocabulary: BytePairVocabulary, _ memory: UnsafeMutableRawPointer) {
        self.bytes = bytes
        self.vocabulary = vocabulary
        unsafe keys = memory.bindMemory(to: Int32.self, capacity: Self.partsMax)
        unsafe ranks = (memory + 4 * Self.partsMax).bindMemory(to: UInt32.self, capacity: Self.partsMax)
        unsafe befores = (memory + 8 * Self.partsMax).bindMemory(to: UInt8.self, capacity: Self.partsMax)
        unsafe nexts = befores + Self.partsMax
        unsafe starts = nexts + Self.partsMax
    }

    /// Makes the first parts; false if there are too many.
    @inline(__always)
    mutating func fill(_ wholeScalars: WholeScalars) -> Bool {
        var start = 0
        while start < bytes.count {
            if count == Self.partsMax { return false }
            unsafe starts[count] = UInt8(truncatingIfNeeded: start)
            unsafe ranks[count] = BytePairVocabulary.none
            unsafe befores[count] = UInt8(truncatingIfNeeded: count &- 1)
            count &+= 1
            unsafe nexts[count &- 1] = UInt8(truncatingIfNeeded: count)
            start &+= wholeScalars.partLength(bytes, at: start)
        }
        unsafe starts[count] = UInt8(truncatingIfNeeded: bytes.count)
        for part in 0..<count { findJoin(part) }
        return true
    }

    /// Looks up the join of a part with the next.
    @inline(__always)
    private func findJoin(_ part: Int) {
        let next = unsafe Int(nexts[part])
        var key = Int32.max
        if next < count {
            let rank = unsafe vocabulary.rank(bytes, Int(starts[part])..<Int(starts[Int(nexts[next])]))
            if rank != BytePairVocabulary.none {
                key = Int32(truncatingIfNeeded: rank) << 7 | Int32(truncatingIfNeeded: part)
            }
        }
        unsafe keys[part] = key
    }

    /// Joins as long as there is a join; returns the number of remaining parts.
    @inline(__always)
    func merge() -> Int {
        var left = count
        while true {
            var least = Int32.max
            for part in 0..<count { least = unsafe min(least, keys[part]) }
            if least == .max { return left }
            left &-= 1
            let part = Int(least & 0x7F)
            let next = unsafe Int(nexts[part])
            let behind = unsafe Int(nexts[next])
            unsafe keys[next] = .max
            unsafe ranks[part] = UInt32(truncatingIfNeeded: least >> 7)
            unsafe nexts[part] = UInt8(truncatingIfNeeded: behind)
            if behind < count { unsafe befores[behind] = UInt8(truncatingIfNeeded: part) }
            findJoin(part)
            if part > 0 { unsafe findJoin(Int(befores[part])) }
        }
    }

    /// Passes on the tokens after all joins.
    @inline(__always)
    func forEachToken(_ token: (UInt32) -> Void) {
        var part = 0
        while part < count {
            let next = unsafe Int(nexts[part])
            let rank = unsafe ranks[part]
            let isJoin = rank != BytePairVocabulary.none
            unsafe token(isJoin ? rank : vocabulary.rank(bytes, Int(starts[part]), Int(starts[next])))
            part = next
        }
    }
}
