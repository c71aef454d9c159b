import Foundation
import Testing

@Suite struct `The sources` {
    /// The package's folder.
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every Swift file of ours, by its path within the package, sorted.
    private static func files() throws -> [String] {
        let all = try ["Sources", "Tests"].flatMap { folder in
            try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path).map {
                folder + "/" + $0
            }
        }
        return (all.filter { $0.hasSuffix(".swift") } + ["Package.swift"]).sorted()
    }

    @Test func `keep the rules that no compiler checks`() throws {
        let files = try Self.files()
        #expect(files.count > 50, "the sources were not found at \(Self.root.path)")
        for path in files where path != "Tests/Unit/TidyRules.swift" {
            let text = try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
            let code = SwiftCode.lines(of: text)
            for rule in TidyRule.all where rule.concerns(path) && rule.needle.map(text.contains) ?? true {
                for violation in try rule.violations(in: path, code: code) { Issue.record("\(violation)") }
            }
        }
    }

    @Test func `have an issue's number at each note of what is to be done`() throws {
        let note = "TO" + "DO"
        for path in try Self.files() {
            let text = try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
            guard text.contains(note) else { continue }
            for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            where line.contains(try Regex("\\b\(note)\\b(?!\\(#\\d+\\))")) {
                Issue.record("\(path):\(index + 1): \(note) without an issue is banned here, use \(note)(#12)")
            }
        }
    }

    @Test(arguments: TidyRule.all)
    func `are searched by rules that catch a planted example`(rule: TidyRule) throws {
        let folder = try #require(rule.scope.first)
        let path = folder + "/Planted.swift"
        let planted = "let fine = 1\n    \(rule.example)\n"
        let caught = try rule.violations(in: path, code: SwiftCode.lines(of: planted))
        #expect(caught == ["\(path):2: \(rule.banned) is banned here, use \(rule.instead)"])

        let harmless = "// \(rule.example)\nlet text = 1 // \(rule.example)\n/// \(rule.example)\n"
        #expect(try rule.violations(in: path, code: SwiftCode.lines(of: harmless)).isEmpty)
        for file in rule.exceptions.keys.sorted() {
            #expect(try rule.violations(in: file, code: SwiftCode.lines(of: planted)).isEmpty)
        }
        for room in rule.outside {
            #expect(try rule.violations(in: room + "/Planted.swift", code: SwiftCode.lines(of: planted)).isEmpty)
        }
    }

    @Test func `are read without comments and without the insides of strings`() {
        let text = #"""
            let a = "Task { }" // try!
            let b = "say \"try!\"" + try! c()
            /* try!
            try! */ let d = 1
            let e = """
                try!
                """
            try! f()
            """#
        let lines = SwiftCode.lines(of: text)
        let hits = lines.enumerated().filter { $0.element.contains("try!") }.map { $0.offset + 1 }
        #expect(hits == [2, 8])
        #expect(!lines[0].contains("Task"))
        #expect(lines.count == 8)
    }
}
