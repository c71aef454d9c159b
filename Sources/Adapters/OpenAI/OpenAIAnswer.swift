import Migration

/// The content of an embeddings answer, read without building a tree: 8 KB of base64 per vector.
///
/// Compatible servers deviate in everything that OpenAI promises besides the vectors. So only this is required: as many
/// items as texts, and indices that do not contradict each other.
struct OpenAIAnswer: Sendable, Equatable {
    /// One vector per input, in the order of the inputs; its dimensions are not checked yet.
    ///
    /// Nil if the server gave none for that text: `null`, or something that is no list of numbers. A number that JSON
    /// cannot express is NaN.
    let vectors: [[Float]?]
    /// Whether every vector arrived as base64.
    let isBase64: Bool
    /// `usage.total_tokens`, or `prompt_tokens`; nil if it is missing, 0 or not a number of tokens.
    let tokens: Int?

    /// Reads the body of a 200.
    ///
    /// - Throws: `outcomeUnknown` when it is not the answer to `count` inputs: it broke off, or something in between
    ///   answered.
    init(_ body: [UInt8], count: Int) throws(PortFailure) {
        var reader = Reader()
        do throws(JSONError) {
            try reader.read(body)
        } catch {
            throw PortFailure(
                .outcomeUnknown,
                "the embeddings answer is not the expected JSON, at byte \(error.position)",
                code: body.isEmpty ? "empty_answer" : "unreadable_answer"
            )
        }
        guard reader.items.count == count, let places = Self.places(reader.items.map(\.index)) else {
            throw PortFailure(
                .outcomeUnknown,
                "the embeddings answer holds \(reader.items.count) vectors for \(count) texts, or not one for each",
                code: "unreadable_answer"
            )
        }
        var vectors = [[Float]?](repeating: nil, count: count)
        for (place, item) in zip(places, reader.items) { vectors[place] = item.vector }
        self.vectors = vectors
        isBase64 = reader.isBase64
        tokens = reader.totalTokens ?? reader.promptTokens
    }

    /// The place of each item, according to the indices in the items.
    ///
    /// An item's position counts only if the indices say nothing: none is stated, all stated ones are 0, or all stated
    /// ones equal the position. A single item without an index takes the remaining place.
    ///
    /// - Returns: a permutation of the positions; nil when the indices contradict each other.
    static func places(_ indices: [Int?]) -> [Int]? {
        let positions = indices.indices
        let stated = indices.compactMap(\.self)
        if zip(positions, indices).allSatisfy({ $1 == nil || $1 == $0 }) || stated.allSatisfy({ $0 == 0 }) {
            return Array(positions)
        }
        var left = Set(positions)
        for index in stated where left.remove(index) == nil { return nil }
        guard left.count <= 1 else { return nil }
        return indices.compactMap { $0 ?? left.first }
    }

    private struct Reader {
        struct Item {
            var index: Int?
            var vector: [Float]?
            var hasVector = false
        }

        var items: [Item] = []
        var isBase64 = true
        var totalTokens: Int?
        var promptTokens: Int?

        mutating func read(_ body: [UInt8]) throws(JSONError) {
            var scanner = JSONScanner(body)
            try scanner.object { scanner, key throws(JSONError) in
                switch key {
                case "data": try scanner.array { scanner throws(JSONError) in try readItem(&scanner) }
                case "usage": try readUsage(&scanner)
                default: try scanner.skip()
                }
            }
            try scanner.end()
        }

        private mutating func readItem(_ scanner: inout JSONScanner) throws(JSONError) {
            var item = Item()
            try scanner.object { scanner, key throws(JSONError) in
                switch key {
                case "index": item.index = try Self.whole(&scanner).map { Int($0) }
                case "embedding":
                    item.vector = try readVector(&scanner)
                    item.hasVector = true
                default: try scanner.skip()
                }
            }
            guard item.hasVector else { throw scanner.failure }
            items.append(item)
        }

        /// Nil if the value is no list of numbers.
        private mutating func readVector(_ scanner: inout JSONScanner) throws(JSONError) -> [Float]? {
            switch scanner.peek() {
            case UInt8(ascii: "\""):
                let (content, hasEscapes) = try scanner.rawString()
                let text = hasEscapes ? try scanner.unescaped(content)[...] : scanner.bytes[content]
                guard let vector = Base64.floats(text) else { throw scanner.failure }
                return vector
            case UInt8(ascii: "["):
                // Servers that do not know `encoding_format` send numbers.
                isBase64 = false
                return try Self.numbers(&scanner)
            default:
                try scanner.skip()
                return nil
            }
        }

        private static func numbers(_ scanner: inout JSONScanner) throws(JSONError) -> [Float]? {
            var vector: [Float] = []
            vector.reserveCapacity(1_536)
            var isList = true
            try scanner.array { scanner throws(JSONError) in
                switch scanner.peek() {
                case UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "\""):
                    isList = false
                    try scanner.skip()
                default:
                    // A number that JSON cannot express: most languages write `null`, Python writes a word.
                    if scanner.literal("null") || scanner.nonFinite() { return vector.append(.nan) }
                    guard let value = Float(try scanner.number()) else { throw scanner.failure }
                    vector.append(value)
                }
            }
            return isList ? vector : nil
        }

        private mutating func readUsage(_ scanner: inout JSONScanner) throws(JSONError) {
            guard scanner.peek() == UInt8(ascii: "{") else { return try scanner.skip() }
            try scanner.object { scanner, key throws(JSONError) in
                switch key {
                case "total_tokens": totalTokens = try Self.tokens(&scanner)
                case "prompt_tokens": promptTokens = try Self.tokens(&scanner)
                default: try scanner.skip()
                }
            }
        }

        /// A number of tokens, rounded up; nil if it cannot be one: servers that do not count say 0.
        private static func tokens(_ scanner: inout JSONScanner) throws(JSONError) -> Int? {
            guard let number = try number(&scanner), (1...1e9).contains(number) else { return nil }
            return Int(number.rounded(.up))
        }

        /// A whole number; nil for anything else, and −1 for a number far out of range.
        private static func whole(_ scanner: inout JSONScanner) throws(JSONError) -> Int32? {
            guard let number = try number(&scanner), number.isFinite, number == number.rounded() else { return nil }
            return Int32(exactly: number) ?? -1
        }

        /// A number, also as text; nil for any other value, which is skipped.
        private static func number(_ scanner: inout JSONScanner) throws(JSONError) -> Double? {
            switch scanner.peek() {
            case UInt8(ascii: "\""): return Double(try scanner.string())
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                return scanner.nonFinite() ? nil : Double(try scanner.number())
            default:
                try scanner.skip()
                return nil
            }
        }
    }
}
