/// Remembers the tokens of words within one text, because texts repeat their words.
///
/// A word is remembered by its place in the text and compared byte by byte, so the counts stay exact. Each word has one
/// slot, which the next word with the same slot takes over.
@safe
struct CountMemory {
    /// Longer pieces are rarely repeated.
    private static let lengthMax = 24
    private static let placesMax = 4096

    private struct Entry {
        var start: UInt32 = 0
        /// 0 if the slot is empty.
        var length: UInt16 = 0
        var count: UInt16 = 0
    }

    private let bytes: UTF8Bytes
    private let entries: UnsafeMutablePointer<Entry>
    private let places: Int

    /// Lends a memory for a text; its size is in proportion to the text, so that a short text costs little.
    static func with(_ bytes: UTF8Bytes, _ body: (CountMemory) -> Void) {
        var places = 16
        while places < placesMax, places * 32 < bytes.count { places *= 2 }
        unsafe withUnsafeTemporaryAllocation(of: Entry.self, capacity: places) { buffer in
            unsafe buffer.initialize(repeating: Entry())
            guard let entries = buffer.baseAddress else { return }
            unsafe body(CountMemory(bytes: bytes, entries: entries, places: places))
        }
    }

    /// The tokens of a piece, counted only if they are not remembered.
    @inline(__always)
    func count(_ piece: Range<Int>, _ count: () -> Int) -> Int {
        let length = piece.count
        if length > Self.lengthMax || piece.lowerBound > UInt32.max { return count() }
        let place = BytePairVocabulary.hash(bytes, piece) & (places &- 1)
        let entry = unsafe entries[place]
        if Int(entry.length) == length, isEqual(Int(entry.start), piece) { return Int(entry.count) }
        let counted = count()
        unsafe entries[place] = Entry(
            start: UInt32(truncatingIfNeeded: piece.lowerBound),
            length: UInt16(truncatingIfNeeded: length),
            count: UInt16(truncatingIfNeeded: counted)
        )
        return counted
    }

    @inline(__always)
    private func isEqual(_ start: Int, _ piece: Range<Int>) -> Bool {
        var index = 0
        while index < piece.count, bytes[start &+ index] == bytes[piece.lowerBound &+ index] { index &+= 1 }
        return index == piece.count
    }
}
