import ArgumentParser
import Foundation
import Migration
import Settings

/// Where `migrate text` takes its texts from, and the form of its answers.
struct TextInput: ParsableArguments {
    @Flag(name: .long, help: "Read one JSON object a line, and answer each with one.")
    var jsonLines = false

    @OptionGroup var common: CommonOptions

    func settings(_ flags: any SettingValues..., environment: [String: String]) throws(SettingsProblems) -> Settings {
        try Settings(try common.input(flags, environment: environment), needs: [], checks: Wiring.checks)
    }

    /// The texts of standard input.
    var texts: TextAnswering {
        TextAnswering(
            form: jsonLines ? .jsonLines : common.json ? .json : .people,
            environment: ProcessInfo.processInfo.environment,
            console: .standard,
            read: Self.readStandardInput
        )
    }

    /// What is there, as soon as something is; nil at the end.
    private static func readStandardInput() throws -> [UInt8]? {
        while true {
            var count = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 18) { buffer, initialized in
                count = unsafe read(STDIN_FILENO, buffer.baseAddress, buffer.count)
                initialized = max(count, 0)
            }
            if count > 0 { return bytes }
            if count == 0 { return nil }
            if errno != EINTR {
                throw CommandEnd(.usage, "standard input cannot be read (error \(errno))")
            }
        }
    }
}
