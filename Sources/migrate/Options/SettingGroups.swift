import ArgumentParser
import Settings

enum MySQLGroup: SettingGroup { static let settings = SettingsTable.settings(in: .mysql) }

enum TrackingGroup: SettingGroup { static let settings = SettingsTable.settings(in: .tracking) }

enum OpenAIGroup: SettingGroup { static let settings = SettingsTable.settings(in: .openai) }

enum QdrantGroup: SettingGroup { static let settings = SettingsTable.settings(in: .qdrant) }

enum TextGroup: SettingGroup { static let settings = SettingsTable.settings(in: .text) }

enum GeneralGroup: SettingGroup { static let settings = SettingsTable.settings(in: .general) }

/// The number of workers, which is changed more often than other settings.
enum WorkersGroup: SettingGroup {
    static let settings = SettingsTable.settings(in: .work).filter { $0.name == "MAX_WORKERS" }
    static let shortNames = ["workers"]
    static let visibility = ArgumentVisibility.default
}

enum WorkGroup: SettingGroup {
    static let settings = SettingsTable.settings(in: .work).filter { !WorkersGroup.settings.contains($0) }
}

/// All settings: for commands that use all four services.
struct AllSettings: ParsableArguments {
    @OptionGroup var common: CommonOptions
    @OptionGroup(title: "MySQL") var mysql: SettingFlags<MySQLGroup>
    @OptionGroup(title: "Job tracking") var tracking: SettingFlags<TrackingGroup>
    @OptionGroup(title: "OpenAI") var openai: SettingFlags<OpenAIGroup>
    @OptionGroup(title: "Qdrant") var qdrant: SettingFlags<QdrantGroup>
    @OptionGroup(title: "Work") var work: SettingFlags<WorkGroup>
    @OptionGroup(title: "Text") var text: SettingFlags<TextGroup>
    @OptionGroup(title: "General") var general: SettingFlags<GeneralGroup>

    var flags: [any SettingValues] { [mysql, tracking, openai, qdrant, work, text, general] }

    /// The adapters that the command needs, or every problem with the settings.
    func wiring(
        _ needs: Setting.Need,
        _ more: any SettingValues...,
        givesHints: Bool = true
    ) throws(SettingsProblems) -> Wiring {
        let settings = try Settings(try common.input(flags + more), needs: needs, checks: Wiring.checks)
        return Wiring(settings, allowsPlaintext: common.allowPlaintext, givesHints: givesHints)
    }
}

/// For commands that use only the tracking store; table and collection select the job, and may be absent.
struct TrackingSettings: ParsableArguments {
    @OptionGroup var common: CommonOptions
    @OptionGroup(title: "MySQL") var mysql: SettingFlags<MySQLGroup>
    @OptionGroup(title: "Job tracking") var tracking: SettingFlags<TrackingGroup>
    @OptionGroup(title: "Qdrant") var qdrant: SettingFlags<QdrantGroup>
    @OptionGroup(title: "General") var general: SettingFlags<GeneralGroup>

    /// The tracking store's adapter, or every problem with the settings.
    func wiring() throws(SettingsProblems) -> Wiring {
        let input = try common.input([mysql, tracking, qdrant, general])
        let settings = try Settings(input, needs: .tracking, checks: Wiring.checks)
        return Wiring(settings, allowsPlaintext: common.allowPlaintext)
    }
}
