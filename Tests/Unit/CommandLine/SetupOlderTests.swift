import Adapters
import Migration
import Terminal
import Testing

@testable import migrate

@Suite struct `Setup beside older tables` {
    private static let found = [
        "table ingestion_job (3 rows; its column id is uuid, not bigint)", "function claim_next_batch(uuid)",
    ]

    private static func session(_ recorded: RecordedConsole, isSure: Bool = false) -> SetupSession {
        SetupSession(console: recorded.console, isSure: isSure)
    }

    @Test(arguments: [false, true]) func `says nothing where there are none`(renames: Bool) async throws {
        let recorded = RecordedConsole()
        #expect(try await Self.session(recorded).older([], at: "db:5432/app", renames: renames) == [])
        #expect(recorded.out.isEmpty && recorded.error.isEmpty)
    }

    /// Whatever a flag says of questions: they are not renamed unless that is said.
    @Test(arguments: [false, true]) func `ends with what they are and what to do`(isSure: Bool) async throws {
        let recorded = RecordedConsole(answers: ["y"])
        let end = await #expect(throws: CommandEnd.self) {
            try await Self.session(recorded, isSure: isSure).older(Self.found, at: "db:5432/app", renames: false)
        }
        #expect(end?.status == .refused)
        for words in Self.found + ["db:5432/app", "Nothing was changed", "migrate setup --rename-older-tables"] {
            #expect(end?.message.contains(words) == true)
        }
        #expect(recorded.unused == ["y"])
    }

    @Test func `renames after a yes, and tells what`() async throws {
        let recorded = RecordedConsole(answers: ["y"])
        #expect(try await Self.session(recorded).older(Self.found, at: "db", renames: true) == Self.found)
        for words in Self.found { #expect(recorded.out.contains("\n  \(words)")) }
        #expect(recorded.out.contains("Rename them, with the suffix _old?"))
    }

    @Test(arguments: [["n"], [""], [nil]] as [[String?]]) func `renames nothing without a yes`(answers: [String?])
        async throws
    {
        let end = await #expect(throws: CommandEnd.self) {
            _ = try await Self.session(RecordedConsole(answers: answers)).older(Self.found, at: "db", renames: true)
        }
        #expect(end?.message == "nothing was changed")
    }

    @Test func `renames without a question with --yes`() async throws {
        let recorded = RecordedConsole()
        #expect(try await Self.session(recorded, isSure: true).older(Self.found, at: "db", renames: true) == Self.found)
        #expect(!recorded.out.contains("?"))
    }

    @Test func `says which parts of an installation are missing`() async throws {
        let recorded = RecordedConsole()
        let missing = (0..<25).map { "function f\($0)()" }
        try await Self.session(recorded, isSure: true).sql(
            version: 4,
            at: "db",
            installed: { () async throws(PortFailure) in .init(version: 4, minClient: 2, missing: missing) },
            apply: { () async throws(PortFailure) in .init(version: 4, minClient: 2) }
        )
        #expect(recorded.out.contains("Missing in the tracking SQL at db: function f0(), "))
        #expect(recorded.out.contains("function f19() and 5 more."))
    }

    @Test(
        arguments: [
            (
                ["table a"],
                "of the tracking SQL (version 4) table a is missing: run `migrate setup`, which creates it again"
            ),
            (
                ["table a", "index b", "column c.d"],
                "of the tracking SQL (version 4) table a and 2 more are missing: run `migrate setup`"
            ),
            ([], nil), (nil, nil),
        ] as [([String]?, String?)]
    )
    func `is told to make again what is missing`(missing: [String]?, problem: String?) {
        let found = SchemaInstaller.problem(of: .init(version: 4, minClient: 2, missing: missing))
        #expect(found.map { $0.hasPrefix(problem ?? "?") } ?? (problem == nil))
    }

    @Test(arguments: [false, true]) func `prints SQL that does the same`(renames: Bool) throws {
        let text = SchemaInstaller.text(renamesOlder: renames)
        #expect(text.contains("SET LOCAL migrate.rename_older_tables = '\(renames ? "on" : "off")';"))
        #expect(!text.contains("SET LOCAL migrate.rename_older_tables = '\(renames ? "off" : "on")';"))
    }
}
