import Fakes
import Foundation
import ServedFakes
import Testing

@Suite struct `JSON of the served fakes` {
    private func parse(_ text: String) throws -> JSONValue { try JSONParser.parse(Data(text.utf8)) }

    @Test func `reads every kind of value`() throws {
        let text =
            #" {"a": [1, -2, 9223372036854775807, 18446744073709551615], "b": {"c": null, "d": true, "e": []}, "f": 1.5e3} "#
        let expected: JSONValue = [
            "a": [1, -2, 9_223_372_036_854_775_807, .unsigned(.max)],
            "b": ["c": .null, "d": true, "e": []],
            "f": .number(1_500),
        ]
        #expect(try parse(text) == expected)
    }

    @Test func `keeps vectors compact, and exact as Float`() throws {
        let vector = (0..<1_536).map { Float($0) / 1_535 - 0.3 } + [1e-30, -3.402_823_5e38, 0.1]
        let text = "[" + vector.map(\.description).joined(separator: ", ") + "]"
        let value = try parse(text)
        guard case .numbers = value else {
            Issue.record("a vector became a list of values")
            return
        }
        #expect(value.floats == vector)
        #expect(try parse("[1, 2, 3]").floats == [1, 2, 3])
        #expect(try parse("[0.5, 1, \"x\"]") == [0.5, 1, "x"])
    }

    @Test func `reads strings with escapes, pairs of surrogates and raw characters`() throws {
        let value = try parse(#"["a\"b\\c\/d\n\t\r\b\f", "\u4e2d\ud83d\ude00", "中😀", ""]"#)
        #expect(value == ["a\"b\\c/d\n\t\r\u{8}\u{C}", "中😀", "中😀", ""])
    }

    @Test(arguments: [
        "", "{", "[1,", "[1.5,", "[1.5 2]", "{\"a\" 1}", "{a:1}", "tru", "1 2", "\"abc", #""\x""#, #""\ud800""#,
        "[1e999]",
        "-", "[.5]", String(repeating: "[", count: 130), "0x10", "[0x10]", "[0.5,0x1p3]", "01", "[01.5]", "-01", "+1",
        "1.",
        "[0.5,1.]", "1.e5", "1e", "[1.5e]", "-.5", "NaN", "[0.5,inf]", "Infinity", "\"a\u{1}b\"", "\"\n\"",
        #""\udc00""#,
        #""\ud800\u0041""#, "[0.5,]", "{\"a\":1,}", "[1 ,,2]",
    ])
    func `refuses what is not JSON`(text: String) {
        #expect(throws: JSONParser.Malformed.self) { try parse(text) }
    }

    @Test(arguments: [
        [0x22, 0xFF, 0xFE, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x5B, 0xFF, 0x5D],
    ])
    func `refuses what is not UTF-8`(bytes: [UInt8]) {
        #expect(throws: JSONParser.Malformed.self) { try JSONParser.parse(Data(bytes)) }
    }

    @Test(arguments: [
        ("1e-05", "1e-5"), ("1.5e+20", "1.5e20"), ("0.1", "0.1"), ("-2.5", "-2.5"), ("[9, 0.25]", "[9,0.25]"),
        ("[1.0,2.5]", "[1.0,2.5]"), ("18446744073709551615", "18446744073709551615"),
    ])
    func `writes numbers as serde does, and integers as integers`(text: String, written: String) throws {
        #expect(String(decoding: try parse(text).data, as: UTF8.self) == written)
    }

    @Test func `writes what it reads`() throws {
        let value: JSONValue = [
            "text": "a\"b\\\n\u{1}中😀", "list": [1, .unsigned(.max), .null, false], "vector": .numbers([0.25, -1]),
            "number": 1e-5,
        ]
        #expect(try JSONParser.parse(value.data) == value)
    }
}
