import Foundation
import Testing

/// What people read, without words that are hard to read; `TidyWords` has them.
@Suite(.heavy) struct `The words of the project` {
    private static let root = URL(filePath: #filePath).appending(path: "../../..").standardizedFileURL

    /// Data, texts of older versions and the rules themselves.
    private static let left = [
        "Tests/Unit/Golden/", "Tests/Integration/Tracking/Upgrade/sql-", "scripts/corpus/", "Tests/Unit/TidyWords",
        "Benchmarks/.build/",
    ]

    /// Every text of ours, by its path within the package, sorted.
    private static func files() throws -> [String] {
        let folders = try ["Sources", "Tests", "Benchmarks", "docs", "scripts", "sql"].flatMap { folder in
            try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path).map {
                folder + "/" + $0
            }
        }
        let endings = ["swift", "md", "sql", "py", "c", "h", "sh"]
        let isText = { (path: String) in
            let name = path.split(separator: "/").last ?? ""
            if !name.contains(".") { return path.hasPrefix("scripts/") }
            return endings.contains { name.hasSuffix("." + $0) }
        }
        let all = folders.filter { path in isText(path) && !left.contains(where: path.hasPrefix) }
        return (all + ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", "Package.swift"]).sorted()
    }

    /// The lines for people: of Swift the comments, and outside of tests the texts; of the rest all.
    private static func prose(of text: String, at path: String) -> [String] {
        guard path.hasSuffix(".swift") else { return text.components(separatedBy: "\n") }
        return SwiftCode.prose(of: text, withStrings: !path.hasPrefix("Tests/"))
    }

    @Test func `are plain`() throws {
        let files = try Self.files()
        #expect(files.count > 500 && files.contains("scripts/setup") && files.contains("sql/001_tables.sql"))
        for path in files {
            guard let text = try? String(contentsOf: Self.root.appending(path: path), encoding: .utf8) else { continue }
            let lines = Self.prose(of: text, at: path)
            for rule in TidyWords.all where rule.isNear(text) {
                for violation in try rule.violations(in: path, prose: lines) { Issue.record("\(violation)") }
            }
        }
    }

    @Test(arguments: TidyWords.all.indices) func `are found where they are not`(index: Int) throws {
        let rule = TidyWords.all[index]
        #expect(!rule.examples.isEmpty)
        for example in rule.examples {
            let text = "let fine = 1\n    go() // \(example)\n"
            let prose = SwiftCode.prose(of: text, withStrings: false)
            #expect(rule.isNear(prose[1]), "\(example)")
            let found = try rule.violations(in: "Sources/Planted.swift", prose: prose)
            #expect(found == ["Sources/Planted.swift:2: \(rule.banned) is banned here, write \(rule.instead)"])
            #expect(try rule.violations(in: "docs/Planted.md", prose: ["names the test `\(example)`"]).isEmpty)
        }
        for line in rule.harmless { #expect(try rule.violations(in: "a", prose: [line]).isEmpty, "\(line)") }
        for (path, _) in rule.exceptions {
            #expect(try rule.violations(in: path, prose: rule.examples).isEmpty)
            #expect(FileManager.default.fileExists(atPath: Self.root.appending(path: path).path), "\(path)")
        }
    }

    @Test func `are read from comments and texts, not from code`() {
        let text = #"""
            let nobody = "a \"text" // a comment
            /* two
            lines */ let more = """
                a text
                """
            """#
        #expect(SwiftCode.prose(of: text, withStrings: false) == ["// a comment", " two", "lines ", "", ""])
        #expect(SwiftCode.prose(of: text, withStrings: true)[3].contains("a text"))
        #expect(!SwiftCode.prose(of: text, withStrings: true).joined().contains("nobody"))
    }
}
