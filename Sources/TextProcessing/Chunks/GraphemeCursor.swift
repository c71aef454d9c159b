/// Finds the borders between grapheme clusters, asked in ascending order: linear in the text, also with long clusters.
struct GraphemeCursor {
    private let text: String
    private let bytes: UTF8Bytes
    /// A border.
    private var border = 0
    /// An earlier border; there is none between it and `border`.
    private var borderBefore = 0
    /// The index of `border` from `String`; an index from elsewhere is aligned first, which may take long.
    private var index: String.Index?

    /// Makes a cursor for a text and its bytes.
    init(_ text: String, _ bytes: UTF8Bytes) {
        self.text = text
        self.bytes = bytes
    }

    /// A cursor for questions from an offset on, which may lie before earlier questions.
    func starting(at offset: Int) -> Self {
        var cursor = self
        if offset < borderBefore { cursor.set(offset) }
        return cursor
    }

    /// Whether an offset between two scalars is a border between two clusters.
    mutating func isBorder(_ offset: Int) -> Bool {
        if offset <= border { return offset == border }
        if offset >= bytes.count { return true }
        let before = bytes.scalar(endingAt: offset).value
        let after = bytes.scalar(at: offset).value
        if Self.isPlain(before), Self.isPlain(after), before != 0x0D || after != 0x0A {
            set(offset)
            return true
        }
        while border < offset { advance() }
        return border == offset
    }

    /// The first border after an offset.
    mutating func border(after offset: Int) -> Int {
        while border <= offset { advance() }
        return border
    }

    private mutating func set(_ offset: Int) {
        (borderBefore, border, index) = (offset, offset, nil)
    }

    private mutating func advance() {
        let next = text.index(after: index ?? text.utf8.index(text.startIndex, offsetBy: border))
        (borderBefore, border, index) = (border, text.utf8.distance(from: text.startIndex, to: next), next)
    }

    /// Whether two such scalars in a row are always two clusters, except CR LF; `false` means unknown.
    ///
    /// Blocks without marks, joiners, pictographs, conjoining letters of Hangul and prepended signs (UAX 29, rules GB6 to
    /// GB13). Whole syllables of Hangul join only such letters.
    private static func isPlain(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0..<0x300, 0x370..<0x483, 0x48A..<0x591, 0x5D0..<0x5EB, 0x620..<0x64B, 0x1E00..<0x200B, 0x2010..<0x2028,
            0x3001..<0x302A, 0x3041..<0x3097, 0x30A0..<0x3100, 0x4E00..<0xA000, 0xAC00..<0xD7A4, 0xFF01..<0xFF9E:
            true
        default: false
        }
    }
}
