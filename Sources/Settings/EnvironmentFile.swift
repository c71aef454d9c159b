/// A parsed `.env` file: names, values and the lines they stand in.
///
/// `NAME=value`, `export NAME=value`, `NAME="value"` with `\n`, `\r`, `\t`, `\"`, `\\` and `\$` inside, `NAME='value'`
/// taken literally. A quoted value may span lines; `#` starts a comment at the beginning of a line, and after white
/// space or a quoted value. Nothing is expanded. Of two equal names the last one counts. Names in other programs' forms
/// (`A-B`, `a.b`) are skipped.
///
/// Read by Unicode scalars: a `#`, `=` or quote followed by a combining mark is one `Character` together with it.
package struct EnvironmentFile: Sendable, Equatable {
    /// A value and the line, counted from 1, on which it begins.
    package struct Entry: Sendable, Equatable {
        package let value: String
        package let line: Int
    }

    /// A line that cannot be parsed; its text may contain a secret and is not kept.
    package struct Problem: Sendable, Equatable {
        package let line: Int
        package let sentence: String
    }

    private typealias Text = Substring.UnicodeScalarView

    /// The path from which it was read, for messages.
    package let path: String
    /// Whether every user of this host may read it.
    package let isReadableByOthers: Bool
    package private(set) var entries: [String: Entry] = [:]
    /// Names that no shell could set: they belong to another program, or are misspelt settings.
    package private(set) var foreignNames: Set<String> = []
    package private(set) var problems: [Problem] = []

    package init(path: String, text: String, isReadableByOthers: Bool = false) {
        self.path = path
        self.isReadableByOthers = isReadableByOthers
        let whole = Substring(text).unicodeScalars
        let lines = (whole.first == "\u{FEFF}" ? whole.dropFirst() : whole)
            .split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.last == "\r" ? $0.dropLast() : $0 }
        var next = 0
        while next < lines.count { read(lines, &next) }
    }

    /// Reads the entry that begins on a line, and goes on to the line after it.
    private mutating func read(_ lines: [Text], _ next: inout Int) {
        let number = next + 1
        var content = lines[next].drop(while: \.properties.isWhitespace)
        next += 1
        if content.isEmpty || content.first == "#" { return }
        if content.starts(with: "export".unicodeScalars),
            content.dropFirst(6).first?.properties.isWhitespace == true
        {
            content = content.dropFirst(6).drop(while: \.properties.isWhitespace)
        }
        guard let equals = content.firstIndex(of: "=") else {
            problems.append(Problem(line: number, sentence: "has no `=`; write NAME=value"))
            return
        }
        let name = Self.trimmed(content[..<equals])
        guard !name.isEmpty, !name.unicodeScalars.contains(where: \.properties.isWhitespace) else {
            problems.append(Problem(line: number, sentence: "has no usable name before `=`; write NAME=value"))
            return
        }
        var rest = content[content.index(after: equals)...].drop(while: \.properties.isWhitespace)
        guard let quote = rest.first, quote == "\"" || quote == "'" else {
            return keep(name, Self.unquoted(rest), number)
        }
        var closed = Self.quoted(rest, by: quote)
        var end = next
        while closed == nil, end < lines.count {
            var longer = String(rest)
            longer.unicodeScalars.append("\n")
            longer.unicodeScalars.append(contentsOf: lines[end])
            rest = Substring(longer).unicodeScalars
            end += 1
            closed = Self.quoted(rest, by: quote)
        }
        guard let closed else {
            problems.append(Problem(line: number, sentence: "opens a quote (\(quote)) that is never closed"))
            return
        }
        next = end
        guard closed.after.isEmpty || closed.after.first == "#" else {
            problems.append(Problem(line: number, sentence: "goes on after the closing quote (\(quote))"))
            return
        }
        keep(name, closed.value, number)
    }

    private mutating func keep(_ name: String, _ value: String, _ line: Int) {
        if Self.isName(name) {
            entries[name] = Entry(value: value, line: line)
        } else {
            foreignNames.insert(name)
        }
    }

    private static func trimmed(_ text: Text) -> String {
        let front = text.drop(while: \.properties.isWhitespace)
        guard let last = front.lastIndex(where: { !$0.properties.isWhitespace }) else { return "" }
        return String(front[...last])
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.unicodeScalars.first, !("0"..."9").contains(first) else { return false }
        return name.unicodeScalars.allSatisfy { scalar in
            scalar == "_" || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
                || ("0"..."9").contains(scalar)
        }
    }

    /// A value without quotes ends at a `#` after white space; white space at its end is removed.
    private static func unquoted(_ text: Text) -> String {
        var previousIsSpace = true
        for index in text.indices {
            if text[index] == "#", previousIsSpace { return trimmed(text[..<index]) }
            previousIsSpace = text[index].properties.isWhitespace
        }
        return trimmed(text)
    }

    /// Splits text that begins with a quote into the value and what follows the closing quote; nil = not closed.
    private static func quoted(_ text: Text, by quote: Unicode.Scalar) -> (value: String, after: Text)? {
        let escapes: [Unicode.Scalar: Unicode.Scalar] = [
            "n": "\n", "r": "\r", "t": "\t", "\"": "\"", "\\": "\\", "$": "$",
        ]
        var value = String.UnicodeScalarView()
        var index = text.index(after: text.startIndex)
        while index < text.endIndex {
            let scalar = text[index]
            index = text.index(after: index)
            if scalar == quote {
                return (String(value), text[index...].drop(while: \.properties.isWhitespace))
            }
            if scalar == "\\", quote == "\"", index < text.endIndex, let escaped = escapes[text[index]] {
                value.append(escaped)
                index = text.index(after: index)
            } else {
                value.append(scalar)
            }
        }
        return nil
    }
}
