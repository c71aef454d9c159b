import Crypto

/// The exact cl100k_base tokenizer: the same tokens as tiktoken's `encode_ordinary`.
///
/// Special tokens such as `<|endoftext|>` are plain text here. Immutable: one tokenizer serves any number of threads.
public struct Tokenizer: TokenCounting {
    /// The SHA-256 of the vocabulary, `cl100k_base.tiktoken` as OpenAI publishes it.
    public static let vocabularyChecksum = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"

    /// The name of the vocabulary.
    public let identity = "cl100k_base"

    private let memory = TableMemory()
    private let merge: BytePairMerge

    /// Makes a tokenizer.
    ///
    /// - Parameter vocabulary: the contents of the file `cl100k_base.tiktoken`, 1,681,126 bytes.
    /// - Throws: when these bytes are not the published ones. An altered vocabulary would silently count other tokens.
    public init(vocabulary: [UInt8]) throws(TextError) {
        let checksum = SHA256.hash(data: vocabulary).hexadecimal
        guard checksum == Self.vocabularyChecksum else {
            throw TextError(
                "the tokenizer vocabulary has \(vocabulary.count) bytes and the SHA-256 \(checksum), "
                    + "but cl100k_base.tiktoken has 1681126 bytes and the SHA-256 \(Self.vocabularyChecksum)"
            )
        }
        merge = BytePairMerge(BytePairVocabulary(file: vocabulary, in: memory), in: memory)
    }

    /// The tokens of a text.
    ///
    /// - Returns: ranks of the cl100k_base vocabulary, each below 100,256.
    public func encode(_ text: String) -> [UInt32] {
        var tokens: [UInt32] = []
        withExtendedLifetime(memory) {
            text.withBytes { bytes in
                TokenScanner.forEachPiece(of: bytes) { start, end in
                    merge.encode(bytes, start..<end) { tokens.append($0) }
                }
            }
        }
        return tokens
    }

    /// Cuts a text into the pieces of the cl100k pattern and reports the tokens of each.
    public func forEachPiece(of utf8: Span<UInt8>, _ piece: (_ end: Int, _ tokens: Int) -> Void) {
        unsafe utf8.withUnsafeBufferPointer { buffer in
            let bytes = unsafe UTF8Bytes(buffer)
            withExtendedLifetime(memory) {
                CountMemory.with(bytes) { counts in
                    TokenScanner.forEachPiece(of: bytes) { start, end in
                        piece(end, merge.count(bytes, start..<end, counts))
                    }
                }
            }
        }
    }
}
