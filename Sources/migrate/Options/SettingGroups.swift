import Adapters
import ArgumentParser

/// Everything: for commands that touch all four services.
struct AllSettings: ParsableArguments {
    @OptionGroup(title: "Options") var common: CommonOptions
    @OptionGroup(title: "MySQL") var mysql: MySQLFlags
    @OptionGroup(title: "Job tracking") var tracking: TrackingFlags
    @OptionGroup(title: "OpenAI") var openai: OpenAIFlags
    @OptionGroup(title: "Qdrant") var qdrant: QdrantFlags
    @OptionGroup(title: "Work") var work: WorkFlags
    @OptionGroup(title: "Text") var text: TextFlags
    @OptionGroup(title: "General") var general: GeneralFlags

    var flags: [any SettingFlags] { [mysql, tracking, openai, qdrant, work, text, general] }

    /// The settings in force, or every problem at once.
    func load(_ needs: Setting.Need) throws(SettingsProblems) -> Settings {
        try Settings(try common.input(flags), needs: needs)
    }
}

/// For commands that only ask or tell the tracking store.
struct TrackingSettings: ParsableArguments {
    @OptionGroup(title: "Options") var common: CommonOptions
    @OptionGroup(title: "Job tracking") var tracking: TrackingFlags
    @OptionGroup(title: "General") var general: GeneralFlags

    /// The settings in force, or every problem at once.
    func load() throws(SettingsProblems) -> Settings {
        try Settings(try common.input([tracking, general]), needs: .tracking)
    }
}
