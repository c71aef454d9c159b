import ArgumentParser
import Settings
import Terminal

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks all four services: reachable, access allowed, tables right?",
        discussion: """
            One line per dependency; writes nothing, and costs a few tokens. Exit code 69 when one cannot be used.

            EXAMPLES
              migrate check
              migrate check --env-file production.env --json
            """
    )

    @OptionGroup var settings: AllSettings

    func run() async throws {
        let wiring = try settings.wiring(.everything)
        let report = await CheckSession(dependencies: wiring.dependencies).run()
        Console.standard.out(settings.common.json ? try JSONText.of(report) : report.text)
        if !report.isUsable { throw CommandEnd(.unavailable) }
    }
}
