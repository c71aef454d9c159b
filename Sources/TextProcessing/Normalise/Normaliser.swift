import Crypto

/// Makes the text from which everything else is derived, and its checksum, from a record's content.
///
/// A compatibility contract: existing points have checksums made by the same rules, so every step must be exact,
/// including its oddities. Pure, deterministic and linear in the length of the text.
public struct Normaliser: Sendable {
    /// The name of these rules in the profile; it changes when any output may change.
    public static let version = "normaliser-1"

    /// Makes a normaliser; all are the same.
    public init() {}

    /// Normalises a text.
    ///
    /// In this order: Unicode NFKC; HTML5 entities decoded once; CRLF and CR to LF, tab to space, other control
    /// characters and zero-width characters dropped; runs of spaces to one; page headers and footers
    /// (`Page 12`, `3 / 10`) and trailing white space dropped; hyphenated and wrapped lines joined; at most one empty
    /// line in a row; white space trimmed at both ends.
    ///
    /// - Returns: the normalised text; empty if only white space is left (such a record is *skipped*). A second call
    ///   may change it again: the rules are not idempotent for doubly escaped entities.
    public func normalise(_ text: String) -> String {
        let normalised = text.withBytes { input -> [UInt8]? in
            if Self.isPlain(input) { return nil }
            let composed = CompatibilityForm.shared.normalised(input) ?? input.array
            let decoded = composed.withBytes { HTMLEntities.shared.decoded($0) } ?? composed
            let characters = decoded.withBytes(Self.replacingCharacters)
            let lines = characters.withBytes(Self.trimmingLines)
            let joined = lines.withBytes(Self.joiningLines)
            return joined.withBytes(Self.collapsing)
        }
        return normalised.map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    /// The checksum that the points of a record carry.
    ///
    /// - Parameter text: a text that `normalise` returned. It is normalised once more before it is hashed, because
    ///   existing points were made that way.
    /// - Returns: the SHA-256 of its UTF-8 in 64 lower-case hexadecimal digits.
    public func checksum(ofNormalised text: String) -> String {
        normalise(text).withBytes { bytes in
            var hash = SHA256()
            bytes.update(&hash)
            return hash.finalize().hexadecimal
        }
    }

    // MARK: - Steps, each over the whole text

    /// True if no rule can change the text: ASCII text whose lines need no change.
    ///
    /// This is the result for most second passes.
    private static func isPlain(_ text: UTF8Bytes) -> Bool {
        guard text.count > 0 else { return true }
        if text[0] <= 0x20 || text[text.count - 1] <= 0x20 || text[text.count - 1].isASCIIDigit { return false }
        var before: UInt8 = 0
        for index in 0..<text.count {
            let byte = text[index]
            if byte > 0x26 && byte < 0x80 {
                before = byte
                continue
            }
            switch byte {
            case 0x20 where before == 0x20: return false
            case 0x0A:
                // A digit may end a page header, a hyphen or a letter may end a wrapped line, and two LF may become
                // three.
                if before <= 0x20 || before == 0x2D || before.isASCIIDigit { return false }
                if before.isASCIILower, text[index + 1].isASCIILower { return false }
                if text[index + 1] == 0x0A, text[index + 2] != 0x0A {
                    // An empty line is allowed; the second LF must not be examined again.
                    before = 0x7F
                    continue
                }
                if text[index + 1] == 0x0A { return false }
            case 0x20...0x25: break
            default: return false  // not ASCII, `&` or a control character
            }
            before = byte
        }
        return true
    }

    /// Line ends, tabs, control and zero-width characters, runs of spaces.
    private static func replacingCharacters(_ text: UTF8Bytes) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var index = 0
        var before: UInt8 = 0
        while index < text.count {
            var byte = text[index]
            index += 1
            if byte == 0xE2 || byte == 0xEF {
                let scalar = text.scalar(at: index - 1).value
                if (0x200B...0x200D).contains(scalar) || scalar == 0xFEFF {
                    index += 2
                    continue
                }
            } else if byte <= 0x20 {
                switch byte {
                case 0x0A, 0x20: break
                case 0x09: byte = 0x20
                case 0x0D:
                    if index < text.count, text[index] == 0x0A { index += 1 }
                    byte = 0x0A
                default: continue
                }
                if byte == 0x20, before == 0x20 { continue }
            }
            output.append(byte)
            before = byte
        }
        return output
    }

    /// Empties page headers and footers, and removes the white space at the end of every other line.
    private static func trimmingLines(_ text: UTF8Bytes) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var start = 0
        while true {
            var end = start
            while end < text.count, text[end] != 0x0A { end += 1 }
            let inked = trimmed(text, start..<end)
            if !PageMark.matches(text, inked) {
                text.append(start..<max(start, inked.upperBound), to: &output)
            }
            if end == text.count { return output }
            output.append(0x0A)
            start = end + 1
        }
    }

    /// Joins words hyphenated over a line end, and lines that were wrapped between two lower-case letters.
    private static func joiningLines(_ text: UTF8Bytes) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var index = 0
        var consumed = 0  // the end of the last joined pair: pairs do not overlap
        while index < text.count {
            let byte = text[index]
            if byte == 0x2D, index > 0, index + 2 < text.count, text[index + 1] == 0x0A {
                let before = text.scalar(endingAt: index)
                let after = text.scalar(at: index + 2)
                if index - before.length >= consumed, ScalarClass(before.value).isWord, ScalarClass(after.value).isWord
                {
                    index += 2
                    consumed = index + after.length
                    continue
                }
            }
            if byte == 0x0A, let before = output.last, before.isASCIILower, index + 1 < text.count,
                text[index + 1].isASCIILower
            {
                output.append(0x20)
            } else {
                output.append(byte)
            }
            index += 1
        }
        return output
    }

    /// At most two LF and one space in a row, no white space at either end.
    private static func collapsing(_ text: UTF8Bytes) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var lineEnds = 0
        var before: UInt8 = 0
        for index in trimmed(text, 0..<text.count) {
            let byte = text[index]
            lineEnds = byte == 0x0A ? lineEnds + 1 : 0
            if lineEnds > 2 || byte == 0x20 && before == 0x20 { continue }
            output.append(byte)
            before = byte
        }
        return output
    }

    /// The range without the white space at its ends; an empty range at its start if there is only white space.
    private static func trimmed(_ text: UTF8Bytes, _ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end {
            let scalar = text.scalar(at: start)
            if !ScalarClass(scalar.value).isSpace { break }
            start += scalar.length
        }
        if start == end { return range.lowerBound..<range.lowerBound }
        while true {
            let scalar = text.scalar(endingAt: end)
            if !ScalarClass(scalar.value).isSpace { break }
            end -= scalar.length
        }
        return start..<end
    }
}

/// `Page 12` or `3 / 10`, in any case and with the digits of any script.
private enum PageMark {
    /// Whether the range, which neither begins nor ends with white space, is exactly a page mark.
    static func matches(_ text: UTF8Bytes, _ range: Range<Int>) -> Bool {
        guard let first = range.first else { return false }
        var index = first
        if text[index] | 0x20 == 0x70 {
            for letter in "page".utf8 {
                guard index < range.upperBound, text[index] | 0x20 == letter else { return false }
                index += 1
            }
            let end = index
            index = skip(text, index..<range.upperBound) { $0.isSpace }
            return index > end && index < range.upperBound
                && skip(text, index..<range.upperBound) { $0.isDigit } == range.upperBound
        }
        index = skip(text, range) { $0.isDigit }
        guard index > first else { return false }
        index = skip(text, index..<range.upperBound) { $0.isSpace }
        guard index < range.upperBound, text[index] == 0x2F else { return false }
        index = skip(text, index + 1..<range.upperBound) { $0.isSpace }
        return index < range.upperBound && skip(text, index..<range.upperBound) { $0.isDigit } == range.upperBound
    }

    private static func skip(_ text: UTF8Bytes, _ range: Range<Int>, while matches: (ScalarClass) -> Bool) -> Int {
        var index = range.lowerBound
        while index < range.upperBound {
            let scalar = text.scalar(at: index)
            if !matches(ScalarClass(scalar.value)) { break }
            index += scalar.length
        }
        return index
    }
}

extension Digest {
    /// Two lower-case hexadecimal digits per byte.
    var hexadecimal: String {
        unsafe String(unsafeUninitializedCapacity: 2 * Self.byteCount) { digits in
            var count = 0
            for byte in self {
                unsafe digits[count] = (byte >> 4).hexadecimalDigit
                unsafe digits[count + 1] = (byte & 15).hexadecimalDigit
                count += 2
            }
            return count
        }
    }
}

extension UInt8 {
    /// The lower-case digit of a number below 16.
    var hexadecimalDigit: UInt8 { self < 10 ? 0x30 + self : 0x57 + self }
}
