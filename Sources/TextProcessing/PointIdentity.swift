import Crypto

/// The id of a point: a UUID, 16 bytes in the order of its text.
public struct PointID: Sendable, Hashable, Comparable, LosslessStringConvertible {
    /// The first eight bytes, big-endian.
    public let high: UInt64
    /// The last eight bytes, big-endian.
    public let low: UInt64

    /// Makes an id of its two halves, big-endian.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` in either case; `nil` when it is anything else.
    public init?(_ text: String) {
        var (high, low): (UInt64, UInt64) = (0, 0)
        var count = 0
        for byte in text.utf8 {
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x37
            case 0x61...0x66: digit = byte - 0x57
            case 0x2D where Self.hyphens.contains(count):
                count += 1
                continue
            default: return nil
            }
            if Self.hyphens.contains(count) || count >= 36 { return nil }
            high = high << 4 | low >> 60
            low = low << 4 | UInt64(digit)
            count += 1
        }
        if count != 36 { return nil }
        self.init(high: high, low: low)
    }

    /// The id of a name in a namespace, by RFC 9562 version 5 (SHA-1).
    public init(namespace: PointID, name: String) {
        var hash = Insecure.SHA1()
        hash.update(data: namespace.bytes)
        hash.update(data: Array(name.utf8))
        let digest = Array(hash.finalize())
        let high = digest[0..<8].reduce(0) { $0 << 8 | UInt64($1) }
        let low = digest[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
        self.init(
            high: high & 0xFFFF_FFFF_FFFF_0FFF | 0x5000,
            low: low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        )
    }

    /// The 16 bytes, the first digit's first.
    public var bytes: [UInt8] {
        [high, low].flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * $0)) } }
    }

    /// The lower-case text with hyphens, as Qdrant writes it.
    public var description: String {
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for digit in bytes.hexadecimal.utf8 {
            if Self.hyphens.contains(text.count) { text.append(0x2D) }
            text.append(digit)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Orders ids as their texts are ordered.
    public static func < (left: PointID, right: PointID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    private static let hyphens = [8, 13, 18, 23]
}

/// Makes the ids of points: the same record and the same place in it give the same id on every host.
///
/// That is what makes every write repeatable. A deployment that sets the same namespace as the application writing
/// into the same collection shares ids with it.
public struct PointIdentity: Sendable, Hashable {
    /// The UUID the namespace's text stands for.
    public let namespace: PointID

    /// Makes the ids of one namespace.
    ///
    /// - Parameter namespace: free text (`POINT_ID_NAMESPACE`), part of a job's fingerprint.
    public init(namespace: String) {
        self.namespace = PointID(namespace: Self.urlNamespace, name: namespace)
    }

    /// The id of a parent point.
    ///
    /// - Parameters:
    ///   - memberCode: the record's tenant, as it is stored.
    ///   - summaryID: the record's id.
    ///   - parent: the parent's place in the record, from 0.
    /// - Returns: UUIDv5 of `parent:{member_code}:{summary_id}:{parent_idx}`.
    public func parentID(memberCode: String, summaryID: Int64, parent: Int) -> PointID {
        PointID(namespace: namespace, name: "parent:\(memberCode):\(summaryID):\(parent)")
    }

    /// The id of a child point.
    ///
    /// - Parameters:
    ///   - memberCode: the record's tenant, as it is stored.
    ///   - summaryID: the record's id.
    ///   - parent: the parent's place in the record, from 0.
    ///   - chunk: the child's place in its parent, from 0.
    /// - Returns: UUIDv5 of `child:{member_code}:{summary_id}:{parent_idx}_{chunk_index}`.
    public func childID(memberCode: String, summaryID: Int64, parent: Int, chunk: Int) -> PointID {
        PointID(namespace: namespace, name: "child:\(memberCode):\(summaryID):\(parent)_\(chunk)")
    }

    /// The URL namespace of RFC 9562, section 6.6.
    private static let urlNamespace = PointID(high: 0x6ba7_b811_9dad_11d1, low: 0x80b4_00c0_4fd4_30c8)
}
