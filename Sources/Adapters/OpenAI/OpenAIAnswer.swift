import Migration

/// What an embeddings answer holds, read without building a tree: 8 KB of base64 a vector.
struct OpenAIAnswer: Sendable, Equatable {
    /// One vector an input, in the order of the inputs; checked for count and order, not yet for dimensions.
    let vectors: [[Float]]
    /// Whether every vector came as base64.
    let isBase64: Bool
    /// `usage.total_tokens`, or `prompt_tokens`.
    let tokens: Int?

    /// Reads the body of a 200.
    ///
    /// - Throws: `outcomeUnknown` when it is not the answer to `count` inputs: it broke off, or somebody in between
    ///   answered.
    init(_ body: [UInt8], count: Int) throws(PortFailure) {
        var reader = Reader(count: count)
        do throws(JSONError) {
            try reader.read(body)
        } catch {
            throw PortFailure(
                .outcomeUnknown,
                "the embeddings answer is not the JSON expected, at byte \(error.position)"
            )
        }
        guard reader.items == count, let vectors = reader.inOrder else {
            throw PortFailure(
                .outcomeUnknown,
                "the embeddings answer holds \(reader.items) vectors for \(count) texts, or not one for each"
            )
        }
        self.vectors = vectors
        isBase64 = reader.isBase64
        tokens = reader.totalTokens ?? reader.promptTokens
    }

    private struct Reader {
        /// By `index`: the position in the answer means nothing.
        var vectors: [[Float]?]
        var items = 0
        var isBase64 = true
        var totalTokens: Int?
        var promptTokens: Int?

        init(count: Int) { vectors = Array(repeating: nil, count: count) }

        /// Nil unless every index was there; with as many items as indices, each was there once.
        var inOrder: [[Float]]? {
            let present = vectors.compactMap(\.self)
            return present.count == vectors.count ? present : nil
        }

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
            var index: Int?
            var vector: [Float]?
            try scanner.object { scanner, key throws(JSONError) in
                switch key {
                case "index": index = Int(try scanner.number())
                case "embedding": vector = try readVector(&scanner)
                default: try scanner.skip()
                }
            }
            items += 1
            guard let index, vectors.indices.contains(index) else { return }
            vectors[index] = vector
        }

        private mutating func readVector(_ scanner: inout JSONScanner) throws(JSONError) -> [Float] {
            if scanner.peek() == UInt8(ascii: "\"") {
                let (content, hasEscapes) = try scanner.rawString()
                let text = hasEscapes ? try scanner.unescaped(content)[...] : scanner.bytes[content]
                guard let vector = Base64.floats(text) else { throw scanner.failure }
                return vector
            }
            // Servers that do not know `encoding_format` send numbers.
            isBase64 = false
            var vector: [Float] = []
            vector.reserveCapacity(1_536)
            try scanner.array { scanner throws(JSONError) in
                guard let value = Float(try scanner.number()) else { throw scanner.failure }
                vector.append(value)
            }
            return vector
        }

        private mutating func readUsage(_ scanner: inout JSONScanner) throws(JSONError) {
            guard scanner.peek() == UInt8(ascii: "{") else { return try scanner.skip() }
            try scanner.object { scanner, key throws(JSONError) in
                switch key {
                case "total_tokens": totalTokens = scanner.literal("null") ? nil : Int(try scanner.number())
                case "prompt_tokens": promptTokens = scanner.literal("null") ? nil : Int(try scanner.number())
                default: try scanner.skip()
                }
            }
        }
    }
}

/// Little-endian float32 numbers in base64, as `encoding_format: base64` gives them.
enum Base64 {
    /// Nil for anything that is not base64 of whole numbers; padding may be left out.
    static func floats(_ text: ArraySlice<UInt8>) -> [Float]? {
        var text = text
        while text.last == UInt8(ascii: "=") { text.removeLast() }
        let bytes = text.count * 3 / 4
        guard bytes % 4 == 0, text.count % 4 != 1 else { return nil }
        var floats: [Float] = []
        floats.reserveCapacity(bytes / 4)
        // The accumulator holds at most 31 bits that are waiting and 6 that are coming.
        var accumulator: UInt64 = 0
        var bits = 0
        let values = values
        for byte in text {
            let value = values[Int(byte)]
            guard value < 64 else { return nil }
            accumulator = accumulator << 6 | UInt64(value)
            bits += 6
            if bits >= 32 {
                bits -= 32
                let word = UInt32(truncatingIfNeeded: accumulator >> bits)
                floats.append(Float(bitPattern: word.byteSwapped))
            }
        }
        return floats
    }

    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for (index, byte) in alphabet.utf8.enumerated() { values[Int(byte)] = UInt8(index) }
        return values
    }()
}
