import Settings
import Terminal

/// The answer of `migrate settings`.
struct SettingsReport: Encodable {
    struct Item: Encodable {
        let name: String
        let value: String
        let origin: String
        let isSecret: Bool
    }

    let settings: [Item]
    let problems: [String]

    init(_ inForce: [ResolvedSetting], _ problems: SettingsProblems?) {
        settings = inForce.map {
            Item(name: $0.setting.name, value: $0.shown, origin: "\($0.origin)", isSecret: $0.setting.isSecret)
        }
        self.problems = problems?.problems.map(\.description) ?? []
    }

    var text: String {
        Table(header: ["SETTING", "VALUE", "FROM"], rows: settings.map { [$0.name, $0.value, $0.origin] }).text
    }
}
