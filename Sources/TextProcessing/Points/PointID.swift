import Crypto

/// The id of a point: a UUID, 16 bytes in the order of its text.
public struct PointID: Sendable, Hashable, Comparable, LosslessStringConvertible {
    /// The first eight bytes, big-endian.
    public let high: UInt64
    /// The last eight bytes, big-endian.
    public let low: UInt64

    /// Makes an id from its two halves, big-endian.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads a UUID with its four hyphens or with none, in upper or lower case; `nil` for anything else.
    public init?(_ description: String) {
        var (high, low): (UInt64, UInt64) = (0, 0)
        var count = 0
        let isHyphenated = description.utf8.count == 36
        for (place, byte) in description.utf8.enumerated() {
            let digit: UInt8
            switch byte {
            case 0x2D where isHyphenated && Self.isHyphen(place): continue
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x37
            case 0x61...0x66: digit = byte - 0x57
            default: return nil
            }
            high = high << 4 | low >> 60
            low = low << 4 | UInt64(digit)
            count += 1
        }
        if count != 32 { return nil }
        self.init(high: high, low: low)
    }

    /// The id of a name in a namespace, by RFC 9562 version 5 (SHA-1).
    public init(namespace: PointID, name: String) {
        var hash = Insecure.SHA1()
        unsafe withUnsafeBytes(of: (namespace.high.bigEndian, namespace.low.bigEndian)) {
            unsafe hash.update(bufferPointer: $0)
        }
        name.withBytes { $0.update(&hash) }
        var (high, low): (UInt64, UInt64) = (0, 0)
        for (place, byte) in hash.finalize().enumerated() {
            if place < 8 { high = high << 8 | UInt64(byte) } else if place < 16 { low = low << 8 | UInt64(byte) }
        }
        self.init(
            high: high & 0xFFFF_FFFF_FFFF_0FFF | 0x5000,
            low: low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        )
    }

    /// The 16 bytes, in the order of the text.
    public var bytes: [UInt8] {
        [high, low].flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * $0)) } }
    }

    /// The lower-case text with hyphens, as Qdrant writes it.
    public var description: String {
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for half in [high, low] {
            for place in 1...16 {
                if Self.isHyphen(text.count) { text.append(0x2D) }
                text.append(UInt8(half >> (64 - 4 * UInt64(place)) & 15).hexadecimalDigit)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Orders ids as their texts are ordered.
    public static func < (left: PointID, right: PointID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    /// Whether a hyphen is at this place of the text.
    private static func isHyphen(_ place: Int) -> Bool { place == 8 || place == 13 || place == 18 || place == 23 }
}
