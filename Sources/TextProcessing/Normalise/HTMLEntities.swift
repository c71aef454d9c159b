/// HTML5 character references, decoded as Python's `html.unescape` does.
struct HTMLEntities: Sendable {
    static let shared = HTMLEntities()

    /// Name without `&` and `;` → the UTF-8 it stands for.
    private let names: [[UInt8]: [UInt8]]
    /// The names that HTML5 also allows without a semicolon; none is longer than `bareLengthMax`.
    private let bareNames: Set<[UInt8]>
    private static let bareLengthMax = 6
    private static let lengthMax = 32

    private init() {
        var names: [[UInt8]: [UInt8]] = [:]
        var bareNames: Set<[UInt8]> = []
        var reader = TableReader(htmlEntityNames)
        while reader.findsMore() {
            let name = reader.name()
            if reader.byte == 0x2A {
                bareNames.insert(name)
                reader.skip()
            }
            reader.skip()
            names[name] = reader.numbers().reduce(into: []) { $0.append(scalar: $1) }
        }
        self.names = names
        self.bareNames = bareNames
    }

    /// The text with its references decoded once; `nil` when there is no `&` in it.
    func decoded(_ text: UTF8Bytes) -> [UInt8]? {
        var output: [UInt8] = []
        var index = 0
        var written = 0
        while index < text.count {
            guard text[index] == 0x26 else {
                index += 1
                continue
            }
            text.append(written..<index, to: &output)
            let isNumeric = index + 1 < text.count && text[index + 1] == 0x23
            let end = isNumeric ? number(text, index, &output) : name(text, index, &output)
            if let end {
                index = end
            } else {
                output.append(0x26)
                index += 1
            }
            written = index
        }
        if written == 0 { return nil }
        text.append(written..<text.count, to: &output)
        return output
    }

    /// Decodes `&name;` at `index`; `nil` when it is not one.
    private func name(_ text: UTF8Bytes, _ index: Int, _ output: inout [UInt8]) -> Int? {
        var name: [UInt8] = []
        var end = index + 1
        while end < text.count, name.count < Self.lengthMax, text[end].isASCIIAlphanumeric {
            name.append(text[end])
            end += 1
        }
        if end < text.count, text[end] == 0x3B, let decoded = names[name] {
            output.append(contentsOf: decoded)
            return end + 1
        }
        name = Array(name.prefix(Self.bareLengthMax))
        while !name.isEmpty {
            if bareNames.contains(name), let decoded = names[name] {
                output.append(contentsOf: decoded)
                return index + 1 + name.count
            }
            name.removeLast()
        }
        return nil
    }

    /// Decodes `&#10;` or `&#xA;` at `index`, with or without the semicolon; `nil` when no digit follows.
    private func number(_ text: UTF8Bytes, _ index: Int, _ output: inout [UInt8]) -> Int? {
        var end = index + 2
        let isHexadecimal = end < text.count && text[end] | 0x20 == 0x78
        if isHexadecimal { end += 1 }
        let first = end
        var value: UInt32 = 0
        while end < text.count {
            let byte = text[end]
            let digit: UInt32
            switch byte {
            case 0x30...0x39: digit = UInt32(byte - 0x30)
            case 0x41...0x46 where isHexadecimal: digit = UInt32(byte - 0x37)
            case 0x61...0x66 where isHexadecimal: digit = UInt32(byte - 0x57)
            default: digit = .max
            }
            if digit == .max { break }
            // Numbers above the last scalar are all the same mistake, however long.
            value = min(value * (isHexadecimal ? 16 : 10) + digit, 0x110000)
            end += 1
        }
        if end == first { return nil }
        if end < text.count, text[end] == 0x3B { end += 1 }
        if let scalar = Self.replacement(value) { output.append(scalar: scalar) }
        return end
    }

    /// The replacement that HTML5 prescribes for a numeric reference; `nil` = nothing.
    private static func replacement(_ value: UInt32) -> UInt32? {
        switch value {
        case 0, 0xD800...0xDFFF, 0x110000...: 0xFFFD
        case 0x80...0x9F: windows1252[Int(value - 0x80)]
        case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0xFDD0...0xFDEF: nil
        case _ where value & 0xFFFE == 0xFFFE: nil
        default: value
        }
    }

    /// HTML5, "numeric character reference end state": U+0080…U+009F are read as Windows-1252.
    private static let windows1252: [UInt32] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,
        0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
        0x0153, 0x9D, 0x017E, 0x0178,
    ]
}
