/// The bytes are not the expected JSON.
struct JSONError: Error, Equatable {
    /// The position of the problem, counted from 0.
    let position: Int
}

/// Walks JSON bytes without building a tree, for answers whose bulk is numbers.
///
/// The caller knows the shape and reads the values in order; values that it does not read are skipped. Nesting is
/// bounded.
struct JSONScanner {
    let bytes: [UInt8]
    private(set) var position = 0
    private var depth = 0
    /// More than any expected answer; it is bounded because skipping recurses.
    private static let depthMax = 64

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var failure: JSONError { JSONError(position: position) }

    /// The next byte that is not white space, not consumed; 0 at the end.
    mutating func peek() -> UInt8 {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return bytes[position]
            }
        }
        return 0
    }

    /// Calls `body` at the value of every member.
    mutating func object(_ body: (inout JSONScanner, String) throws(JSONError) -> Void) throws(JSONError) {
        try members(open: "{", close: "}") { scanner throws(JSONError) in
            let key = try scanner.string()
            try scanner.expect(":")
            try body(&scanner, key)
        }
    }

    /// Calls `body` at every element.
    mutating func array(_ body: (inout JSONScanner) throws(JSONError) -> Void) throws(JSONError) {
        try members(open: "[", close: "]", body)
    }

    private mutating func members(
        open: Unicode.Scalar,
        close: Unicode.Scalar,
        _ body: (inout JSONScanner) throws(JSONError) -> Void
    ) throws(JSONError) {
        try expect(open)
        depth += 1
        guard depth <= Self.depthMax else { throw failure }
        defer { depth -= 1 }
        if peek() == UInt8(ascii: close) {
            position += 1
            return
        }
        while true {
            try body(&self)
            if peek() == UInt8(ascii: close) {
                position += 1
                return
            }
            try expect(",")
        }
    }

    private mutating func expect(_ scalar: Unicode.Scalar) throws(JSONError) {
        guard peek() == UInt8(ascii: scalar) else { throw failure }
        position += 1
    }

    /// The bytes between the quotes, unchanged, and whether they contain a backslash.
    mutating func rawString() throws(JSONError) -> (content: Range<Int>, hasEscapes: Bool) {
        try expect("\"")
        let start = position
        var hasEscapes = false
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return (start..<position - 1, hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                position += 2
            default:
                position += 1
            }
        }
        throw failure
    }

    mutating func string() throws(JSONError) -> String {
        let (content, hasEscapes) = try rawString()
        return String(decoding: hasEscapes ? try unescaped(content)[...] : bytes[content], as: UTF8.self)
    }

    /// The bytes of a string with its escapes resolved; half a surrogate pair becomes U+FFFD.
    func unescaped(_ content: Range<Int>) throws(JSONError) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(content.count)
        var index = content.lowerBound
        while index < content.upperBound {
            let byte = bytes[index]
            index += 1
            guard byte == UInt8(ascii: "\\"), index < content.upperBound else {
                result.append(byte)
                continue
            }
            let escape = bytes[index]
            index += 1
            if escape == UInt8(ascii: "u") {
                result += Array(String(try unicodeEscape(&index, content.upperBound)).utf8)
            } else {
                guard let plain = Self.escapes[escape] else { throw JSONError(position: index) }
                result.append(plain)
            }
        }
        return result
    }

    private static let escapes: [UInt8: UInt8] = [
        0x22: 0x22, 0x5C: 0x5C, 0x2F: 0x2F, 0x62: 0x08, 0x66: 0x0C, 0x6E: 0x0A, 0x72: 0x0D, 0x74: 0x09,
    ]

    /// After `\u`: four digits, and the second half of a pair.
    private func unicodeEscape(_ index: inout Int, _ end: Int) throws(JSONError) -> Unicode.Scalar {
        let replacement: Unicode.Scalar = "\u{FFFD}"
        let first = try hexadecimal(index, end)
        index += 4
        guard first & 0xFC00 == 0xD800 else { return Unicode.Scalar(first) ?? replacement }
        guard index + 6 <= end, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u") else {
            return replacement
        }
        let second = try hexadecimal(index + 2, end)
        guard second & 0xFC00 == 0xDC00 else { return replacement }
        index += 6
        return Unicode.Scalar(0x10000 + (first & 0x3FF) << 10 + (second & 0x3FF)) ?? replacement
    }

    private func hexadecimal(_ index: Int, _ end: Int) throws(JSONError) -> UInt32 {
        guard index + 4 <= end,
            let value = UInt32(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16)
        else { throw JSONError(position: index) }
        return value
    }

    /// The bytes of a number, not converted: an id must not become a floating-point number in between.
    mutating func number() throws(JSONError) -> String {
        _ = peek()
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), 0x45, 0x65: position += 1
            default:
                guard position > start else { throw failure }
                return String(decoding: bytes[start..<position], as: UTF8.self)
            }
        }
        guard position > start else { throw failure }
        return String(decoding: bytes[start...], as: UTF8.self)
    }

    /// Consumes `true`, `false` or `null` if it is next.
    mutating func literal(_ word: StaticString) -> Bool {
        _ = peek()
        let length = word.utf8CodeUnitCount
        guard position + length <= bytes.count,
            word.withUTF8Buffer({ unsafe bytes[position..<position + length].elementsEqual($0) })
        else { return false }
        position += length
        return true
    }

    /// Consumes a word for a non-finite number, if it is next: such words are no JSON, but servers written in Python
    /// send them.
    mutating func nonFinite() -> Bool {
        literal("NaN") || literal("nan") || literal("Infinity") || literal("-Infinity") || literal("inf")
            || literal("-inf")
    }

    /// Skips the next value.
    mutating func skip() throws(JSONError) {
        switch peek() {
        case UInt8(ascii: "{"): try object { scanner, _ throws(JSONError) in try scanner.skip() }
        case UInt8(ascii: "["): try array { scanner throws(JSONError) in try scanner.skip() }
        case UInt8(ascii: "\""): _ = try rawString()
        default:
            if !literal("null"), !literal("true"), !literal("false"), !nonFinite() { _ = try number() }
        }
    }

    /// Checks that only white space follows.
    mutating func end() throws(JSONError) {
        guard peek() == 0, position == bytes.count else { throw failure }
    }
}
