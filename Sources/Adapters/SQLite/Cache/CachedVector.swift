import Crypto
import FoundationEssentials

/// How a number of a vector is kept: `EMBEDDING_CACHE_FORMAT`.
package enum VectorFormat: String, Sendable, CaseIterable {
    /// As the embedder has sent it.
    case float32
    /// Half the size, with 11 bits of precision.
    case float16

    var bytesPerNumber: Int { self == .float32 ? 4 : 2 }

    /// Little-endian, one number after the other.
    func bytes(of vector: [Float]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(vector.count * bytesPerNumber)
        func append(_ pattern: some FixedWidthInteger, _ count: Int) {
            for place in 0..<count { bytes.append(UInt8(truncatingIfNeeded: pattern >> (8 * place))) }
        }
        for number in vector {
            switch self {
            case .float32: append(number.bitPattern, 4)
            case .float16: append(Float16(number).bitPattern, 2)
            }
        }
        return bytes
    }

    /// - Returns: nil if the number of bytes is not that of so many numbers.
    func vector(_ bytes: some RandomAccessCollection<UInt8>, dimensions: Int) -> [Float]? {
        guard bytes.count == dimensions * bytesPerNumber else { return nil }
        var vector: [Float] = []
        vector.reserveCapacity(dimensions)
        var (pattern, place) = (UInt32(0), 0)
        for byte in bytes {
            pattern |= UInt32(byte) << (8 * UInt32(place))
            place += 1
            guard place == bytesPerNumber else { continue }
            switch self {
            case .float32: vector.append(Float(bitPattern: pattern))
            case .float16: vector.append(Float(Float16(bitPattern: UInt16(truncatingIfNeeded: pattern))))
            }
            (pattern, place) = (0, 0)
        }
        return vector
    }
}

/// What has made the vectors: vectors of different spaces must not be mixed.
package struct EmbeddingSpace: Sendable, Equatable {
    /// The host of the server, with its port if it is an unusual one.
    package let provider: String
    package let model: String
    package let dimensions: Int
    package let format: VectorFormat

    package init(provider: String, model: String, dimensions: Int, format: VectorFormat) {
        self.provider = provider
        self.model = model
        self.dimensions = dimensions
        self.format = format
    }

    /// The key of a text: it contains everything on which its vector depends, each part with its length before it, so
    /// that no two lists of parts give the same bytes.
    func key(of text: String) -> [UInt8] {
        var hash = SHA256()
        for part in [provider, model, "\(dimensions)", format.rawValue, text] {
            let bytes = Array(part.utf8)
            hash.update(data: (0..<8).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) })
            hash.update(data: bytes)
        }
        return Array(hash.finalize())
    }
}

/// CRC-32 as in zip and zlib (polynomial 0xEDB88320).
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { rest, _ in rest & 1 == 1 ? 0xEDB8_8320 ^ (rest >> 1) : rest >> 1 }
    }

    /// The checksum of all parts, one after the other.
    static func of(_ parts: [UInt8]...) -> UInt32 {
        let table = table
        var crc = UInt32.max
        for part in parts { for byte in part { crc = table[Int((crc ^ UInt32(byte)) & 0xFF)] ^ (crc >> 8) } }
        return ~crc
    }
}
