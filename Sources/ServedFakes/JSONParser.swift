package import Fakes
package import Foundation

/// A JSON parser for requests with many vectors.
///
/// The C library reads the numbers, which is fast also in a debug build: Foundation's decoder needs a millisecond for a
/// vector of 1,536 numbers, this one about 0.1 ms.
@safe
package struct JSONParser {
    /// What is wrong with the text, in the words of serde (which Qdrant uses).
    package struct Malformed: Error, Equatable {
        package let text: String
    }

    /// The limit of serde.
    private static let depthMax = 128

    private let start: UnsafePointer<UInt8>
    /// Points to a zero byte, at which the C functions stop.
    private let end: UnsafePointer<UInt8>
    private var position: UnsafePointer<UInt8>
    private var depth = 0

    /// Parses one value and nothing else.
    package static func parse(_ data: Data) throws(Malformed) -> JSONValue {
        var bytes = [UInt8](data)
        bytes.append(0)
        let result = unsafe bytes.withUnsafeBufferPointer { buffer -> Result<JSONValue, Malformed> in
            guard let start = buffer.baseAddress else { return .failure(Malformed(text: "EOF while parsing")) }
            var parser = unsafe JSONParser(start: start, end: start + buffer.count - 1)
            return Result { () throws(Malformed) in try parser.document() }
        }
        return try result.get()
    }

    private init(start: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) {
        unsafe self.start = unsafe start
        unsafe self.end = unsafe end
        unsafe position = unsafe start
    }

    private mutating func document() throws(Malformed) -> JSONValue {
        let value = try value()
        guard peek() == 0, unsafe position == end else { throw malformed("trailing characters") }
        return value
    }

    private mutating func value() throws(Malformed) -> JSONValue {
        switch peek() {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try list()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: throw malformed("expected value")
        }
    }

    private mutating func object() throws(Malformed) -> JSONValue {
        try enter()
        var members: [String: JSONValue] = [:]
        if !skip(UInt8(ascii: "}")) {
            repeat {
                guard peek() == UInt8(ascii: "\"") else { throw malformed("key must be a string") }
                let name = try string()
                guard skip(UInt8(ascii: ":")) else { throw malformed("expected `:`") }
                members[name] = try value()
            } while skip(UInt8(ascii: ","))
            guard skip(UInt8(ascii: "}")) else { throw malformed("expected `,` or `}`") }
        }
        depth -= 1
        return .object(members)
    }

    private mutating func list() throws(Malformed) -> JSONValue {
        try enter()
        defer { depth -= 1 }
        if skip(UInt8(ascii: "]")) { return .list([]) }
        if let numbers = vector() { return .numbers(numbers) }
        var values: [JSONValue] = []
        repeat { values.append(try value()) } while skip(UInt8(ascii: ","))
        guard skip(UInt8(ascii: "]")) else { throw malformed("expected `,` or `]`") }
        return .list(values)
    }

    /// The rest of a list of numbers if all of them have a point or an exponent; otherwise nil, and nothing is consumed.
    private mutating func vector() -> [Double]? {
        let before = unsafe position
        var numbers: [Double] = []
        repeat {
            let first = peek()
            let isNumber = first == UInt8(ascii: "-") || (first >= UInt8(ascii: "0") && first <= UInt8(ascii: "9"))
            guard isNumber else { break }
            let text = unsafe position
            guard let number = double() else { break }
            // An integer stays one, so that payloads come back as they were given.
            if number == number.rounded(.towardZero), unsafe !Self.isFractional(text, position) { break }
            if numbers.isEmpty { numbers.reserveCapacity(1_536) }
            numbers.append(number)
            if skip(UInt8(ascii: "]")) { return numbers }
        } while skip(UInt8(ascii: ","))
        unsafe position = unsafe before
        return nil
    }

    /// Nil for what the C library reads as a number and JSON does not.
    private mutating func double() -> Double? {
        var stop: UnsafeMutablePointer<CChar>?
        let value = unsafe strtod(UnsafeRawPointer(position).assumingMemoryBound(to: CChar.self), &stop)
        guard let stop = unsafe stop else { return nil }
        let end = unsafe UnsafePointer(UnsafeRawPointer(stop).assumingMemoryBound(to: UInt8.self))
        guard unsafe Self.isNumber(position, end), value.isFinite else { return nil }
        unsafe position = end
        return value
    }

    private mutating func number() throws(Malformed) -> JSONValue {
        let from = unsafe position
        while unsafe Self.isNumberByte(position.pointee) { unsafe position += 1 }
        guard unsafe Self.isNumber(from, position) else { throw malformed("invalid number") }
        let text = unsafe String(decoding: UnsafeBufferPointer(start: from, count: position - from), as: UTF8.self)
        if let integer = Int64(text) { return .integer(integer) }
        if let unsigned = UInt64(text) { return .unsigned(unsigned) }
        guard let number = Double(text), number.isFinite else { throw malformed("invalid number") }
        return .number(number)
    }

    /// Whether a text that the C library reads as one number is one in JSON, too: no hexadecimal digits, no zero in
    /// front, and digits on both sides of the point.
    private static func isNumber(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Bool {
        var first = unsafe start
        if unsafe first < end, unsafe first.pointee == UInt8(ascii: "-") { unsafe first += 1 }
        guard unsafe first < end, unsafe isDigit(first.pointee), unsafe isDigit(end[-1]) else { return false }
        if unsafe first.pointee == UInt8(ascii: "0"), unsafe end - first > 1 {
            let next = unsafe first[1]
            let mayFollow = [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")]
            guard mayFollow.contains(next) else { return false }
        }
        guard let point = unsafe memchr(first, Int32(UInt8(ascii: ".")), end - first) else { return true }
        let after = unsafe UnsafeRawPointer(point).assumingMemoryBound(to: UInt8.self) + 1
        return unsafe isDigit(after.pointee)
    }

    private static func isFractional(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Bool {
        let marks: [Unicode.Scalar] = [".", "e", "E"]
        return marks.contains { unsafe memchr(start, Int32($0.value), end - start) != nil }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func isNumberByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(Malformed) -> JSONValue {
        for offset in 0..<word.utf8CodeUnitCount {
            guard unsafe position.pointee == word.utf8Start[offset] else { throw malformed("expected ident") }
            unsafe position += 1
        }
        return value
    }

    // MARK: - Strings

    private mutating func string() throws(Malformed) -> String {
        unsafe position += 1
        let quote = Int32(UInt8(ascii: "\""))
        let backslash = Int32(UInt8(ascii: "\\"))
        var escaped: [UInt8] = []
        while true {
            let left = unsafe end - position
            guard let found = unsafe memchr(position, quote, left) else {
                throw malformed("EOF while parsing a string")
            }
            let run = unsafe UnsafeRawPointer(found) - UnsafeRawPointer(position)
            guard let escape = unsafe memchr(position, backslash, run) else {
                let rest = unsafe UnsafeBufferPointer(start: position, count: run)
                try unsafe refuseControls(in: rest)
                unsafe position += run + 1
                let text =
                    if escaped.isEmpty { unsafe String(validating: rest, as: UTF8.self) } else {
                        unsafe String(validating: escaped + rest, as: UTF8.self)
                    }
                guard let text else { throw malformed("invalid unicode code point") }
                return text
            }
            let plain = unsafe UnsafeRawPointer(escape) - UnsafeRawPointer(position)
            let rest = unsafe UnsafeBufferPointer(start: position, count: plain)
            try unsafe refuseControls(in: rest)
            unsafe escaped.append(contentsOf: rest)
            unsafe position += plain + 1
            try unescape(into: &escaped)
        }
    }

    private func refuseControls(in bytes: UnsafeBufferPointer<UInt8>) throws(Malformed) {
        for index in 0..<bytes.count where unsafe bytes[index] < 32 {
            throw malformed("control character (\\u0000-\\u001F) found while parsing a string")
        }
    }

    private mutating func unescape(into bytes: inout [UInt8]) throws(Malformed) {
        let kind = unsafe position.pointee
        unsafe position += 1
        switch kind {
        case UInt8(ascii: "n"): bytes.append(10)
        case UInt8(ascii: "t"): bytes.append(9)
        case UInt8(ascii: "r"): bytes.append(13)
        case UInt8(ascii: "b"): bytes.append(8)
        case UInt8(ascii: "f"): bytes.append(12)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(kind)
        case UInt8(ascii: "u"):
            var value = try codeUnit()
            if value & 0xFC00 == 0xD800, unsafe position.pointee == UInt8(ascii: "\\"),
                unsafe position[1] == UInt8(ascii: "u")
            {
                unsafe position += 2
                let low = try codeUnit()
                guard low & 0xFC00 == 0xDC00 else { throw malformed("lone leading surrogate in hex escape") }
                value = 0x10000 + (value & 0x3FF) << 10 + low & 0x3FF
            }
            guard let scalar = Unicode.Scalar(value) else { throw malformed("lone leading surrogate in hex escape") }
            bytes.append(contentsOf: String(Character(scalar)).utf8)
        default: throw malformed("invalid escape")
        }
    }

    private mutating func codeUnit() throws(Malformed) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            let byte = unsafe position.pointee
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw malformed("invalid escape") }
            value = value << 4 | UInt32(digit)
            unsafe position += 1
        }
        return value
    }

    // MARK: - Moving

    /// The next byte that is not white space; zero at the end.
    private mutating func peek() -> UInt8 {
        while true {
            let byte = unsafe position.pointee
            guard byte == 32 || byte == 10 || byte == 13 || byte == 9 else { return byte }
            unsafe position += 1
        }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        unsafe position += 1
        return true
    }

    private mutating func enter() throws(Malformed) {
        depth += 1
        guard depth <= Self.depthMax else { throw malformed("recursion limit exceeded") }
        unsafe position += 1
    }

    private func malformed(_ text: String) -> Malformed {
        Malformed(text: unsafe "\(text) at byte \(position - start)")
    }
}
