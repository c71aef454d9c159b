import Foundation

/// The three places where people give values, before anything is checked.
package struct SettingsInput: Sendable {
    /// Setting name → value of its flag.
    package var flags: [String: String]
    package var environment: [String: String]
    package var file: EnvironmentFile?
    /// Whether `--allow-plaintext` was given.
    package var allowsPlaintext: Bool

    package init(
        flags: [String: String] = [:],
        environment: [String: String] = [:],
        file: EnvironmentFile? = nil,
        allowsPlaintext: Bool = false
    ) {
        self.flags = flags
        self.environment = environment
        self.file = file
        self.allowsPlaintext = allowsPlaintext
    }
}

/// Where a value came from.
package enum SettingOrigin: Sendable, Equatable, CustomStringConvertible {
    case flag(String)
    case environment
    case file(path: String, line: Int)
    case builtIn
    case unset

    package var description: String {
        switch self {
        case .flag(let name): "--\(name)"
        case .environment: "environment"
        case .file(let path, let line): "\(path):\(line)"
        case .builtIn: "default"
        case .unset: "not set"
        }
    }
}

/// A setting with the value in force.
package struct ResolvedSetting: Sendable {
    package let setting: Setting
    /// Nil where nobody gave one and there is no default.
    ///
    /// A secret's value too: show `shown` to people.
    let value: String?
    package let origin: SettingOrigin

    /// The value for people: a secret only says whether it is there.
    package var shown: String {
        guard let value else { return "" }
        if setting.isSecret { return value.isEmpty ? "(blank)" : "(set, not shown)" }
        // A refused address may carry a password.
        if setting.kind == .url, value.contains("@") { return "(not shown)" }
        return value
    }
}

/// Something wrong with the settings, in one line for people; never a secret's value.
package struct SettingsProblem: Sendable, Equatable, CustomStringConvertible {
    /// The setting or the place, for example `BATCH_SIZE`.
    package let subject: String
    /// What is wrong, and what would be right.
    package let sentence: String

    package init(subject: String, sentence: String) {
        self.subject = subject
        self.sentence = sentence
    }

    package var description: String { "\(subject): \(sentence)" }
}

/// Everything that is wrong with the settings, all at once.
package struct SettingsProblems: Error, Sendable, Equatable, CustomStringConvertible {
    package let problems: [SettingsProblem]
    /// Names that look misspelt, which may be the cause.
    package let hints: [String]

    package init(problems: [SettingsProblem], hints: [String] = []) {
        self.problems = problems
        self.hints = hints
    }

    package var description: String {
        let count = problems.count == 1 ? "1 setting is wrong:" : "\(problems.count) settings are wrong:"
        return ([count] + problems.map { "  \($0)" } + hints.map { "  hint: \($0)" }).joined(separator: "\n")
    }
}

/// Finds the value in force of each setting and checks each by itself.
struct SettingsReader {
    let input: SettingsInput
    let needs: Setting.Need
    let fileExists: (String) -> Bool

    private(set) var resolved: [String: ResolvedSetting] = [:]
    private(set) var problems: [SettingsProblem] = []

    init(_ input: SettingsInput, needs: Setting.Need, fileExists: @escaping (String) -> Bool) {
        self.input = input
        self.needs = needs
        self.fileExists = fileExists
        for problem in input.file?.problems ?? [] {
            report("\(input.file?.path ?? ".env"):\(problem.line)", problem.sentence)
        }
        for setting in SettingsTable.all {
            let found = find(setting)
            resolved[setting.name] = check(found)
        }
    }

    mutating func report(_ subject: String, _ sentence: String) {
        problems.append(SettingsProblem(subject: subject, sentence: sentence))
    }

    /// The value in force, where it passed its own check.
    func value(_ name: String) -> String? { resolved[name]?.value }

    /// Which names in our places look like misspelt settings.
    var hints: [String] {
        let known = Set(SettingsTable.all.map(\.name))
        let prefixes = Set(SettingsTable.all.map { $0.name.prefix { $0 != "_" } })
        let given = Set(input.environment.keys).union(input.file?.entries.keys.map { $0 } ?? [])
        return given.sorted().compactMap { name in
            guard !known.contains(name), prefixes.contains(name.prefix { $0 != "_" }) else { return nil }
            let near = SettingsTable.all.map { ($0.name, editDistance(name, $0.name)) }.min { $0.1 < $1.1 }
            guard let near, near.1 <= 2, !given.contains(near.0) else { return nil }
            return "\(name) is not a setting; did you mean \(near.0)?"
        }
    }

    private func find(_ setting: Setting) -> ResolvedSetting {
        if let flag = setting.flag, let value = input.flags[setting.name] {
            return ResolvedSetting(setting: setting, value: value, origin: .flag(flag))
        }
        if let value = input.environment[setting.name] {
            return ResolvedSetting(setting: setting, value: value, origin: .environment)
        }
        if let file = input.file, let entry = file.entries[setting.name] {
            let origin = SettingOrigin.file(path: file.path, line: entry.line)
            return ResolvedSetting(setting: setting, value: entry.value, origin: origin)
        }
        let origin: SettingOrigin = setting.defaultValue == nil ? .unset : .builtIn
        return ResolvedSetting(setting: setting, value: setting.defaultValue, origin: origin)
    }

    /// Checks one value; a refused one is reported and becomes nil, so that no later check trips over it again.
    private mutating func check(_ found: ResolvedSetting) -> ResolvedSetting {
        let setting = found.setting
        let isRequired = setting.requiredFor.map { !$0.isDisjoint(with: needs) } ?? false
        let gone = ResolvedSetting(setting: setting, value: nil, origin: found.origin)
        guard let given = found.value else {
            if isRequired { report(setting.name, "is not set; it is required. \(setting.help)") }
            return gone
        }
        // A password may begin or end with a space; nothing else does on purpose.
        let value = setting.allowsBlank ? given : given.trimmingCharacters(in: .whitespacesAndNewlines)
        if value.isEmpty {
            if setting.allowsBlank { return ResolvedSetting(setting: setting, value: "", origin: found.origin) }
            if isRequired {
                report(setting.name, "is blank (\(found.origin)); it is required. \(setting.help)")
            } else if let builtIn = setting.defaultValue {
                report(
                    setting.name,
                    "is blank (\(found.origin)); it must be \(setting.kind.allowed). Leave it out for the default \(builtIn)"
                )
            }
            return ResolvedSetting(setting: setting, value: nil, origin: .unset)
        }
        guard !value.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) else {
            report(setting.name, "holds a line break or another control character (\(found.origin))")
            return gone
        }
        guard setting.kind.admits(value, fileExists: fileExists) else {
            let shown = ResolvedSetting(setting: setting, value: value, origin: found.origin).shown
            report(setting.name, "is \(shown) (\(found.origin)); it must be \(setting.kind.allowed)")
            return gone
        }
        return ResolvedSetting(setting: setting, value: value, origin: found.origin)
    }
}

/// Levenshtein's distance: how many letters must be changed, added or removed.
func editDistance(_ one: String, _ other: String) -> Int {
    let (one, other) = (Array(one.utf8), Array(other.utf8))
    var row = Array(0...other.count)
    for (index, byte) in one.enumerated() {
        var diagonal = row[0]
        row[0] = index + 1
        for (column, otherByte) in other.enumerated() {
            let cost = min(row[column] + 1, row[column + 1] + 1, diagonal + (byte == otherByte ? 0 : 1))
            diagonal = row[column + 1]
            row[column + 1] = cost
        }
    }
    return row[other.count]
}
