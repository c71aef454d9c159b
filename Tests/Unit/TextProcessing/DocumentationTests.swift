import Foundation
import Testing
import TextProcessing

/// The examples of the documentation pages, compiled and run with the library alone.
@Suite("Documentation of TextProcessing")
struct DocumentationTests {
    @Test(.enabled(if: TestVocabulary.isWanted, "MIGRATE_TEST_VOCABULARY names no vocabulary"))
    func `the example of the front page makes a point of every child`() throws {
        let content =
            "<p>Cranes rest on the meadow&nbsp;&amp; wait.</p> \(String(repeating: "A long day. ", count: 400))"
        let vocabulary = try TestVocabulary.bytes()
        var printed: [String] = []
        func print(_ items: Any...) { printed.append(items.map { "\($0)" }.joined(separator: " ")) }

        let text = Normaliser().normalise(content)
        let chunker = Chunker(counter: try Tokenizer(vocabulary: vocabulary))
        let encoder = try SparseEncoder()
        let identity = PointIdentity(namespace: "migrate")

        for (parentIndex, parent) in chunker.parents(of: text).enumerated() {
            for (chunkIndex, child) in parent.children.enumerated() {
                let id = identity.childID(memberCode: "m", recordID: 42, parent: parentIndex, chunk: chunkIndex)
                let weights = encoder.document(child.text(in: text))
                print(id, child.tokens, weights.indices.count)
            }
        }

        #expect(printed.count >= 3)
        #expect(Set(printed.map { $0.prefix(36) }).count == printed.count)
    }

    @Test func `every example of the pages stands above, word for word`() throws {
        let this = URL(filePath: #filePath)
        let source = try String(contentsOf: this, encoding: .utf8)
        let pages = this.appending(path: "../../../../Sources/TextProcessing/TextProcessing.docc").standardizedFileURL
        var examples = 0
        for page in try FileManager.default.contentsOfDirectory(at: pages, includingPropertiesForKeys: nil) {
            let parts = try String(contentsOf: page, encoding: .utf8).split(
                separator: "```",
                omittingEmptySubsequences: false
            )
            for part in parts where part.hasPrefix("swift\n") {
                let lines = part.split(separator: "\n", omittingEmptySubsequences: false).dropFirst().dropLast()
                let indented = lines.map { $0.isEmpty ? "" : "        \($0)" }.joined(separator: "\n")
                #expect(source.contains("\n\(indented)\n"), "\(page.lastPathComponent):\n\(part)")
                examples += 1
            }
        }
        #expect(examples >= 1)
    }
}
