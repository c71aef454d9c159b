/// Numbers words from 0 in the order of their first occurrence.
///
/// Words are compared by their bytes: Swift's strings would merge canonically equivalent words, which must stay
/// separate.
struct WordTable {
    private struct Entry {
        let start: Int
        let length: Int
        let hash: UInt32
    }

    private var letters: [UInt8] = []
    private var entries: [Entry] = []
    /// Open addressing: the number of the word plus one, 0 if the place is empty; at most half full.
    private var places = [UInt32](repeating: 0, count: 1024)

    var count: Int { entries.count }

    /// The bytes of a word.
    func word(_ number: Int) -> ArraySlice<UInt8> {
        let entry = entries[number]
        return letters[entry.start..<entry.start + entry.length]
    }

    /// The number of the word in the first `length` bytes of `buffer`.
    mutating func number(of buffer: [UInt8], length: Int, hash: UInt32) -> (number: Int, isNew: Bool) {
        var place = Self.place(hash, places.count)
        while places[place] != 0 {
            let number = Int(places[place] - 1)
            if entries[number].hash == hash, isWord(number, buffer, length) { return (number, false) }
            place = (place + 1) & (places.count - 1)
        }
        entries.append(Entry(start: letters.count, length: length, hash: hash))
        letters.append(contentsOf: buffer[..<length])
        places[place] = UInt32(entries.count)
        if entries.count * 2 > places.count { grow() }
        return (entries.count - 1, true)
    }

    @inline(__always)
    private func isWord(_ number: Int, _ buffer: [UInt8], _ length: Int) -> Bool {
        let entry = entries[number]
        guard entry.length == length else { return false }
        var index = 0
        while index < length {
            if letters[entry.start + index] != buffer[index] { return false }
            index += 1
        }
        return true
    }

    private mutating func grow() {
        places = [UInt32](repeating: 0, count: places.count * 2)
        for (number, entry) in entries.enumerated() {
            var place = Self.place(entry.hash, places.count)
            while places[place] != 0 { place = (place + 1) & (places.count - 1) }
            places[place] = UInt32(number + 1)
        }
    }

    /// The upper bits of the hash are mixed better.
    @inline(__always)
    private static func place(_ hash: UInt32, _ count: Int) -> Int {
        Int(hash ^ hash >> 15) & (count - 1)
    }
}
