/// The quality of a place for a cut, the best last.
enum CutLevel: UInt8, Comparable {
    /// Inside a grapheme cluster that alone is larger than a chunk may be.
    case insideCluster
    /// Inside a word that alone is larger than a chunk may be.
    case insideWord
    /// Between the parts of a word, a number or a name, as in `don't`, `3.14` and `example.com`.
    case wordPart
    case word
    case clause
    case sentence
    case line
    case paragraph

    static func < (left: CutLevel, right: CutLevel) -> Bool { left.rawValue < right.rawValue }
}

/// A place where a text may be cut.
struct Cut {
    /// In bytes.
    var offset: Int32
    /// The tokens of the text before this cut, if a chunk ends here.
    var tokensEnding: Int32
    /// The tokens of the text before this cut, if a chunk begins here; the two differ inside a tokenizer's piece.
    var tokensBeginning: Int32
    var level: CutLevel
}

/// All places where a text may be cut, with the tokens between any two of them.
struct Cuts {
    private(set) var places: [Cut] = []
    /// The tokens of the whole text.
    private(set) var tokens = 0
    /// True if a word had to be cut: then sums of tokens are estimates, and chunks are counted again.
    private(set) var isRough = false

    private let bytes: UTF8Bytes
    private let counter: any TokenCounting
    private let chunkSize: Int
    private var cursor: GraphemeCursor
    private var sum = 0
    /// The number of tokens since the last cut that calls for a closer look: it grows after each look that found no
    /// cut, so that a large cluster of many pieces is not examined again and again.
    private var lookLimit: Int

    /// Finds the cuts of a text.
    ///
    /// - Parameters:
    ///   - text: the text, and `bytes` its own UTF-8.
    ///   - bytes: outlive the cuts.
    ///   - counter: counts the tokens.
    ///   - chunkSize: between two neighbouring cuts there is at most a quarter of these tokens, so that white space
    ///     always fits around them; only a grapheme cluster may have all of them.
    init(of text: String, bytes: UTF8Bytes, counter: any TokenCounting, chunkSize: Int) {
        self.bytes = bytes
        self.counter = counter
        self.chunkSize = chunkSize
        lookLimit = chunkSize / 4
        cursor = GraphemeCursor(text, bytes)
        places.reserveCapacity(bytes.count / 4)
        places.append(Cut(offset: 0, tokensEnding: 0, tokensBeginning: 0, level: .paragraph))
        var start = 0
        counter.forEachPiece(of: text.utf8.span) { end, tokens in
            add(start..<end, tokens)
            start = end
        }
    }

    private var last: Cut { places[places.count - 1] }

    private mutating func add(_ piece: Range<Int>, _ tokens: Int) {
        self.tokens += tokens
        if sum + tokens - Int(last.tokensBeginning) > lookLimit {
            sum = Int(last.tokensBeginning)
            split(Int(last.offset)..<piece.upperBound)
            lookLimit = min(max(unitMax, 2 * (sum - Int(last.tokensBeginning))), chunkSize)
        } else {
            cutBehindMark(piece, tokens)
            sum += tokens
            if cursor.isBorder(piece.upperBound) {
                append(piece.upperBound, CutLevel(in: bytes, at: piece.upperBound))
            }
        }
    }

    private mutating func append(_ offset: Int, _ level: CutLevel) {
        lookLimit = unitMax
        places.append(
            Cut(offset: Int32(offset), tokensEnding: Int32(sum), tokensBeginning: Int32(sum), level: level)
        )
    }

    /// A cut inside a piece that begins with a mark.
    ///
    /// The pattern of cl100k puts one mark and the letters after it into one piece. In scripts without spaces this
    /// hides the best cuts (`。` begins a piece and never ends one), so such a piece is cut after the mark.
    private mutating func cutBehindMark(_ piece: Range<Int>, _ tokens: Int) {
        let mark = bytes.scalar(at: piece.lowerBound)
        let offset = piece.lowerBound + mark.length
        guard offset < piece.upperBound, ScalarClass(mark.value).token == ScalarClass.other else { return }
        let letter = bytes.scalar(at: offset).value
        guard CutLevel.isUnspaced(letter), ScalarClass(letter).token == ScalarClass.letter else { return }
        let level = CutLevel(in: bytes, at: offset)
        guard level > .word, Int(last.offset) == piece.lowerBound, cursor.isBorder(offset) else { return }
        let tokensBehind = counter.count(bytes, offset..<piece.upperBound)
        guard tokensBehind <= unitMax else { return }
        places.append(
            Cut(
                offset: Int32(offset),
                tokensEnding: Int32(sum + counter.count(bytes, piece.lowerBound..<offset)),
                tokensBeginning: Int32(sum + tokens - tokensBehind),
                level: level
            )
        )
    }

    /// Cuts a text that is too large and has no good cut: into small groups of grapheme clusters, and a cluster that is
    /// too large into scalars.
    private mutating func split(_ range: Range<Int>) {
        isRough = true
        var walk = cursor.starting(at: range.lowerBound)
        var start = range.lowerBound
        while start < range.upperBound {
            var end = min(walk.border(after: start), range.upperBound)
            while end < range.upperBound {
                let next = min(walk.border(after: end), range.upperBound)
                if next - start > groupMax || CutLevel(in: bytes, at: end) > .word { break }
                end = next
            }
            let tokens = counter.count(bytes, start..<end)
            if tokens > chunkSize {
                splitCluster(start..<end)
            } else {
                sum += tokens
            }
            if end < range.upperBound {
                let level = CutLevel(in: bytes, at: end)
                append(end, level > .word ? level : .insideWord)
            } else if walk.isBorder(end) {
                append(end, CutLevel(in: bytes, at: end))
            }
            start = end
        }
        cursor = walk
    }

    /// Cuts a cluster between its scalars; the cut at its end is made elsewhere.
    private mutating func splitCluster(_ cluster: Range<Int>) {
        var start = cluster.lowerBound
        while start < cluster.upperBound {
            var end = start + bytes.scalar(at: start).length
            while end < cluster.upperBound, end + bytes.scalar(at: end).length - start <= groupMax {
                end += bytes.scalar(at: end).length
            }
            sum += counter.count(bytes, start..<end)
            if end < cluster.upperBound { append(end, .insideCluster) }
            start = end
        }
    }

    private var unitMax: Int { chunkSize / 4 }

    /// In bytes; a token has at least one byte.
    private var groupMax: Int { chunkSize / 8 }
}

extension TokenCounting {
    /// The number of tokens of a part of a text, counted alone.
    func count(_ bytes: UTF8Bytes, _ range: Range<Int>) -> Int {
        var tokens = 0
        bytes.withSpan(range) { span in forEachPiece(of: span) { tokens += $1 } }
        return tokens
    }
}

extension CutLevel {
    /// The level of a cut between two pieces.
    init(in bytes: UTF8Bytes, at offset: Int) {
        guard offset > 0, offset < bytes.count else {
            self = .paragraph
            return
        }
        let before = bytes.scalar(endingAt: offset)
        let after = bytes.scalar(at: offset).value
        let isBetweenWords = Self.bordersWord(before.value) || Self.bordersWord(after)
        self = isBetweenWords ? .word : .wordPart
        switch before.value {
        case 0x0A, 0x0D:
            self = Self.isEmptyLine(in: bytes, before: offset) ? .paragraph : .line
        case 0x2028:
            self = .line
        case 0x2029:
            self = .paragraph
        case _ where Self.endsSentence(before.value, after):
            self = .sentence
        case _ where Self.closes(before.value) && offset > before.length:
            if Self.endsSentence(bytes.scalar(endingAt: offset - before.length).value, after) { self = .sentence }
        case 0x2C, 0x3A, 0x3B, 0x060C, 0x061B:  // , : ; ، ؛
            if Self.isOpen(after) { self = .clause }
        case 0x3001, 0xFF0C, 0xFF1A, 0xFF1B, 0xFF64:  // 、，：；､
            self = .clause
        default:
            break
        }
    }

    /// White space, or a scalar of a script without spaces between words, where the ends of words are unknown.
    private static func bordersWord(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0..<0x80: scalar == 0x20 || (0x09..<0x0E).contains(scalar)
        case 0x0E00..<0x0F00, 0x1000..<0x10A0, 0x1780..<0x1800: true  // Thai, Lao, Myanmar, Khmer
        default: ScalarClass(scalar).isSpace || isUnspaced(scalar)
        }
    }

    /// Han, Kana, Hangul and their punctuation: scripts whose sentences need no space between them.
    static func isUnspaced(_ scalar: UInt32) -> Bool {
        (0x2E80..<0xD7A4).contains(scalar) || (0xF900..<0xFB00).contains(scalar) || (0xFF00..<0xFFF0).contains(scalar)
            || (0x20000..<0x3FFFF).contains(scalar)
    }

    /// Whether the text after a mark shows that the mark is not just a part of a word or a number.
    private static func isOpen(_ after: UInt32) -> Bool {
        ScalarClass(after).isSpace || isUnspaced(after)
    }

    private static func endsSentence(_ mark: UInt32, _ after: UInt32) -> Bool {
        switch mark {
        // . ! ? … ؟ ۔ ։ and the full stops of Devanagari, Tibetan, Myanmar, Ethiopic and Khmer
        case 0x2E, 0x21, 0x3F, 0x2026, 0x061F, 0x06D4, 0x0589, 0x0964, 0x0965, 0x0F0D, 0x104B, 0x1362, 0x17D4:
            isOpen(after) && !closes(after)
        case 0x3002, 0xFF01, 0xFF0E, 0xFF1F, 0xFF61:  // 。！．？｡
            !closes(after)
        default: false
        }
    }

    private static func closes(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x22, 0x27, 0x29, 0x5D, 0xBB, 0x2019, 0x201D, 0x3009, 0x300B, 0x300D, 0x300F, 0x3011, 0x3015, 0xFF09,
            0xFF3D, 0xFF63:  // " ' ) ] » ’ ” 〉》」』】〕）］｣
            true
        default: false
        }
    }

    /// Whether the line end before the offset ends an empty line.
    private static func isEmptyLine(in bytes: UTF8Bytes, before offset: Int) -> Bool {
        var index = offset - 1
        if bytes[index] == 0x0A, index > 0, bytes[index - 1] == 0x0D { index -= 1 }
        while index > 0, bytes[index - 1] == 0x20 || bytes[index - 1] == 0x09 { index -= 1 }
        return index == 0 || bytes[index - 1] == 0x0A || bytes[index - 1] == 0x0D
    }
}
