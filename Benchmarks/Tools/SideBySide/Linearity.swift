import Foundation

/// Whether each step takes time in proportion to the bytes of a text: its speed at growing sizes of some awkward texts.
struct Linearity {
    /// How many times slower a byte of a larger text may be than one of a smaller text of the same kind.
    ///
    /// What grows with the square of the length is far above, at a thousand times the bytes; caches and a logarithm are
    /// below.
    private static let slowdownMax = 3.0

    /// A text of so few bytes may be one chunk, which needs no cuts: no measure for larger ones.
    private static let oneChunk = 1_000

    let steps: [(name: String, run: (String) -> Void)]

    /// Prints megabytes per second of processor time at each size; false when a step is not linear.
    func check(sample: String) -> Bool {
        let line = sample.replacing("\n", with: " ")
        let kinds: [(name: String, sizes: [Int], text: (Int) -> String)] = [
            ("paragraphs", [1_000, 30_000, 1_000_000, 20_000_000], { Self.repeating(sample, $0) }),
            ("one line", [1_000, 30_000, 1_000_000, 20_000_000], { Self.repeating(line, $0) }),
            ("one word", [1_000, 30_000, 1_000_000, 5_000_000], Self.word),
            ("marks on one letter", [1_000, 20_000, 1_000_000, 5_000_000], { Self.repeating("\u{301}", $0, "e") }),
        ]
        var isLinear = true
        print("MB/s by size".padded(24) + "bytes".padded(12) + steps.map { $0.name.padded(12) }.joined())
        for (name, sizes, text) in kinds {
            var best = [Double](repeating: 0, count: steps.count)
            for size in sizes {
                let text = text(size)
                let megabytes = Double(text.utf8.count) / 1e6
                let speeds = steps.map { step in
                    megabytes / fastest(runsMin: 2, secondsMin: 0.2) { step.run(text) }
                }
                let cells = zip(speeds, best).map { speed, best in
                    let isSlow = speed * Self.slowdownMax < best
                    if isSlow { isLinear = false }
                    return (String(format: "%.1f", speed) + (isSlow ? " slow" : "")).padded(12)
                }
                if size > Self.oneChunk { best = zip(best, speeds).map { max($0, $1) } }
                print(name.padded(24) + "\(size)".padded(12) + cells.joined())
            }
        }
        if !isLinear { print("slow: more than \(Self.slowdownMax) times the time a byte of a smaller text takes") }
        return isLinear
    }

    private static func repeating(_ part: String, _ bytes: Int, _ start: String = "") -> String {
        let whole = String(repeating: part, count: bytes / part.utf8.count + 1)
        return start + String(decoding: whole.utf8.prefix(bytes), as: UTF8.self)
    }

    /// Letters without a pattern.
    private static func word(_ bytes: Int) -> String {
        var state: UInt64 = 1
        return String(
            decoding: (0..<bytes).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return 0x61 + UInt8(state >> 33 % 26)
            },
            as: UTF8.self
        )
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}
