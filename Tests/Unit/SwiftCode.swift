/// Swift source cut into code, comments and the insides of strings; in each of the three the lines keep their numbers.
///
/// A scanner over bytes, not a parser: code inside an interpolation belongs to its string.
struct SwiftCode {
    private let bytes: [UInt8]
    private var place = 0
    private var parts: [[UInt8]] = [[], [], []]

    private enum Part: Int { case code, comments, strings }

    /// The code, without comments and the insides of strings.
    static func lines(of text: String) -> [Substring] { lines(Self(text).parts[Part.code.rawValue]) }

    /// What is written for people: the comments and, if wanted, the insides of strings.
    static func prose(of text: String, withStrings: Bool) -> [String] {
        let parts = Self(text).parts
        let comments = lines(parts[Part.comments.rawValue])
        guard withStrings else { return comments.map(String.init) }
        return zip(comments, lines(parts[Part.strings.rawValue])).map { "\($0) \($1)" }
    }

    private static func lines(_ bytes: [UInt8]) -> [Substring] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }

    private init(_ text: String) {
        bytes = Array(text.utf8)
        scan()
    }

    private mutating func scan() {
        while place < bytes.count {
            let byte = bytes[place]
            if byte == UInt8(ascii: "/"), isAt("//") {
                while place < bytes.count, bytes[place] != UInt8(ascii: "\n") { take(into: .comments) }
            } else if byte == UInt8(ascii: "/"), isAt("/*") {
                place += 2
                take(into: .comments, past: "*/", escape: nil)
            } else if byte == UInt8(ascii: "#") || byte == UInt8(ascii: "\""), let hashes = hashesBeforeQuote() {
                let pad = String(repeating: "#", count: hashes)
                place += hashes
                let quote = isAt("\"\"\"") ? "\"\"\"" : "\""
                parts[Part.code.rawValue] += "\"\"".utf8
                place += quote.utf8.count
                take(into: .strings, past: quote + pad, escape: "\\" + pad)
            } else {
                take(into: .code)
            }
        }
    }

    /// Moves on by one byte; the end of a line belongs to all three parts.
    private mutating func take(into part: Part) {
        let byte = bytes[place]
        place += 1
        if byte == UInt8(ascii: "\n") {
            for index in parts.indices { parts[index].append(byte) }
        } else {
            parts[part.rawValue].append(byte)
        }
    }

    /// Moves on to the end and past it.
    private mutating func take(into part: Part, past end: String, escape: String?) {
        let (last, first) = (end.utf8.first, escape?.utf8.first)
        while place < bytes.count, bytes[place] != last || !isAt(end) {
            if let escape, bytes[place] == first, isAt(escape) { place += escape.utf8.count }
            if place < bytes.count { take(into: part) }
        }
        place = min(place + end.utf8.count, bytes.count)
    }

    private func isAt(_ text: String) -> Bool { bytes[place...].starts(with: text.utf8) }

    /// The number of `#` before a quote that begins here, or nil where none begins.
    private func hashesBeforeQuote() -> Int? {
        var end = place
        while end < bytes.count, bytes[end] == UInt8(ascii: "#") { end += 1 }
        return end < bytes.count && bytes[end] == UInt8(ascii: "\"") ? end - place : nil
    }
}
