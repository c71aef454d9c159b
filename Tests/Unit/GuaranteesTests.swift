import Foundation
import Scenarios
import Testing

/// The page of promises names tests that exist, and the README is made from it.
@Suite struct `The guarantees` {
    private static let root = URL(filePath: #filePath).appending(path: "../../..").standardizedFileURL
    private static let notPromised = "What is not promised"

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// The chapters of the page by their heads; a line break within a sentence is a space.
    private static func chapters() throws -> [(head: String, promises: [String])] {
        try text("docs/guarantees.md").components(separatedBy: "\n## ").dropFirst().map { chapter in
            let lines = chapter.split(separator: "\n", maxSplits: 1)
            let items = ("\n" + (lines.count > 1 ? lines[1] : "")).components(separatedBy: "\n- ").dropFirst()
            return (String(lines[0]), items.map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") })
        }
    }

    struct Reference: Hashable {
        let suite: String
        let test: String
    }

    static func references(in text: String) -> [Reference] {
        let flat = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return flat.matches(of: #/`([^`]+)`: `([^`]+)`/#).map { Reference(suite: String($0.1), test: String($0.2)) }
    }

    /// Every test of the package with the types of its file, of which one is its suite.
    static func tests() throws -> Set<Reference> {
        var found: Set<Reference> = []
        let folder = root.appending(path: "Tests").path
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder) where path.hasSuffix(".swift") {
            let source = try text("Tests/" + path)
            guard source.contains("@Test") else { continue }
            let suites = source.matches(of: #/\b(?:struct|extension) (?:`([^`]+)`|(\w+))/#).compactMap { $0.1 ?? $0.2 }
            let tests = source.matches(of: #/\bfunc `([^`]+)`/#).map(\.1)
            for suite in suites {
                for test in tests { found.insert(Reference(suite: String(suite), test: String(test))) }
            }
        }
        return found
    }

    @Test func `name only tests that exist`() throws {
        let tests = try Self.tests()
        #expect(tests.count > 1_000, "the tests were not found at \(Self.root.path)")
        let named = Self.references(in: try Self.text("docs/guarantees.md"))
        #expect(named.count > 50)
        for reference in named where !tests.contains(reference) {
            Issue.record("there is no test `\(reference.suite)`: `\(reference.test)`")
        }
    }

    @Test func `name only scenarios that exist`() throws {
        let scenarios = Set(Scenario.all.map(\.name))
        let page = try Self.text("docs/guarantees.md").split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let named = page.matches(of: #/scenario `(\w+)`/#).map { String($0.1) }
        #expect(!named.isEmpty && scenarios.isSuperset(of: named), "\(named)")
    }

    @Test func `have a test for each promise, and none for what is not promised`() throws {
        let chapters = try Self.chapters()
        #expect(chapters.count == 8)
        for (head, promises) in chapters {
            #expect(!promises.isEmpty, "\(head)")
            for promise in promises {
                #expect(promise.hasPrefix("**"), "\(promise)")
                #expect(Self.references(in: promise).isEmpty == (head == Self.notPromised), "\(promise)")
            }
        }
    }

    @Test func `are what the README lists, chapter by chapter`() throws {
        let readme = try Self.text("README.md")
        let start = try #require(readme.firstRange(of: "## What it guarantees, and what it does not\n"))
        let list = readme[start.upperBound...].prefix(
            upTo: readme[start.upperBound...].firstRange(of: "\n## ")?.lowerBound
                ?? readme.endIndex
        )
        #expect(list.contains("docs/guarantees.md"))
        let heads = list.matches(of: #/(?m)^- \*\*([^*]+?)\.?\*\*/#).map { String($0.1) }
        #expect(heads == (try Self.chapters().map(\.head)))
    }
}
