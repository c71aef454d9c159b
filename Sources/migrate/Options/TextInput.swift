import ArgumentParser
import FoundationEssentials
import Settings
import Terminal

/// The texts of `migrate text`, and the form of its answers.
struct TextInput: ParsableArguments {
    @Flag(name: .long, help: "Read one JSON object per line, and answer each with one.")
    var jsonLines = false

    @OptionGroup var common: CommonOptions

    func settings(_ flags: any SettingValues..., environment: [String: String]) throws(SettingsProblems) -> Settings {
        try Settings(try common.input(flags, environment: environment), needs: [], checks: Wiring.checks)
    }

    /// The texts from standard input.
    var texts: TextSession {
        TextSession(
            form: jsonLines ? .jsonLines : common.json ? .json : .people,
            environment: ProcessInfo.processInfo.environment,
            console: .standard,
            read: StandardInput.next
        )
    }
}
