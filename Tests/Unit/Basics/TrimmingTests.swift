import Basics
import Foundation
import Testing

/// Foundation, which the programs do without, is the judge.
@Suite struct `Trimmed text` {
    @Test func `has lost exactly the scalars at its ends that Foundation calls white space or line breaks`() {
        // Neither has any beyond the first 65,536.
        for value in UInt32(0)...0xFFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let isLost = String(String.UnicodeScalarView([scalar, "a", scalar])).trimmed == "a"
            let isWhite = CharacterSet.whitespacesAndNewlines.contains(scalar)
            if isLost != isWhite { Issue.record("U+\(String(value, radix: 16))") }
        }
    }

    @Test(arguments: [
        "", " ", " \t\r\n\u{200B}\u{3000}", "a", " a", "a ", "\r\na b\r\n", "\u{200B}\u{A0}a\u{2028}\u{200B}",
        "\0 a \0",
        // A space that carries an accent is one character, of which the accent stays.
        " \u{301}a \u{301}", "a \u{200D}", "\u{FEFF} a", "\u{301}", "\u{1F468}\u{200D}\u{1F469} ",
    ])
    func `is what Foundation makes of it`(text: String) {
        let expected = text.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(Array(text.trimmed.unicodeScalars) == Array(expected.unicodeScalars))
        let part = Substring("<\(text)>".unicodeScalars.dropFirst().dropLast())
        #expect(Array(part.trimmed.unicodeScalars) == Array(expected.unicodeScalars))
    }

    @Test(arguments: ["", "[", "[]", "]][[", "[::1]", "[a", "a]", "[[a[b]]", "::1", "[\u{301}a]"])
    func `loses what the caller names, and that only at its ends`(text: String) {
        let expected = text.trimmingCharacters(in: ["[", "]"])
        #expect(text.trimmed { $0 == "[" || $0 == "]" } == expected)
    }
}
