import Foundation
import Testing

/// Every command that a page shows is run here, or is in the list of those that cannot be.
@Suite(.timeLimit(.minutes(5))) struct `The commands of the pages` {
    typealias Step = PageCommands.Step

    /// Whether a step or the list has it: an example word for word, a command in a sentence also by its beginning.
    private static func covers(_ known: String, _ shown: PageCommands.Shown) -> Bool {
        known == shown.command || (!shown.isExample && known.hasPrefix(shown.command + " "))
    }

    @Test func `are all run, or listed with a reason`() throws {
        let shown = try PageCommands.shown()
        #expect(shown.count(where: \.isExample) > 25 && shown.count > 150)
        let run = (PageCommands.alone + PageCommands.ofAJob).map(\.shown)
        for command in shown {
            let isKnown = (run + PageCommands.notRun.keys).contains { Self.covers($0, command) }
            #expect(isKnown, "\(command.page) shows `\(command.command)`: run it in PageCommands, or list the reason")
        }
        for known in run + PageCommands.notRun.keys {
            #expect(shown.contains { $0.command == known }, "no page shows `\(known)`: remove it from PageCommands")
        }
        #expect(Set(run).isDisjoint(with: PageCommands.notRun.keys))
    }

    @Test func `are found in blocks and in sentences`() {
        let page = """
            Run `migrate check`, then `make test`; `MIGRATE_X=1 make chaos` and `migrate` are others.
            ```sh
            swift run migrate plan   # what it costs
            # a comment alone
            cp a b
            ```
            ```
            $ migrate run
            Job 1 opened.
            ```
            """
        let found = PageCommands.commands(in: page, of: "page").map { "\($0.isExample) \($0.command)" }
        let sentence = ["false migrate check", "false make test", "false MIGRATE_X=1 make chaos"]
        #expect(found == sentence + ["true migrate plan", "true cp a b", "true migrate run"])
    }

    @Test func `run without a server`() async throws {
        let shell = try Program("/bin/sh")
        defer { shell.remove() }
        for step in PageCommands.alone { try await Self.run(step, in: shell) }
        let written = try String(contentsOf: shell.folder.appending(path: ".env"), encoding: .utf8)
        let kept = try String(contentsOfFile: TestEnvironment.repository + "/.env.migration.example", encoding: .utf8)
        #expect(written == kept)
    }

    @Test(.needs(.mysql, .postgres, .qdrant, .vocabulary)) func `run through the life of a job`() async throws {
        try await Stage.use(.libpq, records: 12, hasBadRows: true, ["BATCH_SIZE": "5"]) { stage in
            var settings = stage.settings
            let shell = try Program("/bin/sh")
            defer { shell.remove() }
            settings["VOCABULARY"] = settings.removeValue(forKey: "TOKENIZER_VOCABULARY")
            for step in PageCommands.ofAJob { try await Self.run(step, in: shell, settings) }
        }
    }

    private static func run(_ step: Step, in shell: Program, _ settings: [String: String] = [:]) async throws {
        let more = ["PATH": "\(Program.products.path()):/usr/bin:/bin", "REPOSITORY": TestEnvironment.repository]
        let ended = try await shell.run(["-c", step.typed], settings.merging(more) { $1 })
        let said = "`\(step.typed)`: \(ended.status) \(ended.out.suffix(3_000)) \(ended.error.suffix(3_000))"
        #expect(ended.status == step.status, "\(said)")
        if let words = step.says { #expect((ended.out + ended.error).contains(words), "\(said)") }
    }
}
