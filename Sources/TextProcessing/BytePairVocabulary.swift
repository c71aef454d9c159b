/// The ranks of a tiktoken vocabulary, by the bytes of their tokens.
///
/// An open hash table over one block of bytes, built once. A hash may be shared, so the bytes are compared too:
/// without that, "12" was found where "123" was asked for.
@safe
final class BytePairVocabulary: @unchecked Sendable {  // Sendable: written only in `init`.
    /// The rank of what is not a token.
    static let none = UInt32.max

    private struct Slot {
        var rank: UInt32
        /// The token's place in `bytes`.
        var start: UInt32
        var length: UInt32
    }

    /// Half of each slot's hash, 0 where the slot is empty.
    ///
    /// Apart from the slots, because most questions of a merge are
    /// about what is no token: they are answered by this megabyte, which the processor's cache holds.
    private let tags: UnsafeMutablePointer<UInt32>
    private let slots: UnsafeMutablePointer<Slot>
    private let bytes: UnsafeMutablePointer<UInt8>
    /// The ranks of all tokens of two bytes, the most frequent question of a merge.
    private let pairs: UnsafeMutablePointer<UInt32>
    private let singles: UnsafeMutablePointer<UInt32>
    private let mask: Int
    private let lengthMax: Int

    /// Reads a vocabulary: a token in base64, a space and its rank in decimal on each line.
    ///
    /// - Parameter file: known to be well-formed, because its checksum was compared.
    init(file: [UInt8]) {
        let (tokens, tokenBytes) = Self.read(file)
        let capacity = 1 << 18  // 100,256 tokens: less than half full
        mask = capacity - 1
        lengthMax = tokens.reduce(0) { max($0, $1.range.count) }
        unsafe slots = .allocate(capacity: capacity)
        unsafe slots.initialize(repeating: Slot(rank: Self.none, start: 0, length: 0), count: capacity)
        unsafe tags = .allocate(capacity: capacity)
        unsafe tags.initialize(repeating: 0, count: capacity)
        unsafe bytes = .allocate(capacity: tokenBytes.count)
        unsafe bytes.initialize(from: tokenBytes, count: tokenBytes.count)
        unsafe pairs = .allocate(capacity: 1 << 16)
        unsafe pairs.initialize(repeating: Self.none, count: 1 << 16)
        unsafe singles = .allocate(capacity: 1 << 8)
        unsafe singles.initialize(repeating: Self.none, count: 1 << 8)
        for (range, rank) in tokens {
            let token = unsafe bytes + range.lowerBound
            let hash = unsafe Self.hash(token, range.count)
            var place = Int(truncatingIfNeeded: hash) & mask
            while unsafe tags[place] != 0 { place = (place &+ 1) & mask }
            unsafe tags[place] = Self.tag(hash)
            unsafe slots[place] = Slot(rank: rank, start: UInt32(range.lowerBound), length: UInt32(range.count))
            if range.count == 1 { unsafe singles[Int(token[0])] = rank }
            if range.count == 2 { unsafe pairs[Int(token[0]) << 8 | Int(token[1])] = rank }
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

    deinit {
        unsafe tags.deallocate()
        unsafe slots.deallocate()
        unsafe bytes.deallocate()
        unsafe pairs.deallocate()
        unsafe singles.deallocate()
    }

    /// The rank of a single byte; every byte is a token.
    @inline(__always)
    func rank(_ byte: UInt8) -> UInt32 { unsafe singles[Int(byte)] }

    /// The rank of two bytes, or `none`.
    @inline(__always)
    func rank(_ first: UInt8, _ second: UInt8) -> UInt32 { unsafe pairs[Int(first) << 8 | Int(second)] }

    /// The rank of two or more bytes, or `none`.
    func rank(_ text: UTF8Bytes, _ range: Range<Int>) -> UInt32 {
        let length = range.count
        if length > lengthMax { return Self.none }
        let token = unsafe text.start + range.lowerBound
        if length == 2 { return unsafe rank(token[0], token[1]) }
        let hash = unsafe Self.hash(token, length)
        let wanted = Self.tag(hash)
        var place = Int(truncatingIfNeeded: hash) & mask
        while true {
            let tag = unsafe tags[place]
            if tag == 0 { return Self.none }
            if tag == wanted {
                let slot = unsafe slots[place]
                let candidate = unsafe bytes + Int(slot.start)
                var index = Int(slot.length) == length ? 0 : length + 1
                while unsafe index < length && candidate[index] == token[index] { index += 1 }
                if index == length { return slot.rank }
            }
            place = (place &+ 1) & mask
        }
    }

    @inline(__always)
    private static func tag(_ hash: UInt64) -> UInt32 { UInt32(hash >> 32) | 1 }

    /// A hash of all bytes and of their number, eight bytes a step.
    @inline(__always)
    private static func hash(_ token: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
        let raw = unsafe UnsafeRawPointer(token)
        var hash = UInt64(truncatingIfNeeded: length) &* 0x9E37_79B9_7F4A_7C15
        var index = 0
        while index &+ 8 <= length {
            hash = unsafe mix(hash ^ raw.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index &+= 8
        }
        if index &+ 4 <= length {
            hash = unsafe mix(hash ^ UInt64(raw.loadUnaligned(fromByteOffset: index, as: UInt32.self)))
            index &+= 4
        }
        var rest: UInt64 = 0
        while index < length {
            rest = unsafe rest << 8 | UInt64(token[index])
            index &+= 1
        }
        return mix(hash ^ rest)
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
