/// Unicode normalisation form KC, from our own tables so that no toolchain and no host can change a checksum.
struct CompatibilityForm: Sendable {
    static let shared = CompatibilityForm()

    /// 0 for a scalar that never changes, otherwise an index into `entries`; with `inertBit` the scalar stays unchanged
    /// unless a later scalar composes with it.
    private let table: ScalarTable
    private let entries: [Entry]
    private let compositions: [UInt64: UInt32]

    private struct Entry {
        /// The full decomposition; empty if the scalar decomposes to itself.
        var scalars: [UInt32] = []
        var combiningClass: UInt8 = 0
        var isInert = false
    }
    private static let inertBit: UInt16 = 0x8000

    private init() {
        var entries: [UInt32: Entry] = [:]
        var reader = TableReader(compatibilityDecompositions)
        while reader.findsMore() {
            let scalar = reader.number()
            let isInert = reader.byte == 0x2A
            if isInert { reader.skip() }
            reader.skip()
            entries[scalar] = Entry(scalars: reader.numbers(), isInert: isInert)
        }
        reader = TableReader(combiningClasses)
        while reader.findsMore() {
            let combiningClass = UInt8(reader.number())
            reader.skip()
            let first = reader.number()
            reader.skip()
            for scalar in first..<first + reader.number() {
                entries[scalar, default: Entry()].combiningClass = combiningClass
            }
        }
        var compositions: [UInt64: UInt32] = [:]
        reader = TableReader(canonicalCompositions)
        while reader.findsMore() {
            let pair = reader.numbers()
            reader.skip()
            compositions[UInt64(pair[0]) << 32 | UInt64(pair[1])] = reader.number()
            entries[pair[1], default: Entry()].isInert = false
        }
        for scalar in [Hangul.vowels, Hangul.trailers].joined() { entries[scalar, default: Entry()].isInert = false }
        let sorted = entries.sorted { $0.key < $1.key }
        self.entries = [Entry()] + sorted.map(\.value)
        self.compositions = compositions
        table = ScalarTable(
            runs: sorted.enumerated().map { place, entry in
                (entry.key..<entry.key + 1, UInt16(place + 1) | (entry.value.isInert ? Self.inertBit : 0))
            }
        )
    }

    /// The text in form KC; `nil` when it is in that form already.
    func normalised(_ text: UTF8Bytes) -> [UInt8]? {
        var output: [UInt8] = []
        var written = 0  // the input before it is in `output`
        var starter = -1  // the last inert scalar not yet written
        var index = 0
        var segment: [UInt32] = []
        while index < text.count {
            if text[index] < 0x80 {
                starter = index
                index += 1
                continue
            }
            let (scalar, length) = text.scalar(at: index)
            if isInert(table[scalar]) {
                starter = index
                index += length
                continue
            }
            // From the previous scalar, which this one may change, to the next one that cannot change.
            let start = starter >= written ? starter : index
            var end = start
            segment.removeAll(keepingCapacity: true)
            repeat {
                let (scalar, length) = text.scalar(at: end)
                if end > index, isInert(table[scalar]) { break }
                decompose(scalar, into: &segment)
                end += length
            } while end < text.count
            text.append(written..<start, to: &output)
            order(&segment)
            compose(&segment)
            for scalar in segment { output.append(scalar: scalar) }
            (written, index, starter) = (end, end, -1)
        }
        if written == 0 { return nil }
        text.append(written..<text.count, to: &output)
        return output
    }

    @inline(__always)
    private func isInert(_ value: UInt16) -> Bool {
        value == 0 || value & Self.inertBit != 0
    }

    @inline(__always)
    private func entry(_ scalar: UInt32) -> Int {
        Int(table[scalar] & ~Self.inertBit)
    }

    private func combiningClass(_ scalar: UInt32) -> UInt8 {
        let entry = entry(scalar)
        return entry == 0 ? 0 : entries[entry].combiningClass
    }

    private func decompose(_ scalar: UInt32, into segment: inout [UInt32]) {
        let entry = entry(scalar)
        if entry != 0, !entries[entry].scalars.isEmpty {
            segment.append(contentsOf: entries[entry].scalars)
        } else if let parts = Hangul.decompose(scalar) {
            segment.append(contentsOf: parts)
        } else {
            segment.append(scalar)
        }
    }

    /// Canonical ordering: marks between two starters, stably by combining class.
    private func order(_ segment: inout [UInt32]) {
        var start = 0
        while start < segment.count {
            guard combiningClass(segment[start]) != 0 else {
                start += 1
                continue
            }
            var keys: [UInt64] = []
            var end = start
            while end < segment.count {
                let combiningClass = combiningClass(segment[end])
                if combiningClass == 0 { break }
                keys.append(UInt64(combiningClass) << 56 | UInt64(end))
                end += 1
            }
            if keys.count > 1 {
                keys.sort()
                let marks = keys.map { segment[Int($0 & 0xFF_FFFF_FFFF_FFFF)] }
                segment.replaceSubrange(start..<end, with: marks)
            }
            start = end
        }
    }

    /// Canonical composition; a mark is blocked by one of the same or a higher class between it and its starter.
    private func compose(_ segment: inout [UInt32]) {
        var starter = -1
        var classBefore: UInt8 = 0
        var count = 0
        for scalar in segment {
            let combiningClass = combiningClass(scalar)
            if starter >= 0, count == starter + 1 || classBefore < combiningClass,
                let composed = composition(segment[starter], scalar)
            {
                segment[starter] = composed
                continue
            }
            if combiningClass == 0 { starter = count }
            classBefore = combiningClass
            segment[count] = scalar
            count += 1
        }
        segment.removeLast(segment.count - count)
    }

    private func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
        Hangul.compose(first, second) ?? compositions[UInt64(first) << 32 | UInt64(second)]
    }
}

/// Hangul syllables are composed by arithmetic (Unicode standard, section 3.12).
private enum Hangul {
    static let syllables: Range<UInt32> = 0xAC00..<0xD7A4
    static let leaders: Range<UInt32> = 0x1100..<0x1113
    static let vowels: Range<UInt32> = 0x1161..<0x1176
    static let trailers: Range<UInt32> = 0x11A8..<0x11C3

    static func decompose(_ scalar: UInt32) -> [UInt32]? {
        guard syllables.contains(scalar) else { return nil }
        let place = scalar - syllables.lowerBound
        let pair = [leaders.lowerBound + place / 588, vowels.lowerBound + place % 588 / 28]
        return place % 28 == 0 ? pair : pair + [trailers.lowerBound + place % 28 - 1]
    }

    static func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if leaders.contains(first), vowels.contains(second) {
            return syllables.lowerBound + (first - leaders.lowerBound) * 588 + (second - vowels.lowerBound) * 28
        }
        if syllables.contains(first), (first - syllables.lowerBound) % 28 == 0, trailers.contains(second) {
            return first + second - trailers.lowerBound + 1
        }
        return nil
    }
}
