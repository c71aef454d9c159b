import ArgumentParser
import Foundation
import Settings

/// What every command takes.
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
            file: try environmentFile(),
            allowsPlaintext: allowPlaintext
        )
    }

    /// A named file must be there; the default one need not.
    private func environmentFile() throws(SettingsProblems) -> EnvironmentFile? {
        let path = envFile ?? ".env"
        guard envFile != nil || FileManager.default.fileExists(atPath: path) else { return nil }
        // Not by way of its size: it may be a pipe, or /dev/null for none.
        let data = try? FileHandle(forReadingFrom: URL(filePath: path)).readToEnd() ?? Data()
        guard let text = data.flatMap({ String(data: $0, encoding: .utf8) }) else {
            let problem = SettingsProblem(subject: path, sentence: "cannot be read as a UTF-8 text file")
            throw SettingsProblems(problems: [problem])
        }
        return EnvironmentFile(path: path, text: text, isReadableByOthers: Self.isReadableByOthers(path))
    }

    /// Not of a pipe or a device; and what Kubernetes mounts is a link.
    private static func isReadableByOthers(_ path: String) -> Bool {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard attributes?[.type] as? FileAttributeType == .typeRegular else { return false }
        return ((attributes?[.posixPermissions] as? NSNumber)?.intValue ?? 0) & 0o004 != 0
    }
}
