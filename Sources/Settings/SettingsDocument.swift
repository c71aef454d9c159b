/// The settings table as documents: `.env.migration.example` and `docs/settings.md` are these texts.
package enum SettingsDocument {
    /// `.env.migration.example`, with a line break at its end.
    package static var example: String {
        var lines = [
            "# Settings of `migrate`. Copy this file to `.env`, or name it with --env-file, and fill in what is required.",
            "# A flag (--batch-size 50) wins over the environment, the environment over this file, this file over the default.",
            "# Secrets have no flags. `migrate settings` shows what is in force and where it came from.",
        ]
        for area in Setting.Area.allCases {
            lines += ["", "# ---- \(area.rawValue) ----"]
            for setting in SettingsTable.settings(in: area) {
                lines += ["", "# \(setting.help)", "# \(facts(setting).joined(separator: " "))"]
                let isRequired = setting.requiredFor != nil
                lines.append((isRequired ? "" : "# ") + "\(setting.name)=\(setting.defaultValue ?? "")")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// `docs/settings.md`, with a line break at its end.
    package static var markdown: String {
        let head = """
            # Settings

            <!-- Written by `migrate settings --markdown > docs/settings.md`; a test compares it with the program. -->

            A flag wins over the environment, the environment over `.env`, and `.env` over the default. Each setting
            has a flag of its name (`BATCH_SIZE` is `--batch-size`), except secrets, which have none. All problems are
            reported at once. `migrate settings` prints every value in force and where it came from;
            `migrate settings --example` prints a file to fill in.


            """
        return head + chapters
    }

    /// One table per area.
    private static var chapters: String {
        Setting.Area.allCases.map { area in
            let rows = SettingsTable.settings(in: area).map { setting in
                let value = setting.defaultValue.map { "`\($0)`" } ?? (setting.requiredFor == nil ? "" : "required")
                return "| `\(setting.name)` | \(value) | \(setting.help) \(range(setting)) |"
            }
            return (["## \(area.rawValue)", "", "| Setting | Default | Meaning |", "| --- | --- | --- |"] + rows)
                .joined(separator: "\n")
        }.joined(separator: "\n\n") + "\n"
    }

    private static func facts(_ setting: Setting) -> [String] {
        var facts = [range(setting)]
        if setting.requiredFor != nil { facts.append("Required.") }
        if setting.isSecret { facts.append("Secret.") }
        if let value = setting.defaultValue { facts.append("Default: \(value).") }
        return facts.filter { !$0.isEmpty }
    }

    private static func range(_ setting: Setting) -> String {
        switch setting.kind {
        case .text: setting.isSecret ? "" : "Text."
        case .integer, .decimal, .choice, .url, .host, .file, .identifier:
            setting.kind.allowed.prefix(1).uppercased() + setting.kind.allowed.dropFirst() + "."
        }
    }
}
