import ArgumentParser
import Foundation
import Settings
import Terminal
import Testing
import TextProcessing

@testable import migrate

/// `migrate text`, from the bytes that come in to the bytes that go out.
@Suite(.heavy) struct `The text command` {
    @Test func `normalises as the golden cases say`() throws {
        struct Case: Decodable { let input, output, checksum: String }
        struct Answer: Decodable { let output, checksum: String }
        let cases = try goldenCases("normalize", as: Case.self)
        let answers: [Answer] = try answers(TextCommand.Normalize.self, to: cases.map { Line(text: $0.input) })
        #expect(answers.map { Array($0.output.utf8) } == cases.map { Array($0.output.utf8) })
        #expect(answers.map(\.checksum) == cases.map(\.checksum))
    }

    @Test(.enabled(if: TestVocabulary.isWanted)) func `counts the golden cases' tokens`() throws {
        struct Case: Decodable {
            let text: String
            let ids: [Int]
        }
        struct Answer: Decodable { let ids: [Int] }
        let cases = try goldenCases("cl100k", as: Case.self)
        let answers: [Answer] = try answers(TextCommand.Tokens.self, to: cases.map { Line(text: $0.text) })
        #expect(answers.map(\.ids) == cases.map(\.ids))
    }

    @Test(arguments: [64.0, 256, 512]) func `weighs the golden cases' terms`(averageLength: Double) throws {
        struct Parameters: Decodable {
            let avgLen, k, b: Double?
            let disableStemmer: Bool?
        }
        struct Case: Decodable {
            let lang, text: String
            let params: Parameters
            let indices: [Int]
            let values: [Double]
        }
        struct Answer: Decodable {
            let indices: [Int]
            let values: [Double]
        }
        // The command has no k, no b and no switch for stems: the collection's users never change them.
        let cases = try goldenCases("bm25", as: Case.self).filter { item in
            let params = item.params
            return item.lang == "english" && (params.avgLen ?? 256) == averageLength && params.k == nil
                && params.disableStemmer != true
        }
        try #require(cases.count >= 5)
        let flags = ["--sparse-avg-length", "\(averageLength)"]
        let answers: [Answer] = try answers(TextCommand.Sparse.self, to: cases.map { Line(text: $0.text) }, flags)
        #expect(answers.map(\.indices) == cases.map(\.indices))
        for (expected, answer) in zip(cases, answers) {
            let isNear = zip(answer.values, expected.values).allSatisfy { abs($0 - $1) <= 1e-9 }
            #expect(isNear && answer.values.count == expected.values.count, "\(expected.text)")
        }
    }

    @Test func `leaves out the words of a list in place of the language's own`() throws {
        struct Answer: Decodable { let indices: [Int] }
        let folder = FileManager.default.temporaryDirectory.appending(path: "stop-words-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func vectors(_ list: String) throws -> [[Int]] {
            let file = folder.appending(path: "words.txt")
            try Data(list.utf8).write(to: file)
            let flags = ["--sparse-stop-words", file.path()]
            let lines = ["the harbour", "harbour", "the"].map { Line(text: $0) }
            let answers: [Answer] = try answers(TextCommand.Sparse.self, to: lines, flags)
            return answers.map(\.indices)
        }
        let without = try vectors("HARBOUR\r\n")
        #expect(without == [without[2], [], without[2]] && without[2].count == 1)
        let all = try vectors("")
        #expect(all[0].count == 2 && all[1].count == 1)
    }

    @Test func `refuses a list of stop words that is none`() throws {
        for (name, bytes) in [("not UTF-8", Data([0x61, 0xFF])), ("more than 1 MB", Data(count: 1 << 20 + 1))] {
            let file = FileManager.default.temporaryDirectory.appending(path: "stop-words-\(UUID())")
            try bytes.write(to: file)
            defer { try? FileManager.default.removeItem(at: file) }
            let end = #expect(throws: CommandEnd.self) { try StopWordsFile.words(file.path()) }
            #expect(end?.status == .badSettings && end?.message.contains(name) == true)
        }
    }

    @Test(arguments: SparseEncoder.languagesWithoutStopWords)
    func `a language whose stop words do not come along needs a list`(language: String) throws {
        func run(_ flags: [String]) throws {
            try TextCommand.Sparse.parse(["--sparse-language", language] + flags)
                .answer(texts(.people, [Array("a".utf8)], RecordedConsole()))
        }
        let problems = #expect(throws: SettingsProblems.self) { try run([]) }
        #expect(problems?.problems.map(\.subject) == ["SPARSE_STOP_WORDS"])
        try run(["--sparse-stop-words", "/dev/null"])
    }

    @Test(.enabled(if: TestVocabulary.isWanted)) func `chunks are ranges of the normalised text within their budgets`()
        throws
    {
        struct Chunk: Decodable {
            let start, end, tokens: Int
            let children: [Chunk]?
        }
        struct Answer: Decodable { let parents: [Chunk] }
        let text = (1...900).map { "Line \($0) &amp; 第\($0)行。\r\n" }.joined()
        let flags = ["--parent-max-tokens", "700", "--parent-chunk-size", "600", "--chunk-size", "100"]
        let lines = [Line(text: text), Line(text: " \t "), Line(text: "one")]
        let answers: [Answer] = try answers(TextCommand.Chunks.self, to: lines, flags + ["--chunk-overlap", "20"])
        let normalised = Normaliser().normalise(text)
        let parents = answers[0].parents
        #expect(parents.count > 2)
        #expect(parents.first?.start == 0 && parents.last?.end == normalised.utf8.count)
        #expect(zip(parents, parents.dropFirst()).allSatisfy { $0.end == $1.start })
        let tokenizer = try TestVocabulary.tokenizer.get()
        for chunk in parents + parents.flatMap({ $0.children ?? [] }) {
            let bytes = Array(normalised.utf8)[chunk.start..<chunk.end]
            #expect(tokenizer.count(String(decoding: bytes, as: UTF8.self)) == chunk.tokens)
            #expect(chunk.tokens <= (chunk.children == nil ? 100 : 600))
        }
        #expect(answers[1].parents.isEmpty)
        #expect(answers[2].parents.first?.children?.count == 1)
    }

    @Test(.enabled(if: TestVocabulary.isWanted)) func `points have the golden cases' ids, and no dense vector`() throws
    {
        // Small chunks, so that every place of the cases occurs.
        let text = (0..<2_500).map { "word\($0 % 10)" }.joined(separator: " ")
        let sizes = ["--parent-max-tokens", "512", "--parent-chunk-size", "512", "--chunk-size", "16"]
        let cases = Dictionary(grouping: try goldenCases("point_ids", as: PointCase.self), by: \.namespace)
        for (namespace, items) in cases {
            let lines = items.map { Line(text: text, summaryId: $0.summaryId, memberCode: $0.memberCode) }
            let flags = sizes + ["--chunk-overlap", "0", "--point-id-namespace", namespace]
            let answers: [PointsDocument] = try answers(TextCommand.Points.self, to: lines, flags)
            for (item, answer) in zip(items, answers) {
                let parent = try #require(answer.points.first { $0.id == item.parent }, "\(item)")
                #expect(parent.payload.type == "parent" && parent.payload.parentIdx == item.parentIdx)
                #expect(parent.vector.isEmpty)
                let child = try #require(answer.points.first { $0.id == item.child }, "\(item)")
                #expect(child.payload.type == "child" && child.payload.parentId == item.parent)
                #expect(child.payload.parentIdx == item.parentIdx && child.payload.chunkIndex == item.chunkIndex)
                #expect(Array(child.vector.keys) == ["child-sparse"])
                for payload in answer.points.map(\.payload) {
                    #expect(payload.summaryId == item.summaryId && payload.memberCode == item.memberCode)
                    #expect(payload.collectionIds.isEmpty)
                    #expect(payload.checksum.count == 64 && payload.profile.count == 16)
                }
            }
        }
    }

    @Test func `bytes that are not UTF-8 are replaced, counted and reported`() throws {
        // A lone start, a cut sequence, and a replacement character that was there before.
        let input: [UInt8] = Array("a".utf8) + [0xFF] + Array("b\u{FFFD}".utf8) + [0xF0, 0x9F, 0x98] + Array("c".utf8)
        let console = RecordedConsole()
        try TextCommand.Normalize.parse([]).answer(texts(.people, [input], console))
        #expect(console.out == "a\u{FFFD}b\u{FFFD}\u{FFFD}c\n")
        #expect(console.error.contains("2 places replaced"))
        #expect(console.error.contains("checksum "))
    }

    @Test func `lines may come in any pieces, and each is answered before the next piece is read`() throws {
        let whole = Array(#"{"text":"one"}"#.utf8) + Array("\r\n\n".utf8) + Array(#"{"text":"zwei — 二"}"#.utf8)
        for size in [1, 2, 3, 7, 100] {
            let pieces = stride(from: 0, to: whole.count, by: size).map {
                Array(whole[$0..<min($0 + size, whole.count)])
            }
            let console = RecordedConsole()
            try TextCommand.Normalize.parse(["--json-lines"]).answer(texts(.jsonLines, pieces, console))
            let lines = console.out.split(separator: "\n")
            #expect(lines.count == 2 && lines[0].contains(#""output":"one""#) && lines[1].contains("zwei — 二"))
        }
    }

    @Test(arguments: [#"{"text":1}"#, #"{"texts":"x"}"#, "x", #"["x"]"#, #"{"text":"secret words"#])
    func `a line that is no text is named by its number, and not quoted`(line: String) throws {
        let console = RecordedConsole()
        let input = Array("{\"text\":\"fine\"}\n\(line)\n".utf8)
        let end = #expect(throws: CommandEnd.self) {
            try TextCommand.Normalize.parse(["--json-lines"]).answer(texts(.jsonLines, [input], console))
        }
        #expect(end?.status == .usage)
        #expect(end?.message.hasPrefix("line 2: ") == true && end?.message.contains("secret") == false)
        #expect(console.out.contains("fine"))
    }

    @Test func `points need to know whose they are`() throws {
        #expect(throws: (any Error).self) { try TextCommand.Points.parse(["--summary-id", "7"]) }
        #expect(throws: Never.self) { try TextCommand.Points.parse(["--json-lines"]) }
    }

    @Test func `a setting that is wrong is named`() throws {
        #expect(throws: SettingsProblems.self) {
            try TextCommand.Sparse.parse(["--sparse-language", "klingon"]).answer(texts(.people, [], RecordedConsole()))
        }
    }

    // MARK: -

    /// One line of the input.
    private struct Line: Encodable {
        let text: String
        var summaryId: Int64?
        var memberCode: String?
    }

    /// One answer per line, from a command that is told to read JSON lines.
    private func answers<Answer: Decodable>(
        _ command: (some TextSubcommand).Type,
        to lines: [Line],
        _ flags: [String] = []
    ) throws -> [Answer] {
        let input = try lines.flatMap { Array((try JSONText.of($0) + "\n").utf8) }
        let console = RecordedConsole()
        try command.parse(["--json-lines"] + flags).answer(texts(.jsonLines, [input], console))
        #expect(console.error.isEmpty)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let answers = try Data(console.out.utf8).split(separator: UInt8(ascii: "\n")).map {
            try decoder.decode(Answer.self, from: $0)
        }
        try #require(answers.count == lines.count)
        return answers
    }

    private func texts(_ form: TextSession.Form, _ pieces: [[UInt8]], _ console: RecordedConsole) -> TextSession {
        var left = pieces[...]
        let vocabulary = ProcessInfo.processInfo.environment[TestVocabulary.variable]
        return TextSession(
            form: form,
            environment: vocabulary.map { ["TOKENIZER_VOCABULARY": $0] } ?? [:],
            console: console.console,
            read: { left.popFirst() }
        )
    }
}

/// A line of `point_ids.jsonl`.
private struct PointCase: Decodable {
    let namespace, memberCode: String
    let summaryId: Int64
    let parentIdx, chunkIndex: Int
    let parent, child: String
}

/// A line of `migrate text points --json-lines`.
private struct PointsDocument: Decodable {
    struct Point: Decodable {
        let id: String
        let vector: [String: Vector]
        let payload: Payload
    }
    struct Vector: Decodable {
        let indices: [Int]
        let values: [Double]
    }
    struct Payload: Decodable {
        let type, memberCode, checksum, profile: String
        let summaryId: Int64
        let collectionIds: [Int64]
        let parentIdx: Int
        let chunkIndex: Int?
        let parentId: String?
    }

    let points: [Point]
}
