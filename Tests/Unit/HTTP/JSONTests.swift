import Foundation
import Testing

@testable import Adapters

@Suite struct `JSON by hand` {
    @Test(arguments: [
        "", "plain", "quotes \" and \\ and /", "\u{0}\u{1}\u{8}\u{9}\u{A}\u{B}\u{C}\u{D}\u{1F}\u{7F}",
        "\u{2028}\u{2029}",
        "日本語 😀 e\u{301} \u{FFFD}\u{FEFF}", "\"", "\\", "a\u{10}",
    ])
    func `any text reads back as itself`(text: String) throws {
        var writer = JSONWriter()
        writer.raw("[")
        writer.string(text)
        writer.raw("]")
        #expect(try JSONDecoder().decode([String].self, from: Data(writer.bytes)) == [text])
        #expect(try JSON(writer.bytes) == .array([.string(text)]))
    }

    @Test func `numbers of a vector read back exactly, directly and by way of a double`() throws {
        var generator = SystemRandomNumberGenerator()
        var values: [Float] = [
            0, -0.0, 1, -1, 0.1, 0.00001, 0.000_009_999_999, 0.999_999_94, 0.999_999_9, 0.099_999_994, 1e-20, 3.4e38,
            .leastNonzeroMagnitude,
            0.5, 0.25, 123_456.79, .leastNormalMagnitude, .greatestFiniteMagnitude, .ulpOfOne, 0.01, 0.001, 0.000_1,
        ]
        // The whole range of the fast path, evenly over its exponents, and the magnitudes of embeddings.
        for _ in 0..<20_000 {
            let exponent = Float.random(in: -6...0, using: &generator)
            values.append(Float.random(in: -1...1, using: &generator) * Float(pow(10, Double(exponent))))
        }
        var writer = JSONWriter()
        writer.floats(values)
        let text = String(decoding: writer.bytes, as: UTF8.self)
        let numbers = text.dropFirst().dropLast().split(separator: ",")
        #expect(numbers.count == values.count)
        let wrong = zip(numbers, values).filter { number, value in
            Float(number)?.bitPattern != value.bitPattern
                || Double(number).map { Float($0).bitPattern } != value.bitPattern || number.utf8.count > 17
        }
        #expect(wrong.isEmpty)
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(writer.bytes)) }
    }

    @Test func `integers keep 64 bits, and more`() throws {
        let json = try JSON(
            Array("[9223372036854775807,-9223372036854775808,18446744073709551615,1.5,1e3,9007199254740993]".utf8)
        )
        #expect(
            json.array == [
                .integer(.max), .integer(.min), .number("18446744073709551615"), .number("1.5"), .number("1e3"),
                .integer(9_007_199_254_740_993),
            ]
        )
        #expect(json.array?[3].double == 1.5)
    }

    @Test func `a document reads as a tree`() throws {
        let text =
            #" { "a" : [ true , false , null , { } , [ ] ] , "\u0062\/" : "\ud83d\ude00\u00e9\n" , "c":"\ud83d" } "#
        let json = try JSON(Array(text.utf8))
        #expect(json["a"] == .array([.bool(true), .bool(false), .null, .object([:]), .array([])]))
        #expect(json["b/"]?.string == "😀é\n")
        #expect(json["c"]?.string == "\u{FFFD}")
        #expect(json["d"] == nil)
    }

    @Test(arguments: [
        "", " ", "{", "[1,", "[1 2]", "{\"a\"}", "{\"a\":}", "{a:1}", "\"abc", "\"abc\\", "\"\\x\"", "\"\\u12\"", "tru",
        "[1]x",
        "-", "1.2.3", "nul", "[,]", "\u{0}",
    ])
    func `what is not JSON is an error and never a crash`(text: String) {
        #expect(throws: JSONError.self) { try JSON(Array(text.utf8)) }
    }

    @Test func `nesting without end is an error`() {
        #expect(throws: JSONError.self) { try JSON([UInt8](repeating: UInt8(ascii: "["), count: 100_000)) }
    }
}
