/// Full lower case as Python's `str.lower`, with the final sigma that Swift's `lowercased()` does not have.
enum LowerCase {
    /// The one letter whose lower case is more than one scalar: an i and a dot above.
    static let dottedI: UInt32 = 0x0130

    /// The lower case of a letter, regardless of its place; for `dottedI` only the i.
    @inline(__always)
    static func of(_ scalar: UInt32, _ distances: ScalarTable) -> UInt32 {
        scalar & ~0xFFFF | (scalar &+ UInt32(distances[scalar])) & 0xFFFF
    }

    /// The lower case of a word.
    static func of(_ word: String) -> [UInt32] {
        word.withBytes { bytes in
            let distances = distances
            var lower: [UInt32] = []
            var index = 0
            while index < bytes.count {
                let (scalar, length) = bytes.scalar(at: index)
                if scalar == 0x03A3 {
                    lower.append(sigma(in: bytes, at: index, end: index + length))
                } else {
                    lower.append(of(scalar, distances))
                    if scalar == dottedI { lower.append(0x0307) }
                }
                index += length
            }
            return lower
        }
    }

    /// How far the lower case of each scalar is from it, modulo 2^16: both are always in the same plane.
    static let distances: ScalarTable = {
        var runs: [(scalars: Range<UInt32>, value: UInt16)] = []
        for value in 0..<UInt32(0x1F000) {
            guard let properties = Unicode.Scalar(value)?.properties, properties.changesWhenLowercased,
                let lower = properties.lowercaseMapping.unicodeScalars.first?.value
            else { continue }
            runs.append((value..<value + 1, UInt16(truncatingIfNeeded: lower &- value)))
        }
        return ScalarTable(runs: runs)
    }()

    /// The lower case of a capital sigma from its first byte `start` to `end`.
    ///
    /// Unicode's Final_Sigma: the word has a cased letter before it and none after it; scalars that case ignores do not
    /// count.
    static func sigma(in bytes: UTF8Bytes, at start: Int, end: Int) -> UInt32 {
        var (before, after) = (start, end)
        var isBehindLetter = false
        var isBeforeLetter = false
        while before > 0 {
            let (scalar, length) = bytes.scalar(endingAt: before)
            guard let isCased = isCased(scalar) else {
                before -= length
                continue
            }
            isBehindLetter = isCased
            break
        }
        while after < bytes.count {
            let (scalar, length) = bytes.scalar(at: after)
            guard let isCased = isCased(scalar) else {
                after += length
                continue
            }
            isBeforeLetter = isCased
            break
        }
        return isBehindLetter && !isBeforeLetter ? 0x03C2 : 0x03C3
    }

    /// Whether a scalar has a case; nil if case ignores it.
    ///
    /// A scalar that is no part of a word ends the search.
    private static func isCased(_ scalar: UInt32) -> Bool? {
        guard ScalarClass(scalar).isWord, let properties = Unicode.Scalar(scalar)?.properties else { return false }
        return properties.isCaseIgnorable ? nil : properties.isCased
    }
}
