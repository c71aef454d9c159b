import Foundation
import Terminal
import Testing

/// The pages for people: what they name is there.
@Suite struct `The pages` {
    private static let root = URL(filePath: #filePath).appending(path: "../../..").standardizedFileURL

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Every page, by its path within the package.
    private static func all() throws -> [String] {
        let docs = try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: "docs").path)
        return (["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] + docs.map { "docs/" + $0 })
            .filter { $0.hasSuffix(".md") }.sorted()
    }

    private static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).standardizedFileURL.path)
    }

    /// What stands between backticks, outside of blocks of code.
    private static func words(in text: String) -> [Substring] {
        let blocks = text.components(separatedBy: "```").enumerated()
        return blocks.filter { $0.offset.isMultiple(of: 2) }.flatMap {
            $0.element.matches(of: #/`([^`\n]+)`/#).map(\.1)
        }
    }

    @Test func `link only to files that are there`() throws {
        let pages = try Self.all()
        #expect(pages.count > 20)
        for page in pages {
            let folder = page.split(separator: "/").dropLast().map { $0 + "/" }.joined()
            for link in try Self.text(page).matches(of: #/\]\(([^)#\s]+)[^)]*\)/#).map(\.1) where !link.contains(":") {
                #expect(Self.exists(folder + link), "\(page) links to \(link)")
            }
        }
    }

    /// `NAME`, `…`, `*` and `+` stand for something else.
    @Test func `name only files and folders that are there`() throws {
        let roots = ["Sources/", "Tests/", "sql/", "scripts/", "docs/", "Benchmarks/"]
        var found = 0
        for page in try Self.all() where page != "CHANGELOG.md" {
            for word in Self.words(in: try Self.text(page)) where roots.contains(where: word.hasPrefix) {
                let path = word.split(separator: " ")[0]
                if path.contains(#/NAME|…|\*|\+…/#) { continue }
                found += 1
                #expect(Self.exists(String(path)), "\(page) names \(path)")
            }
        }
        #expect(found > 100)
    }

    @Test func `name only commands of make that it has`() throws {
        let targets = Set(try Self.text("Makefile").matches(of: #/(?m)^([a-z-]+):/#).map(\.1))
        for page in try Self.all() {
            for target in try Self.text(page).matches(of: #/(?m)(?:`|^)make ([a-z-]+)/#).map(\.1) {
                #expect(targets.contains(target), "\(page): make \(target)")
            }
        }
    }

    @Test func `name only tests that are there`() throws {
        let rows = try Self.text("CONTRIBUTING.md").split(separator: "\n").filter { $0.hasPrefix("|") }
        let named = `The guarantees`.references(in: rows.joined(separator: "\n"))
        #expect(named.count > 20)
        let tests = try `The guarantees`.tests()
        for reference in named {
            #expect(tests.contains(reference), "there is no test `\(reference.suite)`: `\(reference.test)`")
        }
    }

    @Test func `have the rooms and arrows of the house`() throws {
        let chapters = try Self.text("docs/architecture.md").components(separatedBy: "\n## ")
        let rooms = try #require(chapters.first { $0.hasPrefix("Rooms\n") })
        var arrows: [String: Set<String>] = [:]
        for row in rooms.split(separator: "\n") where row.hasPrefix("| `") {
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let known = try #require(cells.last).matches(of: #/`([^`]+)`/#).map { String($0.1) }
            arrows[cells[0].replacing("`", with: "")] = Set(known)
        }
        #expect(arrows == `The house`.arrows)
    }

    @Test func `are all in the index`() throws {
        let index = try Self.text("docs/README.md")
        for page in try Self.all() where !page.hasPrefix("docs/decisions/") && page != "docs/README.md" {
            let link = page.hasPrefix("docs/") ? String(page.dropFirst(5)) : "../" + page
            #expect(index.contains("](\(link))"), "\(page)")
        }
    }

    @Test func `begin with a README of less than 120 lines`() throws {
        #expect(try Self.text("README.md").split(separator: "\n", omittingEmptySubsequences: false).count < 121)
    }

    @Test func `say last what is new in this version`() throws {
        let heads = try Self.text("CHANGELOG.md").matches(of: #/(?m)^## \[([^\]]+)\]/#).map(\.1)
        #expect(heads.first == "Unreleased")
        #expect(heads.dropFirst().first.map(String.init) == Build.version)
    }
}
