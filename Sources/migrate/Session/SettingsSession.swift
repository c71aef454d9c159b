import Settings
import Terminal

/// `migrate settings`.
struct SettingsSession: Sendable {
    let console: Console
    let isJSON: Bool

    /// Prints every setting in force, also if some are wrong.
    ///
    /// - Throws: `CommandEnd` when some are wrong.
    func show(_ input: SettingsInput) throws {
        let (inForce, problems, warnings) = Settings.survey(input, needs: .everything, checks: Wiring.checks)
        let report = SettingsReport(inForce, problems)
        console.out(isJSON ? try JSONText.of(report) : report.text)
        guard let problems else {
            for warning in warnings { console.error("migrate: warning: \(warning)") }
            return
        }
        throw CommandEnd(.badSettings, isJSON ? "" : "\(problems)")
    }
}
