/// MurmurHash3 x86 32-bit, seed 0 (Austin Appleby, public domain).
enum MurmurHash {
    static func x86(_ bytes: [UInt8]) -> UInt32 {
        func mixed(_ block: UInt32) -> UInt32 {
            let product = block &* 0xCC9E_2D51
            return (product << 15 | product >> 17) &* 0x1B87_3593
        }
        var hash: UInt32 = 0
        var index = 0
        while index + 4 <= bytes.count {
            let block =
                UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]) << 16
                | UInt32(bytes[index + 3]) << 24
            hash ^= mixed(block)
            hash = (hash << 13 | hash >> 19) &* 5 &+ 0xE654_6B64
            index += 4
        }
        var tail: UInt32 = 0
        for (place, byte) in bytes[index...].enumerated() { tail |= UInt32(byte) << UInt32(8 * place) }
        if index < bytes.count { hash ^= mixed(tail) }
        hash ^= UInt32(bytes.count)
        hash = (hash ^ hash >> 16) &* 0x85EB_CA6B
        hash = (hash ^ hash >> 13) &* 0xC2B2_AE35
        return hash ^ hash >> 16
    }
}
