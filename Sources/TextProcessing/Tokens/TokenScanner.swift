/// Cuts a text into the pieces that cl100k_base tokenises one by one.
///
/// The published pattern, written by hand. Its alternatives, of which the first match wins:
/// 1. `'` and s, d, m, t, ll, ve or re in any case (U+017F is an s in one);
/// 2. at most one scalar that is no letter, number, CR or LF, then letters;
/// 3. one to three numbers;
/// 4. at most one U+0020, then scalars that are no white space, letter or number, then all CR and LF that follow;
/// 5. white space: all of it at the end of the text; through its last CR or LF; all but its last scalar; all of it.
enum TokenScanner {
    /// Calls `piece` with the start and the end of each piece, in bytes.
    @inline(__always)
    static func forEachPiece(of text: UTF8Bytes, _ piece: (_ start: Int, _ end: Int) -> Void) {
        let scanner = Scanner(text: text, table: ScalarClass.table)
        var start = 0
        while start < text.count {
            let end = scanner.pieceEnd(start)
            piece(start, end)
            start = end
        }
    }
}

private struct Scanner {
    let text: UTF8Bytes
    let table: ScalarTable

    /// The class of the scalar at an offset, and its length in bytes.
    @inline(__always)
    private func scalar(_ index: Int) -> (token: UInt16, length: Int) {
        let (value, length) = text.scalar(at: index)
        return (table[value] & 7, length)
    }

    /// The end of the scalars of one class that begin at `start`.
    @inline(__always)
    private func end(of token: UInt16, from start: Int) -> Int {
        var index = start
        while index < text.count {
            let next = scalar(index)
            if next.token != token { break }
            index += next.length
        }
        return index
    }

    @inline(__always)
    private func lineEnds(from start: Int) -> Int {
        end(of: ScalarClass.lineEnd, from: start)
    }

    func pieceEnd(_ start: Int) -> Int {
        let first = scalar(start)
        let second = start + first.length
        switch first.token {
        case ScalarClass.letter:
            return end(of: ScalarClass.letter, from: second)
        case ScalarClass.number:
            var index = second
            for _ in 0..<2 where index < text.count {
                let next = scalar(index)
                if next.token != ScalarClass.number { break }
                index += next.length
            }
            return index
        case ScalarClass.lineEnd:
            return spaceEnd(start)
        default:
            if text[start] == 0x27, let end = contraction(start) { return end }
            if second < text.count {
                let next = scalar(second)
                if next.token == ScalarClass.letter {
                    return end(of: ScalarClass.letter, from: second + next.length)
                }
                if next.token == ScalarClass.other, text[start] == 0x20 {
                    return lineEnds(from: end(of: ScalarClass.other, from: second))
                }
            }
            if first.token == ScalarClass.other {
                return lineEnds(from: end(of: ScalarClass.other, from: second))
            }
            return spaceEnd(start)
        }
    }

    private func contraction(_ start: Int) -> Int? {
        guard start + 1 < text.count else { return nil }
        let first = text[start + 1] | 0x20
        switch first {
        case 0x73, 0x64, 0x6D, 0x74: return start + 2
        default: break
        }
        guard start + 2 < text.count else { return nil }
        if text[start + 1] == 0xC5, text[start + 2] == 0xBF { return start + 3 }
        switch (first, text[start + 2] | 0x20) {
        case (0x6C, 0x6C), (0x76, 0x65), (0x72, 0x65): return start + 3
        default: return nil
        }
    }

    private func spaceEnd(_ start: Int) -> Int {
        var index = start
        var last = start
        var lineEnd: Int?
        while index < text.count {
            let next = scalar(index)
            if next.token < ScalarClass.space { break }
            last = index
            index += next.length
            if next.token == ScalarClass.lineEnd { lineEnd = index }
        }
        if index == text.count { return index }
        if let lineEnd { return lineEnd }
        return last > start ? last : index
    }
}
