/// Counts the tokens of texts, piece by piece: everything that a chunker needs of a tokenizer.
///
/// `Tokenizer` is the exact one. `WordTokenizer` needs no vocabulary and serves demonstrations and tests.
public protocol TokenCounting: Sendable {
    /// The name of the tokenizer and its vocabulary in the profile of every point; another name means other chunks.
    var identity: String { get }

    /// Cuts a text into pieces, in order and without gaps, and reports the tokens of each.
    ///
    /// A piece has at least one byte and one token, at most as many tokens as bytes, and ends between two scalars. The
    /// text after the end of any piece, taken alone, has the same pieces. A text that is cut at the ends of pieces has
    /// at most as many tokens as its pieces.
    ///
    /// - Parameters:
    ///   - utf8: the whole text, valid UTF-8.
    ///   - piece: called with the byte offset of each piece's end and its tokens.
    func forEachPiece(of utf8: Span<UInt8>, _ piece: (_ end: Int, _ tokens: Int) -> Void)
}

extension TokenCounting {
    /// The number of tokens of a text.
    public func count(_ text: String) -> Int {
        var tokens = 0
        forEachPiece(of: text.utf8.span) { tokens += $1 }
        return tokens
    }
}

/// Counts words, **not cl100k_base tokens**: no vocabulary, no exact limits, and other points than in production.
///
/// One token for each four ASCII letters or digits begun, for each other scalar and for each run of white space; for
/// English about as many tokens as cl100k_base. For demonstrations, simulations and tests.
public struct WordTokenizer: TokenCounting {
    /// It shows that the counts are not those of cl100k_base.
    public let identity = "words-not-cl100k_base"

    /// Makes a tokenizer; all are the same.
    public init() {}

    /// Cuts a text into words, runs of white space and single signs.
    public func forEachPiece(of utf8: Span<UInt8>, _ piece: (_ end: Int, _ tokens: Int) -> Void) {
        unsafe utf8.withUnsafeBufferPointer { buffer in
            let text = unsafe UTF8Bytes(buffer)
            var index = 0
            while index < text.count {
                let start = index
                let byte = text[index]
                if byte >= 0x80 {
                    index += text.scalar(at: index).length
                    piece(index, 1)
                } else if byte.isASCIIAlphanumeric {
                    while index < text.count, text[index].isASCIIAlphanumeric { index += 1 }
                    piece(index, (index - start + 3) / 4)
                } else if byte <= 0x20 {
                    while index < text.count, text[index] <= 0x20 { index += 1 }
                    piece(index, 1)
                } else {
                    index += 1
                    piece(index, 1)
                }
            }
        }
    }
}
