/// A parsed `.env` file: names, values and the lines they stand in.
///
/// `NAME=value`, `export NAME=value`, `NAME="value"` with `\n`, `\r`, `\t`, `\"`, `\\` and `\$` inside, `NAME='value'` as it stands;
/// a quoted value may span lines; `#` starts a comment at the beginning of a line, and after white space or a quoted
/// value. Nothing is expanded. The last of two equal names wins.
package struct EnvironmentFile: Sendable, Equatable {
    /// A value and the line, counted from 1, on which it begins.
    package struct Entry: Sendable, Equatable {
        package let value: String
        package let line: Int
    }

    /// A line that cannot be understood; its text may hold a secret and is not kept.
    package struct Problem: Sendable, Equatable {
        package let line: Int
        package let sentence: String
    }

    /// The path it was read from, for people.
    package let path: String
    package private(set) var entries: [String: Entry] = [:]
    package private(set) var problems: [Problem] = []

    package init(path: String, text: String) {
        self.path = path
        let withoutMark = text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text
        let lines = withoutMark.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false)
        var next = 0
        while next < lines.count {
            let first = next
            next += 1
            var content = lines[first].drop(while: \.isWhitespace)
            if content.isEmpty || content.hasPrefix("#") { continue }
            if content.hasPrefix("export"), content.dropFirst(6).first?.isWhitespace == true {
                content = content.dropFirst(6).drop(while: \.isWhitespace)
            }
            guard let equals = content.firstIndex(of: "=") else {
                problems.append(Problem(line: first + 1, sentence: "has no `=`; write NAME=value"))
                continue
            }
            let name = Self.trimmed(content[..<equals])
            guard Self.isName(name) else {
                problems.append(Problem(line: first + 1, sentence: "has no usable name before `=`; write NAME=value"))
                continue
            }
            var rest = String(content[content.index(after: equals)...].drop(while: \.isWhitespace))
            guard let quote = rest.first, quote == "\"" || quote == "'" else {
                entries[name] = Entry(value: Self.unquoted(rest), line: first + 1)
                continue
            }
            var closed = Self.quoted(rest, by: quote)
            var end = next
            while closed == nil, end < lines.count {
                rest += "\n" + lines[end]
                end += 1
                closed = Self.quoted(rest, by: quote)
            }
            guard let closed else {
                problems.append(Problem(line: first + 1, sentence: "opens a quote (\(quote)) that is never closed"))
                continue
            }
            next = end
            guard closed.after.isEmpty || closed.after.hasPrefix("#") else {
                problems.append(Problem(line: first + 1, sentence: "goes on after the closing quote (\(quote))"))
                continue
            }
            entries[name] = Entry(value: closed.value, line: first + 1)
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        let front = text.drop(while: \.isWhitespace)
        guard let last = front.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(front[...last])
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.unicodeScalars.first, !("0"..."9").contains(first) else { return false }
        return name.unicodeScalars.allSatisfy { scalar in
            scalar == "_" || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
                || ("0"..."9").contains(scalar)
        }
    }

    /// A value without quotes ends at a `#` that follows white space, and loses white space at its end.
    private static func unquoted(_ text: String) -> String {
        var previousIsSpace = true
        for index in text.indices {
            if text[index] == "#", previousIsSpace { return trimmed(text[..<index]) }
            previousIsSpace = text[index].isWhitespace
        }
        return trimmed(text[...])
    }

    /// Splits text that begins with a quote into the value and what follows the closing one; nil = not closed.
    private static func quoted(_ text: String, by quote: Character) -> (value: String, after: String)? {
        let escapes: [Character: Character] = ["n": "\n", "r": "\r", "t": "\t", "\"": "\"", "\\": "\\", "$": "$"]
        var value = ""
        var index = text.index(after: text.startIndex)
        while index < text.endIndex {
            let character = text[index]
            index = text.index(after: index)
            if character == quote { return (value, trimmed(text[index...])) }
            if character == "\\", quote == "\"", index < text.endIndex, let escaped = escapes[text[index]] {
                value.append(escaped)
                index = text.index(after: index)
            } else {
                value.append(character)
            }
        }
        return nil
    }
}
