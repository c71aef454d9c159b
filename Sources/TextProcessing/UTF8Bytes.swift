import Crypto

/// Reading and writing UTF-8 that is known to be valid, because it comes from a `String`.
@safe
struct UTF8Bytes {
    let start: UnsafePointer<UInt8>
    let count: Int

    /// Lends the bytes of a buffer that outlives this value.
    init(_ buffer: UnsafeBufferPointer<UInt8>) {
        // An empty buffer may have no address; any address serves for zero bytes.
        unsafe start = buffer.baseAddress ?? UnsafePointer(bitPattern: 1).unsafelyUnwrapped
        count = buffer.count
    }

    @inline(__always)
    init(start: UnsafePointer<UInt8>, count: Int) {
        unsafe self.start = start
        self.count = count
    }

    @inline(__always)
    subscript(index: Int) -> UInt8 { unsafe start[index] }

    /// The scalar whose first byte is at `index`, and its length in bytes.
    @inline(__always)
    func scalar(at index: Int) -> (value: UInt32, length: Int) {
        let at = unsafe start + index
        let first = unsafe UInt32(at[0])
        if first < 0x80 { return (first, 1) }
        let second = unsafe UInt32(at[1] & 0x3F)
        if first < 0xE0 { return ((first & 0x1F) << 6 | second, 2) }
        let third = unsafe UInt32(at[2] & 0x3F)
        if first < 0xF0 { return ((first & 0x0F) << 12 | second << 6 | third, 3) }
        return unsafe ((first & 0x07) << 18 | second << 12 | third << 6 | UInt32(at[3] & 0x3F), 4)
    }

    /// The scalar whose last byte is at `end - 1`, and its length in bytes.
    @inline(__always)
    func scalar(endingAt end: Int) -> (value: UInt32, length: Int) {
        var index = end - 1
        while unsafe start[index] & 0xC0 == 0x80 { index -= 1 }
        return scalar(at: index)
    }

    func append(_ range: Range<Int>, to output: inout [UInt8]) {
        unsafe output.append(contentsOf: UnsafeBufferPointer(start: start + range.lowerBound, count: range.count))
    }

    var array: [UInt8] { unsafe Array(UnsafeBufferPointer(start: start, count: count)) }

    func string(_ range: Range<Int>) -> String {
        unsafe String(
            decoding: UnsafeBufferPointer(start: start + range.lowerBound, count: range.count),
            as: UTF8.self
        )
    }

    func withSpan(_ range: Range<Int>, _ body: (Span<UInt8>) -> Void) {
        unsafe body(UnsafeBufferPointer(start: start + range.lowerBound, count: range.count).span)
    }

    func update(_ hash: inout some HashFunction) {
        unsafe hash.update(bufferPointer: UnsafeRawBufferPointer(start: start, count: count))
    }
}

extension String {
    /// Lends the text's UTF-8, copying it only when it is not stored as such.
    func withBytes<Value>(_ body: (UTF8Bytes) throws -> Value) rethrows -> Value {
        var text = self
        return try text.withUTF8 { try unsafe body(UTF8Bytes($0)) }
    }
}

extension [UInt8] {
    /// Lends the bytes of an array that holds valid UTF-8.
    func withBytes<Value>(_ body: (UTF8Bytes) throws -> Value) rethrows -> Value {
        try unsafe withUnsafeBufferPointer { try unsafe body(UTF8Bytes($0)) }
    }

    mutating func append(scalar: UInt32) {
        switch scalar {
        case ..<0x80:
            append(UInt8(scalar))
        case ..<0x800:
            append(UInt8(0xC0 | scalar >> 6))
            append(UInt8(0x80 | scalar & 0x3F))
        case ..<0x10000:
            append(UInt8(0xE0 | scalar >> 12))
            append(UInt8(0x80 | scalar >> 6 & 0x3F))
            append(UInt8(0x80 | scalar & 0x3F))
        default:
            append(UInt8(0xF0 | scalar >> 18))
            append(UInt8(0x80 | scalar >> 12 & 0x3F))
            append(UInt8(0x80 | scalar >> 6 & 0x3F))
            append(UInt8(0x80 | scalar & 0x3F))
        }
    }
}

extension UInt8 {
    var isASCIIDigit: Bool { self >= 0x30 && self <= 0x39 }
    var isASCIILower: Bool { self >= 0x61 && self <= 0x7A }
    var isASCIIUpper: Bool { self >= 0x41 && self <= 0x5A }
    var isUTF8Continuation: Bool { self & 0xC0 == 0x80 }
    var isASCIIAlphanumeric: Bool { isASCIIDigit || isASCIILower || isASCIIUpper }
}
