import ArgumentParser
import Terminal
import Testing

@testable import migrate_lab

@Suite struct `The command line of migrate-lab` {
    @Test func `every command says what it does and shows how, within 80 columns`() {
        #expect(
            MigrateLab.configuration.subcommands.map { $0.configuration.commandName } == ["simulate", "serve-fakes"]
        )
        let commands: [any ParsableCommand.Type] = [MigrateLab.self] + MigrateLab.configuration.subcommands
        for command in commands {
            let configuration = command.configuration
            #expect(configuration.abstract.hasSuffix("."))
            #expect(configuration.discussion.contains("EXAMPLES\n  migrate-lab "))
            let examples = configuration.discussion.split(separator: "\n").filter { $0.hasPrefix("  ") }
            #expect(examples.allSatisfy { $0.count < 80 }, "\(configuration.commandName ?? "")")
        }
    }

    @Test(arguments: [
        ["serve-fakes", "mysql"], ["serve-fakes", "--key", ""], ["simulate", "--trace"],
        ["simulate", "--faults", "crash"], ["simulate", "--workers", "0"], ["run"],
    ])
    func `wrong usage ends with 64`(arguments: [String]) {
        #expect(throws: (any Error).self) {
            do { _ = try MigrateLab.parseAsRoot(arguments) } catch {
                #expect(MigrateLab.exitCode(for: error).rawValue == ExitStatus.usage.rawValue)
                throw error
            }
        }
    }
}
