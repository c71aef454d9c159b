import ArgumentParser
import Settings
import Terminal

struct SettingsCommand: AsyncParsableCommand {
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
        if example { return Console.standard.raw(SettingsDocument.example) }
        if markdown { return Console.standard.raw(SettingsDocument.markdown) }
        let session = SettingsSession(console: .standard, isJSON: settings.common.json)
        try session.show(try settings.common.input(settings.flags))
    }
}
