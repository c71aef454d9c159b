import ArgumentParser
import Settings
import Terminal
import Testing

@testable import migrate

@Suite(.heavy) struct `The command line` {
    private static let commands: [any ParsableCommand.Type] =
        Migrate.configuration.groupedSubcommands.flatMap(\.subcommands)
        .filter { $0.configuration.shouldDisplay }
        + [SetupCommand.Tokenizer.self, QuotaCommand.Reset.self] + TextCommand.configuration.subcommands
        + CacheCommand.configuration.subcommands

    @Test func `has the commands people were promised`() {
        let names = Self.commands.map { $0.configuration.commandName ?? $0._commandName }
        #expect(
            Set(names)
                == [
                    "demo", "check", "setup", "tokenizer", "plan", "run", "worker", "pause", "resume", "cancel",
                    "status", "jobs", "events",
                    "failures", "retry", "release", "repair-counters", "verify", "search", "quota", "reset", "settings",
                    "prune", "delete", "cache", "stats",
                    "text", "normalize", "tokens", "chunks", "sparse", "points", "languages",
                ]
        )
    }

    @Test func `every command says what it does and shows how, within 80 columns`() {
        for command in Self.commands {
            let name = command._commandName
            #expect(
                command.configuration.abstract.hasSuffix(".") || command.configuration.abstract.hasSuffix("?"),
                "\(name)"
            )
            let discussion = command.configuration.discussion
            #expect(discussion.contains("EXAMPLES\n  migrate "), "\(name)")
            let examples = discussion.split(separator: "\n").filter { $0.hasPrefix("  ") }
            #expect(examples.allSatisfy { $0.count < 80 }, "\(name)")
        }
    }

    @Test func `there is exactly one flag for each setting, and none for a secret`() throws {
        let groups: [any SettingValues.Type] = [
            SettingFlags<MySQLGroup>.self, SettingFlags<TrackingGroup>.self, SettingFlags<OpenAIGroup>.self,
            SettingFlags<QdrantGroup>.self, SettingFlags<WorkGroup>.self, SettingFlags<WorkersGroup>.self,
            SettingFlags<TextGroup>.self, SettingFlags<GeneralGroup>.self,
        ]
        var found: [String] = []
        for group in groups { found += try group.parse([]).given.keys }
        #expect(found.sorted() == SettingsTable.all.filter { $0.flag != nil }.map(\.name).sorted())
    }

    @Test(arguments: SettingsTable.all.filter { !$0.isSecret })
    func `a setting's flag reaches the setting`(setting: Setting) throws {
        let arguments = ["--\(try #require(setting.flag))", "some value"]
        let run = try #require(try Migrate.parseAsRoot(["run"] + arguments) as? RunCommand)
        let input = try run.settings.common.input(run.settings.flags + [run.workers], environment: [:])
        #expect(input.flags == [setting.name: "some value"])
    }

    @Test(arguments: [
        ["run", "--resume", "--new"], ["run", "--limit", "0"], ["run", "--limit", "-1"], ["run", "--where", " "],
        ["plan", "--limit", "0"], ["demo", "--records", "0"], ["search", " "], ["search"], ["worker"],
        ["jobs", "--limit", "0"], ["events", "--limit", "0"],
        ["release"], ["release", "--yes"], ["release", "--worker", ""], ["release", "--older-than", "10"],
        ["release", "--older-than", "-1m"], ["release", "--older-than", "11y"], ["release", "--older-than", "4000d"],
        ["release", "--older-than", "99999999999999999999s"], ["release", "--batch", "x"],
        ["run", "--processes", "0"], ["run", "--processes", "2", "--workers", "2"],
        ["failures", "--stage", "nowhere"],
        ["retry", "--batches", "--records"], ["retry", "--records", "--isolate"],
        ["run", "--mysql-password", "x"],
        ["prune"], ["prune", "--older-than", "30"], ["prune", "--older-than", "59m"],
        ["prune", "--older-than", "30d", "--keep", "0"], ["delete"], ["delete", "--job", "x"],
        ["nonsense"],
    ])
    func `wrong usage ends with 64`(arguments: [String]) {
        #expect(throws: (any Error).self) {
            do { _ = try Migrate.parseAsRoot(arguments) } catch {
                #expect(Migrate.exitCode(for: error).rawValue == ExitStatus.usage.rawValue)
                throw error
            }
        }
    }

    @Test(arguments: [
        ["simulate"], ["simulate", "--seeds", "7", "--trace"], ["serve-fakes"],
        ["serve-fakes", "openai", "--port", "1"],
        ["simulate", "--help"],
    ])
    func `what has moved to the other program says so in one sentence`(arguments: [String]) throws {
        var command = try Migrate.parseAsRoot(arguments)
        let end = #expect(throws: CommandEnd.self) { try command.run() }
        #expect(end?.status == .usage)
        #expect(end?.message.contains("`migrate-lab \(arguments[0])`") == true)
        #expect(end?.message.contains("\n") == false)
    }
}
