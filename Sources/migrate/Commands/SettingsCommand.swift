import ArgumentParser
import Settings

struct ShowSettings: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings",
        abstract: "Shows every setting in force and where its value came from.",
        discussion: """
            Secrets are never shown, only whether they are set. Exit code 78 when something is wrong.

            EXAMPLES
              migrate settings
              migrate settings --env-file production.env
              migrate settings --example > .env     a file to fill in
            """
    )

    @Flag(name: .long, help: "Print an example `.env` file that explains each setting.")
    var example = false

    @Flag(name: .long, help: .hidden)
    var markdown = false

    @OptionGroup var settings: AllSettings

    func run() async throws {
        let console = Console.standard
        if example { return console.raw(SettingsDocument.example) }
        if markdown { return console.raw(SettingsDocument.markdown) }
        let (inForce, problems, warnings) = Settings.survey(
            try settings.common.input(settings.flags),
            needs: .everything,
            checks: Wiring.checks
        )
        if settings.common.json {
            console.out(try JSONText.of(SettingsReport(inForce, problems)))
        } else {
            console.out(SettingsReport(inForce, problems).text)
        }
        if problems == nil { for warning in warnings { console.error("migrate: warning: \(warning)") } }
        if let problems {
            throw CommandEnd(.badSettings, settings.common.json ? "" : "\(problems)")
        }
    }
}
