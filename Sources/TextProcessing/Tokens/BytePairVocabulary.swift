/// The ranks of a tiktoken vocabulary, by the bytes of their tokens.
///
/// An open hash table over one block of bytes, built once. Different tokens may have the same hash, so the bytes are
/// compared too: without that, "12" was found when "123" was looked up.
@safe
struct BytePairVocabulary: @unchecked Sendable {  // Sendable: written only in `init`.
    /// The rank of bytes that are no token.
    static let none = UInt32.max

    private struct Slot {
        /// The whole token if it has at most eight bytes, otherwise its hash.
        var key: UInt64
        var length: UInt32
        var rank: UInt32
    }

    /// Some bits of each slot's hash, 0 if the slot is empty.
    ///
    /// They are separate from the slots because most lookups of a merge are for bytes that are no token: these 256 kB
    /// answer them, and they fit into the processor's nearer caches.
    private let tags: UnsafeMutablePointer<UInt8>
    private let slots: UnsafeMutablePointer<Slot>
    /// Where each token begins in `bytes`, by its rank.
    private let starts: UnsafeMutablePointer<UInt32>
    private let bytes: UnsafeMutablePointer<UInt8>
    /// The ranks of all tokens of two bytes, the most frequent lookup of a merge.
    private let pairs: UnsafeMutablePointer<UInt32>
    private let singles: UnsafeMutablePointer<UInt32>
    private let lengthMax: Int

    private static let capacity = 1 << 18  // 100,256 tokens: less than half full

    /// Reads a vocabulary: a token in base64, a space and its rank in decimal on each line.
    ///
    /// - Parameters:
    ///   - file: known to be well-formed, because its checksum was compared.
    ///   - memory: outlives this value.
    init(file: [UInt8], in memory: TableMemory) {
        let (tokens, tokenBytes) = Self.read(file)
        lengthMax = tokens.reduce(0) { max($0, $1.range.count) }
        unsafe slots = memory.allocate(Self.capacity, of: Slot(key: 0, length: 0, rank: Self.none))
        unsafe tags = memory.allocate(Self.capacity, of: 0)
        unsafe starts = memory.allocate(Self.capacity, of: 0)
        unsafe bytes = memory.allocate(tokenBytes.count, of: 0)
        unsafe bytes.update(from: tokenBytes, count: tokenBytes.count)
        unsafe pairs = memory.allocate(1 << 16, of: Self.none)
        unsafe singles = memory.allocate(1 << 8, of: Self.none)
        for (range, rank) in tokens {
            let token = unsafe bytes + range.lowerBound
            unsafe starts[Int(rank)] = UInt32(range.lowerBound)
            if range.count == 1 { unsafe singles[Int(token[0])] = rank }
            if range.count == 2 { unsafe pairs[Int(token[0]) << 8 | Int(token[1])] = rank }
            let key = unsafe Self.key(token, range.count)
            let hash = Self.hash(key, range.count)
            var place = Self.place(hash)
            while unsafe tags[place] != 0 { place = Self.next(place) }
            unsafe tags[place] = Self.tag(hash)
            unsafe slots[place] = Slot(key: key, length: UInt32(range.count), rank: rank)
        }
    }

    private static func read(_ file: [UInt8]) -> (tokens: [(range: Range<Int>, rank: UInt32)], bytes: [UInt8]) {
        var tokens: [(range: Range<Int>, rank: UInt32)] = []
        var bytes: [UInt8] = []
        tokens.reserveCapacity(100_256)
        bytes.reserveCapacity(file.count)
        file.withBytes { text in
            var index = 0
            while index < text.count {
                let start = bytes.count
                var (accumulator, bits): (UInt32, UInt32) = (0, 0)
                while text[index] != 0x20 {
                    if let sextet = sextet(text[index]) {
                        accumulator = accumulator << 6 | sextet
                        bits += 6
                    }
                    if bits >= 8 {
                        bits -= 8
                        bytes.append(UInt8(truncatingIfNeeded: accumulator >> bits))
                    }
                    index += 1
                }
                index += 1
                var rank: UInt32 = 0
                while index < text.count, text[index] != 0x0A {
                    rank = rank * 10 + UInt32(text[index] - 0x30)
                    index += 1
                }
                index += 1
                tokens.append((start..<bytes.count, rank))
            }
        }
        return (tokens, bytes)
    }

    /// Passes on the bytes and the rank of every token, in any order.
    func forEachToken(_ body: (_ token: UTF8Bytes, _ rank: UInt32) -> Void) {
        for place in 0..<Self.capacity where unsafe tags[place] != 0 {
            let slot = unsafe slots[place]
            unsafe body(UTF8Bytes(start: bytes + Int(starts[Int(slot.rank)]), count: Int(slot.length)), slot.rank)
        }
    }

    /// The rank of a single byte; every byte is a token.
    @inline(__always)
    func rank(_ byte: UInt8) -> UInt32 { unsafe singles[Int(byte)] }

    /// The rank of two bytes, or `none`.
    @inline(__always)
    func rank(_ first: UInt8, _ second: UInt8) -> UInt32 { unsafe pairs[Int(first) << 8 | Int(second)] }

    /// The rank of two or more bytes, or `none`.
    @inline(__always)
    func rank(_ text: UTF8Bytes, _ range: Range<Int>) -> UInt32 {
        if range.count == 2 { return rank(text[range.lowerBound], text[range.lowerBound &+ 1]) }
        return unsafe hashedRank(text.start + range.lowerBound, range.count)
    }

    /// The rank of the bytes between two places; they are a token, or more than one byte.
    @inline(__always)
    func rank(_ text: UTF8Bytes, _ start: Int, _ end: Int) -> UInt32 {
        end &- start == 1 ? rank(text[start]) : rank(text, start..<end)
    }

    private func hashedRank(_ token: UnsafePointer<UInt8>, _ length: Int) -> UInt32 {
        if length > lengthMax { return Self.none }
        let key = unsafe Self.key(token, length)
        let hash = Self.hash(key, length)
        let wanted = Self.tag(hash)
        var place = Self.place(hash)
        while true {
            let tag = unsafe tags[place]
            if tag == 0 { return Self.none }
            if tag == wanted {
                let slot = unsafe slots[place]
                if slot.key == key, Int(slot.length) == length {
                    if unsafe length <= 8 || isToken(slot.rank, token, length) { return slot.rank }
                }
            }
            place = Self.next(place)
        }
    }

    private func isToken(_ rank: UInt32, _ token: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        let candidate = unsafe bytes + Int(starts[Int(rank)])
        var index = 0
        while unsafe index < length && candidate[index] == token[index] { index &+= 1 }
        return index == length
    }

    @inline(__always)
    private static func tag(_ hash: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: hash >> 56) | 1 }

    @inline(__always)
    private static func place(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (capacity &- 1) }

    @inline(__always)
    private static func next(_ place: Int) -> Int { (place &+ 1) & (capacity &- 1) }

    /// A hash of some bytes, token or not.
    @inline(__always)
    static func hash(_ text: UTF8Bytes, _ range: Range<Int>) -> Int {
        let key = unsafe key(text.start + range.lowerBound, range.count)
        return Int(truncatingIfNeeded: hash(key, range.count))
    }

    @inline(__always)
    private static func hash(_ key: UInt64, _ length: Int) -> UInt64 {
        mix(key ^ UInt64(truncatingIfNeeded: length) &* 0x9E37_79B9_7F4A_7C15)
    }

    /// Up to eight bytes are their own key; longer tokens are mixed in steps of eight bytes, and the last step may
    /// repeat some.
    @inline(__always)
    private static func key(_ token: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
        let raw = unsafe UnsafeRawPointer(token)
        if length <= 3 {
            return unsafe UInt64(token[0]) | UInt64(token[length / 2]) << 8 | UInt64(token[length &- 1]) << 16
        }
        if length <= 8 {
            let first = unsafe UInt64(raw.loadUnaligned(as: UInt32.self))
            let last = unsafe UInt64(raw.loadUnaligned(fromByteOffset: length &- 4, as: UInt32.self))
            return first | last << 32
        }
        var key: UInt64 = 0
        var index = 0
        while index < length &- 8 {
            key = unsafe mix(key ^ raw.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index &+= 8
        }
        return unsafe key ^ raw.loadUnaligned(fromByteOffset: length &- 8, as: UInt64.self)
    }

    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        let (high, low) = value.multipliedFullWidth(by: 0xD1B5_4A32_D192_ED03)
        return high ^ low
    }

    private static func sextet(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x41...0x5A: UInt32(byte - 0x41)
        case 0x61...0x7A: UInt32(byte - 0x47)
        case 0x30...0x39: UInt32(byte + 4)
        case 0x2B: 62
        case 0x2F: 63
        default: nil
        }
    }
}
