import Migration
import Testing
import TextProcessing

/// The promises of `Chunker` that `parents` breaks for `text`, as sentences; none when all are kept.
func brokenPromises(_ text: String, _ chunker: Chunker, _ counter: any TokenCounting) -> [String] {
    var broken: [String] = []
    let bytes = Array(text.utf8)
    let limits = chunker.limits
    let parents = chunker.parents(of: text)
    if parents != chunker.parents(of: text) { broken.append("two runs differ") }
    if parents.flatMap({ Array($0.text(in: text).utf8) }) != bytes { broken.append("parents are not the text") }
    let parentMax = parents.count == 1 ? limits.parentMaxTokens : limits.parentChunkSize
    var end = 0
    for parent in parents {
        if parent.utf8.lowerBound != end { broken.append("a gap before the parent at \(parent.utf8)") }
        end = parent.utf8.upperBound
        broken += chunkProblems(parent.utf8, parent.tokens, parentMax, bytes, limits, counter)
        var childEnd = parent.utf8.lowerBound
        for child in parent.children {
            if limits.promiseNoBlanks, child.utf8.lowerBound + child.overlap != childEnd {
                broken.append("a gap before the child at \(child.utf8)")
            }
            let overlap = String(
                decoding: bytes[child.utf8.lowerBound..<max(childEnd, child.utf8.lowerBound)],
                as: UTF8.self
            )
            if counter.count(overlap) > limits.chunkOverlap { broken.append("too much overlap at \(child.utf8)") }
            if child.utf8.upperBound <= childEnd { broken.append("nothing new in the child at \(child.utf8)") }
            childEnd = child.utf8.upperBound
            broken += chunkProblems(child.utf8, child.tokens, limits.chunkSize, bytes, limits, counter)
        }
        if limits.promiseNoBlanks, childEnd != parent.utf8.upperBound {
            broken.append("children end at \(childEnd), not with \(parent.utf8)")
        }
        if limits.promiseNoBlanks, parent.tokens <= limits.chunkSize, parent.children.map(\.utf8) != [parent.utf8] {
            broken.append("a parent that fits is not its only child")
        }
    }
    return broken + clusterProblems(text, parents, limits, counter)
}

extension ChunkLimits {
    /// Smaller ones leave white space and emoji of the generated texts no room in one chunk.
    fileprivate var promiseNoBlanks: Bool { chunkSize >= 64 }
}

extension String {
    /// Blank for Python, which counts four control characters as white space.
    fileprivate var isBlank: Bool {
        unicodeScalars.allSatisfy { $0.properties.isWhitespace || (0x1C...0x1F).contains($0.value) }
    }
}

private func chunkProblems(
    _ range: Range<Int>,
    _ tokens: Int,
    _ tokensMax: Int,
    _ bytes: [UInt8],
    _ limits: ChunkLimits,
    _ counter: any TokenCounting
) -> [String] {
    guard let chunk = String(validating: bytes[range], as: UTF8.self) else {
        return ["a cut inside a scalar at \(range)"]
    }
    var broken: [String] = []
    if tokens > tokensMax { broken.append("\(tokens) of \(tokensMax) tokens at \(range)") }
    if counter.count(chunk) != tokens {
        broken.append("\(tokens) instead of \(counter.count(chunk)) tokens at \(range)")
    }
    if limits.promiseNoBlanks, chunk.isBlank { broken.append("a blank chunk at \(range)") }
    return broken
}

private func clusterProblems(
    _ text: String,
    _ parents: [ParentChunk],
    _ limits: ChunkLimits,
    _ counter: any TokenCounting
) -> [String] {
    var cuts = Set(
        parents.flatMap { [$0].map(\.utf8) + $0.children.map(\.utf8) }.flatMap { [$0.lowerBound, $0.upperBound] }
    )
    var offset = 0
    for character in text {
        cuts.remove(offset)
        let next = offset + character.utf8.count
        // A token has at least one byte.
        if next - offset > limits.chunkSize, counter.count(String(character)) > limits.chunkSize {
            for cut in offset..<next { cuts.remove(cut) }
        }
        offset = next
    }
    cuts.remove(offset)
    return cuts.sorted().map { "a cut inside a grapheme cluster at \($0)" }
}

/// Texts of one seed: words of many scripts, marks, emoji and white space in the proportions of the seed.
func generatedText(seed: UInt64, pieces: Int) -> String {
    var numbers = SplitMix64(seed: seed)
    let alphabets: [[String]] = [
        [
            "the", "quick", "brown", "fox", " ", " ", " ", ". ", ", ", "\n", "\n\n", "3.14", "don't", "(see", ")",
            "\"Yes.\" ",
        ],
        ["你好", "世界", "。", "，", "他说：", "「是的。」", "！", "中文没有空格", "、", "2026年"],
        ["カタカナ", "ひらがな", "漢字", "。", "…", "ﾊﾝｶｸ", "が", "\u{3099}"],
        ["안녕", "하세요", " ", ". ", "\u{1112}\u{1161}\u{11AB}"],
        ["क्षत्रिय", "हिन्दी", "।", " ", "क\u{94D}\u{200D}ष", "\u{903}"], ["ภาษาไทย", "กำ", "น้ำ", " "],
        ["שלום", "עולם", " ", "؟", "مرحبا", "، ", "العالم"],
        ["👨‍👩‍👧‍👦", "🇩🇪🇫🇷", "👍🏽", "🇩", "❤️", "e\u{301}\u{323}", "\u{301}", "\u{600}1", "\u{200D}"],
        [
            String(repeating: "x", count: 400), String(repeating: "!", count: 90), String(repeating: "한", count: 120),
            "\u{0}", "a\u{308}\u{308}\u{308}",
        ],
        ["\r\n", "\t", "  ", "\u{2028}", "\u{85}", "\n \n", "x"],
    ]
    let chosen = alphabets.filter { _ in Bool.random(using: &numbers) } + [alphabets[Int(seed) % alphabets.count]]
    var text = "A"
    for _ in 0..<pieces {
        let alphabet = chosen[Int.random(in: 0..<chosen.count, using: &numbers)]
        text += alphabet[Int.random(in: 0..<alphabet.count, using: &numbers)]
        // White space longer than a chunk cannot be without a blank chunk.
        if text.unicodeScalars.suffix(4).allSatisfy(\.properties.isWhitespace) { text += "z" }
    }
    if text.last?.isWhitespace == true { text += "z" }
    return text
}

/// Standard limits and limits so small that every rule has to give way to the budget.
private func someLimits() throws -> [ChunkLimits] {
    [
        .standard,
        try ChunkLimits(parentMaxTokens: 300, parentChunkSize: 200, chunkSize: 64, chunkOverlap: 16),
        try ChunkLimits(parentMaxTokens: 40, parentChunkSize: 24, chunkSize: 16, chunkOverlap: 15),
    ]
}

/// Every text of the golden files by itself, and all of each file as one.
private func goldenTexts() throws -> [String] {
    let tokens = try goldenCases("cl100k", as: TokenizerTests.Case.self).map(\.text)
    let normalised = try goldenCases("normalize", as: NormaliserTests.Case.self).map(\.output)
    let sparse = try goldenCases("bm25", as: SparseEncoderTests.Case.self).map(\.text)
    let whole = [tokens, normalised, sparse].map { $0.joined(separator: "\n\n") }
    return tokens + normalised + sparse + whole + whole.map(Normaliser().normalise)
}

@Suite("Chunker", .heavy)
struct ChunkerTests {
    @Test func `golden texts keep every promise, counted in words`() throws {
        let counter = WordTokenizer()
        for limits in try someLimits() {
            let chunker = Chunker(counter: counter, limits: limits)
            for text in try goldenTexts() where !text.isBlank {
                #expect(
                    brokenPromises(text, chunker, counter) == [],
                    "\(limits.chunkSize): \(text.debugDescription.prefix(200))"
                )
            }
        }
    }

    @Test(arguments: 0..<25 as Range<UInt64>)
    func `generated texts keep every promise, counted in words`(seed: UInt64) throws {
        let counter = WordTokenizer()
        for limits in try someLimits() {
            let text = generatedText(seed: seed, pieces: 400)
            #expect(brokenPromises(text, Chunker(counter: counter, limits: limits), counter) == [], "seed \(seed)")
        }
    }

    @Test(.enabled(if: TestVocabulary.isWanted, "MIGRATE_TEST_VOCABULARY names no vocabulary"))
    func `golden texts keep every promise, counted in cl100k_base tokens`() throws {
        let counter = try TestVocabulary.tokenizer.get()
        for limits in try someLimits() {
            let chunker = Chunker(counter: counter, limits: limits)
            for text in try goldenTexts() where !text.isBlank {
                #expect(
                    brokenPromises(text, chunker, counter) == [],
                    "\(limits.chunkSize): \(text.debugDescription.prefix(200))"
                )
            }
        }
    }

    @Test(
        .enabled(if: TestVocabulary.isWanted, "MIGRATE_TEST_VOCABULARY names no vocabulary"),
        arguments: 0..<25 as Range<UInt64>
    )
    func `generated texts keep every promise, counted in cl100k_base tokens`(seed: UInt64) throws {
        let counter = try TestVocabulary.tokenizer.get()
        for limits in try someLimits() {
            let text = generatedText(seed: seed, pieces: 400)
            #expect(brokenPromises(text, Chunker(counter: counter, limits: limits), counter) == [], "seed \(seed)")
        }
    }

    @Test func `the chunks of a text are the same on every host and after every change`() throws {
        // Other cuts make other points: then `Chunker.version` changes with these ids.
        #expect(try cutsID(WordTokenizer()) == "270dfe6d-19d2-505d-b6f8-0166fa1c0abc")
        guard TestVocabulary.isWanted else { return }
        #expect(try cutsID(TestVocabulary.tokenizer.get()) == "b8d55548-81b7-5fa5-a612-e465f1551aff")
    }

    /// One id that stands for all chunks of the golden texts.
    private func cutsID(_ counter: any TokenCounting) throws -> String {
        let chunker = Chunker(counter: counter)
        let chunks = try goldenTexts().flatMap { chunker.parents(of: $0) }.map { parent in
            "\(parent.utf8) \(parent.tokens): \(parent.children.map { "\($0.utf8) \($0.tokens) \($0.overlap)" })"
        }
        return PointID(namespace: PointID(high: 0, low: 0), name: chunks.joined(separator: "\n")).description
    }
}
