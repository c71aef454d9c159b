import Adapters
import Settings

extension Settings {
    /// Checked as the program checks them, with other files where a test says which there are.
    init(
        _ input: SettingsInput,
        needs: Setting.Need,
        fileExists: @escaping (String) -> Bool = ValueChecks.host.fileExists
    ) throws(SettingsProblems) {
        try self.init(input, needs: needs, checks: .host(fileExists))
    }

    static func survey(_ input: SettingsInput, needs: Setting.Need, fileExists: @escaping (String) -> Bool) -> (
        inForce: [ResolvedSetting], problems: SettingsProblems?, warnings: [String]
    ) { survey(input, needs: needs, checks: .host(fileExists)) }
}

extension ValueChecks {
    /// Those of this host, with other files.
    static func host(_ fileExists: @escaping (String) -> Bool) -> Self {
        var checks = host
        checks.fileExists = fileExists
        return checks
    }
}
