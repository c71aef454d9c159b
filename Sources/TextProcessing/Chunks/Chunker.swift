/// A part of a record's text that is embedded, and its place in it.
public struct ChildChunk: Sendable, Hashable {
    /// Its bytes in the record's normalised text, UTF-8.
    public let utf8: Range<Int>
    /// Its tokens, counted alone.
    public let tokens: Int
    /// How many of its first bytes are also the last of the child before it; 0 for the first child.
    public let overlap: Int

    /// The child's text.
    ///
    /// - Parameter text: the text that was chunked.
    /// - Returns: the bytes of `utf8` as a text of their own.
    public func text(in text: String) -> String {
        text.utf8Slice(utf8)
    }
}

/// A part of a record's text that gives context to the children in it, and its place in the text.
public struct ParentChunk: Sendable, Hashable {
    /// Its bytes in the record's normalised text, UTF-8.
    public let utf8: Range<Int>
    /// Its tokens, counted alone.
    public let tokens: Int
    /// Its children in order: either the parent itself is the only one, or each overlaps the one before it.
    public let children: [ChildChunk]

    /// The parent's text.
    ///
    /// - Parameter text: the text that was chunked.
    /// - Returns: the bytes of `utf8` as a text of their own.
    public func text(in text: String) -> String {
        text.utf8Slice(utf8)
    }
}

/// Cuts a record's text into parents, and parents into children, at the best boundaries that the limits allow.
///
/// Promises: the parents joined together are the text, byte for byte. The children without their overlaps are their
/// parent. No chunk has more tokens than its limit, counted again alone. No cut is inside a scalar, and none is inside
/// a grapheme cluster unless that cluster alone is larger than a child may be. No chunk is blank, unless white space or
/// a cluster in the text has more than a quarter of a child's tokens; then a blank child is left out. The same text and
/// limits give the same chunks on every host. Linear in the length of the text.
public struct Chunker: Sendable {
    /// The name of these rules in the profile; it changes when any cut may change.
    public static let version = "chunker-1"

    /// The largest text, in bytes.
    public static let bytesMax = Int(Int32.max)

    /// The largest sizes of chunks.
    public let limits: ChunkLimits
    private let counter: any TokenCounting

    /// Makes a chunker.
    ///
    /// - Parameters:
    ///   - counter: counts the tokens; in production the exact `Tokenizer`.
    ///   - limits: the largest sizes of chunks.
    public init(counter: any TokenCounting, limits: ChunkLimits = .standard) {
        self.counter = counter
        self.limits = limits
    }

    /// Cuts a text.
    ///
    /// - Parameter text: a normalised text of at most `bytesMax` bytes; the promises also hold for other texts.
    /// - Returns: the parents in order; none for a text that contains only white space.
    public func parents(of text: String) -> [ParentChunk] {
        var text = text
        text.makeContiguousUTF8()
        let whole = text
        return whole.withBytes { bytes in
            precondition(bytes.count <= Self.bytesMax, "a text of more than \(Self.bytesMax) bytes cannot be chunked")
            guard !bytes.isBlank(0..<bytes.count) else { return [] }
            if bytes.count <= limits.chunkSize {
                let tokens = counter.count(bytes, 0..<bytes.count)
                return [single(0..<bytes.count, tokens)]
            }
            let cuts = Cuts(of: whole, bytes: bytes, counter: counter, chunkSize: limits.chunkSize)
            let packing = Packing(bytes: bytes, cuts: cuts, counter: counter)
            let last = cuts.places.count - 1
            if cuts.tokens <= limits.parentMaxTokens {
                return [parent(PackedChunk(first: 0, last: last, tokens: cuts.tokens), packing)]
            }
            return packing.chunks(0...last, tokensMax: limits.parentChunkSize, overlapMax: 0)
                .map { parent($0, packing) }
        }
    }

    private func single(_ range: Range<Int>, _ tokens: Int) -> ParentChunk {
        ParentChunk(utf8: range, tokens: tokens, children: [ChildChunk(utf8: range, tokens: tokens, overlap: 0)])
    }

    private func parent(_ chunk: PackedChunk, _ packing: Packing) -> ParentChunk {
        let range = packing.range(chunk)
        if chunk.tokens <= limits.chunkSize {
            guard !packing.bytes.isBlank(range) else {
                return ParentChunk(utf8: range, tokens: chunk.tokens, children: [])
            }
            return single(range, chunk.tokens)
        }
        var children: [ChildChunk] = []
        var end = range.lowerBound
        for child in packing.chunks(
            chunk.first...chunk.last,
            tokensMax: limits.chunkSize,
            overlapMax: limits.chunkOverlap
        ) {
            let range = packing.range(child)
            if !packing.bytes.isBlank(range) {
                children.append(ChildChunk(utf8: range, tokens: child.tokens, overlap: max(0, end - range.lowerBound)))
            }
            end = range.upperBound
        }
        return ParentChunk(utf8: range, tokens: chunk.tokens, children: children)
    }
}

extension String {
    fileprivate func utf8Slice(_ range: Range<Int>) -> String {
        withBytes { $0.string(range) }
    }
}
