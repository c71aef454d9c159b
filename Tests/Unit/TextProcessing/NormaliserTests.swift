import Testing
import TextProcessing

@Suite("Normaliser", .heavy)
struct NormaliserTests {
    struct Case: Decodable {
        let input: String
        let output: String
        let checksum: String
    }

    @Test func `every golden text has its output and its checksum, byte for byte`() throws {
        let cases: [Case] = try goldenCases("normalize")
        #expect(cases.count == 276)
        for golden in cases {
            let output = Normaliser().normalise(golden.input)
            #expect(Array(output.utf8) == Array(golden.output.utf8), "\(golden.input.debugDescription)")
            #expect(Normaliser().checksum(ofNormalised: output) == golden.checksum)
        }
    }

    @Test(arguments: [
        ("e\u{301}", "é"), ("\u{1112}\u{1161}\u{11AB}", "한"), ("\u{AC00}\u{11A8}", "각"), ("ﬁ ½ ＡＢＣ", "fi 1⁄2 ABC"),
        ("q\u{307}\u{323}", "q\u{323}\u{307}"), ("d\u{307}\u{323}", "ḍ\u{307}"), ("\u{2126}\u{212B}", "ΩÅ"),
        ("\u{FB1D}", "\u{5D9}\u{5B4}"), ("\u{301}a", "\u{301}a"), ("ｶﾞ", "ガ"),
    ])
    func `text is put into form KC`(input: String, output: String) {
        #expect(Array(Normaliser().normalise(input).utf8) == Array(output.utf8))
    }

    @Test(arguments: [
        ("&amp;lt;", "&lt;"), ("&notit;", "¬it;"), ("&notin;", "∉"), ("&#128;&#x80", "€€"), ("a&#0;b", "a\u{FFFD}b"),
        ("&#xD800;&#1114112;&#99999999999999999999;", "\u{FFFD}\u{FFFD}\u{FFFD}"), ("a&#1;b", "ab"),
        ("&;&#;&#x;& a", "&;&#;&#x;& a"),
        ("&CounterClockwiseContourIntegral;", "∳"),
        ("&CounterClockwiseContourIntegral", "&CounterClockwiseContourIntegral"),
        ("&NotEqualTilde;", "≂̸"), ("&ampamp;", "&amp;"), ("x&", "x&"),
    ])
    func `entities are decoded once, as HTML5 says`(input: String, output: String) {
        #expect(Array(Normaliser().normalise(input).utf8) == Array(output.utf8))
    }

    @Test(arguments: [
        ("a-\nb-\nc", "ab-\nc"), ("a\nb\nc", "a b c"), ("A\nb", "A\nb"), ("a\r\n\r\n\r\nb\rc", "a\n\nb c"),
        ("one\n Page 3 \ntwo", "one\n\ntwo"), ("one\n3 / 10\ntwo", "one\n\ntwo"), ("Page\u{A0}3 of 4", "Page 3 of 4"),
        ("a\u{0}b\u{1F}\u{200B}c\u{FEFF}", "abc"), ("a \u{200B} b", "a b"), ("x \n y", "x\n y"),
        ("\u{3000}\u{2028}", ""),
        ("line 7", "line 7"), ("end 7\nNext", "end 7\nNext"), ("a  b", "a b"), ("A\n\nB", "A\n\nB"),
        ("A\n\n\nB", "A\n\nB"),
        ("", ""), (" \n\t", ""),
    ])
    func `lines and spaces follow the rules`(input: String, output: String) {
        #expect(Array(Normaliser().normalise(input).utf8) == Array(output.utf8))
    }

    @Test func `the checksum is that of the text normalised once more`() {
        let normaliser = Normaliser()
        let once = normaliser.normalise("&amp;amp;lt;")
        #expect(once == "&amp;lt;")
        #expect(
            normaliser.checksum(ofNormalised: once)
                == normaliser.checksum(ofNormalised: "&lt;lt;".replacing("&lt;lt;", with: "&amp;lt;"))
        )
        #expect(normaliser.checksum(ofNormalised: once) != normaliser.checksum(ofNormalised: "&amp;amp;lt;"))
        #expect(
            normaliser.checksum(ofNormalised: "")
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        )
    }
}
