import ArgumentParser
import Settings

/// Everything: for commands that touch all four services.
struct AllSettings: ParsableArguments {
    @OptionGroup var common: CommonOptions
    @OptionGroup(title: "MySQL") var mysql: MySQLFlags
    @OptionGroup(title: "Job tracking") var tracking: TrackingFlags
    @OptionGroup(title: "OpenAI") var openai: OpenAIFlags
    @OptionGroup(title: "Qdrant") var qdrant: QdrantFlags
    @OptionGroup(title: "Work") var work: WorkFlags
    @OptionGroup(title: "Text") var text: TextFlags
    @OptionGroup(title: "General") var general: GeneralFlags

    var flags: [any SettingFlags] { [mysql, tracking, openai, qdrant, work, text, general] }

    /// The adapters for what the command needs, or every problem with the settings at once.
    func wiring(
        _ needs: Setting.Need,
        _ more: any SettingFlags...,
        givesHints: Bool = true
    ) throws(SettingsProblems) -> Wiring {
        let settings = try Settings(try common.input(flags + more), needs: needs, checks: Wiring.checks)
        return Wiring(settings, allowsPlaintext: common.allowPlaintext, givesHints: givesHints)
    }
}

/// For commands that only ask or tell the tracking store; table and collection say whose job is meant, and may be absent.
struct TrackingSettings: ParsableArguments {
    @OptionGroup var common: CommonOptions
    @OptionGroup(title: "MySQL") var mysql: MySQLFlags
    @OptionGroup(title: "Job tracking") var tracking: TrackingFlags
    @OptionGroup(title: "Qdrant") var qdrant: QdrantFlags
    @OptionGroup(title: "General") var general: GeneralFlags

    /// The tracking store's adapter, or every problem with the settings at once.
    func wiring() throws(SettingsProblems) -> Wiring {
        let input = try common.input([mysql, tracking, qdrant, general])
        let settings = try Settings(input, needs: .tracking, checks: Wiring.checks)
        return Wiring(settings, allowsPlaintext: common.allowPlaintext)
    }
}
