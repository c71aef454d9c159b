import ArgumentParser
import Foundation
import Testing

@testable import migrate
@testable import migrate_lab

/// The commands that the pages show are commands of the programs.
@Suite(.heavy) struct `The commands on the pages` {
    private struct Shown {
        let page: String
        /// The program first.
        let words: [String]
        /// Whether it is an example to type, and not a command named in a sentence.
        let isExample: Bool
    }

    private static let root = URL(filePath: #filePath).appending(path: "../../../..").standardizedFileURL

    private static func pages() throws -> [String] {
        let docs = try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: "docs").path)
        return ["README.md", "CONTRIBUTING.md"] + docs.filter { $0.hasSuffix(".md") }.sorted().map { "docs/" + $0 }
    }

    /// Without what a shell does with it; placeholders have a value.
    private static func words(_ line: some StringProtocol) -> [String] {
        let plain = String(line).replacing(#/\s+#.*$|\s+>\s.*$|^\s*swift run /#, with: "")
        let values = ["ID": "1", "N": "1", "…": "x"]
        return plain.split(whereSeparator: { $0.isWhitespace }).map { values[String($0)] ?? String($0) }
    }

    private static func shown() throws -> [Shown] {
        try pages().flatMap { page in
            let text = try String(contentsOf: root.appending(path: page), encoding: .utf8)
            let parts = text.components(separatedBy: "```").enumerated()
            let all = parts.flatMap { index, part in
                if index.isMultiple(of: 2) {
                    part.matches(of: #/`([^`]+)`/#).map { Shown(page: page, words: words($0.1), isExample: false) }
                } else if part.hasPrefix("sh\n") {
                    part.split(separator: "\n").map { Shown(page: page, words: words($0), isExample: true) }
                } else {
                    [] as [Shown]
                }
            }
            return all.filter { $0.words.count > 1 && ["migrate", "migrate-lab"].contains($0.words[0]) }
        }
    }

    private static func parse(_ words: some Sequence<String>, of program: String) throws {
        let arguments = Array(words)
        if program == "migrate" {
            _ = try Migrate.parseAsRoot(arguments)
        } else {
            _ = try MigrateLab.parseAsRoot(arguments)
        }
    }

    /// Whether there is a command of these words, whatever it needs besides.
    private static func isNamed(_ words: [String]) -> Bool {
        var command: any ParsableCommand.Type = words[0] == "migrate" ? Migrate.self : MigrateLab.self
        for word in words.dropFirst().prefix(while: { !$0.hasPrefix("-") }) {
            let configuration = command.configuration
            let known = configuration.subcommands + configuration.groupedSubcommands.flatMap(\.subcommands)
            guard let next = known.first(where: { $0._commandName == word }) else { return false }
            command = next
        }
        return true
    }

    @Test func `are read by the programs`() throws {
        let shown = try Self.shown()
        #expect(shown.count(where: \.isExample) > 10 && shown.count > 50)
        for command in shown {
            do { try Self.parse(command.words.dropFirst(), of: command.words[0]) } catch {
                let isKnown = !command.isExample && Self.isNamed(command.words)
                #expect(isKnown, "\(command.page): \(command.words.joined(separator: " "))")
            }
        }
    }

    @Test func `would be found if they were none`() {
        #expect(!Self.isNamed(["migrate", "fly"]) && !Self.isNamed(["migrate-lab", "run"]))
        #expect(Self.isNamed(["migrate", "worker"]) && Self.isNamed(["migrate-lab", "simulate"]))
        #expect(throws: (any Error).self) { try Self.parse(["run", "--fly"], of: "migrate") }
    }
}
