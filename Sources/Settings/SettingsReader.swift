import Basics

/// The three places of given values, before any check.
package struct SettingsInput: Sendable {
    /// Setting name → value of its flag.
    package var flags: [String: String]
    package var environment: [String: String]
    package var file: EnvironmentFile?
    /// Whether `--allow-plaintext` was given.
    package var allowsPlaintext: Bool
    /// Whether the program runs in a terminal, where a person reads what it chooses.
    package var isInTerminal: Bool

    package init(
        flags: [String: String] = [:],
        environment: [String: String] = [:],
        file: EnvironmentFile? = nil,
        allowsPlaintext: Bool = false,
        isInTerminal: Bool = false
    ) {
        self.flags = flags
        self.environment = environment
        self.file = file
        self.allowsPlaintext = allowsPlaintext
        self.isInTerminal = isInTerminal
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
    /// Nil if none was given and there is no default.
    ///
    /// It also holds the value of a secret: show only `shown`.
    let value: String?
    package let origin: SettingOrigin

    /// The displayed value: for a secret only whether it is set.
    package var shown: String {
        guard let value else { return "" }
        if setting.isSecret { return value.isEmpty ? "(blank)" : "(set, not shown)" }
        if Misreading.mayHoldSecret(value) { return "(not shown)" }
        // The query of an address may contain a key.
        if case .url = setting.kind, let mark = value.firstIndex(of: "?") { return value[..<mark] + "?…" }
        return value
    }

    /// Whether a refused value may be shown: a part of a misread address may be a part of its password.
    fileprivate var isFitToShow: Bool {
        guard let value, !Misreading.mayHoldSecret(value) else { return false }
        return setting.kind == .file || !value.contains { "@/:".contains($0) }
    }
}

/// A problem of the settings, in one line; never contains a secret's value.
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

/// Everything that is wrong with the settings.
package struct SettingsProblems: Error, Sendable, Equatable, CustomStringConvertible {
    package let problems: [SettingsProblem]
    /// Names that look misspelt, which may be the cause.
    package let hints: [String]
    /// What was ignored, which may be the cause too.
    package let warnings: [String]

    package init(problems: [SettingsProblem], hints: [String] = [], warnings: [String] = []) {
        self.problems = problems
        self.hints = hints
        self.warnings = warnings
    }

    package var description: String {
        let count = problems.count == 1 ? "1 setting is wrong:" : "\(problems.count) settings are wrong:"
        let remarks = warnings.map { "  warning: \($0)" } + hints.map { "  hint: \($0)" }
        return ([count] + problems.map { "  \($0)" } + remarks).joined(separator: "\n")
    }
}

/// Finds the value in force of each setting, and checks each of them alone.
struct SettingsReader {
    let input: SettingsInput
    let needs: Setting.Need
    let checks: ValueChecks

    private(set) var resolved: [String: ResolvedSetting] = [:]
    private(set) var problems: [SettingsProblem] = []
    private(set) var warnings: [String] = []

    init(_ input: SettingsInput, needs: Setting.Need, checks: ValueChecks) {
        self.input = input
        self.needs = needs
        self.checks = checks
        for problem in input.file?.problems ?? [] {
            report("\(input.file?.path ?? ".env"):\(problem.line)", problem.sentence)
        }
        for setting in SettingsTable.all {
            let found = find(setting)
            resolved[setting.name] = check(found)
        }
        warnOfOpenFile()
    }

    private mutating func warnOfOpenFile() {
        guard let file = input.file, file.isReadableByOthers else { return }
        let secrets = SettingsTable.all.filter { $0.isSecret && file.entries[$0.name]?.value.isEmpty == false }
        guard !secrets.isEmpty else { return }
        warnings.append("\(file.path) holds secrets, and every user of this host may read it: chmod 600 \(file.path)")
    }

    mutating func report(_ subject: String, _ sentence: String) {
        problems.append(SettingsProblem(subject: subject, sentence: sentence))
    }

    /// The value in force, if it passed its own check.
    func value(_ name: String) -> String? { resolved[name]?.value }

    /// Whether a value was given, right or wrong.
    func isGiven(_ name: String) -> Bool {
        resolved[name].map { $0.origin != .unset && $0.origin != .builtIn } ?? false
    }

    private mutating func find(_ setting: Setting) -> ResolvedSetting {
        if let flag = setting.flag, let value = input.flags[setting.name] {
            return ResolvedSetting(setting: setting, value: value, origin: .flag(flag))
        }
        if let value = input.environment[setting.name], !passesOver(value, of: setting) {
            return ResolvedSetting(setting: setting, value: value, origin: .environment)
        }
        if let file = input.file, let entry = file.entries[setting.name] {
            let origin = SettingOrigin.file(path: file.path, line: entry.line)
            return ResolvedSetting(setting: setting, value: entry.value, origin: origin)
        }
        let origin: SettingOrigin = setting.defaultValue == nil ? .unset : .builtIn
        return ResolvedSetting(setting: setting, value: setting.defaultValue, origin: origin)
    }

    /// Whether a variable belongs to another program: Kubernetes and Docker links set `MYSQL_PORT=tcp://10.0.0.1:3306`
    /// in every container next to a service named `mysql`.
    private mutating func passesOver(_ value: String, of setting: Setting) -> Bool {
        guard setting.name.hasSuffix("_PORT"), Misreading.isServiceVariable(value) else { return false }
        let service = setting.name.dropLast("_PORT".count).lowercased()
        warnings.append(
            "\(setting.name) in the environment is the address of a service named `\(service)`, as Kubernetes and Docker set it, "
                + "and is ignored; give the port in a file, as --\(setting.flag ?? ""), or as a plain number"
        )
        return true
    }

    /// Checks one value; a refused one is reported and becomes nil, so that no later check reports it again.
    private mutating func check(_ found: ResolvedSetting) -> ResolvedSetting {
        let setting = found.setting
        let isRequired = setting.requiredFor.map { !$0.isDisjoint(with: needs) } ?? false
        let gone = ResolvedSetting(setting: setting, value: nil, origin: found.origin)
        guard let given = found.value else {
            if isRequired { report(setting.name, "is not set; it is required. \(setting.help)") }
            return gone
        }
        // A password may begin or end with a space; in other values such a space is a mistake.
        let value = setting.allowsBlank ? given : given.trimmed
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
        if let refusal = refusal(of: value, found) {
            report(setting.name, "\(refusal) (\(found.origin))")
            return gone
        }
        let normalised = setting.kind.normalised(value)
        guard setting.kind.admits(normalised, checks) else {
            let refused = ResolvedSetting(setting: setting, value: value, origin: found.origin)
            let shown = refused.isFitToShow ? "is \(refused.shown)" : "is not right, and not shown here"
            report(setting.name, "\(shown) (\(found.origin)); it must be \(setting.kind.allowed)")
            return gone
        }
        return ResolvedSetting(setting: setting, value: normalised, origin: found.origin)
    }

    /// Why a value is refused, if it looks like the value of something else; nil if it does not.
    private func refusal(of value: String, _ found: ResolvedSetting) -> String? {
        if found.origin == .environment, input.environment[Settings.exactMark] == nil, Misreading.isQuoted(value) {
            return
                "stands in quotes, which are part of the value here: `docker --env-file` and systemd's `-e` leave them in "
                + "place; write it without them. If they belong to it, give it in a .env file, in other quotes"
        }
        let setting = found.setting
        if !setting.kind.admits(setting.kind.normalised(value), checks),
            let misreading = setting.kind.misreading(of: value)
        {
            return misreading
        }
        // MySQL names the account and the database in its errors.
        if setting.area == .mysql, !setting.isSecret, Misreading.mayHoldSecret(value) {
            return "looks like an address or options with a password in them: write host, port, user, password and "
                + "database into their own settings"
        }
        return nil
    }
}
