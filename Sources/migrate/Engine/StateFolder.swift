/// The folder where runners note which claims they hold.
struct StateFolder: Equatable {
    /// The folder in the settings.
    let named: String?
    let environment: [String: String]

    /// Nil if there is no home directory.
    var path: String? {
        if let named { return named }
        let folder = value("XDG_STATE_HOME") ?? value("HOME").map { "\($0)/.local/state" }
        return folder.map { "\($0)/migrate" }
    }

    private func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
}
