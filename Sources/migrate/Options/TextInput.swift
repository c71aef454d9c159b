import ArgumentParser
import FoundationEssentials
import Settings
import Terminal

/// Where `migrate text` takes its texts from, and the form of its answers.
struct TextInput: ParsableArguments {
    @Flag(name: .long, help: "Read one JSON object a line, and answer each with one.")
    var jsonLines = false

    @OptionGroup var common: CommonOptions

    func settings(_ flags: any SettingValues..., environment: [String: String]) throws(SettingsProblems) -> Settings {
        try Settings(try common.input(flags, environment: environment), needs: [], checks: Wiring.checks)
    }

    /// The texts of standard input.
    var texts: TextSession {
        TextSession(
            form: jsonLines ? .jsonLines : common.json ? .json : .people,
            environment: ProcessInfo.processInfo.environment,
            console: .standard,
            read: StandardInput.next
        )
    }
}
