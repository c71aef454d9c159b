/// A text of SQL, statement by statement, each with its semicolon; concatenated they are the text.
func sqlStatements(_ text: String) -> [String] {
    var statements: [String] = []
    var start = text.startIndex
    var rest = text[...]
    /// Passes over everything up to and with a mark.
    func skip(to mark: String) {
        rest = rest.firstRange(of: mark).map { rest[$0.upperBound...] } ?? rest.suffix(0)
    }
    while let character = rest.first {
        if rest.hasPrefix("--") {
            skip(to: "\n")
        } else if character == "'" {
            rest.removeFirst()
            skip(to: "'")
        } else if rest.hasPrefix("$$") {
            rest.removeFirst(2)
            skip(to: "$$")
        } else {
            rest.removeFirst()
            if character == ";" {
                statements.append(String(text[start..<rest.startIndex]))
                start = rest.startIndex
            }
        }
    }
    return statements
}
