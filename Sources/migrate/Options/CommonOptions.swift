import ArgumentParser
import FoundationEssentials
import Settings
import Terminal

/// Options of every command.
struct CommonOptions: ParsableArguments {
    @Option(name: .long, help: "File with settings; by default `.env` in this directory, if there is one.")
    var envFile: String?

    @Flag(name: .long, help: "Allow http:// and unverified TLS to hosts other than this one.")
    var allowPlaintext = false

    @Flag(name: .long, help: "Print JSON for programs instead of text for people.")
    var json = false

    /// Joins the flags with the environment and the `.env` file, without checking any value.
    func input(_ flags: [any SettingValues], environment: [String: String] = ProcessInfo.processInfo.environment)
        throws(SettingsProblems) -> SettingsInput
    {
        var given: [String: String] = [:]
        for group in flags { given.merge(group.given.compactMapValues(\.self)) { $1 } }
        return SettingsInput(
            flags: given,
            environment: environment,
            file: try EnvironmentFile(named: envFile),
            allowsPlaintext: allowPlaintext,
            isInTerminal: Console.standard.isInTerminal
        )
    }
}
