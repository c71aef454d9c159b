import Testing
import TextProcessing

/// Where a chunker cuts when it has the choice.
@Suite("Chunk boundaries", .heavy)
struct ChunkBoundaryTests {
    private func children(_ text: String, _ counter: any TokenCounting = WordTokenizer()) throws -> [String] {
        let limits = try ChunkLimits(parentMaxTokens: 400, parentChunkSize: 200, chunkSize: 40, chunkOverlap: 0)
        return Chunker(counter: counter, limits: limits).parents(of: text).flatMap(\.children).map { $0.text(in: text) }
    }

    @Test(arguments: [
        ("The quick fox jumps over it. ", "."), ("The fox jumps, and jumps, and jumps\n", "\n"),
        ("He said: \"Let me go. Now!\" ", ".\""), ("今天天气很好我们去公园。", "。"), ("他说：「我们走吧。」", "」"),
        ("今天天气很好!我们去公园吗?", "?!"), ("किताब बहुत अच्छी है। ", "।"), ("هل قرأت هذا الكتاب؟ ", "؟"),
    ])
    func `a chunk ends with a sentence or a line where there is one`(sentence: String, ends: String) throws {
        let chunks = try children(Normaliser().normalise(String(repeating: sentence, count: 30)))
        #expect(chunks.count > 3)
        for chunk in chunks.dropLast() { #expect(chunk.last.map(ends.contains) == true, "\(chunk)") }
    }

    @Test func `a paragraph is better than a line, a line than a sentence, a sentence than a clause`() throws {
        let filler = "one two three, four five six, seven eight nine, "
        #expect(
            try children(filler + "ten. Then\nthere. Next\n\nis " + filler + filler).first?.hasSuffix("Next\n\n")
                == true
        )
        #expect(
            try children(filler + "ten. Then\nthere. Next is " + filler + filler).first?.hasSuffix("Then\n") == true
        )
        #expect(try children(filler + "ten. Then there, next is " + filler + filler).first?.hasSuffix("ten.") == true)
        #expect(try children(filler + filler + filler + filler).first?.hasSuffix(",") == true)
    }

    @Test func `numbers, names and words are not cut where a sentence only seems to end`() throws {
        let sentence = "version 3.14.15 of example.com costs 1,000,000 a year, don't you think? "
        let words = Set(sentence.split(separator: " "))
        for chunk in try children(String(repeating: sentence, count: 20)) {
            #expect(words.isSuperset(of: chunk.split(separator: " ")), "\(chunk)")
        }
    }

    @Test(.enabled(if: TestVocabulary.isWanted, "MIGRATE_TEST_VOCABULARY names no vocabulary"))
    func `Chinese sentences end chunks although cl100k hides their ends inside its pieces`() throws {
        let text = String(repeating: "今天天气很好我们去公园。", count: 60)
        let chunks = try children(text, TestVocabulary.tokenizer.get())
        #expect(chunks.count > 3)
        for chunk in chunks { #expect(chunk.hasSuffix("。"), "\(chunk)") }
    }

    @Test func `overlaps begin at a boundary and keep to their limit`() throws {
        let limits = try ChunkLimits(parentMaxTokens: 4_000, parentChunkSize: 2_000, chunkSize: 64, chunkOverlap: 20)
        let text = String(repeating: "The quick fox jumps over it. ", count: 60) + "End."
        let parent = try #require(Chunker(counter: WordTokenizer(), limits: limits).parents(of: text).first)
        #expect(parent.children.count > 5 && parent.children.first?.overlap == 0)
        for child in parent.children.dropFirst() {
            #expect(child.overlap > 0)
            #expect(child.text(in: text).hasPrefix(" The"))
        }
    }
}

/// Texts that break chunkers: no crash, no hang, every budget kept.
@Suite("Hostile texts", .heavy)
struct HostileTextTests {
    static let texts: [(name: String, text: String)] = [
        ("a long word", String(repeating: "abcdefghij", count: 5_000)),
        ("one letter over and over", String(repeating: "a", count: 50_000)),
        ("one long line", String(repeating: "the quick brown fox ", count: 3_000)),
        ("marks on one letter", "a" + String(repeating: "\u{301}", count: 10_000)),
        ("marks in the wrong order", "a" + String(repeating: "\u{301}\u{323}\u{316}", count: 3_000)),
        ("lone marks", "\u{301}\u{302} \u{300}"), ("NUL", String(repeating: "\u{0}", count: 20_000) + "x"),
        ("flags without end", String(repeating: "\u{1F1E9}", count: 5_000)),
        ("one family without end", String(repeating: "\u{1F468}\u{200D}", count: 5_000)),
        ("one conjunct without end", String(repeating: "\u{915}\u{94D}", count: 5_000)),
        ("leading jamo", String(repeating: "\u{1100}", count: 10_000)),
        ("prepended signs", String(repeating: "\u{600}", count: 10_000)),
        ("right to left", String(repeating: "שלום עולם \u{202E}مرحبا‏ ", count: 500)),
        ("mixed line ends", String(repeating: "a\r\nb\rc\n\u{85}d\u{2028}e\u{2029}", count: 2_000)),
        ("ampersands", String(repeating: "&", count: 20_000)),
        ("half entities", String(repeating: "&am&#x", count: 5_000)),
        ("spaces between two letters", "x" + String(repeating: " ", count: 50_000) + "x"),
        ("line separators between two letters", "x" + String(repeating: "\u{2028}", count: 3_000) + "x"),
        ("Thai without spaces", String(repeating: "ภาษาไทยน้ำ", count: 1_000)),
    ]

    @Test(arguments: texts.map(\.name))
    func `no crash, no hang, no budget broken`(name: String) throws {
        let text = try #require(Self.texts.first { $0.name == name }).text
        let counter: any TokenCounting = TestVocabulary.isWanted ? try TestVocabulary.tokenizer.get() : WordTokenizer()
        let encoder = try SparseEncoder()
        for text in [text, Normaliser().normalise(text)] {
            let parents = Chunker(counter: counter).parents(of: text)
            #expect(parents.map { $0.text(in: text) }.joined().utf8.elementsEqual(text.utf8) || parents.isEmpty)
            for parent in parents {
                #expect(parent.tokens <= 2_500 && counter.count(parent.text(in: text)) == parent.tokens)
                for child in parent.children {
                    #expect(child.tokens <= 512 && counter.count(child.text(in: text)) == child.tokens)
                }
            }
            let vector = encoder.document(text)
            #expect(vector.indices == vector.indices.sorted() && vector.values.allSatisfy { $0 > 0 })
        }
    }

    @Test func `every scalar in turn passes through every step`() throws {
        var text = ""
        for value in UInt32(0)...0x10FFFF {
            if let scalar = Unicode.Scalar(value), value < 0x3400 || value % 37 == 0 {
                text.unicodeScalars.append(scalar)
            }
        }
        let normalised = Normaliser().normalise(text)
        let parents = Chunker(counter: WordTokenizer()).parents(of: normalised)
        #expect(parents.map { $0.text(in: normalised) }.joined() == normalised)
        #expect(try !SparseEncoder().document(normalised).indices.isEmpty)
    }

    @Test func `a blank text has no chunks`() {
        for text in ["", " ", "\n\t\u{3000}\u{1C}"] {
            #expect(Chunker(counter: WordTokenizer()).parents(of: text) == [])
        }
    }
}
