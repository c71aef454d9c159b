/// A chunk between two cuts, by their places in the list of cuts.
struct PackedChunk {
    var first: Int
    var last: Int
    var tokens: Int
}

/// Fills chunks up to their limit: each ends at the best cut in the second half of its limit; of equal cuts the last
/// one.
struct Packing {
    let bytes: UTF8Bytes
    let cuts: Cuts
    let counter: any TokenCounting

    func range(_ chunk: PackedChunk) -> Range<Int> {
        Int(cuts.places[chunk.first].offset)..<Int(cuts.places[chunk.last].offset)
    }

    /// Packs the text between the first and the last of some cuts.
    ///
    /// `tokensMax` is not less than the tokens between any two neighbouring cuts; `overlapMax` is the number of tokens
    /// that a chunk may share with the one before it.
    func chunks(_ places: ClosedRange<Int>, tokensMax: Int, overlapMax: Int) -> [PackedChunk] {
        var chunks: [PackedChunk] = []
        let inkEnd = bytes.inkEnd(
            Int(cuts.places[places.lowerBound].offset)..<Int(cuts.places[places.upperBound].offset)
        )
        var start = places.lowerBound
        var end = start
        while end < places.upperBound {
            var chunk = next(start, behind: end, upTo: places.upperBound, tokensMax, inkEnd)
            if chunk == nil, start < end {
                // The overlap leaves no room for the following text.
                start = end
                chunk = next(start, behind: end, upTo: places.upperBound, tokensMax, inkEnd)
            }
            // Neighbouring cuts always fit, except that the halves of a cut word may have one token more.
            let found = chunk ?? PackedChunk(first: start, last: start + 1, tokens: tokens(start, start + 1))
            chunks.append(found)
            end = found.last
            start = overlapStart(found, overlapMax)
        }
        return chunks
    }

    /// The chunk that begins at one cut and ends after another; `nil` when none fits.
    private func next(_ start: Int, behind: Int, upTo limit: Int, _ tokensMax: Int, _ inkEnd: Int) -> PackedChunk? {
        let base = cuts.places[start].tokensBeginning
        var farthest = behind
        while farthest < limit, Int(cuts.places[farthest + 1].tokensEnding - base) <= tokensMax { farthest += 1 }
        while farthest > behind {
            let last = farthest == limit ? limit : best(start, behind, farthest, tokensMax, inkEnd)
            let tokens = tokens(start, last)
            if tokens <= tokensMax { return PackedChunk(first: start, last: last, tokens: tokens) }
            farthest = last - 1
        }
        return nil
    }

    /// The best cut after `behind` and up to `farthest` that leaves neither the chunk nor the rest blank.
    private func best(_ start: Int, _ behind: Int, _ farthest: Int, _ tokensMax: Int, _ inkEnd: Int) -> Int {
        let base = cuts.places[start].tokensBeginning
        let offset = Int(cuts.places[start].offset)
        let inkStart = bytes.inkStart(offset..<Int(cuts.places[farthest].offset))
        var best: Int?
        var place = farthest
        while place > behind {
            let cut = cuts.places[place]
            let isFull = Int(cut.tokensEnding - base) * 2 >= tokensMax
            if !isFull, let best, cuts.places[best].level >= .word { break }
            if Int(cut.offset) > inkStart, Int(cut.offset) < inkEnd {
                if best.map({ cuts.places[$0].level < cut.level }) ?? true { best = place }
            }
            place -= 1
        }
        return best ?? farthest
    }

    /// Where the chunk after this one begins: at the best cut among its last tokens; of equal cuts the first one.
    private func overlapStart(_ chunk: PackedChunk, _ overlapMax: Int) -> Int {
        let end = cuts.places[chunk.last].tokensEnding
        var best = chunk.last
        var place = chunk.last - 1
        while place > chunk.first, Int(end - cuts.places[place].tokensBeginning) <= overlapMax {
            let level = cuts.places[place].level
            if level >= .word, best == chunk.last || level >= cuts.places[best].level { best = place }
            place -= 1
        }
        while best < chunk.last, tokens(best, chunk.last) > overlapMax { best += 1 }
        return best
    }

    /// The tokens between two cuts, counted alone.
    private func tokens(_ first: Int, _ last: Int) -> Int {
        let range = Int(cuts.places[first].offset)..<Int(cuts.places[last].offset)
        // At the end of a chunk, white space is one piece; in the whole text it may be several pieces.
        let inkEnd = bytes.inkEnd(range)
        let isSplit = last > first && inkEnd < range.upperBound && Int(cuts.places[last - 1].offset) > inkEnd
        if cuts.isRough || isSplit { return counter.count(bytes, range) }
        return Int(cuts.places[last].tokensEnding - cuts.places[first].tokensBeginning)
    }
}

extension UTF8Bytes {
    func isBlank(_ range: Range<Int>) -> Bool {
        inkStart(range) == range.upperBound
    }

    /// The first byte that is not white space, or the end.
    func inkStart(_ range: Range<Int>) -> Int {
        var index = range.lowerBound
        while index < range.upperBound {
            let scalar = scalar(at: index)
            if !ScalarClass(scalar.value).isSpace { break }
            index += scalar.length
        }
        return index
    }

    /// The end of the last scalar that is not white space, or the start.
    func inkEnd(_ range: Range<Int>) -> Int {
        var index = range.upperBound
        while index > range.lowerBound {
            let scalar = scalar(endingAt: index)
            if !ScalarClass(scalar.value).isSpace { break }
            index -= scalar.length
        }
        return index
    }
}
