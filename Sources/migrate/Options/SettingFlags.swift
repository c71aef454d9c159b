import ArgumentParser
import Settings

/// The flags of settings.
protocol SettingValues: ParsableArguments {
    /// Setting name → the flag's value; nil if the flag was not given.
    var given: [String: String?] { get }
}

/// Settings whose flags are listed together in the help.
protocol SettingGroup: Sendable {
    /// The settings of the group; secret ones get no flag.
    static var settings: [Setting] { get }
    /// Short names of a flag, which come before the setting's own name.
    static var shortNames: [String] { get }
    /// Whether `--help` shows the flags, or only `--help-hidden`.
    static var visibility: ArgumentVisibility { get }
}

extension SettingGroup {
    static var shortNames: [String] { [] }
    static var visibility: ArgumentVisibility { .hidden }
}

/// One flag for each setting of a group, with the setting's name.
///
/// The parser finds a type's options in its mirror and fills them by its `Decodable` initialiser. Both are made from
/// the settings table here, so that no setting has to be named a second time; a unit test parses every flag.
struct SettingFlags<Group: SettingGroup>: SettingValues, CustomReflectable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// In the order of the table and of the help.
    private let options: [(name: String, option: Option<String?>)]

    init() {
        options = Group.settings.compactMap { setting in
            setting.flag.map { flag in
                let names = (Group.shortNames + [flag]).map { NameSpecification.Element.customLong($0) }
                let option = Option<String?>(name: NameSpecification(names), help: Self.help(setting))
                return (setting.name, option)
            }
        }
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        options = try Self().options.map { name, _ in
            (name, try values.decode(Option<String?>.self, forKey: Key(stringValue: name)))
        }
    }

    var customMirror: Mirror { Mirror(self, children: options.map { (label: $0.name, value: $0.option) }) }

    var given: [String: String?] {
        Dictionary(uniqueKeysWithValues: options.map { ($0.name, $0.option.wrappedValue) })
    }

    /// The sentence from the table.
    private static func help(_ setting: Setting) -> ArgumentHelp {
        let value = setting.defaultValue.map { " (default: \($0))" } ?? ""
        return ArgumentHelp("\(setting.help)\(value)", valueName: setting.valueName, visibility: Group.visibility)
    }
}

extension Setting {
    /// The placeholder behind the flag in the help.
    fileprivate var valueName: String {
        switch kind {
        case .text: "text"
        case .integer, .decimal: "number"
        case .choice(let values):
            values.count <= 2 ? values.joined(separator: "|") : name.split(separator: "_").last?.lowercased() ?? name
        case .url: "url"
        case .host: "host"
        case .file: "file"
        case .identifier: "name"
        }
    }
}
